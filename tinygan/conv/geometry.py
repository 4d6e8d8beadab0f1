"""The sizes that T is taken over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["LIMIT", "Geometry", "is_size", "pair"]

LIMIT = 2**31  # of sizes: places in memory are counted in 64 bits, and are products of two of them

Pair = tuple[int, int]


class Geometry(NamedTuple):
    """Each a pair (height, width)."""

    stride: Pair
    padding: Pair
    kernel: Pair
    image: Pair
    places: Pair  # where the kernel is put: the size of the output of a convolution


def is_size(value: Any, least: int) -> bool:
    """Whether `value` is an int, Python's or NumPy's, of at least `least`; a bool is none."""
    is_int = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return is_int and int(value) >= least


def pair(name: str, value: int | Sequence[int], least: int) -> Pair:
    """An int stands for (height, width) alike. Raises ValueError below `least`, from 2**31 on, or
    for no pair."""
    both = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(both) != 2 or not all(is_size(v, least) for v in both):
        raise ValueError(f"{name}: expected an int >= {least} or a pair of them, got {value!r}")
    if max(both) >= LIMIT:
        raise ValueError(f"{name}: expected less than 2**31, got {value!r}")
    return int(both[0]), int(both[1])
