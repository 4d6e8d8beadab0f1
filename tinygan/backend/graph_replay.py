"""Graph replay: a round is captured once as a CUDA graph, then run by one launch without Python.

    rounds = GraphReplay(lambda: play(game, G, D, data, noise, opt_g, opt_d), backend.get("cupy"))
    for step, (d_loss, g_loss, real, fake) in enumerate(rounds): ...

On a GPU, a small round spends most of its time in Python, which launches the same kernels in every
round. So the first rounds are warm-up rounds: they run from Python, compile the kernels, fill the
memory pool, and list the host inputs of a round (`inputs.host_input`: noise, data order, learning
rates). The next round is captured. From then on, the host makes the inputs of a round, sends them
in one copy, and launches the graph without waiting. The results are equal bit for bit to those
without the graph.

Everything that changes between rounds must go through `host_input`. If `data` sliced its images by
its own counter, each launch would use the value that the counter had during the capture; the same
holds for a size that is computed outside of `make`. All of tinygan follows this rule. Once a round
is captured, a network must not be moved (its optimizer raises), nor change its mode.

If a round cannot be captured, for instance because the host reads a value in it, `why` is the
reason in one line, and the rounds run from Python, with the same results.
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

WARM_UP = 2  # rounds; the second one needs no new kernel and no new memory block
ATTEMPTS = 3  # the maximum number of captures that fail
AHEAD = 8  # rounds that the host may be ahead of the device
ALIGNED = 256  # bytes, as CUDA aligns its own blocks

Round = TypeVar("Round", bound=tuple[Any, ...])  # gan.Round or another tuple
Kind = tuple[tuple[int, ...], "np.dtype[Any]"]  # shape and dtype of a host array


class GraphReplay(Generic[Round]):
    """An iterator over the rounds of `start()`, captured if `backend` can capture.

    `captured` is True while there is a captured round to launch. A launch always returns the same
    tensors: the next one overwrites their values. If a host input changes its shape (another
    minibatch size), a round is captured again.
    """

    def __init__(self, start: Callable[[], Iterator[Round]], backend: Backend) -> None:
        self._start, self._rounds = start, start()
        self.captured, self.why = False, ""
        try:
            self._capturer = backend.capturer()
        except RuntimeError as problem:
            self.why = first_line(problem)
        self._warmed_up = self._attempts = 0  # warm-up rounds; captures that failed
        self._kinds: list[Kind] = []  # of the host inputs of a round

    def __iter__(self) -> GraphReplay[Round]:
        return self

    def __next__(self) -> Round:
        values: list[np.ndarray] = []  # the host inputs of this round
        if self.why:
            return next(self._rounds)
        if self.captured and self._make_inputs(values):
            return self._launch(values)
        with self._capturer.playing():
            if self._warmed_up < WARM_UP:
                return self._warm_up(values)
            try:
                self._capture(values)
            except Exception as problem:
                self._attempts += 1
                if self._attempts == ATTEMPTS or not isinstance(problem, _OtherShapes):
                    self.why = first_line(problem)
                self._rounds, self._warmed_up = self._start(), 0  # the error ended the generator
                return self._warm_up(values)
        return self._launch(values)

    def graph(self) -> str:
        """The captured round in the language of Graphviz. Call it only if `captured`."""
        return str(self._capturer.nodes())

    def _warm_up(self, values: list[np.ndarray]) -> Round:
        """Play a round from Python and list its host inputs. The first ones are those in `values`,
        which were already made for this round."""
        self._kinds, already_made = [], iter(values)

        def feed(make: Make, like: Array) -> Array:
            value = next(already_made, None)
            value = make() if value is None else value
            self._kinds.append((value.shape, value.dtype))
            return place(value, like)

        with host_inputs_from(feed):
            result = next(self._rounds)
        self._warmed_up += 1
        return result

    def _capture(self, values: list[np.ndarray]) -> None:
        """Capture a round that reads its host inputs from the staging buffers. Append the inputs of
        the first launch to `values`."""
        self._makes: list[Make] = []
        self._staging = _StagingBuffers(self._kinds, self._capturer)

        def feed(make: Make, like: Array) -> Array:
            values.append(make())
            self._makes.append(make)
            i = len(self._makes) - 1
            if i == len(self._kinds) or (values[i].shape, values[i].dtype) != self._kinds[i]:
                raise _OtherShapes("the host inputs change their shapes from round to round")
            return self._staging.arrays[i]

        def play() -> None:
            with host_inputs_from(feed):
                self._round = next(self._rounds)

        self._graph = self._capturer.capture(play)
        if len(values) < len(self._kinds):
            raise _OtherShapes("the number of host inputs changes from round to round")
        self.captured = True

    def _make_inputs(self, values: list[np.ndarray]) -> bool:
        """Append the host inputs of a round to `values`; return False at the first one whose shape
        or dtype has changed."""
        for make, kind in zip(self._makes, self._kinds, strict=True):
            values.append(make())
            if (values[-1].shape, values[-1].dtype) != kind:
                self.captured, self._warmed_up = False, 0
                return False
        return True

    def _launch(self, values: list[np.ndarray]) -> Round:
        self._staging.send(values)
        self._graph()
        return self._round


def captured(start: Callable[[], Iterator[Round]], backend: str) -> Iterator[Round]:
    """The rounds of `start()`, captured by `GraphReplay` unless `backend` is "numpy"."""
    library = backends.get(backend)
    return start() if library is backends.numpy else GraphReplay(start, library)


class _OtherShapes(RuntimeError):
    """The host inputs of a round have other shapes than those of the round before."""


class _StagingBuffers:
    """The host inputs of a round, in one block of device memory and in each of AHEAD blocks of host
    memory. Before a launch, one copy sends them from the next host block to the device."""

    def __init__(self, kinds: list[Kind], capturer: Any) -> None:
        sizes = [int(np.prod(shape)) * dtype.itemsize for shape, dtype in kinds]
        starts = [0, *itertools.accumulate(-(-size // ALIGNED) * ALIGNED for size in sizes)]

        def parts(block: Array) -> list[Array]:
            return [
                block[start : start + size].view(dtype).reshape(shape)
                for start, size, (shape, dtype) in zip(starts, sizes, kinds, strict=False)
            ]

        self._capturer = capturer
        self._device = capturer.device_bytes(starts[-1])
        self.arrays = parts(self._device)
        hosts = [capturer.host_bytes(starts[-1]) for _ in range(AHEAD)]
        self._ring = itertools.cycle([[host, parts(host), lambda: None] for host in hosts])

    def send(self, values: list[np.ndarray]) -> None:
        """Copy the host inputs of a round to the device, without waiting for the copy."""
        buffer = next(self._ring)
        host, parts, wait = buffer
        wait()  # for the copy from this host block, AHEAD rounds ago
        for part, value in zip(parts, values, strict=True):
            part[...] = value
        buffer[2] = self._capturer.send(host, self._device)
