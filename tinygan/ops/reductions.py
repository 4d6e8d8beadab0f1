"""Reductions over axes, with NumPy's `axis` (None for all, an int or a tuple) and `keepdims`."""

from typing import Any

from ..backend import largest, shares_of_largest, total
from ..backend.inputs import Comm
from ..tensor import Operand, Tensor, lift
from .pointwise import exp
from .shapes import broadcast_to, is_int, reshape

__all__ = ["log_softmax", "logsumexp", "max", "mean", "min", "softmax", "sum"]

Axis = Any  # None, int or tuple of int


def _kept(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """The shape of a reduction over `axis` with `keepdims=True`: each reduced axis has size 1.

    Raises TypeError or ValueError if `axis` names no axes of `shape`.
    """
    if axis is None:
        return (1,) * len(shape)
    axes = axis if isinstance(axis, tuple) else (axis,)
    reduced = set()
    for a in axes:
        if not is_int(a):
            raise TypeError(f"axis: expected None, an int or a tuple of them, got {axis!r}")
        if not -len(shape) <= a < len(shape):
            raise ValueError(f"axis: {a} is out of bounds for shape {shape}")
        reduced.add(a % len(shape))
    if len(reduced) < len(axes):
        raise ValueError(f"axis: {axis} names an axis twice for shape {shape}")
    return tuple(1 if i in reduced else n for i, n in enumerate(shape))


def sum(a: Operand, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The sum over `axis`."""
    (a,) = lift(a)
    kept = _kept(a.shape, axis)
    return Tensor(
        total(a.data, axis, keepdims),
        (a, lambda g, _: broadcast_to(reshape(g, kept), a.shape)),
    )


def mean(a: Operand, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean over `axis`.

    Raises ValueError if there is no element.
    """
    (a,) = lift(a)
    if a.size == 0:
        raise ValueError(f"mean: expected at least one element, got shape {a.shape}")
    summed = sum(a, axis, keepdims)
    return summed * (summed.size / a.size)


def max(a: Operand, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest element over `axis`. If several are the largest, they share the gradient equally.

    Raises ValueError if there is no element.
    """
    (a,) = lift(a)
    kept = _kept(a.shape, axis)
    if a.size == 0:
        raise ValueError(f"max: expected at least one element, got shape {a.shape}")

    def pull(g: Tensor, y: Tensor) -> Tensor:
        return reshape(g, kept) * Tensor(shares_of_largest(a.data, y.data.reshape(kept), axis))

    return Tensor(largest(a.data, axis, keepdims), (a, pull))


def min(a: Operand, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest element over `axis`. If several are the smallest, they share the gradient."""
    (a,) = lift(a)
    return -max(-a, axis, keepdims)


def logsumexp(a: Operand, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """log(sum(e^a)) over `axis`. The largest element is subtracted first, so nothing overflows.

    Raises ValueError if there is no element.
    """
    (a,) = lift(a)
    kept, xp = _kept(a.shape, axis), a.xp
    if a.size == 0:
        raise ValueError(f"logsumexp: expected at least one element, got shape {a.shape}")
    top = largest(a.data, axis, keepdims=True)
    top = xp.where(xp.isfinite(top), top, 0)
    value = top + xp.log(total(xp.asarray(xp.exp(a.data - top)), axis, keepdims=True))

    def pull(g: Tensor, y: Tensor) -> Tensor:
        return reshape(g, kept) * exp(a - reshape(y, kept))

    return Tensor(value if keepdims else value.squeeze(axis), (a, pull))


def log_softmax(a: Operand, axis: int = -1) -> Tensor:
    """log(softmax(a)): a minus its logsumexp along `axis`."""
    (a,) = lift(a)
    return a - logsumexp(a, axis, keepdims=True)


def softmax(a: Operand, axis: int = -1) -> Tensor:
    """e^a divided by its sum along `axis`: positive numbers that sum to 1."""
    return exp(log_softmax(a, axis))


def mean_over_ranks(t: Tensor, comm: Comm) -> Tensor:
    """The mean of t over the ranks, as an op.

    Each rank differentiates its own loss; the mean of these over the ranks is the loss of the
    whole minibatch. So the gradients that arrive at the ranks are averaged too: the rule is the
    op itself.
    """
    if comm.size == 1:
        return t
    means = t.data.reshape(-1).copy()
    comm.allreduce_mean_(means)
    return Tensor(means.reshape(t.shape), (t, lambda g, _: mean_over_ranks(g, comm)))
