"""standardize: zero mean and unit variance over axes, the op of every normalization layer."""

from typing import Any

from ..backend import total, with_channels
from ..backend.inputs import SINGLE_PROCESS, Comm
from ..tensor import Edge, Operand, Tensor, is_recording, lift
from .pointwise import sqrt
from .reductions import mean, mean_over_ranks

__all__ = ["standardize"]


def composed(a: Tensor, axis: tuple[int, ...], eps: float, comm: Comm) -> tuple[Tensor, Tensor]:
    """z = (a - m) / sqrt(v + eps) and s = 1 / sqrt(v + eps), by their definition (Ioffe and Szegedy
    2015, algorithm 1). `standardize` computes the same in fewer passes over memory."""
    deviation = a - _mean(a, axis, comm)
    variance = _mean(deviation * deviation, axis, comm)
    scale = 1 / sqrt(variance + eps)
    return deviation * scale, scale


def standardize(
    a: Operand,
    axis: tuple[int, ...],
    eps: float,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    comm: Comm = SINGLE_PROCESS,
) -> tuple[Tensor, Any, Any]:
    """Return z * weight + bias for z = (a - m) / sqrt(v + eps), and the arrays m and v: mean and
    biased variance, with the reduced axes kept as 1. Weight and bias, if given, have m's shape.

    With s = 1 / sqrt(v + eps), the gradient is s * weight * (g - mean(g) - z mean(g z)). Its sums
    are also the gradients of bias and weight. This takes far fewer passes over memory than the
    chain rule through m and v. If the gradient is recorded, z and s are recomputed from `a` as
    tensors, so that they are differentiated too.

    With a `comm`, means are also taken over the ranks: `a` holds the local rows of this rank.
    """
    (a,), eps = lift(a), float(eps)
    m = total(a.data, axis, keepdims=True)
    share = m.size / a.size
    m *= share
    comm.allreduce_mean_(m)
    z = with_channels(a.xp.subtract, a.data, m)
    v = total(z * z, axis, keepdims=True)
    v *= share
    comm.allreduce_mean_(v)
    s = 1 / a.xp.sqrt(v + eps)
    with_channels(a.xp.multiply, z, s, out=z)
    latest: list[Any] = [None, None, None]

    def sums(g: Tensor) -> tuple[Any, Any]:
        """The sums of g and of g z, computed once for all three rules."""
        if latest[0] != g.born:
            latest[:] = (
                g.born,
                total(g.data, axis, keepdims=True),
                total(g.data * z, axis, keepdims=True),
            )
        return latest[1], latest[2]

    def again() -> tuple[Tensor, Tensor]:
        """z and s as tensors with their graph."""
        return composed(a, axis, eps, comm)

    def pull(g: Tensor, _: Tensor) -> Tensor:
        if is_recording():
            normal, scale = again()
            inner = g - _mean(g, axis, comm) - normal * _mean(g * normal, axis, comm)
            return inner * (scale if weight is None else scale * weight)
        of_g, of_gz = sums(g)
        mean_g, minus_mean_gz = of_g * share, of_gz * -share
        comm.allreduce_mean_(mean_g)
        comm.allreduce_mean_(minus_mean_gz)
        inner = with_channels(a.xp.multiply, z, minus_mean_gz)
        inner += g.data
        with_channels(a.xp.subtract, inner, mean_g, out=inner)
        with_channels(a.xp.multiply, inner, s if weight is None else s * weight.data, out=inner)
        return Tensor(inner)

    def pull_weight(g: Tensor, _: Tensor) -> Tensor:
        return g * again()[0] if is_recording() else Tensor(sums(g)[1])  # `grad` sums

    def pull_bias(g: Tensor, _: Tensor) -> Tensor:
        return g if is_recording() else Tensor(sums(g)[0])

    edges: list[Edge] = [(a, pull)]
    y = z
    if weight is not None:
        y = with_channels(a.xp.multiply, z, weight.data)
        edges.append((weight, pull_weight))
    if bias is not None:
        y = with_channels(a.xp.add, y, bias.data, out=None if y is z else y)
        edges.append((bias, pull_bias))
    return Tensor(y, *edges), m, v


def _mean(t: Tensor, axis: tuple[int, ...], comm: Comm) -> Tensor:
    """The mean over axes, kept as 1, and over the ranks."""
    return mean_over_ranks(mean(t, axis, keepdims=True), comm)
