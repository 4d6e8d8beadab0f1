"""Matrix products by cuBLAS, called directly, since CuPy's own cannot be captured in a CUDA graph.

    blas = Blas(cupy, load_cublas())
    c = blas.matmul(a, b)                 as numpy.matmul, for arrays of at least two axes

cuBLAS stores matrices by columns, so it reads a matrix that is stored by rows as its transpose. For
C = A B, all stored by rows, it therefore computes C' = B' A'.
"""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ctypes import c_double, c_float, c_int, c_longlong, c_size_t, c_void_p
from functools import cache
from typing import Any

Array = Any
WORKSPACE = 32 << 20  # bytes, as cuBLAS recommends for Hopper
# For each dtype: the cudaDataType of the matrices, the cublasComputeType_t of the arithmetic, and
# the type of alpha and beta.
TYPES = {
    "float16": (2, 68, c_float),
    "float32": (0, 68, c_float),
    "float64": (1, 70, c_double),
}
FAST_TF32 = 77  # CUBLAS_COMPUTE_32F_FAST_TF32: factors with 10 bits of fraction, sums in float32
_tf32: ContextVar[bool] = ContextVar("tf32", default=False)


@contextmanager
def tf32(on: bool = True) -> Iterator[None]:
    """Within this block, float32 products may round their factors to TF32 if `on`. This is faster,
    but the rounding error of a factor is 2^-11 instead of 2^-24. A captured round keeps the setting
    of its capture."""
    token = _tf32.set(on)
    try:
        yield
    finally:
        _tf32.reset(token)


@cache
def load_cublas() -> Any:
    """The cuBLAS library that CuPy uses.

    Raises RuntimeError if it is not found."""
    try:
        from cuda.pathfinder import load_nvidia_dynamic_lib

        return ctypes.CDLL(load_nvidia_dynamic_lib("cublas").abs_path)
    except Exception as problem:  # a missing package or library, or one that does not load
        raise RuntimeError(f"cuBLAS is not found: {problem}") from problem


class Blas:
    """Matrix products on the current device and stream. There is a handle for each device, stream
    and thread, with a workspace that is never freed, because captured graphs use it."""

    def __init__(self, cupy: Any, library: Any) -> None:
        self.cupy, self.library = cupy, library
        self._handles: dict[tuple[int, int, int], tuple[c_void_p, Any]] = {}

    def matmul(self, a: Array, b: Array) -> Array:
        """The products (..., m, n) of a (..., m, k) and b (..., k, n); leading axes broadcast.
        CuPy's own function multiplies arrays of two dtypes, or of a dtype that is not in TYPES.

        Raises RuntimeError if cuBLAS fails."""
        if a.dtype != b.dtype or a.dtype.name not in TYPES:
            return self.cupy.matmul(a, b)
        (m, k), n = a.shape[-2:], b.shape[-1]
        if b.ndim == 2 and a.ndim > 2 and a.flags.c_contiguous:  # one product of more rows
            return self.matmul(a.reshape(-1, k), b).reshape(*a.shape[:-1], n)
        lead = self.cupy.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        out = self.cupy.empty((*lead, m, n), dtype=a.dtype)
        if not k:
            out.fill(0)
        elif out.size:
            self._multiply(self._batch(a, lead), self._batch(b, lead), out.reshape(-1, m, n))
        return out

    def _batch(self, x: Array, lead: tuple[int, ...]) -> Array:
        """x (..., r, c) as (count, r, c), its leading axes broadcast to `lead`; a single matrix
        is not repeated."""
        matrix = x.shape[-2:]
        if x.size > matrix[0] * matrix[1]:
            x = self.cupy.broadcast_to(x, (*lead, *matrix))
        return x.reshape(-1, *matrix)

    def _multiply(self, a: Array, b: Array, out: Array) -> None:
        """Compute out[i] = a[i] @ b[i] for arrays (count, r, c); `out` is stored by rows."""
        kind, compute, number = TYPES[a.dtype.name]
        if kind == 0 and _tf32.get():
            compute = FAST_TF32
        (a, columns_a, lda, step_a), (b, columns_b, ldb, step_b) = _layout(a), _layout(b)
        count, m, n = out.shape
        one, zero = number(1), number(0)

        def operand(x: Array, ld: int, step: int) -> list[Any]:
            steps = [c_longlong(step)] if count > 1 else []
            return [c_void_p(x.data.ptr), c_int(kind), c_int(ld), *steps]

        name = "cublasGemmStridedBatchedEx" if count > 1 else "cublasGemmEx"
        status = getattr(self.library, name)(
            self._handle(),
            *(c_int(size) for size in (columns_b, columns_a, n, m, a.shape[2])),
            ctypes.byref(one),
            *operand(b, ldb, step_b),
            *operand(a, lda, step_a),
            ctypes.byref(zero),
            *operand(out, n, m * n),
            *([c_int(count)] if count > 1 else []),
            *(c_int(compute), c_int(-1)),  # -1: the algorithm is chosen by heuristics
        )
        _check(name, status)

    def _handle(self) -> c_void_p:
        stream = self.cupy.cuda.get_current_stream()
        key = (self.cupy.cuda.Device().id, stream.ptr, threading.get_ident())
        if key not in self._handles:
            handle, memory = c_void_p(), self.cupy.cuda.Memory(WORKSPACE)  # not from a pool
            library = self.library
            _check("cublasCreate", library.cublasCreate_v2(ctypes.byref(handle)))
            _check("cublasSetStream", library.cublasSetStream_v2(handle, c_void_p(stream.ptr)))
            _check(  # after the stream: setting it resets the workspace
                "cublasSetWorkspace",
                library.cublasSetWorkspace_v2(handle, c_void_p(memory.ptr), c_size_t(WORKSPACE)),
            )
            self._handles[key] = handle, memory
        return self._handles[key][0]


def _layout(x: Array) -> tuple[Array, bool, int, int]:
    """The memory layout of x (count, r, c): x, True if it is stored by columns, and in elements the
    leading dimension and the step to the next matrix. An x that is stored neither by rows nor by
    columns is copied."""
    count, r, c = x.shape
    step, down, right = (stride // x.itemsize for stride in x.strides)
    step = 0 if count == 1 else step
    if (c == 1 or right == 1) and (r == 1 or down >= c):
        return x, False, max(down, c) if r > 1 else c, step
    if (r == 1 or down == 1) and (c == 1 or right >= r):
        return x, True, max(right, r) if c > 1 else r, step
    x = x.copy(order="C")
    return x, False, c, 0 if count == 1 else r * c


def _check(name: str, status: int) -> None:
    if status:
        raise RuntimeError(f"{name} failed with status {status}")
