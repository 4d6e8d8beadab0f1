"""Rounds that are played, and the same rounds captured and launched, on the guard."""

import guard  # noqa: F401  registers the backend
import numpy as np
from cases_devices import on_host, state_of

from tinygan import backend
from tinygan.backend.graph_replay import GraphReplay


def played_and_replayed(match, rounds=6):
    """Assert that played and launched rounds and all state are the same, bit for bit.

    `match(backend)` returns a function that starts rounds, and the owners of their state. Returns
    (the states before and after, the GraphReplay)."""
    (play, ours), (start, theirs) = match("guard"), match("guard")
    before = on_host(state_of(*ours))
    played, replayed = play(), GraphReplay(start, backend.get("guard"))
    for _ in range(rounds):
        left = [on_host(next(each)) for each in (played, replayed)]
        states = [on_host(state_of(*owners)) for owners in (ours, theirs)]
        for expected, got in zip(left[0] + states[0], left[1] + states[1], strict=True):
            np.testing.assert_array_equal(got, expected)
    return (before, states[0]), replayed
