"""Networks for points on a line or in a plane, where all of a game can be drawn."""

from __future__ import annotations

from itertools import pairwise

from .. import nn
from ..backend import Rng
from .pair import scaled

__all__ = ["perceptron"]


def perceptron(*sizes: int, rng: Rng, width: float = 1) -> nn.Sequential:
    """Linear layers with ReLU between them, as 1-32-32-1 for `perceptron(1, 32, 32, 1, rng=rng)`;
    the hidden ones are `width` times as wide. Raises ValueError for fewer than two sizes."""
    if len(sizes) < 2:
        raise ValueError(f"sizes: expected at least those of input and output, got {sizes}")
    first, *hidden, last = sizes
    layers: list[nn.Module] = []
    for a, b in pairwise((first, *(scaled(n, width) for n in hidden), last)):
        layers += [nn.Linear(a, b, rng=rng), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
