"""standardize: zero mean and unit variance over axes, the heart of every normalisation layer."""

from __future__ import annotations

from typing import Any

from ..tensor import Operand, Tensor, is_recording, lift
from .kernels import total
from .pointwise import sqrt
from .reductions import mean

__all__ = ["standardize"]


def standardize(a: Operand, axis: tuple[int, ...], eps: float) -> tuple[Tensor, Any, Any]:
    """(a - m) / sqrt(v + eps), and the arrays m and v: mean and biased variance, axes kept as 1.

    With y the result and s = 1 / sqrt(v + eps), the gradient is s (g - mean(g) - y mean(g y)):
    far fewer passes over memory than the chain rule through m and v takes. When the gradient
    itself is recorded, s is computed from `a` again, as a tensor, so that it is differentiated too.
    """
    (a,), eps = lift(a), float(eps)
    m = total(a.data, axis, keepdims=True)
    share = m.size / a.size
    m = m * share
    centred = a.data - m
    v = total(centred * centred, axis, keepdims=True) * share
    s = 1 / a.xp.sqrt(v + eps)

    def scale() -> Tensor:
        if not is_recording():
            return Tensor(s)
        deviation = a - mean(a, axis, keepdims=True)
        return 1 / sqrt(mean(deviation * deviation, axis, keepdims=True) + eps)

    def pull(g: Tensor, y: Tensor) -> Tensor:
        along = mean(g * y, axis, keepdims=True)
        return scale() * (g - mean(g, axis, keepdims=True) - y * along)

    centred *= s
    return Tensor(centred, (a, pull)), m, v
