"""The guard: NumPy arrays that refuse what CuPy refuses, for tests without a GPU.

    x = Tensor(array).to("guard")      # from here on the engine works as on a GPU

`GuardArray` wraps an array. It is no subclass of ndarray, because NumPy's functions accept those.
Names and parameters are those of a real CuPy (cupy_names.txt). Whatever makes the host wait or send
is counted, and refused during a capture (traffic.py).

It is stricter than CuPy in places: functions and methods take no list or NumPy array as indices
(`x[list]` is allowed and counted as a copy), comparisons take no 0-d NumPy array, and no matrix
product is captured, not even of integers.

Because NumPy computes, the guard cannot catch: sums by atomics, whose last bits change from run to
run (`add.at`); the last bits of other sums, products and functions; a duplicate index in an
assignment, which may leave any of the values; an index out of range, which CuPy wraps around; casts
of negative or infinite floats to integers; other memory layouts; dtypes that a kernel lacks;
kernels that do not compile; speed, memory, the order of streams; and arrays on the wrong device.
"""

import types
from contextlib import nullcontext
from functools import partial

import numpy as np
import traffic
from guard_array import NAMES, NUMBERS, GuardArray, called, lowered, to_index

from tinygan import backend
from tinygan.backend import cpu


class Ufunc:
    """A function of elements: arrays and scalars, no lists; no `where=`, `order=`, `subok=`."""

    def __init__(self, name, ufunc):
        self.name, self.ufunc = name, ufunc

    def __call__(self, *args, **kwargs):
        if wrong := set(kwargs) - {"out", "dtype", "casting"}:
            raise TypeError(f"Wrong arguments {sorted(wrong)}")
        for arg in args:
            if not isinstance(arg, (GuardArray, *NUMBERS)):
                raise TypeError(f"Unsupported type {type(arg)}")
        return called(self.name, self.ufunc, *args, **kwargs)

    def at(self, a, indices, b=None):
        if self.ufunc not in (np.add, np.maximum, np.minimum):
            raise NotImplementedError(f"`{self.name}.at` is not supported yet")
        if a.dtype.name not in ("int32", "uint32", "uint64", "float16", "float32", "float64"):
            raise TypeError("scatter_add only supports int32, float16, float32, float64, ...")
        if not isinstance(b, GuardArray):
            traffic.copy("value")
        args = [a._a, to_index(indices), b._a if isinstance(b, GuardArray) else b]
        traffic.computed(self.ufunc.at, args, {}, [a._a])

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        if self.ufunc not in (np.add, np.multiply):
            raise NotImplementedError(f"`{self.name}.reduce` is not supported yet")
        return (array.sum if self.ufunc is np.add else array.prod)(axis, dtype, out, keepdims)


def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    if not isinstance(obj, GuardArray):
        traffic.copy("array")
    return GuardArray(np.array(lowered(obj) if isinstance(obj, GuardArray) else obj, dtype))


def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    if isinstance(a, GuardArray) and dtype in (None, a.dtype) and not copy:
        return a
    return array(a, dtype)


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    return a.get() if isinstance(a, GuardArray) else np.asarray(a)


OWN = {
    "cupy.array": array,
    "cupy.asarray": asarray,
    "cupy.asanyarray": asarray,
    "cupy.asnumpy": asnumpy,
    "cupy.ndarray": GuardArray,
}


class Namespace:
    """A module of CuPy, with the names that both CuPy and NumPy have."""

    def __init__(self, path, module):
        self._path, self._module = path, module

    def __getattr__(self, name):
        value = self._find(name)
        setattr(self, name, value)  # found at once next time
        return value

    def _find(self, name):
        full = f"{self._path}.{name}"
        if full in OWN:
            return OWN[full]
        if full not in NAMES or not hasattr(self._module, name):
            raise AttributeError(f"module {self._path!r} has no attribute {name!r}")
        value, signature = getattr(self._module, name), NAMES[full]
        if isinstance(value, types.ModuleType):
            if f"{full}." not in "cupy.linalg. cupy.lib. cupy.lib.stride_tricks.":
                raise AttributeError(f"the guard does not imitate {full}")
            return Namespace(full, value)
        if signature is None:
            return value
        is_ufunc = "inputs" in signature.parameters
        return Ufunc(full, value) if is_ufunc else partial(called, full, value)


guard_xp = Namespace("cupy", np)


class Capturer:
    """Captures rounds as a CUDA graph does, and launches them again."""

    playing = staticmethod(nullcontext)

    def device_bytes(self, n):
        return guard_xp.zeros(n, np.uint8)

    def host_bytes(self, n):
        return np.zeros(n, np.uint8)

    def send(self, host, device):
        device._a[...] = host
        return lambda: None

    def nodes(self):
        return 'digraph { n0 [label="round"]; }'

    def capture(self, play):
        with traffic.capturing(gemm), traffic.taping() as tape:
            play()
        return tape.launch


def gemm(a, b):
    return called("cupy.matmul", cpu.matmul, a, b)  # bit for bit


def _from_host(host, device):
    traffic.copy("from_host")
    return GuardArray(host.copy())


backend.register(
    backend.Backend(
        name="guard",
        xp=guard_xp,
        array_type=GuardArray,
        from_host=_from_host,
        to_host=GuardArray.get,
        matmul=gemm,
        column_sums=lambda rows: gemm(guard_xp.ones(len(rows), rows.dtype), rows),  # bit for bit
        kernels={"adam": partial(cpu.adam, guard_xp)},  # bit for bit
        capturer=Capturer,
    )
)
