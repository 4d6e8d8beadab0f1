"""The guard refuses what CuPy refuses, allows what CuPy allows, and counts reads and copies."""

import copy
import io
import operator
import pickle

import numpy as np
import pytest
from guard import guard_xp as xp
from guard_array import GuardArray
from traffic import capturing, counting

import tinygan
from tinygan import Tensor, backend
from tinygan.backend import inputs

HOST = np.arange(6.0).reshape(2, 3)


def array(host=HOST):
    return backend.move(host, "guard")


def in_place(function):
    def assign(x):
        x = x.copy()
        function(x)
        return x

    return assign


def assigned(key, value):
    return in_place(lambda x: operator.setitem(x, key, value))


# Name: a function of an array, the exception and a part of its message.

IMPLICIT, UNSUPPORTED = "Implicit conversion to a NumPy array", "Unsupported type <class"
REFUSED = {
    "np.asarray": (np.asarray, TypeError, IMPLICIT),
    "np.array": (np.array, TypeError, IMPLICIT),
    "np.array of a list of them": (lambda x: np.array([x, x]), TypeError, IMPLICIT),
    "assigned to a NumPy array": (lambda x: HOST.copy().__setitem__(..., x), TypeError, IMPLICIT),
    "added to in place by it": (lambda x: operator.iadd(HOST.copy(), x), TypeError, UNSUPPORTED),
    "x == None": (lambda x: x == None, TypeError, UNSUPPORTED),  # noqa: E711
    "ufunc of NumPy's array": (lambda x: xp.add(x, HOST), TypeError, UNSUPPORTED),
    "ufunc of a 0-d NumPy array": (lambda x: xp.add(x, np.array(1.0)), TypeError, UNSUPPORTED),
    "ufunc of a list": (lambda x: xp.maximum(x, [1, 2, 3]), TypeError, UNSUPPORTED),
    "NumPy's ufunc, mixed": (lambda x: np.add(HOST, x), TypeError, UNSUPPORTED),
    "NumPy's function, mixed": (lambda x: np.concatenate([x, HOST]), TypeError, UNSUPPORTED),
    "NumPy's function that CuPy lacks": (lambda x: np.linalg.vector_norm(x), TypeError, "no impl"),
    "function of NumPy's array": (lambda x: xp.sum(HOST), TypeError, "expected cupy.ndarray"),
    "function of a list": (lambda x: xp.sum([1, 2]), TypeError, "expected cupy.ndarray"),
    "concatenate, mixed": (lambda x: xp.concatenate([x, HOST]), TypeError, UNSUPPORTED),
    "where of a host mask": (lambda x: xp.where(HOST > 1, x, 0.0), TypeError, UNSUPPORTED),
    "where of a Python bool": (lambda x: xp.where(True, x, 0.0), AttributeError, "astype"),
    "out= of NumPy": (lambda x: xp.exp(x, out=HOST.copy()), TypeError, UNSUPPORTED),
    "where=": (lambda x: xp.add(x, 1, where=x > 1), TypeError, "Wrong arguments"),
    "order=": (lambda x: xp.add(x, 1, order="C"), TypeError, "Wrong arguments"),
    "subok=": (lambda x: xp.exp(x, subok=False), TypeError, "Wrong arguments"),
    "sum(where=)": (lambda x: xp.sum(x, where=x > 1), TypeError, "'where'"),
    "sum(initial=)": (lambda x: xp.sum(x, initial=0.0), TypeError, "'initial'"),
    "mean(where=)": (lambda x: xp.mean(x, where=x > 1), TypeError, "'where'"),
    "max(initial=)": (lambda x: xp.max(x, initial=0.0), TypeError, "'initial'"),
    "x.sum(where=)": (lambda x: x.sum(where=x > 1), TypeError, "'where'"),
    "x.max(initial=)": (lambda x: x.max(initial=0.0), TypeError, "'initial'"),
    "x.item(index)": (lambda x: x.item(0), TypeError, "positional"),
    "x[...] = NumPy's": (assigned(..., HOST), ValueError, "non-scalar numpy.ndarray"),
    "x[0] = NumPy's": (assigned(0, HOST[0]), ValueError, "non-scalar numpy.ndarray"),
    "x[...] = list": (assigned(..., [1, 2, 3]), TypeError, UNSUPPORTED),
    "fill(NumPy's)": (in_place(lambda x: x.fill(HOST)), ValueError, "non-scalar numpy.ndarray"),
    "sort(kind)": (lambda x: xp.sort(x, kind="quicksort"), ValueError, "None or 'stable'"),
    "x.argsort(kind)": (lambda x: x.argsort(kind="mergesort"), ValueError, "None or 'stable'"),
    "multiply.at": (lambda x: xp.multiply.at(x, 0, 2.0), NotImplementedError, "not supported"),
    "maximum.reduce": (lambda x: xp.maximum.reduce(x), NotImplementedError, "not supported"),
    "add.at of int64": (lambda x: xp.add.at(x.astype(np.int64), 0, 1), TypeError, "scatter_add"),
    "errstate": (lambda x: xp.errstate, AttributeError, "no attribute 'errstate'"),
    "vecdot": (lambda x: xp.vecdot(x, x), AttributeError, "no attribute 'vecdot'"),
    "linalg.vector_norm": (lambda x: xp.linalg.vector_norm, AttributeError, "vector_norm"),
    "x.resize": (lambda x: x.resize(3, 2), AttributeError, "no attribute 'resize'"),
    "x.setflags": (lambda x: x.setflags(), AttributeError, "no attribute 'setflags'"),
    "hash": (hash, TypeError, "unhashable"),
    "as a size": (lambda x: range(x.astype(np.int64).sum()), TypeError, "integer"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_as_by_cupy(what):
    function, exception, text = REFUSED[what]
    with pytest.raises(exception, match=text):
        function(array())


ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")


@pytest.mark.parametrize("name", [*ARITHMETIC, "lt", "le", "gt", "ge", "eq", "ne"])
def test_operators_refuse_numpy_arrays_on_either_side_and_in_place(name):
    function, host = getattr(operator, name), HOST[:, :2] + 1
    x = array(host)
    for left, right in ((x, host), (host, x), (x, host.tolist())):
        with pytest.raises(TypeError, match=UNSUPPORTED):
            function(left, right)
    if hasattr(operator, f"i{name}"):
        with pytest.raises(TypeError, match=UNSUPPORTED):
            getattr(operator, f"i{name}")(x, host)
    both = function(x, x)
    assert type(both) is GuardArray
    np.testing.assert_array_equal(both.get(), function(host, host))


ALLOWED = {
    "numbers": lambda x: (2 * x + np.float64(3)) / np.float32(4) - True,
    "a reflected NumPy scalar": lambda x: np.float64(2) * x,
    "NumPy's ufunc": lambda x: np.exp(x),
    "NumPy's function": lambda x: np.sum(x, axis=1),
    "in place": in_place(lambda x: operator.imul(x, 3)),
    "out=": lambda x: np.exp(x, out=x.copy()),
    "reductions": lambda x: x.sum() + x.mean(axis=0, keepdims=True) + x.max() + x.std(),
    "slices": lambda x: x[:, ::-1][..., None],
    "a scalar assigned": assigned((0, 1), 7.0),
    "a NumPy scalar assigned": assigned(0, np.float32(7)),
    "a 0-d NumPy array assigned": assigned(0, np.array(7.0)),
    "indices of the host": lambda x: x[[1, 0], np.array([2, 2])],
    "assigned at indices": assigned([0, 1], np.array([1.0, 2.0, 3.0])),
    "an empty index": lambda x: x[[]],
    "a mask": lambda x: x[x > 2],
    "a stable sort": lambda x: x.argsort(axis=1, kind="stable"),
    "reshaped": lambda x: x.reshape(3, 2).T.reshape(-1).astype(np.float32),
    "a product": lambda x: x @ x.T,
}


@pytest.mark.parametrize("what", ALLOWED)
def test_allowed_and_equal_to_numpy(what):
    expected, got = np.asarray(ALLOWED[what](HOST)), ALLOWED[what](array())
    assert type(got) is GuardArray
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(got.get(), expected)


def test_views_share_memory_and_out_is_what_is_returned():
    x = array()
    x.T[0] += 10.0
    assert x.get()[1, 0] == 13 and x.get()[0, 0] == 10
    y = xp.zeros_like(x)
    assert xp.add(x, 1, out=y) is y is x.sum(axis=(), out=y)
    assert xp.lib.stride_tricks.as_strided(x, (2, 2), (8, 8)).get()[1, 1] == x.get()[0, 2]


def test_reductions_are_arrays_and_not_scalars():
    x = array()
    for y in (x.sum(), xp.max(x), xp.mean(x), x[0, 0], xp.allclose(x, x), x == x):
        assert type(y) is GuardArray and (y.shape == () or y.dtype == bool)
    total = x.sum()
    alias = total
    total += 1
    assert alias.get() == 16  # a NumPy scalar would still be 15


def test_copies_have_memory_of_their_own():
    x = array()
    for y in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x)), x.copy()):
        y += 1
        assert type(y) is GuardArray and x.get()[0, 0] == 0


