"""Cases for ops/arithmetic.py, ops/pointwise.py, ops/reductions.py and ops/standardize.py."""

import itertools
import operator

import numpy as np
import scipy.special
from cases import (
    Cases,
    Point,
    axis,
    distinct,
    generator,
    near_halves,
    near_integers,
    nonzero,
    part_of,
    positive,
    shape,
    smooth,
)
from hypothesis import strategies as st

from tinygan import ops

ARITHMETIC = Cases()

# Ops of two operands: tensors, numbers and arrays.

BINARY = {  # the op, its operator, NumPy's, and where the operands may be without a kink between
    "add": (ops.add, operator.add, np.add, smooth, smooth),
    "sub": (ops.sub, operator.sub, np.subtract, smooth, smooth),
    "mul": (ops.mul, operator.mul, np.multiply, smooth, smooth),
    "div": (ops.div, operator.truediv, np.divide, nonzero, nonzero),
    "power": (ops.power, operator.pow, np.power, positive, smooth),
    "maximum": (ops.maximum, ops.maximum, np.maximum, near_integers, near_halves),
    "minimum": (ops.minimum, ops.minimum, np.minimum, near_integers, near_halves),
}


def _number(draw, values, rng):
    return draw(st.sampled_from([float, np.float64, np.float32]))(values(rng, ()))


def _binary(name, op, sign, numpys, left, right):
    @ARITHMETIC.add(name, "shapes that broadcast")
    def tensors(draw):
        rng, full = generator(draw), shape(draw)
        a, b = left(rng, part_of(draw, full)), right(rng, part_of(draw, full))
        return Point(draw(st.sampled_from([op, sign])), (a, b), numpys)

    @ARITHMETIC.add(name, "x twice")
    def twice(draw):
        x = left(generator(draw), shape(draw))
        return Point(lambda x: op(x, x), (x,), lambda x: numpys(x, x))

    for side, kind in itertools.product(("left", "right"), ("number", "array")):

        @ARITHMETIC.add(name, f"{kind} on the {side}")
        def one_tensor(draw, side=side, kind=kind):
            rng, full = generator(draw), shape(draw)
            of_c, of_x = (left, right) if side == "left" else (right, left)
            c = _number(draw, of_c, rng) if kind == "number" else of_c(rng, part_of(draw, full))
            f = draw(st.sampled_from([op, sign]))

            def applied(f, c, x):
                return f(c, x) if side == "left" else f(x, c)

            return Point(
                lambda x: applied(f, c if kind == "number" else c.astype(x.dtype), x),
                (of_x(rng, part_of(draw, full)),),
                lambda x: applied(numpys, np.asarray(c, float), x),
            )


for _name, _forms in BINARY.items():
    _binary(_name, *_forms)


@ARITHMETIC.add("power", "integer powers of both signs")
def integer_powers(draw):
    a = nonzero(generator(draw), shape(draw))
    n = draw(st.integers(-2, 4))
    return Point(lambda a: a**n, (a,), lambda a: a ** float(n))


@ARITHMETIC.add("power", "exponents among them 0")
def powers_with_zero(draw):
    rng, full = generator(draw), shape(draw, minimum=1)
    b = np.where(rng.random(full) < 0.5, 0.0, smooth(rng, full))
    return Point(ops.power, (positive(rng, part_of(draw, full)), b), np.power)


@ARITHMETIC.add("power", "base 0 with a positive power")
def powers_of_zero(draw):
    b = positive(generator(draw), shape(draw))
    return Point(lambda b: 0.0**b, (b,), lambda b: 0.0**b)


@ARITHMETIC.add("matmul", "batches that broadcast")
def matmul_batches(draw):
    rng, batch = generator(draw), shape(draw, most=2)
    n, k, m = shape(draw, minimum=3)
    a = smooth(rng, (*part_of(draw, batch), n, k))
    b = smooth(rng, (*part_of(draw, batch), k, m))
    return Point(draw(st.sampled_from([ops.matmul, operator.matmul])), (a, b), np.matmul)


@ARITHMETIC.add("matmul", "a vector on either side, or on both")
def matmul_vectors(draw):
    rng, batch = generator(draw), shape(draw, most=2)
    n, k, m = shape(draw, minimum=3)
    left, right = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    a = smooth(rng, (k,) if left else (*batch, n, k))
    b = smooth(rng, (k,) if right else (*batch, k, m))
    return Point(ops.matmul, (a, b), np.matmul)


@ARITHMETIC.add("matmul", "x with itself transposed")
def gram(draw):
    x = smooth(generator(draw), shape(draw, minimum=2, most=2))
    return Point(lambda x: x @ x.T, (x,), lambda x: x @ x.T)


@ARITHMETIC.add("linear", "with and without a bias, rows of any shape")
def linear(draw):
    rng, rows = generator(draw), shape(draw, most=2)
    inner, out = shape(draw, minimum=2, most=2)
    x, w = smooth(rng, (*rows, inner)), smooth(rng, (out, inner))
    if draw(st.booleans()):
        return Point(ops.linear, (x, w), lambda x, w: x @ w.T)
    return Point(ops.linear, (x, w, smooth(rng, (out,))), lambda x, w, b: x @ w.T + b)


@ARITHMETIC.add("matmul", "array and tensor")
def matmul_arrays(draw):
    rng = generator(draw)
    n, k, m = shape(draw, minimum=3)
    c, b = smooth(rng, (n, k)), smooth(rng, (k, m))
    return Point(lambda b: c.astype(b.dtype) @ b, (b,), lambda b: c @ b)


# Ops of one operand.


