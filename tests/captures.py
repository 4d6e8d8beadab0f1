"""Rounds that are played, and the same rounds captured and launched, on the guard backend."""

import guard  # noqa: F401  registers the backend
import numpy as np
from cases_devices import on_host, state_of

from tinygan import backend
from tinygan.backend.graph_replay import GraphReplay


def played_and_captured(setup, rounds=6):
    """Assert that played and launched rounds, and the states after them, are equal bit for bit.

    `setup(backend)` returns a function that starts rounds, and the objects whose states are
    compared. Return (the states before the first round and after the last, the GraphReplay)."""
    (play, ours), (start, theirs) = setup("guard"), setup("guard")
    before = on_host(state_of(*ours))
    played, captured = play(), GraphReplay(start, backend.get("guard"))
    for _ in range(rounds):
        outputs = [on_host(next(each)) for each in (played, captured)]
        states = [on_host(state_of(*objects)) for objects in (ours, theirs)]
        for expected, got in zip(outputs[0] + states[0], outputs[1] + states[1], strict=True):
            np.testing.assert_array_equal(got, expected)
    return (before, states[0]), captured