# Reads, for which the host waits, and copies, which it sends: a capture refuses both.

READS = {
    "float": lambda x: float(x[0, 0]),
    "int": lambda x: int(x[0, 0]),
    "bool": lambda x: bool(x[0, 0]),
    "if": lambda x: 1 if (x > 0).any() else 0,
    "item": lambda x: x.sum().item(),
    "get": lambda x: x.get(),
    "tolist": lambda x: x.tolist(),
    "save": lambda x: np.save(io.BytesIO(), x),
    "repr": repr,
    "str": str,
    "format": lambda x: f"{x[0, 0]:.2f}",
    "asnumpy": lambda x: xp.asnumpy(x),
    "Tensor.numpy": lambda x: Tensor(x).numpy(),
    "Tensor.item": lambda x: Tensor(x).sum().item(),
    "mask": lambda x: x[x > 1],
    "mask assigned at": lambda x: x.copy().__setitem__(x > 1, x[0, 0]),
    "mask added at": lambda x: xp.add.at(x.copy(), x > 1, x[0, 0]),
    "nonzero": lambda x: x.nonzero(),
    "where of one argument": lambda x: xp.where(x > 1),
    "argwhere": lambda x: xp.argwhere(x),
    "unique": lambda x: xp.unique(x),
    "bincount": lambda x: xp.bincount(x.astype(np.int64).reshape(-1)),
    "repeats on the device": lambda x: xp.repeat(x[0], xp.ones(3, dtype=np.int64)),
    "fill(0-d)": lambda x: x.copy().fill(x[0, 0]),
    "x in y": lambda x: 5.0 in x[0],
}
COPIES = {
    "asarray": lambda x: xp.asarray(HOST),
    "array of a list": lambda x: xp.array([1.0, 2.0]),
    "asarray of a number": lambda x: xp.asarray(1.0),
    "place": lambda x: backend.place(HOST, x),
    "move": lambda x: backend.move(HOST, "guard"),
    "list as index": lambda x: x[[0, 1]],
    "NumPy's index": lambda x: x[np.array([0, 1])],
    "number at indices": lambda x: x.copy().__setitem__((xp.arange(2), xp.arange(2)), 0.0),
    "noise": lambda x: inputs.normal(np.random.default_rng(0), (2,), x),
}
PRODUCTS = {
    "matmul": lambda x: xp.matmul(x, x.T),
    "@": lambda x: x @ x.T,
    "dot": lambda x: xp.dot(x, x.T),
    "x.dot": lambda x: x.dot(x.T),
    "tensordot": lambda x: xp.tensordot(x, x),
    "einsum": lambda x: xp.einsum("ij,ij->", x, x),
    "linalg": lambda x: xp.linalg.norm(x),
    "Tensor @": lambda x: Tensor(x) @ Tensor(x).T,
}
CAPTURED = {
    "arithmetic": lambda x: (x * 2 - 1) / xp.exp(x),
    "reductions": lambda x: x.sum(axis=0) + x.max(),
    "where": lambda x: xp.where(x > 1, x, 0.0),
    "buffers": lambda x: xp.zeros((2, 3)) + xp.full((2, 3), 2.0) + x.copy(),
    "assigned": lambda x: x.copy().__setitem__(..., x[0, 0]),
    "gathered": lambda x: x[xp.arange(2)],
    "scattered": lambda x: xp.add.at(x.copy(), xp.arange(2), x),
    "asarray of an array": lambda x: xp.asarray(x),
    "softplus": lambda x: tinygan.ops.softplus(x),
}


