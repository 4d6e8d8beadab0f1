"""Layers that add noise in training and do nothing in evaluation. Each has its own generator."""

import math
from typing import Any

from .. import checks
from ..backend import Array, Noise, inputs, kernel
from ..tensor import Tensor, lift
from .module import Module

__all__ = ["Dropout", "GaussianNoise"]


class Dropout(Module):
    """Set each element to 0 with probability p and multiply the others by 1 / (1 - p).

    The factor preserves the mean, so evaluation needs none (Srivastava et al. 2014, section 10).
    """

    mixes_examples = False

    def __init__(self, p: float = 0.5, *, rng: Noise) -> None:
        super().__init__()
        checks.between(0, 1, p=p)
        self.p, self.rng = float(p), checks.noise(rng)

    def forward(self, x: Any) -> Tensor:
        (x,) = lift(x)
        if not self.training or self.p == 0:
            return x
        return x * Tensor(kept(inputs.uniform(self.rng, x.shape, like=x.data), self.p))


@kernel
def kept(u: Array, p: float) -> Array:
    """The factor of dropout for each element: 0 or 1 / (1 - p), from u uniform in [0, 1)."""
    return (u >= p).astype(u.dtype) / (1 - p)


class GaussianNoise(Module):
    """Add noise from N(0, std^2) to each element."""

    mixes_examples = False

    def __init__(self, std: float, *, rng: Noise) -> None:
        super().__init__()
        checks.between(0, math.inf, std=std)
        self.std, self.rng = float(std), checks.noise(rng)

    def forward(self, x: Any) -> Tensor:
        (x,) = lift(x)
        if not self.training or self.std == 0:
            return x
        return x + Tensor(inputs.normal(self.rng, x.shape, like=x.data) * self.std)
