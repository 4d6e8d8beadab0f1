"""Activation functions as layers."""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..tensor import Tensor
from . import checks
from .module import Module

__all__ = ["LeakyReLU", "ReLU", "Sigmoid", "Softplus", "Tanh"]


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x: Any) -> Tensor:
        return ops.relu(x)


class LeakyReLU(Module):
    """x where x > 0, else negative_slope * x. GANs use a slope of 0.2 (Radford et al. 2015)."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        checks.between(-math.inf, math.inf, "()", negative_slope=negative_slope)
        self.negative_slope = float(negative_slope)

    def forward(self, x: Any) -> Tensor:
        return ops.leaky_relu(x, self.negative_slope)


class Tanh(Module):
    """The hyperbolic tangent: values in (-1, 1)."""

    def forward(self, x: Any) -> Tensor:
        return ops.tanh(x)


class Sigmoid(Module):
    """1 / (1 + e^-x): values in (0, 1). Losses take logits, so D ends without it."""

    def forward(self, x: Any) -> Tensor:
        return ops.sigmoid(x)


class Softplus(Module):
    """log(1 + e^x): a smooth relu."""

    def forward(self, x: Any) -> Tensor:
        return ops.softplus(x)
