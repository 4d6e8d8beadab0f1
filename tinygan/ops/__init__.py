"""The differentiable operations. Each computes a value and, for each parent, a gradient rule.

    def tanh(a):
        (a,) = lift(a)
        return Tensor(a.xp.tanh(a.data), (a, lambda g, y: g * (1 - y * y)))

`lift` prepares operands: arrays become tensors, numbers stay numbers (see `tensor.lift`).

A rule does not undo broadcasting: `autograd.grad` sums each gradient to the shape of its parent.
A rule uses ops (not arrays) wherever its result depends on a tensor, so that it can be
differentiated again. Piecewise constant factors (where a ReLU is active, which entry is the
maximum) may be arrays.
"""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from .arithmetic import add, div, linear, matmul, mul, neg, power, sub
from .normalize import standardize
from .pointwise import (
    abs,
    astype,
    clip,
    exp,
    leaky_relu,
    log,
    maximum,
    minimum,
    relu,
    sigmoid,
    softplus,
    sqrt,
    tanh,
    where,
)
from .reductions import log_softmax, logsumexp, max, mean, min, softmax, sum
from .shapes import (
    broadcast_to,
    concatenate,
    getitem,
    pad,
    reshape,
    scatter,
    stack,
    sum_to,
    swapaxes,
    transpose,
)

__all__ = [
    "abs",
    "add",
    "astype",
    "broadcast_to",
    "clip",
    "concatenate",
    "div",
    "exp",
    "getitem",
    "leaky_relu",
    "linear",
    "log",
    "log_softmax",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mul",
    "neg",
    "pad",
    "power",
    "relu",
    "reshape",
    "scatter",
    "sigmoid",
    "softmax",
    "softplus",
    "sqrt",
    "stack",
    "standardize",
    "sub",
    "sum",
    "sum_to",
    "swapaxes",
    "tanh",
    "transpose",
    "where",
]


def _flat(args: tuple[Any, ...]) -> Any:
    """`t.reshape(2, 3)` and `t.reshape((2, 3))` mean the same."""
    return args[0] if len(args) == 1 and not isinstance(args[0], int) else args


_OPERATORS: dict[str, Any] = {
    "__add__": add,
    "__radd__": lambda a, b: add(b, a),
    "__sub__": sub,
    "__rsub__": lambda a, b: sub(b, a),
    "__mul__": mul,
    "__rmul__": lambda a, b: mul(b, a),
    "__truediv__": div,
    "__rtruediv__": lambda a, b: div(b, a),
    "__pow__": power,
    "__rpow__": lambda a, b: power(b, a),
    "__matmul__": matmul,
    "__rmatmul__": lambda a, b: matmul(b, a),
    "__neg__": neg,
    "__abs__": abs,
    "__getitem__": getitem,
    "sum": sum,
    "mean": mean,
    "max": max,
    "reshape": lambda a, *shape: reshape(a, _flat(shape)),
    "transpose": lambda a, *axes: transpose(a, _flat(axes) if axes else None),
    "astype": astype,
    "T": property(transpose),
}
for _name, _operator in _OPERATORS.items():
    setattr(Tensor, _name, _operator)
