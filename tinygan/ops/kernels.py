"""Reductions of arrays, in the way that is fast for their shape and memory order."""

from __future__ import annotations

from typing import Any

from ..backend import Array, kernel, of

__all__ = ["largest", "shares_of_largest", "total"]

SHORT = 16


def total(x: Array, axis: Any, keepdims: bool = False) -> Array:
    """The sum over `axis` (None, int or tuple)."""
    if x.ndim > 1 and x.size and x.dtype.kind == "f":
        axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        kept = set(range(x.ndim)).difference(a % x.ndim for a in axes)
        if len(kept) == 1:  # one number for each channel, or each output
            (k,) = kept
            rows = x.transpose(*(i for i in range(x.ndim) if i != k), k)
            if rows.flags.c_contiguous:
                sums = of(x).column_sums(rows.reshape(-1, x.shape[k]))
                return (
                    sums.reshape([-1 if i == k else 1 for i in range(x.ndim)]) if keepdims else sums
                )
    return _folded("sum", x, axis, keepdims)


def largest(x: Array, axis: Any, keepdims: bool = False) -> Array:
    """The largest element over `axis` (None, int or tuple)."""
    return _folded("max", x, axis, keepdims)


def _folded(kind: str, x: Array, axis: Any, keepdims: bool) -> Array:
    """NumPy reduces a last axis row by row, which is slow where rows are short (maxout's pieces,
    ten classes): those are folded slice by slice."""
    last = isinstance(axis, int) and x.ndim > 1 and axis % x.ndim == x.ndim - 1
    if not last or not 1 < x.shape[-1] <= SHORT:
        return getattr(of(x).xp, kind)(x, axis=axis, keepdims=keepdims)
    y = sum_of_few(x) if kind == "sum" else largest_of_few(x)
    return y[..., None] if keepdims else y


def sum_of_few(x: Array) -> Array:
    y = x[..., 0]
    for i in range(1, x.shape[-1]):
        y = y + x[..., i]
    return y


@kernel
def largest_of_few(x: Array) -> Array:
    y = x[..., 0]
    for i in range(1, x.shape[-1]):
        y = of(x).xp.maximum(y, x[..., i])
    return y


@kernel
def shares_of_largest(x: Array, y: Array, axis: Any) -> Array:
    """1 for the elements of x that are y, the largest over `axis`; several share it."""
    hit = of(x).xp.asarray(x == y).astype(x.dtype)
    return hit / total(hit, axis, keepdims=True)
