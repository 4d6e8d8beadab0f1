"""Elementwise functions."""

import math
from typing import Any

from ..backend import Array, is_array, kernel, of
from ..checks import between
from ..plain_array import refuse_special
from ..tensor import Operand, Tensor, lift, raw

__all__ = [
    "abs",
    "astype",
    "clip",
    "exp",
    "leaky_relu",
    "log",
    "maximum",
    "minimum",
    "relu",
    "sigmoid",
    "softplus",
    "sqrt",
    "tanh",
    "where",
]


def exp(a: Operand) -> Tensor:
    """e ** a."""
    (a,) = lift(a)
    return Tensor(a.xp.exp(a.data), (a, lambda g, y: g * y))


def log(a: Operand) -> Tensor:
    """The natural logarithm. For log(sigmoid(l)) use -softplus(-l), which never overflows."""
    (a,) = lift(a)
    return Tensor(a.xp.log(a.data), (a, lambda g, _: g / a))


def sqrt(a: Operand) -> Tensor:
    """The square root; its gradient at 0 is infinite."""
    (a,) = lift(a)
    return Tensor(a.xp.sqrt(a.data), (a, lambda g, y: g / (2 * y)))


def abs(a: Operand) -> Tensor:
    """The absolute value; its gradient at 0 is 0."""
    (a,) = lift(a)
    return Tensor(a.xp.abs(a.data), (a, lambda g, _: g * Tensor(a.xp.sign(a.data))))


def tanh(a: Operand) -> Tensor:
    """The hyperbolic tangent."""
    (a,) = lift(a)
    return Tensor(a.xp.tanh(a.data), (a, lambda g, y: g * (1 - y * y)))


def sigmoid(a: Operand) -> Tensor:
    """1 / (1 + e^-a), accurate at both ends: neither exponential can overflow."""
    (a,) = lift(a)
    return Tensor(sigmoid_values(a.data), (a, lambda g, y: g * y * (1 - y)))


@kernel
def sigmoid_values(x: Array) -> Array:
    xp = of(x).xp
    return xp.exp(xp.minimum(x, 0)) / (1 + xp.exp(-xp.abs(x)))


def softplus(a: Operand) -> Tensor:
    """log(1 + e^a) = -log(1 - sigmoid(a)), accurate at both ends."""
    (a,) = lift(a)
    return Tensor(softplus_values(a.data), (a, lambda g, _: g * sigmoid(a)))


@kernel
def softplus_values(x: Array) -> Array:
    xp = of(x).xp
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))


def relu(a: Operand) -> Tensor:
    """max(a, 0); its gradient at 0 is 0."""
    (a,) = lift(a)
    return Tensor(a.xp.maximum(a.data, 0), (a, lambda g, _: g * Tensor(a.data > 0)))


def leaky_relu(a: Operand, negative_slope: float = 0.01) -> Tensor:
    """a where a > 0, else negative_slope * a (Maas et al. 2013)."""
    (a,) = lift(a)
    between(-math.inf, math.inf, "()", negative_slope=negative_slope)
    slope = float(negative_slope)

    def pull(g: Tensor, _: Tensor) -> Tensor:
        return g * Tensor(leaky_slopes(a.data, slope, g.dtype))

    return Tensor(leaky_values(a.data, slope), (a, pull))


@kernel
def leaky_values(x: Array, slope: float) -> Array:
    xp = of(x).xp
    larger_or_smaller = xp.maximum if slope <= 1 else xp.minimum  # correct on both sides of 0
    return larger_or_smaller(x, x * slope)


@kernel
def leaky_slopes(x: Array, slope: float, dtype: Any) -> Array:
    slopes = (x > 0) * dtype.type(1 - slope)  # (1 - slope) + slope is rounded to 1
    slopes += slope
    return slopes


def maximum(a: Operand, b: Operand) -> Tensor:
    """The larger of the two, elementwise. Where they are equal, each gets half the gradient."""
    a, b = lift(a, b)
    x, y = raw(a), raw(b)
    xp = (a if isinstance(a, Tensor) else b).xp
    return Tensor(
        xp.maximum(x, y),
        (a, lambda g, _: g * _share(x, y, g.dtype)),
        (b, lambda g, _: g * _share(y, x, g.dtype)),
    )


def _share(x: Any, y: Any, dtype: Any) -> Tensor:
    """1 where x > y, 1/2 where they are equal, else 0."""
    return Tensor(((x > y).astype(dtype) + (x >= y)) / 2)


def minimum(a: Operand, b: Operand) -> Tensor:
    """The smaller of the two, elementwise. Where they are equal, each gets half the gradient."""
    a, b = lift(a, b)
    return -maximum(-a, -b)


def clip(a: Operand, low: float | None = None, high: float | None = None) -> Tensor:
    """a, limited to [low, high]. Outside this interval the gradient is 0.

    Raises ValueError if both bounds are None, one is not a number, or low > high.
    """
    (a,) = lift(a)
    if low is None and high is None:
        raise ValueError("clip: expected low, high or both, got neither")
    low, high = -math.inf if low is None else low, math.inf if high is None else high
    between(-math.inf, math.inf, "[]", low=low, high=high)
    if low > high:
        raise ValueError(f"clip: expected low <= high, got low={low}, high={high}")
    low, high = float(low), float(high)

    def pull(g: Tensor, _: Tensor) -> Tensor:
        return g * Tensor((a.data >= low) & (a.data <= high))

    return Tensor(a.xp.minimum(a.xp.maximum(a.data, low), high), (a, pull))


def where(condition: Any, a: Operand, b: Operand) -> Tensor:
    """a where `condition` (an array, a tensor or a list of bools, or one bool) is true, else b.
    The operand that is not selected gets gradient 0. Raises TypeError if `condition` is not of
    bools."""
    a, b = lift(a, b)
    x, y, taken = raw(a), raw(b), raw(condition)
    xp = (a if isinstance(a, Tensor) else b).xp
    if not is_array(taken):
        refuse_special("where: condition", taken)
        taken = xp.asarray(taken)
    if taken.dtype.kind != "b":
        raise TypeError(f"where: condition: expected bools, got {taken.dtype}")
    return Tensor(
        xp.where(taken, x, y),
        (a, lambda g, _: where(taken, g, 0.0)),
        (b, lambda g, _: where(taken, 0.0, g)),
    )


def astype(a: Operand, dtype: Any) -> Tensor:
    """The same numbers in another dtype. `grad` converts the gradient back to a's dtype. A
    conversion to integers is piecewise constant, so its result has no parent."""
    (a,) = lift(a)
    value = a.data.astype(dtype)
    return Tensor(value, (a, lambda g, _: g)) if value.dtype.kind == "f" else Tensor(value)
