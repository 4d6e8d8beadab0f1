"""The sizes that T is taken over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Geometry", "pair"]

Pair = tuple[int, int]


class Geometry(NamedTuple):
    """Each a pair (height, width)."""

    stride: Pair
    padding: Pair
    kernel: Pair
    image: Pair
    places: Pair  # where the kernel is put: the size of the output of a convolution


def pair(name: str, value: int | Sequence[int], least: int) -> Pair:
    """An int stands for (height, width) alike. Raises ValueError below `least`, or for no pair."""
    both = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(both) != 2 or not all(isinstance(v, int) and v >= least for v in both):
        raise ValueError(f"{name}: expected an int >= {least} or a pair of them, got {value!r}")
    return both
