"""Cases for ops/shapes.py."""

import numpy as np
from cases import Cases, Point, generator, part_of, shape, smooth
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygan import Tensor, ops

SHAPES = Cases()


def _drawn(draw, minimum=0, most=3):
    return smooth(generator(draw), shape(draw, minimum, most))


@SHAPES.add("reshape")
def reshape(draw):
    a = _drawn(draw)
    new = draw(st.permutations([*a.shape, *([1] if draw(st.booleans()) else [])]))
    if new and draw(st.booleans()):
        new[draw(st.integers(0, len(new) - 1))] = -1
    new = tuple(new)
    f = draw(st.sampled_from([ops.reshape, Tensor.reshape]))
    return Point(lambda a: f(a, new), (a,), lambda a: a.reshape(new))


@SHAPES.add("reshape", "to a vector, and sizes as arguments")
def reshape_flat(draw):
    a = _drawn(draw)
    if draw(st.booleans()):
        return Point(lambda a: ops.reshape(a, -1), (a,), np.ravel)
    return Point(lambda a: a.reshape(1, -1), (a,), lambda a: a.reshape(1, -1))


@SHAPES.add("transpose")
def transpose(draw):
    a = _drawn(draw, most=4)
    order = [i - a.ndim if draw(st.booleans()) else i for i in draw(st.permutations(range(a.ndim)))]
    if draw(st.booleans()):
        return Point(lambda a: a.transpose(*order), (a,), lambda a: a.transpose(order))
    return Point(lambda a: ops.transpose(a, order), (a,), lambda a: a.transpose(order))


@SHAPES.add("transpose", "all axes reversed")
def transpose_all(draw):
    f = draw(st.sampled_from([ops.transpose, Tensor.transpose, lambda a: a.T]))
    return Point(f, (_drawn(draw),), np.transpose)


@SHAPES.add("swapaxes")
def swapaxes(draw):
    a = _drawn(draw, minimum=1)
    one, two = (draw(st.integers(-a.ndim, a.ndim - 1)) for _ in range(2))
    return Point(lambda a: ops.swapaxes(a, one, two), (a,), lambda a: np.swapaxes(a, one, two))


@SHAPES.add("broadcast_to")
def broadcast_to(draw):
    full = shape(draw)
    a = smooth(generator(draw), part_of(draw, full))
    return Point(
        lambda a: ops.broadcast_to(a, full), (a,), lambda a: np.broadcast_to(a, full).copy()
    )


@SHAPES.add("sum_to")
def sum_to(draw):
    full = shape(draw)
    small = part_of(draw, full)
    size = int(np.prod(small))
    place = np.broadcast_to(np.arange(size).reshape(small), full)  # where each element goes

    def value(a):
        return np.bincount(place.ravel(), a.ravel(), minlength=size).reshape(small)

    return Point(lambda a: ops.sum_to(a, small), (smooth(generator(draw), full),), value)


@SHAPES.add("concatenate")
def concatenate(draw):
    rng, full = generator(draw), shape(draw, minimum=1)
    axis = draw(st.integers(-len(full), len(full) - 1))
    parts = []
    for size in draw(st.lists(st.integers(0, 3), min_size=1, max_size=3)):
        sizes = list(full)
        sizes[axis] = size
        parts.append(smooth(rng, tuple(sizes)))
    return Point(lambda *t: ops.concatenate(t, axis), parts, lambda *a: np.concatenate(a, axis))


@SHAPES.add("concatenate", "arrays among the tensors, x twice")
def concatenate_mixed(draw):
    x = _drawn(draw, minimum=1)
    c = smooth(generator(draw), x.shape)
    return Point(
        lambda x: ops.concatenate([x, c.astype(x.dtype), x]),
        (x,),
        lambda x: np.concatenate([x, c, x]),
    )


@SHAPES.add("stack")
def stack(draw):
    rng, full = generator(draw), shape(draw)
    axis = draw(st.integers(-len(full) - 1, len(full)))
    parts = [smooth(rng, full) for _ in range(draw(st.integers(1, 3)))]
    return Point(lambda *t: ops.stack(t, axis), parts, lambda *a: np.stack(a, axis))


def _indexed(a, index):
    return Point(lambda a: a[index], (a,), lambda a: a[index].copy())


@SHAPES.add("getitem", "ints, slices of either direction, None, ...")
def basic(draw):
    a = _drawn(draw)
    return _indexed(a, draw(hnp.basic_indices(a.shape, allow_newaxis=True)))


@SHAPES.add("getitem", "steps backwards")
def backwards(draw):
    a = _drawn(draw, minimum=1)
    return _indexed(a, tuple(slice(None, None, draw(st.sampled_from([-1, -2]))) for _ in a.shape))


@SHAPES.add("getitem", "arrays of integers, with repeats")
def gathered(draw):
    a = _drawn(draw, minimum=1)
    shapes = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=4)
    return _indexed(a, draw(hnp.integer_array_indices(a.shape, result_shape=shapes)))


@SHAPES.add("getitem", "integers beside slices, negative and repeated")
def mixed(draw):
    a = _drawn(draw, minimum=2)
    rows = draw(st.lists(st.integers(-a.shape[0], a.shape[0] - 1), min_size=1, max_size=4))
    index = draw(st.sampled_from([rows, np.array(rows)]))
    return _indexed(a, draw(st.sampled_from([(index, slice(None, None, -1)), (index, 0), index])))


@SHAPES.add("getitem", "a tensor of integers")
def by_tensor(draw):
    a = _drawn(draw, minimum=1)
    rows = np.array(draw(st.lists(st.integers(0, a.shape[0] - 1), max_size=4)), dtype=np.int64)
    return Point(lambda a: a[Tensor(rows), ...], (a,), lambda a: a[rows])


@SHAPES.add("getitem", "a mask")
def masked(draw):
    a = _drawn(draw, minimum=1)
    mask = generator(draw).random(a.shape[: draw(st.integers(1, a.ndim))]) < 0.5
    return _indexed(a, mask)


@SHAPES.add("scatter")
def scatter(draw):
    full = shape(draw, minimum=1)
    index = draw(
        hnp.basic_indices(full)
        | hnp.integer_array_indices(full, result_shape=hnp.array_shapes(max_dims=2, max_side=3))
    )
    a = smooth(generator(draw), np.zeros(full)[index].shape)

    def value(a):
        y = np.zeros(full)
        np.add.at(y, index, a)
        return y

    return Point(lambda a: ops.scatter(a, index, full), (a,), value)


@SHAPES.add("pad", "zeros")
def pad_zeros(draw):
    a = _drawn(draw)
    widths = [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in a.shape]
    return Point(lambda a: ops.pad(a, widths), (a,), lambda a: np.pad(a, widths) if widths else a)


@SHAPES.add("pad", "mirrored at the edges")
def pad_reflect(draw):
    a = _drawn(draw, minimum=1)
    widths = [(draw(st.integers(0, n - 1)), draw(st.integers(0, n - 1))) for n in a.shape]
    return Point(
        lambda a: ops.pad(a, widths, mode="reflect"),
        (a,),
        lambda a: np.pad(a, widths, mode="reflect"),
    )
