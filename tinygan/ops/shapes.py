"""Ops that move elements without changing them. Most come in pairs, each the gradient rule of the
other: broadcast_to and sum_to, getitem and scatter."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex

from ..backend import is_array, total
from ..plain_array import kind_of, refuse_special
from ..tensor import Operand, Tensor, lift, raw

__all__ = [
    "broadcast_to",
    "concatenate",
    "getitem",
    "pad",
    "reshape",
    "scatter",
    "stack",
    "sum_to",
    "swapaxes",
    "transpose",
]

Shape = tuple[int, ...]


def reshape(a: Operand, shape: Shape | int) -> Tensor:
    """The same elements, in row-major order, in another shape. One size may be -1.

    A result of four axes is assumed to be images (N, C, H, W) and stored channels-last in memory,
    so that the next ops read contiguous rows of channels.

    Raises TypeError if `shape` is not of sizes, ValueError if the elements do not fit into it.
    """
    (a,) = lift(a)
    if not isinstance(shape, (int, Iterable)):
        raise TypeError(f"reshape: expected sizes, got {shape!r}")
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    known = math.prod(n for n in shape if n != -1)
    fits = known == a.size if -1 not in shape else known > 0 and a.size % known == 0
    if not fits or shape.count(-1) > 1 or any(n < -1 for n in shape):
        raise ValueError(f"reshape: {a.shape} does not fit into {shape}")
    value = a.data.reshape(shape)
    if value.ndim == 4:
        value = a.xp.ascontiguousarray(value.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return Tensor(value, (a, lambda g, _: reshape(g, a.shape)))


def transpose(a: Operand, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in the order `axes`; reversed if it is None.

    Raises TypeError or ValueError if `axes` is not an order of all axes.
    """
    (a,) = lift(a)
    if not (axes is None or (isinstance(axes, Iterable) and all(map(is_int, axes)))):
        raise TypeError(f"transpose: expected axes, got {axes!r}")
    order = tuple(range(a.ndim))[::-1] if axes is None else tuple(axes)
    if sorted(i % a.ndim if -a.ndim <= i < a.ndim else i for i in order) != list(range(a.ndim)):
        raise ValueError(
            f"transpose: axes {order} is no order of the axes of shape {a.shape}; to exchange two, "
            "use ops.swapaxes"
        )
    back = sorted(range(a.ndim), key=lambda i: order[i] % a.ndim)
    return Tensor(a.data.transpose(order), (a, lambda g, _: transpose(g, back)))


def swapaxes(a: Operand, first: int, second: int) -> Tensor:
    """Two axes exchanged."""
    (a,) = lift(a)
    first, second = (_axis("swapaxes", axis, a.ndim) for axis in (first, second))
    return Tensor(a.data.swapaxes(first, second), (a, lambda g, _: swapaxes(g, first, second)))


def broadcast_to(a: Operand, shape: Shape) -> Tensor:
    """The array repeated along new axes and axes of size 1, without a copy."""
    (a,) = lift(a)
    return Tensor(a.xp.broadcast_to(a.data, shape), (a, lambda g, _: g))  # `grad` sums, once


def sum_to(a: Tensor, shape: Shape) -> Tensor:
    """The sum over all axes along which `shape` would be broadcast to a's own shape.

    Raises ValueError if `shape` does not broadcast to that shape.
    """
    if a.shape == shape:
        return a
    new = a.ndim - len(shape)
    axes = tuple(i for i in range(a.ndim) if i < new or (shape[i - new] == 1 and a.shape[i] != 1))
    summed = total(a.data, axes, keepdims=True)
    if summed.shape[new:] != shape:
        raise ValueError(f"sum_to: {shape} does not broadcast to {a.shape}")
    return Tensor(summed.reshape(shape), (a, lambda g, _: broadcast_to(g, a.shape)))


def concatenate(tensors: Sequence[Operand], axis: int = 0) -> Tensor:
    """The tensors joined along an existing axis. Their other sizes must agree."""
    parts = _parts("concatenate", tensors)
    axis = _axis_of_all(parts, axis)

    def cut(start: int, stop: int) -> Any:
        index = (slice(None),) * axis + (slice(start, stop),)
        return lambda g, _: getitem(g, index)

    edges, start = [], 0
    value = parts[0].xp.concatenate([t.data for t in parts], axis=axis)
    for t in parts:
        edges.append((t, cut(start, start + t.shape[axis])))
        start += t.shape[axis]
    return Tensor(value, *edges)


def stack(tensors: Sequence[Operand], axis: int = 0) -> Tensor:
    """Tensors of one shape joined along a new axis.

    Raises ValueError if there is none or their shapes differ.
    """
    parts = _parts("stack", tensors)
    shape = parts[0].shape
    if any(t.shape != shape for t in parts):
        raise ValueError(f"stack: tensors: expected one shape, got {[t.shape for t in parts]}")
    at = _axis("stack", axis, len(shape) + 1)
    return concatenate([reshape(t, (*shape[:at], 1, *shape[at:])) for t in parts], at)