@pytest.mark.parametrize("what", READS)
def test_a_read_is_counted_and_refused_while_capturing(what):
    x = array()
    with counting() as traffic:
        READS[what](x)
    assert traffic.reads and (what == "asnumpy" or not traffic.copies)
    with capturing(), pytest.raises(RuntimeError, match="capturing, so D2H transfers are disall"):
        READS[what](x)


@pytest.mark.parametrize("what", COPIES)
def test_a_copy_is_counted_and_refused_while_capturing(what):
    x = array()
    with counting() as traffic:
        COPIES[what](x)
    assert len(traffic.copies) == 1 and not traffic.reads
    with capturing(), pytest.raises(RuntimeError, match="capturing, so H2D transfers are disall"):
        COPIES[what](x)


@pytest.mark.parametrize("what", PRODUCTS)
def test_a_matrix_product_is_captured_in_an_allowed_function_only(what):
    x, product = array(), PRODUCTS[what]
    with capturing(), pytest.raises(RuntimeError, match="calling cuBLAS API during stream capture"):
        product(x)
    with capturing(product):
        product(x)
        with pytest.raises(RuntimeError, match="cuBLAS"):
            xp.matmul(x, x.T)


@pytest.mark.parametrize("what", CAPTURED)
def test_other_work_is_captured(what):
    x = array()
    with counting() as traffic, capturing():
        CAPTURED[what](x)
    assert not traffic.reads and not traffic.copies


def test_counting_and_capturing_end_with_their_blocks():
    x = array()
    with counting() as outer:
        with counting() as inner:
            float(x[0, 0])
        float(x[0, 0])
    float(x[0, 0])
    assert (len(inner.reads), len(outer.reads)) == (1, 2)
    with pytest.raises(RuntimeError), capturing():
        float(x[0, 0])
    assert float(x[0, 1]) == 1
