"""The inputs of a round: data from the host, noise, and this rank's rows of the minibatch.

    x = host_input(make, like)            make() on the host, copied to the device of `like`
    z = normal(rng, (64, 100), like)      noise from an explicit random generator

    with playing(comm):                   data-parallel training with the ranks of `comm`
        z = noise(16)                     this rank's 16 of the minibatch's 16 * comm.size rows

All data that the host makes for a round (data order, learning rates, noise) goes through
`host_input`, so that it can be made again before each launch of a captured CUDA graph.

`rng` is a NumPy generator, which draws on the host, or Philox, which is computed on the device.
With the same seed, a NumPy generator gives the same numbers on every backend; Philox gives the same
integers, and the same numbers up to rounding.

Every rank draws the random numbers of the whole minibatch (data order, noise, dropout) and keeps
the rows rank, rank + size, rank + 2 size, ... So the generators of all ranks stay equal, and the
number of ranks changes only the order of sums. Rows are interleaved, not taken in blocks, so that
two concatenated minibatches (D's real images and fakes) are divided as each of them is alone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from . import philox
from .arrays import Array, Make, Noise, kernel, numpy, of, place

_source: ContextVar[Callable[[Make, Array], Array] | None] = ContextVar("feed", default=None)


def host_input(make: Make, like: Array) -> Array:
    """The NumPy array make() on the backend and device of `like`.

    Before each launch of a captured round, `make` is called again and no other Python code runs, so
    counters must be incremented inside `make`."""
    feed = _source.get()
    if feed is not None:
        return feed(make, like)
    host = make()
    return host if of(like) is numpy else place(host, like)


@contextmanager
def host_inputs_from(feed: Callable[[Make, Array], Array]) -> Iterator[None]:
    """Within this block, `host_input(make, like)` returns `feed(make, like)`."""
    token = _source.set(feed)
    try:
        yield
    finally:
        _source.reset(token)


def normal(rng: Noise, shape: tuple[int, ...], like: Array) -> Array:
    """Standard normal numbers of `shape`, with the backend and dtype of `like`."""
    if isinstance(rng, philox.Philox):
        whole, select = local_rows(shape)
        return select(normal_values(host_input(rng.count, like), whole, like.dtype, rng))
    return _drawn_on_host(rng.standard_normal, shape, like)


def uniform(rng: Noise, shape: tuple[int, ...], like: Array) -> Array:
    """Uniform numbers in [0, 1) of `shape`, with the backend and dtype of `like`. In float16,
    rounding can give 1."""
    if isinstance(rng, philox.Philox):
        whole, select = local_rows(shape)
        return select(uniform_values(host_input(rng.count, like), whole, like.dtype, rng))
    return _drawn_on_host(rng.random, shape, like)


@kernel
def normal_values(t: Array, shape: tuple[int, ...], dtype: Any, rng: philox.Philox) -> Array:
    return philox.normal(of(t).xp, shape, dtype, rng, t)


@kernel
def uniform_values(t: Array, shape: tuple[int, ...], dtype: Any, rng: philox.Philox) -> Array:
    return philox.uniform(of(t).xp, shape, dtype, rng, t)


def _drawn_on_host(draw: Callable[..., np.ndarray], shape: tuple[int, ...], like: Array) -> Array:
    dtype = np.dtype(like.dtype)
    native = dtype if dtype in (np.float32, np.float64) else np.dtype(np.float32)
    whole, select = local_rows(shape)
    return host_input(lambda: select(draw(whole, dtype=native)).astype(dtype, copy=False), like)


T = TypeVar("T")


class Comm(Protocol):
    """The ranks of a run, as an object of one of them. All ranks must call its methods in the same
    order."""

    @property
    def rank(self) -> int:
        """The number of this rank, from 0."""

    @property
    def size(self) -> int:
        """The number of ranks."""

    @property
    def local(self) -> int:
        """The number of this rank among those on its machine, from 0; also that of its GPU."""

    def allreduce_mean_(self, flat: Array) -> None:
        """Replace a contiguous array of any backend by its mean over the ranks, in place."""

    def allgather(self, value: T) -> list[T]:
        """The values of all ranks, in the order of ranks."""


class _SingleProcess:
    rank, size, local = 0, 1, 0

    def allreduce_mean_(self, flat: Array) -> None:
        pass

    def allgather(self, value: T) -> list[T]:
        return [value]


SINGLE_PROCESS: Comm = _SingleProcess()


class _Round(NamedTuple):
    """The ranks of the current round: those that share the minibatch, and those over which
    BatchNorm takes its statistics."""

    comm: Comm = SINGLE_PROCESS
    statistics: Comm = SINGLE_PROCESS


_ONE_RANK = _Round()
_round: ContextVar[_Round] = ContextVar("round", default=_ONE_RANK)


@contextmanager
def playing(comm: Comm, *, synchronized: bool = True) -> Iterator[None]:
    """Within this block (and thread), a minibatch of m examples is this rank's part of a whole one
    of m * comm.size. BatchNorm takes its statistics over the whole one if `synchronized`, else over
    this rank's part."""
    token = _round.set(_Round(comm, comm if synchronized else SINGLE_PROCESS))
    try:
        yield
    finally:
        _round.reset(token)


def local_rows(shape: tuple[int, ...]) -> tuple[tuple[int, ...], Callable[[Array], Array]]:
    """Return the shape of the whole minibatch, whose local part has `shape`, and a function that
    selects this rank's rows of it.

    Call it in the round itself, not in a `make` of `host_input`: outside of the round, `make` does
    not know the ranks."""
    comm = _round.get().comm
    if comm.size == 1 or not shape:
        return shape, lambda rows: rows
    rank, size = comm.rank, comm.size
    return (
        (shape[0] * size, *shape[1:]),
        lambda rows: of(rows).xp.ascontiguousarray(rows[rank::size]),
    )


def batchnorm_comm() -> Comm:
    """The ranks over which BatchNorm takes its statistics in the current round."""
    return _round.get().statistics


def minibatch_comm() -> Comm:
    """The ranks that share the minibatch of the current round."""
    return _round.get().comm
