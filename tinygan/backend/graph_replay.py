"""Replay: a round recorded once, then played again by one launch, without Python.

    rounds = Replay(lambda: play(game, G, D, data, noise, opt_g, opt_d), backend.get("cupy"))
    for step, (d_loss, g_loss, real, fake) in enumerate(rounds): ...

On a GPU most of a small round is Python telling the device what to do next, the same every time. So
the first rounds are played as they are: they compile kernels, fill the pool of memory, and show
what the host makes anew in each (`supply.fresh`: noise, the order of the data, learning rates).
Then a round is recorded, as a CUDA graph. From there on the host makes those numbers, sends them
in one copy, and launches; it never waits. Every round leaves what it would have left.

What a round is made of must pass through `fresh`, or be the same each time: a `data` that slices
its images by a counter of its own would be recorded with the counter's value, and so would a size
that is decided outside of what `fresh` is given. All parts of tinygan keep to that. Once rounds
are recorded, a network must not be moved (its optimizer refuses), nor changed in its mode.

A round that cannot be recorded (the host reads a value in it, say) fails while it is recorded; then
`why` has the reason in one line, and the rounds go on unrecorded, with the same results.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np

from .. import backend as backends
from ..errors import first_line
from .arrays import Array, Backend, Make, place
from .inputs import host_inputs_from

__all__ = ["GraphReplay", "captured"]

REHEARSALS = 2  # in the second, no kernel and no block of memory is new
ATTEMPTS = 3  # to record
AHEAD = 8  # rounds that the host may be ahead of the device
ALIGNED = 256  # bytes, as CUDA's own blocks

Round = TypeVar("Round", bound=tuple[Any, ...])  # gan.Round, or what else a round leaves
Kind = tuple[tuple[int, ...], "np.dtype[Any]"]  # the shape and dtype of an array of the host


class GraphReplay(Generic[Round]):
    """The rounds of `start()`, recorded if `backend` can record.

    A recorded round's tensors are the same each time: the next round overwrites their values.
    When the host's numbers change in shape (another size of minibatch), a round is recorded anew.
    """

    def __init__(self, start: Callable[[], Iterator[Round]], backend: Backend) -> None:
        self._start, self._rounds = start, start()
        self.recorded, self.why = False, ""
        try:
            self._recorder = backend.recorder()
        except RuntimeError as problem:
            self.why = first_line(problem)
        self._rehearsed = self._attempts = 0
        self._kinds: list[Kind] = []  # of what a round asks of the host

    def __iter__(self) -> GraphReplay[Round]:
        return self

    def __next__(self) -> Round:
        made: list[np.ndarray] = []
        if self.why:
            return next(self._rounds)
        if self.recorded and self._made_as_before(made):
            return self._launched(made)
        with self._recorder.playing():
            if self._rehearsed < REHEARSALS:
                return self._rehearse(made)
            try:
                self._record(made)
            except Exception as problem:
                self._attempts += 1
                if self._attempts == ATTEMPTS or not isinstance(problem, _OtherShapes):
                    self.why = first_line(problem)
                self._rounds, self._rehearsed = self._start(), 0  # the error has ended a generator
                return self._rehearse(made)
        return self._launched(made)

    def graph(self) -> str:
        """The recorded round in the language of Graphviz."""
        return str(self._recorder.nodes())

    def _rehearse(self, made: list[np.ndarray]) -> Round:
        """Play a round as it is, on what was made for it already, and note what it asks for."""
        self._kinds, ready = [], iter(made)

        def note(make: Make, like: Array) -> Array:
            value = next(ready, None)
            value = make() if value is None else value
            self._kinds.append((value.shape, value.dtype))
            return place(value, like)

        with host_inputs_from(note):
            result = next(self._rounds)
        self._rehearsed += 1
        return result

    def _record(self, made: list[np.ndarray]) -> None:
        """Record a round that takes its numbers from letters; `made` gets those of the first."""
        self._makes: list[Make] = []
        self._letters = _StagingBuffers(self._kinds, self._recorder)

        def take(make: Make, like: Array) -> Array:
            made.append(make())
            self._makes.append(make)
            at = len(self._makes) - 1
            if at == len(self._kinds) or (made[at].shape, made[at].dtype) != self._kinds[at]:
                raise _OtherShapes("from round to round, the host's numbers change in shape")
            return self._letters.arrays[at]

        def play() -> None:
            with host_inputs_from(take):
                self._round = next(self._rounds)

        self._launch = self._recorder.record(play)
        if len(made) < len(self._kinds):
            raise _OtherShapes("from round to round, the host is asked for other numbers")
        self.recorded = True

    def _made_as_before(self, made: list[np.ndarray]) -> bool:
        """Make the numbers of a round; False as soon as one has another shape."""
        for make, kind in zip(self._makes, self._kinds, strict=True):
            made.append(make())
            if (made[-1].shape, made[-1].dtype) != kind:
                self.recorded, self._rehearsed = False, 0
                return False
        return True

    def _launched(self, made: list[np.ndarray]) -> Round:
        self._letters.send(made)
        self._launch()
        return self._round


def captured(start: Callable[[], Iterator[Round]], where: str) -> Iterator[Round]:
    """The rounds of `start()` on the backend `where`: as they are on NumPy, else by `Replay`."""
    backend = backends.get(where)
    return start() if backend is backends.numpy else GraphReplay(start, backend)


class _OtherShapes(RuntimeError):
    """A round asked the host for other shapes than the one before."""


class _StagingBuffers:
    """What the host sends before each launch: one copy, from memory and to memory that stay."""

    def __init__(self, kinds: list[Kind], recorder: Any) -> None:
        sizes = [int(np.prod(shape)) * dtype.itemsize for shape, dtype in kinds]
        starts = [0, *itertools.accumulate(-(-size // ALIGNED) * ALIGNED for size in sizes)]

        def parts(letter: Array) -> list[Array]:
            return [
                letter[start : start + size].view(dtype).reshape(shape)
                for start, size, (shape, dtype) in zip(starts, sizes, kinds, strict=False)
            ]

        self._recorder = recorder
        self._device = recorder.device_bytes(starts[-1])
        self.arrays = parts(self._device)
        hosts = [recorder.host_bytes(starts[-1]) for _ in range(AHEAD)]
        self._ring = itertools.cycle([[host, parts(host), lambda: None] for host in hosts])

    def send(self, values: list[np.ndarray]) -> None:
        letter = next(self._ring)
        host, parts, arrived = letter
        arrived()  # waits for the copy of AHEAD rounds ago
        for part, value in zip(parts, values, strict=True):
            part[...] = value
        letter[2] = self._recorder.send(host, self._device)
