"""CUDA kernels. They read and write memory once where functions of the engine do so several times.

Each replaces the function of the same name that is marked `@backend.kernel`, and gives the same
result up to rounding. The source needs no header, so NVRTC compiles it for any GPU, also on a
machine without one. With a few lines in front it is C++, which the tests run on a CPU. No kernel
uses atomic additions, so every run gives the same bits.
"""

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Array = Any
Shape = tuple[int, ...]
SOURCE = Path(__file__).with_name("kernels.cu").read_text(encoding="utf-8")
THREADS, BLOCKS = 256, 1 << 16  # threads in a block; the maximum number of blocks
TYPES = {"float32": "float", "float64": "double"}


class Kernels:
    """The kernels: each method without an underscore replaces the function of the same name, or
    returns None for arguments that it does not support. `table` holds these methods by name."""

    def __init__(self, cupy: Any) -> None:
        self.cupy = cupy
        self._function = cache(self._compile)
        self.table: dict[str, Callable[..., Any]] = {
            name: getattr(self, name) for name in vars(Kernels) if not name.startswith("_")
        }

    def _compile(self, name: str, dtype: str, macro: str = "") -> Any:
        options = ("-std=c++17", f"-DREAL={TYPES[dtype]}", *([f"-D{macro}"] if macro else []))
        return self.cupy.RawModule(code=SOURCE, options=options).get_function(name)

    def _launch(self, name: str, dtype: Any, n: int, *args: Any, macro: str = "") -> None:
        """Launch a kernel on n parts of work: a thread for each, or for several if n is large."""
        if n:
            function = self._function(name, np.dtype(dtype).name, macro)
            function((min(-(-n // THREADS), BLOCKS),), (THREADS,), (np.int64(n), *args))

    def _pointwise(self, name: str, x: Array, *numbers: float) -> Array | None:
        """Apply a function to each element of x and return y, in the memory layout of x; None for
        other dtypes, or if the elements of x do not fill one block of memory."""
        if x.dtype.name not in TYPES:
            return None
        y = self.cupy.empty_like(x)
        span = sum((n - 1) * stride for n, stride in zip(x.shape, x.strides, strict=True))
        if x.size and (y.strides != x.strides or span != (x.size - 1) * x.itemsize):
            return None
        self._launch(name, x.dtype, x.size, x, y, *(x.dtype.type(number) for number in numbers))
        return y

    # Pointwise functions.

    def sigmoid_values(self, x: Array) -> Array | None:
        return self._pointwise("sigmoid", x)

    def softplus_values(self, x: Array) -> Array | None:
        return self._pointwise("softplus", x)

    def leaky_values(self, x: Array, slope: float) -> Array | None:
        return self._pointwise("leaky", x, slope)

    def leaky_slopes(self, x: Array, slope: float, dtype: Any) -> Array | None:
        if x.dtype != dtype:
            return None
        return self._pointwise("leaky_slopes", x, slope, 1 - slope)

    def kept(self, u: Array, p: float) -> Array | None:
        return self._pointwise("kept", u, p, 1 - p)

    # Maxima over a short last axis (maxout's pieces).

    def largest_of_few(self, x: Array) -> Array | None:
        if x.dtype.name not in TYPES or not x.flags.c_contiguous:
            return None
        y = self.cupy.empty(x.shape[:-1], x.dtype)
        self._launch("largest", x.dtype, y.size, x, y, np.int32(x.shape[-1]))
        return y

    def shares_of_largest(self, x: Array, y: Array, axis: Any) -> Array | None:
        last = isinstance(axis, int) and axis % x.ndim == x.ndim - 1
        ready = x.dtype.name in TYPES and x.flags.c_contiguous and y.flags.c_contiguous
        if not last or not ready:
            return None
        shares = self.cupy.empty_like(x)
        self._launch("shares", x.dtype, y.size, x, y, shares, np.int32(x.shape[-1]))
        return shares

    # Optimizers.

    def adam(
        self, w: Array, g: Array, m: Array, v: Array, lr: Array, c1: Array, c2: Array,
        betas: tuple[float, float], eps: float, weight_decay: float,
    ) -> bool | None:  # fmt: skip
        if w.dtype.name not in TYPES or not g.flags.c_contiguous:
            return None
        numbers = (w.dtype.type(x) for x in (*betas, eps, weight_decay))
        self._launch("adam", w.dtype, w.size, w, g, m, v, lr, c1, c2, *numbers)
        return True

    # Convolution: see conv.im2col.

    def images_to_rows(self, x: Array, geometry: Any) -> Array | None:
        rows = x.shape[0] * math.prod(geometry.places)
        columns = x.shape[1] * math.prod(geometry.kernel)
        if x.dtype.name not in TYPES or rows * columns >= 1 << 31:
            return None
        out = self.cupy.empty((rows, columns), x.dtype)
        strides = (np.int64(stride // x.itemsize) for stride in x.strides)
        sizes = (np.int32(n) for pair in geometry for n in pair)
        args = (x, out, *strides, np.int32(x.shape[1]), *sizes)
        self._launch("images_to_rows", x.dtype, out.size, *args, macro=_macro(geometry))
        return out

    def rows_to_images(self, rows: Array, geometry: Any) -> Array | None:
        n = rows.shape[0] // math.prod(geometry.places)
        c = rows.shape[1] // math.prod(geometry.kernel)
        if rows.dtype.name not in TYPES or rows.size >= 1 << 31 or not rows.flags.c_contiguous:
            return None
        out = self.cupy.empty((n, *geometry.image, c), rows.dtype)
        sizes = (np.int32(n) for pair in geometry for n in pair)
        args = (rows, out, np.int32(c), *sizes)
        self._launch("rows_to_images", rows.dtype, out.size, *args, macro=_macro(geometry))
        return out.transpose(0, 3, 1, 2)

    # Noise: see backend.philox.

    def normal_values(self, t: Array, shape: Shape, dtype: Any, rng: Any) -> Array | None:
        return self._noise("normal", t, shape, dtype, rng)

    def uniform_values(self, t: Array, shape: Shape, dtype: Any, rng: Any) -> Array | None:
        return self._noise("uniform", t, shape, dtype, rng)

    def _noise(self, name: str, t: Array, shape: Shape, dtype: Any, rng: Any) -> Array | None:
        if np.dtype(dtype).name not in TYPES:
            return None
        out = self.cupy.empty(shape, dtype)
        words = (np.uint32(rng.stream), *(np.uint32(word) for word in rng.key))
        self._launch(name, dtype, -(-out.size // 4), out, np.int64(out.size), t, *words)
        return out


def _macro(geometry: Any) -> str:
    """The macro that makes this geometry a constant in the source, or "" if there is none."""
    return "K4S2P1" if geometry[:3] == ((2, 2), (1, 1), (4, 4)) else ""
