"""Checks that layers share. Each message names the layer, what came and what was expected."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import Rng
from ..tensor import Tensor, lift

__all__ = ["between", "generator", "images", "inputs", "sizes"]


def inputs(layer: object, x: Any, size: int, axis: int, dtype: Any) -> Tensor:
    """x as a tensor with `size` elements along `axis` and the dtype of the layer's weights."""
    (x,) = lift(x)
    name = type(layer).__name__
    if not -x.ndim <= axis < x.ndim or x.shape[axis] != size:
        raise ValueError(f"{name}: expected {size} elements along axis {axis}, got shape {x.shape}")
    if x.dtype != dtype:
        raise ValueError(
            f"{name}: the input is {x.dtype} but the weights are {dtype}; convert one of them with "
            ".astype()"
        )
    return x


def images(layer: object, x: Any) -> Tensor:
    """x as a tensor of images (N, C, H, W)."""
    (x,) = lift(x)
    if x.ndim != 4:
        raise ValueError(f"{type(layer).__name__}: expected (N, C, H, W), got shape {x.shape}")
    return x


def sizes(**values: int) -> None:
    """Raise ValueError unless each value is an int of at least 1."""
    for name, value in values.items():
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name}: expected an int >= 1, got {value!r}")


def between(low: float, high: float, **values: float) -> None:
    """Raise ValueError unless low <= value < high for each value."""
    for name, value in values.items():
        if not isinstance(value, (int, float)) or not low <= value < high:
            bound = f">= {low}" if math.isinf(high) else f"in [{low}, {high})"
            raise ValueError(f"{name}: expected a number {bound}, got {value!r}")


def generator(rng: Rng) -> Rng:
    """Raise TypeError unless rng is a numpy.random.Generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng: expected a numpy.random.Generator, as numpy.random.default_rng(seed) makes one, "
            f"got {rng!r}"
        )
    return rng
