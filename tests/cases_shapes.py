"""Cases for ops/shapes.py."""

import numpy as np
from cases import Cases, Point, generator, part_of, shape, smooth
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygan import Tensor, ops

SHAPES = Cases()


def _drawn(draw, least=0, most=3):
    return smooth(generator(draw), shape(draw, least, most))


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
    a = _drawn(draw, least=1)
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

    def value(a):  # the transpose of broadcasting, as a matrix
        matrix = np.broadcast_to(np.eye(int(np.prod(small))).reshape(-1, *small), (int(np.prod(small)), *((1,) * (len(full) - len(small))), *small)) if False else None
        return matrix

    return Point(lambda a: ops.sum_to(a, small), (smooth(generator(draw), full),), value)
