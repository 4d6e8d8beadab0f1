"""Gradient clipping: each function maps a list of gradients to a new one for `Optimizer.step`."""

import math
from collections.abc import Sequence
from functools import reduce

from .. import checks
from ..ops import abs, add, clip, max, maximum, sqrt, sum
from ..tensor import Tensor, listed

__all__ = ["clip_grad_norm", "clip_grad_value"]


def clip_grad_norm(grads: Sequence[Tensor], max_norm: float) -> list[Tensor]:
    """The gradients, divided by a common factor if their joint Euclidean norm exceeds max_norm.

    Raises ValueError if there is none.
    """
    checks.between(0, math.inf, "(]", max_norm=max_norm)
    grads = listed("grads", grads)
    if not grads:
        raise ValueError("grads: expected at least one, got none")
    # In units of the largest element, so that no square overflows or underflows.
    unit = clip(reduce(maximum, [max(abs(g)) for g in grads]).detach(), low=1e-30)
    total = unit * sqrt(reduce(add, [sum((g / unit) ** 2) for g in grads]))
    scale = clip(max_norm / (total + 1e-12), high=1.0)
    return [g * scale for g in grads]


def clip_grad_value(grads: Sequence[Tensor], limit: float) -> list[Tensor]:
    """The gradients with every element clipped to [-limit, limit]."""
    checks.between(0, math.inf, "(]", limit=limit)
    return [clip(g, -limit, limit) for g in listed("grads", grads)]