def _parts(op: str, tensors: Sequence[Operand]) -> tuple[Tensor, ...]:
    """Return tensors and arrays as a tuple of tensors. Raise ValueError if there is none."""
    if not isinstance(tensors, Iterable):
        raise TypeError(f"{op}: tensors: expected a list, got {tensors!r}")
    parts = list(tensors)
    if not parts:
        raise ValueError(f"{op}: tensors: expected at least one, got none")
    for i, t in enumerate(parts):
        if not (isinstance(t, Tensor) or is_array(t)):
            raise TypeError(f"{op}: tensors[{i}]: expected a tensor or an array, got {kind_of(t)}")
    return lift(*parts)


def _axis(op: str, axis: int, ndim: int) -> int:
    """Return `axis`, which may be negative, as an index in 0..ndim - 1."""
    if not is_int(axis) or not -ndim <= axis < ndim:
        raise ValueError(f"{op}: axis: expected an int for {ndim} axes, got {axis!r}")
    return axis % ndim


def is_int(value: Any) -> bool:
    """Return whether `value` can be an index. `int` comes first, because this check is faster."""
    return isinstance(value, (int, SupportsIndex))


def _axis_of_all(parts: Sequence[Tensor], axis: int) -> int:
    """Return `axis` as an index >= 0. Along the other axes all parts must have the same sizes."""
    at = _axis("concatenate", axis, parts[0].ndim)
    if len({(t.ndim, *t.shape[:at], *t.shape[at + 1 :]) for t in parts}) > 1:
        raise ValueError(
            f"concatenate: tensors: expected one shape but for axis {axis}, got "
            f"{[t.shape for t in parts]}"
        )
    return at


def getitem(a: Operand, index: Any) -> Tensor:
    """a[index]. An index is an int, a slice, None, `...`, an array or a tensor of ints or bools, or
    a tuple of these."""
    (a,) = lift(a)
    index = _raw(index)
    if not _is_basic(index):
        refuse_special("index", index)
    return Tensor(a.data[index], (a, lambda g, _: scatter(g, index, a.shape)))


def scatter(a: Tensor, index: Any, shape: Shape) -> Tensor:
    """Zeros of the given shape with `a` added at `index`; entries at a repeated index add up."""
    index, value = _raw(index), a.xp.zeros(shape, dtype=a.dtype)
    if _is_basic(index):
        value[index] = a.data  # no index repeats
    else:
        a.xp.add.at(value, index, a.data)
    return Tensor(value, (a, lambda g, _: getitem(g, index)))


def _raw(index: Any) -> Any:
    """Return the index with arrays in place of tensors."""
    if isinstance(index, tuple):
        return tuple(_raw(part) for part in index)
    return raw(index)


def _is_basic(index: Any) -> bool:
    """Return whether the index consists of ints, slices, None and `...`; then none repeats."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is ... or type(part) in (int, slice) for part in parts)


def pad(a: Operand, widths: Sequence[tuple[int, int]], mode: str = "constant") -> Tensor:
    """Add (before, after) elements to each axis: zeros ("constant"), or the array mirrored at its
    edge elements, which are not repeated ("reflect"; each width is less than the axis's size).

    Raises ValueError for other widths or another mode.
    """
    (a,) = lift(a)
    pairs = isinstance(widths, Sequence) and all(
        isinstance(pair, Sequence) and len(pair) == 2 and min(pair) >= 0 for pair in widths
    )
    if not pairs or len(widths) != a.ndim:
        raise ValueError(f"pad: expected {a.ndim} pairs of widths >= 0, got {widths!r}")
    if mode == "constant":
        inside = tuple(slice(w[0], w[0] + n) for w, n in zip(widths, a.shape, strict=True))
        grown = tuple(n + w[0] + w[1] for w, n in zip(widths, a.shape, strict=True))
        return scatter(a, inside, grown)
    if mode != "reflect":
        raise ValueError(f"pad: mode must be 'constant' or 'reflect', got {mode!r}")
    for axis, (before, after) in enumerate(widths):
        size = a.shape[axis]
        if before >= size or after >= size:
            raise ValueError(f"pad: widths {(before, after)} exceed axis {axis} of {a.shape}")
        if before or after:
            lead = (slice(None),) * axis
            left = getitem(a, (*lead, slice(1, before + 1)))
            right = getitem(a, (*lead, slice(size - 1 - after, size - 1)))
            flip = (*lead, slice(None, None, -1))
            a = concatenate([getitem(left, flip), a, getitem(right, flip)], axis)
    return a
