"""standardize: zero mean and unit variance over axes, the heart of every normalisation layer."""

from __future__ import annotations

from typing import Any

from ..tensor import Edge, Operand, Tensor, is_recording, lift
from .kernels import total
from .pointwise import sqrt
from .reductions import mean

__all__ = ["standardize"]


def standardize(
    a: Operand,
    axis: tuple[int, ...],
    eps: float,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
) -> tuple[Tensor, Any, Any]:
    """z * weight + bias for z = (a - m) / sqrt(v + eps), and the arrays m and v: mean and biased
    variance, axes kept as 1. Weight and bias, if any, have the shape of m.

    With s = 1 / sqrt(v + eps), the gradient is s * weight * (g - mean(g) - z mean(g z)), in which
    the sums are the gradients of bias and weight: far fewer passes over memory than the chain rule
    through m and v takes. When the gradient itself is recorded, z and s are computed from `a`
    again, as tensors, so that they are differentiated too.
    """
    (a,), eps = lift(a), float(eps)
    m = total(a.data, axis, keepdims=True)
    share = m.size / a.size
    m *= share
    z = a.data - m
    v = total(z * z, axis, keepdims=True)
    v *= share
    s = 1 / a.xp.sqrt(v + eps)
    z *= s
    latest: list[Any] = [None, None, None]

    def sums(g: Tensor) -> tuple[Any, Any]:
        """Those of g and of g z, for whichever rule asks first."""
        if latest[0] != g.born:
            latest[:] = (
                g.born,
                total(g.data, axis, keepdims=True),
                total(g.data * z, axis, keepdims=True),
            )
        return latest[1], latest[2]

    def again() -> tuple[Tensor, Tensor]:
        """z and s, with their graph."""
        deviation = a - mean(a, axis, keepdims=True)
        scale = 1 / sqrt(mean(deviation * deviation, axis, keepdims=True) + eps)
        return deviation * scale, scale

    def pull(g: Tensor, _: Tensor) -> Tensor:
        if is_recording():
            normal, scale = again()
            inner = g - mean(g, axis, keepdims=True) - normal * mean(g * normal, axis, True)
            return inner * (scale if weight is None else scale * weight)
        of_g, of_gz = sums(g)
        inner = z * (of_gz * -share)
        inner += g.data
        inner -= of_g * share
        inner *= s if weight is None else s * weight.data
        return Tensor(inner)

    def pull_weight(g: Tensor, _: Tensor) -> Tensor:
        return g * again()[0] if is_recording() else Tensor(sums(g)[1])  # `grad` sums

    def pull_bias(g: Tensor, _: Tensor) -> Tensor:
        return g if is_recording() else Tensor(sums(g)[0])

    edges: list[Edge] = [(a, pull)]
    y = z
    if weight is not None:
        y = z * weight.data
        edges.append((weight, pull_weight))
    if bias is not None:
        y = a.xp.add(y, bias.data, out=None if y is z else y)
        edges.append((bias, pull_bias))
    return Tensor(y, *edges), m, v
