"""What each round is supplied with anew: the numbers that the host makes, and noise.

    x = fresh(make, like)                 what make() gives on the host, where the array `like` is
    z = normal(rng, (64, 100), like)      noise from an explicit source

What the host makes in each round (the order of the data, a learning rate, noise of its own) passes
one door. So whoever records a round, to play it again without Python, has it all in hand.

A source of noise is a generator of NumPy's, which draws on the host, or Philox, which is computed
where it is wanted. From either, every backend gets the same numbers for the same seed. Where
several ranks play a round together (`parallel.playing`), all draw the same, for all of the
minibatch, and each keeps its own rows.

Data-parallel training: every rank plays its share of each minibatch, and all take one step.

    mpiexec -n 4 tinygan train          four processes of one run, the ranks 0 to 3

    comm = join()                       the ranks that mpiexec started with this one, else ALONE
    with playing(comm):
        z = noise(16)                   this rank's 16 of the minibatch's 16 * comm.size examples

A loss is a mean over the minibatch. So its gradient is the mean over the ranks of the gradients on
their shares, if those are of one size: ranks need to tell each other but one vector for each update
(Goyal et al. 2017, section 3), and a `Comm` takes its mean for `parallel.DataParallel`.

Every rank draws the numbers of the whole minibatch (order of the data, noise, dropout) and keeps
those of its own examples: one row of every comm.size, from row comm.rank on. So all generators stay
in step, and nothing but the order of sums depends on the number of ranks. Rows are dealt out in
turn, not in blocks, since then a minibatch put together of two (D's real images and its fakes) is
dealt as each of them is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from . import philox
from .arrays import Array, Make, Noise, kernel, numpy, of, place

__all__ = [
    "SINGLE_PROCESS",
    "Comm",
    "batchnorm_comm",
    "host_input",
    "host_inputs_from",
    "local_rows",
    "normal",
    "playing",
    "uniform",
]

_source: ContextVar[Callable[[Make, Array], Array] | None] = ContextVar("feed", default=None)


def host_input(make: Make, like: Array) -> Array:
    """What `make` gives, an array of the host, on the backend and device of `like`.

    A round that is played from a recording calls `make` again, and nothing else of Python's: what
    has to be counted is counted in there."""
    feed = _source.get()
    if feed is not None:
        return feed(make, like)
    host = make()
    return host if of(like) is numpy else place(host, like)


@contextmanager
def host_inputs_from(feed: Callable[[Make, Array], Array]) -> Iterator[None]:
    """Within this block, `fresh` asks `feed(make, like)` for its arrays."""
    token = _source.set(feed)
    try:
        yield
    finally:
        _source.reset(token)


def normal(rng: Noise, shape: tuple[int, ...], like: Array) -> Array:
    """Standard normal numbers of the given shape, on the backend and of the dtype of `like`."""
    if isinstance(rng, philox.Philox):
        whole, own = local_rows(shape)
        return own(normal_values(host_input(rng.count, like), whole, like.dtype, rng))
    return _drawn(rng.standard_normal, shape, like)


def uniform(rng: Noise, shape: tuple[int, ...], like: Array) -> Array:
    """Numbers uniform in [0, 1) of the given shape, on the backend and of the dtype of `like`."""
    if isinstance(rng, philox.Philox):
        whole, own = local_rows(shape)
        return own(uniform_values(host_input(rng.count, like), whole, like.dtype, rng))
    return _drawn(rng.random, shape, like)


@kernel
def normal_values(t: Array, shape: tuple[int, ...], dtype: Any, rng: philox.Philox) -> Array:
    return philox.normal(of(t).xp, shape, dtype, rng, t)


@kernel
def uniform_values(t: Array, shape: tuple[int, ...], dtype: Any, rng: philox.Philox) -> Array:
    return philox.uniform(of(t).xp, shape, dtype, rng, t)


def _drawn(draw: Callable[..., np.ndarray], shape: tuple[int, ...], like: Array) -> Array:
    dtype = np.dtype(like.dtype)
    native = dtype if dtype in (np.float32, np.float64) else np.dtype(np.float32)
    whole, own = local_rows(shape)
    return host_input(lambda: own(draw(whole, dtype=native)).astype(dtype, copy=False), like)


T = TypeVar("T")


class Comm(Protocol):
    """The ranks of a run, seen from one of them. All call its methods, in one same order."""

    @property
    def rank(self) -> int:
        """Which of them this is, from 0 on."""

    @property
    def size(self) -> int:
        """How many there are."""

    @property
    def local(self) -> int:
        """Which this is of those on one machine: the number of the GPU that is its own."""

    def allreduce_mean_(self, flat: Array) -> None:
        """Overwrite an array, contiguous and on any backend, by its mean over the ranks."""

    def allgather(self, value: T) -> list[T]:
        """What each rank gave, in their order."""


class _SingleProcess:
    rank, size, local = 0, 1, 0

    def allreduce_mean_(self, flat: Array) -> None:
        pass

    def allgather(self, value: T) -> list[T]:
        return [value]


SINGLE_PROCESS: Comm = _SingleProcess()


# Within a round: what this rank's share of a minibatch is.


class _Round(NamedTuple):
    comm: Comm = SINGLE_PROCESS
    statistics: Comm = SINGLE_PROCESS


_NO_OTHERS = _Round()
_round: ContextVar[_Round] = ContextVar("round", default=_NO_OTHERS)


@contextmanager
def playing(comm: Comm, *, synchronised: bool = True) -> Iterator[None]:
    """Within this block (and thread), a minibatch of m examples is this rank's share of one of
    m * comm.size, and BatchNorm takes its statistics from all of that, if `synchronised`."""
    token = _round.set(_Round(comm, comm if synchronised else SINGLE_PROCESS))
    try:
        yield
    finally:
        _round.reset(token)


def local_rows(shape: tuple[int, ...]) -> tuple[tuple[int, ...], Callable[[Array], Array]]:
    """The shape in which to draw for all ranks where this one asks for `shape`, and what takes its
    own rows of such a draw. To be asked in the round, not when a recorded one is played again."""
    comm = _round.get().comm
    if comm.size == 1 or not shape:
        return shape, lambda rows: rows
    rank, size = comm.rank, comm.size
    return (
        (shape[0] * size, *shape[1:]),
        lambda rows: of(rows).xp.ascontiguousarray(rows[rank::size]),
    )


def batchnorm_comm() -> Comm:
    """The ranks over which BatchNorm takes its means, here and now."""
    return _round.get().statistics
