"""Matrix products by a stand-in for cuBLAS, which reads matrices by columns as cuBLAS does."""

import ctypes
import sys
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygan.backend.cuda.blas import Blas, load_cublas, tf32

TYPES = {0: np.float32, 1: np.float64, 2: np.float16}


class Device(np.ndarray):
    """An array with an address, as in CuPy."""

    @property
    def data(self):
        return types.SimpleNamespace(ptr=self.ctypes.data)


class Library:
    """The functions of cuBLAS that `Blas` calls, computed by NumPy."""

    def __init__(self):
        self.calls, self.computes, self.workspace = [], [], None

    def cublasCreate_v2(self, handle):
        self.calls.append("create")
        return 0

    def cublasSetStream_v2(self, handle, stream):
        self.calls.append("stream")
        self.workspace = None
        return 0

    def cublasSetWorkspace_v2(self, handle, memory, size):
        self.calls.append("workspace")
        self.workspace = (memory.value, size.value)
        return 0

    def cublasGemmEx(self, *args):
        zero = ctypes.c_longlong(0)
        with_steps = [*args[:10], zero, *args[10:13], zero, *args[13:17], zero, ctypes.c_int(1)]
        return self.cublasGemmStridedBatchedEx(*with_steps, *args[17:])

    def cublasGemmStridedBatchedEx(
        self, handle, ta, tb, m, n, k, alpha, A, kind_a, lda, step_a, B, kind_b, ldb, step_b, beta,
        C, kind_c, ldc, step_c, count, compute, algorithm,
    ):  # fmt: skip
        assert self.workspace and kind_a.value == kind_b.value == kind_c.value
        ta, tb, m, n, k, count = (x.value for x in (ta, tb, m, n, k, count))
        assert min(m, n, k, count) >= 1
        dtype = TYPES[kind_a.value]
        self.computes.append(compute.value)

        def matrix(pointer, rows, columns, ld, step, i):
            """Matrix i at `pointer`, stored by columns, as a view."""
            assert ld.value >= max(1, rows)  # else cuBLAS returns an error
            size = np.dtype(dtype).itemsize
            length = (ld.value * (columns - 1) + rows) * size
            start = pointer.value + i * step.value * size
            memory = np.frombuffer((ctypes.c_char * length).from_address(start), dtype)
            strides = (size, ld.value * size)
            return np.lib.stride_tricks.as_strided(memory, (rows, columns), strides)

        for i in range(count):
            a = matrix(A, *((k, m) if ta else (m, k)), lda, step_a, i)
            b = matrix(B, *((n, k) if tb else (k, n)), ldb, step_b, i)
            c = matrix(C, m, n, ldc, step_c, i)
            c[...] = (a.T if ta else a) @ (b.T if tb else b)
        return 0


def blas():
    cupy = types.SimpleNamespace(  # without CuPy's own product, which cannot be captured
        empty=lambda shape, dtype: np.full(shape, np.nan, dtype).view(Device),
        broadcast_shapes=np.broadcast_shapes,
        broadcast_to=lambda x, shape: np.broadcast_to(x, shape, subok=True),
        cuda=types.SimpleNamespace(
            get_current_stream=lambda: types.SimpleNamespace(ptr=7),
            Device=lambda: types.SimpleNamespace(id=0),
            Memory=lambda size: types.SimpleNamespace(ptr=1 << 40),
        ),
    )
    return Blas(cupy, Library())


def square(dtype=np.float32):
    return np.ones((2, 2), dtype).view(Device)


@st.composite
def matrices(draw, lead, shape):
    """An array of matrices (..., *shape) with any memory layout."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    dropped = draw(st.integers(0, len(lead)))
    lead = tuple(draw(st.sampled_from([1, n])) for n in lead[dropped:])
    full = rng.normal(size=(*lead, *(2 * n for n in shape))).astype(np.float32)
    layout = draw(st.sampled_from(["rows", "columns", "part", "every other", "backwards", "one"]))
    rows, columns = shape
    part = full[..., :rows, :columns]
    x = {
        "rows": part.copy(),
        "columns": part.swapaxes(-1, -2).copy().swapaxes(-1, -2),
        "part": part,
        "every other": full[..., ::2, ::2],
        "backwards": part.copy()[..., ::-1, :],
        "one": np.broadcast_to(part[..., :1, :].copy(), part.shape),
    }[layout]
    return x.view(Device)


@given(st.data())
def test_products_of_matrices_with_any_layout(data):
    lead = data.draw(st.sampled_from([(), (), (3,), (2, 3)]))
    m, k, n = (data.draw(st.integers(1, 4)) for _ in range(3))
    a, b = data.draw(matrices(lead, (m, k))), data.draw(matrices(lead, (k, n)))
    expected = np.matmul(np.asarray(a), np.asarray(b))
    got = np.asarray(blas().matmul(a, b))
    assert got.dtype == expected.dtype and got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", TYPES.values())
@pytest.mark.parametrize("sizes", [(0, 2, 3), (2, 0, 3), (2, 3, 0), (2, 3, 4)])
def test_every_dtype_and_empty_matrices(dtype, sizes):
    m, k, n = sizes
    a, b = np.ones((m, k), dtype).view(Device), np.full((k, n), 2, dtype).view(Device)
    got = np.asarray(blas().matmul(a, b))
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, np.full((m, n), 2 * k))


def test_the_handle_is_made_once_and_gets_its_workspace_after_its_stream():
    product = blas()
    for _ in range(2):
        product.matmul(square(), square())
    assert product.library.calls == ["create", "stream", "workspace"]


def test_tf32_changes_products_in_float32_only():
    product = blas()
    for dtype in (np.float32, np.float64):
        x = square(dtype)
        product.matmul(x, x)
        with tf32():
            product.matmul(x, x)
            with tf32(False):
                product.matmul(x, x)
    assert product.library.computes == [68, 77, 68, 70, 70, 70]


def test_a_failure_of_cublas_is_an_error():
    product = blas()
    product.library.cublasCreate_v2 = lambda handle: 1
    with pytest.raises(RuntimeError, match="cublasCreate failed with status 1"):
        product.matmul(square(), square())


def test_a_missing_cublas_is_an_error(monkeypatch):
    load_cublas.cache_clear()
    monkeypatch.setitem(sys.modules, "cuda.pathfinder", None)
    with pytest.raises(RuntimeError, match="cuBLAS is not found"):
        load_cublas()
