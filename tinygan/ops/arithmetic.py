"""Sums, products, powers and matrix products. Shapes broadcast as NumPy's do."""

from __future__ import annotations

import math

from ..tensor import Operand, Tensor, lift, raw
from .pointwise import log, where
from .shapes import swapaxes

__all__ = ["add", "div", "matmul", "mul", "neg", "power", "sub"]


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
    """a ** b, elementwise. The gradient at a base of 0 is that of the limit from above."""
    a, b = lift(a, b)

    def pull_base(g: Tensor, _: Tensor) -> Tensor:
        if isinstance(b, Tensor):  # 0 ** (0 - 1) is inf, but a constant power has slope 0
            return g * b * power(a, where((raw(a) == 0) & (b.data == 0), 1.0, b - 1))
        return g * 0.0 if b == 0 else g * b * power(a, b - 1)

    def pull_exponent(g: Tensor, y: Tensor) -> Tensor:  # 0 ** b stays 0 while b > 0
        if isinstance(a, Tensor):
            return g * y * log(where(a.data == 0, 1.0, a))
        return g * y * math.log(a or 1.0)

    return Tensor(raw(a) ** raw(b), (a, pull_base), (b, pull_exponent))


def matmul(a: Operand, b: Operand) -> Tensor:
    """a @ b: (..., n, k) times (..., k, m) is (..., n, m); a vector is a row on the left, a
    column on the right, as NumPy has it. Raises ValueError if the inner sizes differ."""
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
        a.xp.matmul(a.data, b.data),
        (a, lambda g, _: matmul(g, swapaxes(b, -1, -2))),
        (b, lambda g, _: matmul(swapaxes(a, -1, -2), g)),
    )
