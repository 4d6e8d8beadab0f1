"""The operators and methods of `Tensor`: `a + b` is `add(a, b)`, `a.sum(0)` is `sum(a, 0)`.

They are set here and not in the class, because the ops import Tensor.
"""

from typing import Any, NoReturn

from ..tensor import Tensor
from .arithmetic import add, div, matmul, mul, neg, power, sub
from .pointwise import abs, astype
from .reductions import max, mean, sum
from .shapes import getitem, reshape, transpose


def _flat(args: tuple[Any, ...]) -> Any:
    """Return the sizes of `t.reshape(2, 3)` or of `t.reshape((2, 3))`, which mean the same."""
    return args[0] if len(args) == 1 and not isinstance(args[0], int) else args


def _no_order(a: Tensor, b: Any) -> NoReturn:
    raise TypeError(
        "a Tensor has no <, <=, > or >=; compare its .data: ops.where(x.data > 0, x, 0)"
    )


OPERATORS: dict[str, Any] = {
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
    **dict.fromkeys(("__lt__", "__le__", "__gt__", "__ge__"), _no_order),
}
for _name, _operator in OPERATORS.items():
    setattr(Tensor, _name, _operator)
