"""Residual: layers that learn a difference."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor, lift
from .module import Sequential

__all__ = ["Residual"]


class Residual(Sequential):
    """x + F(x), of the layers F one after the other (He et al. 2016, eq. 1).

    What comes in goes out again unless the layers learn otherwise, and so do the gradients: many
    such blocks can be put in a row. Raises ValueError if F(x) has another shape than x.
    """

    def forward(self, x: Any) -> Tensor:
        (x,) = lift(x)
        difference = super().forward(x)
        if difference.shape != x.shape:
            raise ValueError(f"Residual: its layers give {difference.shape} for {x.shape}")
        return x + difference