def _unary(name, op, numpys, values, note=""):
    @ARITHMETIC.add(name, note)
    def build(draw):
        return Point(op, (values(generator(draw), shape(draw)),), numpys)


for _name, *_rest in [
    ("neg", ops.neg, np.negative, smooth),
    ("neg", operator.neg, np.negative, smooth, "the operator"),
    ("abs", ops.abs, np.abs, nonzero),
    ("abs", abs, np.abs, nonzero, "the operator"),
    ("exp", ops.exp, np.exp, smooth),
    ("log", ops.log, np.log, positive),
    ("sqrt", ops.sqrt, np.sqrt, positive),
    ("tanh", ops.tanh, np.tanh, smooth),
    ("sigmoid", ops.sigmoid, scipy.special.expit, smooth),
    ("softplus", ops.softplus, lambda a: np.logaddexp(0, a), smooth),
    ("relu", ops.relu, lambda a: np.maximum(a, 0), nonzero),
    ("astype", lambda a: a.astype(a.dtype), np.copy, smooth),
]:
    _unary(_name, *_rest)


@ARITHMETIC.add("leaky_relu")
def leaky_relu(draw):
    slope = draw(st.sampled_from([0, 0.2, np.float64(0.3), 1]))
    a = nonzero(generator(draw), shape(draw))
    return Point(lambda a: ops.leaky_relu(a, slope), (a,), lambda a: np.where(a > 0, a, slope * a))


@ARITHMETIC.add("clip")
def clip(draw):
    low, high = draw(st.sampled_from([(-1.5, 0.5), (None, 0.5), (-0.5, None), (0.5, 0.5)]))
    a = near_integers(generator(draw), shape(draw))
    return Point(lambda a: ops.clip(a, low, high), (a,), lambda a: np.clip(a, low, high))


@ARITHMETIC.add("where", "two tensors")
def where(draw):
    rng, full = generator(draw), shape(draw)
    a, b = smooth(rng, part_of(draw, full)), smooth(rng, part_of(draw, full))
    taken = rng.random(part_of(draw, full)) < 0.5
    return Point(lambda a, b: ops.where(taken, a, b), (a, b), lambda a, b: np.where(taken, a, b))


@ARITHMETIC.add("where", "a number on either side")
def where_number(draw):
    rng, full = generator(draw), shape(draw)
    a, taken = smooth(rng, part_of(draw, full)), rng.random(part_of(draw, full)) < 0.5
    c = _number(draw, smooth, rng)
    if draw(st.booleans()):
        return Point(lambda a: ops.where(taken, a, c), (a,), lambda a: np.where(taken, a, float(c)))
    return Point(lambda a: ops.where(taken, c, a), (a,), lambda a: np.where(taken, float(c), a))


# Reductions.


def _reduction(name, op, numpys, values):
    @ARITHMETIC.add(name)
    def build(draw):
        a = values(generator(draw), shape(draw))
        along, keepdims = axis(draw, a.ndim), draw(st.booleans())
        return Point(
            lambda a: op(a, along, keepdims),
            (a,),
            lambda a: numpys(a, axis=along, keepdims=keepdims),
        )


for _name, *_rest in [
    ("sum", ops.sum, np.sum, smooth),
    ("mean", ops.mean, np.mean, smooth),
    ("max", ops.max, np.max, distinct),
    ("min", ops.min, np.min, distinct),
    ("logsumexp", ops.logsumexp, lambda a, **axis: np.log(np.sum(np.exp(a), **axis)), smooth),
]:
    _reduction(_name, *_rest)


def _along_one_axis(name, op, numpys):
    @ARITHMETIC.add(name)
    def build(draw):
        a = smooth(generator(draw), shape(draw, minimum=1))
        along = draw(st.integers(-a.ndim, a.ndim - 1))
        return Point(lambda a: op(a, along), (a,), lambda a: numpys(a, axis=along))


_along_one_axis("softmax", ops.softmax, scipy.special.softmax)
_along_one_axis("log_softmax", ops.log_softmax, scipy.special.log_softmax)


@ARITHMETIC.add("standardize")
def standardize(draw):
    a = distinct(generator(draw), (2, *shape(draw, minimum=1)))
    along = (draw(st.sampled_from([0, -a.ndim])), *draw(st.sets(st.integers(1, a.ndim - 1))))
    eps = draw(st.sampled_from([1e-2, np.float64(0.5)]))

    def value(a):
        m, v = a.mean(along, keepdims=True), a.var(along, keepdims=True)
        return (a - m) / np.sqrt(v + eps)

    return Point(lambda a: ops.standardize(a, along, eps)[0], (a,), value)


@ARITHMETIC.add("standardize", "weight and bias")
def standardize_affine(draw):
    rng = generator(draw)
    a = distinct(rng, (2, *shape(draw, minimum=1)))
    along = (0, *draw(st.sets(st.integers(1, a.ndim - 1))))
    kept = np.mean(a, along, keepdims=True).shape
    weight, bias = (smooth(rng, kept) for _ in range(2))
    with_weight, with_bias = draw(st.sampled_from([(True, True), (True, False), (False, True)]))

    def function(a, weight, bias):
        affine = weight if with_weight else None, bias if with_bias else None
        return ops.standardize(a, along, 1e-2, *affine)[0]

    def value(a, weight, bias):
        z = (a - a.mean(along, keepdims=True)) / np.sqrt(a.var(along, keepdims=True) + 1e-2)
        return z * (weight if with_weight else 1.0) + (bias if with_bias else 0.0)

    return Point(function, (a, weight, bias), value)
