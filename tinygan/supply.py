"""What each round is supplied with anew: the numbers that the host makes, and noise.

    x = fresh(make, like)                 what make() gives on the host, where the array `like` is
    z = normal(rng, (64, 100), like)      noise from an explicit source

What the host makes in each round (the order of the data, a learning rate, noise of its own) passes
one door. So whoever records a round, to play it again without Python, has it all in hand.

A source of noise is a generator of NumPy's, which draws on the host, or Philox, which is computed
where it is wanted. From either, every backend gets the same numbers for the same seed. Where
several ranks play a round together (`parallel.playing`), all draw the same, for all of the
minibatch, and each keeps its own rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from . import philox
from .backend import Array, Make, Noise, kernel, numpy, of, place
from .parallel import dealt

__all__ = ["feeding", "fresh", "normal", "uniform"]

_feed: ContextVar[Callable[[Make, Array], Array] | None] = ContextVar("feed", default=None)


def fresh(make: Make, like: Array) -> Array:
    """What `make` gives, an array of the host, on the backend and device of `like`.

    A round that is played from a recording calls `make` again, and nothing else of Python's: what
    has to be counted is counted in there."""
    feed = _feed.get()
    if feed is not None:
        return feed(make, like)
    host = make()
    return host if of(like) is numpy else place(host, like)


@contextmanager
def feeding(feed: Callable[[Make, Array], Array]) -> Iterator[None]:
    """Within this block, `fresh` asks `feed(make, like)` for its arrays."""
    token = _feed.set(feed)
    try:
        yield
    finally:
        _feed.reset(token)


def normal(rng: Noise, shape: tuple[int, ...], like: Array) -> Array:
    """Standard normal numbers of the given shape, on the backend and of the dtype of `like`."""
    if isinstance(rng, philox.Philox):
        whole, own = dealt(shape)
        return own(normal_values(fresh(rng.count, like), whole, like.dtype, rng))
    return _drawn(rng.standard_normal, shape, like)


def uniform(rng: Noise, shape: tuple[int, ...], like: Array) -> Array:
    """Numbers uniform in [0, 1) of the given shape, on the backend and of the dtype of `like`."""
    if isinstance(rng, philox.Philox):
        whole, own = dealt(shape)
        return own(uniform_values(fresh(rng.count, like), whole, like.dtype, rng))
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
    whole, own = dealt(shape)
    return fresh(lambda: own(draw(whole, dtype=native)).astype(dtype, copy=False), like)
