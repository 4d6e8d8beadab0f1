"""Sums, products, powers and matrix products. Shapes broadcast as NumPy's do."""

import math

from ..tensor import Edge, Operand, Pull, Tensor, lift, raw
from .pointwise import log, where
from .shapes import reshape, swapaxes

__all__ = ["add", "div", "linear", "matmul", "mul", "neg", "power", "sub"]


def add(a: Operand, b: Operand) -> Tensor:
    """a + b."""
    a, b = lift(a, b)
    return Tensor(raw(a) + raw(b), (a, lambda g, _: g), (b, lambda g, _: g))


def sub(a: Operand, b: Operand) -> Tensor:
    """a - b."""
    a, b = lift(a, b)
    return Tensor(raw(a) - raw(b), (a, lambda g, _: g), (b, lambda g, _: -g))


def mul(a: Operand, b: Operand) -> Tensor:
    """a * b, elementwise."""
    a, b = lift(a, b)
    return Tensor(raw(a) * raw(b), (a, lambda g, _: g * b), (b, lambda g, _: g * a))


def div(a: Operand, b: Operand) -> Tensor:
    """a / b, elementwise."""
    a, b = lift(a, b)
    return Tensor(raw(a) / raw(b), (a, lambda g, _: g / b), (b, lambda g, y: -g * y / b))


def neg(a: Operand) -> Tensor:
    """-a."""
    (a,) = lift(a)
    return Tensor(-a.data, (a, lambda g, _: -g))


def power(a: Operand, b: Operand) -> Tensor:
    """a ** b, elementwise. At a base of 0, gradients are the limits for bases above 0. For a
    negative base there is no gradient at the exponent: it is NaN.

    The gradient rule raises ValueError if this base is a Python number.
    """
    a, b = lift(a, b)

    def pull_base(g: Tensor, _: Tensor) -> Tensor:
        if isinstance(b, Tensor):  # 0 ** (0 - 1) is inf, but a constant power has slope 0
            return g * b * power(a, where((raw(a) == 0) & (b.data == 0), 1.0, b - 1))
        if b == 0:
            return g * 0.0
        return g * b * power(a, b - 1)

    def pull_exponent(g: Tensor, y: Tensor) -> Tensor:  # 0 ** b stays 0 while b > 0
        if isinstance(a, Tensor):
            return g * y * log(where(a.data == 0, 1.0, a))
        if a < 0:
            raise ValueError(
                f"power: no gradient at the exponent of a negative base, got {a!r} ** b"
            )
        return g * y * math.log(a or 1.0)

    return Tensor(raw(a) ** raw(b), (a, pull_base), (b, pull_exponent))


def matmul(a: Operand, b: Operand) -> Tensor:
    """a @ b: (..., n, k) times (..., k, m) is (..., n, m). As in NumPy, a vector is a row on the
    left and a column on the right.

    Raises ValueError if the inner sizes differ or an operand is a number.
    """
    a, b = lift(a, b)
    if not (isinstance(a, Tensor) and isinstance(b, Tensor) and a.ndim and b.ndim):
        raise ValueError("matmul: expected two arrays of at least one axis; use * for numbers")
    if a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        raise ValueError(f"matmul: inner sizes differ in {a.shape} @ {b.shape}")
    if b.ndim == 1:
        return matmul(a, b[:, None])[..., 0]
    if a.ndim == 1:
        return matmul(a[None], b)[..., 0, :]
    return Tensor(
        a.backend.matmul(a.data, b.data),
        (a, lambda g, _: matmul(g, swapaxes(b, -1, -2))),
        (b, lambda g, _: matmul(swapaxes(a, -1, -2), g)),
    )


def linear(x: Operand, weight: Operand, bias: Operand | None = None) -> Tensor:
    """x W^T + b: (..., in) to (..., out), with a weight (out, in) and an optional bias (out,).

    Equal to `x @ weight.T + bias`, with one pass over memory less forward (the bias is added in
    place) and one less backward (the weight's gradient g^T x has the weight's memory order).

    Raises ValueError if the shapes do not fit.
    """
    x, weight = lift(x, weight)
    if not isinstance(weight, Tensor) or weight.ndim != 2 or not isinstance(x, Tensor):
        raise ValueError("linear: expected an array x and a weight (out, in)")
    out, inner = weight.shape
    if not x.ndim or x.shape[-1] != inner:
        raise ValueError(f"linear: expected x to end in {inner} elements, got shape {x.shape}")
    y = x.backend.matmul(x.data, weight.data.T)
    edges: list[Edge] = [(x, lambda g, _: matmul(g, weight)), (weight, _weight_pull(x, out, inner))]
    if bias is not None:
        (b,) = lift(bias)
        if b.shape != (out,):
            raise ValueError(f"linear: expected a bias of shape {(out,)}, got {b.shape}")
        y = x.xp.add(y, b.data, out=y if b.dtype == y.dtype else None)
        edges.append((b, lambda g, _: g))
    return Tensor(y, *edges)


def _weight_pull(x: Tensor, out: int, inner: int) -> Pull:
    def pull(g: Tensor, _: Tensor) -> Tensor:
        if x.ndim == 2:
            return matmul(g.T, x)
        rows = g.size // out
        return matmul(reshape(g, (rows, out)).T, reshape(x, (rows, inner)))

    return pull
