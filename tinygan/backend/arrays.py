"""The array libraries, NumPy and CuPy, and everything that they do differently.

    of(array)            the backend of an array, found from its type
    get("cupy")          a backend by name, with its library imported; raises if it cannot work
    move(array, "cupy")  a copy of an array on another backend ("cupy:1": on the second GPU)
    survey()             the name of every backend and, if it does not work, how to fix that

The engine takes an array's library from `of(array).xp` and calls its functions, so ops, layers and
games contain no `if gpu:`. Code that differs between libraries is here: device copies, fast
kernels, and sums and maxima that choose a method by shape and memory order.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import BackendUnavailable
from ..plain_array import is_special, kind_of
from ..signposts import of_device
from . import cpu, philox

__all__ = [
    "Array",
    "Backend",
    "Make",
    "Noise",
    "Rng",
    "adopt",
    "get",
    "is_array",
    "kernel",
    "largest",
    "move",
    "numpy",
    "of",
    "place",
    "register",
    "shares_of_largest",
    "survey",
    "total",
    "unfit",
    "use",
]

Array = Any  # an array of any library: the libraries share no base class
Make = Callable[[], np.ndarray]  # makes a host array for a round: see `inputs.host_input`
Rng = np.random.Generator
Noise = Rng | philox.Philox  # a source of random numbers: on the host, or on the device


def _cannot_capture() -> Any:
    raise RuntimeError("this backend computes on the host, so there is nothing to capture")


@dataclass(frozen=True)
class Backend:
    """An array library, and the functions that tinygan needs but that libraries do not share."""

    name: str
    xp: Any
    array_type: type
    from_host: Callable[[np.ndarray, int], Array]
    to_host: Callable[[Array], np.ndarray]
    synchronize: Callable[[], None] = lambda: None  # NumPy computes at once
    use: Callable[[int], None] = lambda device: None  # make a device the current one
    # All matrix products go through this: CuPy's own cannot be captured in a CUDA graph.
    matmul: Callable[[Array, Array], Array] = np.matmul
    # The sum of each column of a matrix.
    column_sums: Callable[[Array], Array] = lambda rows: rows.sum(axis=0)
    # share(work, n, minimum) calls work(start, stop) on disjoint parts of range(n), each of at
    # least `minimum` indices; on a CPU in parallel threads.
    share: Callable[[cpu.Work, int, int], object] = lambda work, n, minimum: work(0, n)
    # Faster versions of functions marked `@kernel`, by the names of these functions.
    kernels: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    # Device memory in bytes: `held` by the library's pools, used or not, and `free` (None: the
    # device is the host). `release` returns unused blocks of the pool to the device.
    held: Callable[[], int] = lambda: 0
    free: Callable[[], int | None] = lambda: None
    release: Callable[[], None] = lambda: None
    # The name of the device, and the library with its version; None: the host.
    device: Callable[[], str | None] = lambda: None
    # Make an object that captures rounds, for `graph_replay`. Raises RuntimeError, with the
    # reason, if the backend cannot capture.
    capturer: Callable[[], Any] = _cannot_capture
    # reducer(mpi4py's module MPI, communicator) returns a function that sums a device array over
    # the ranks in place; all ranks call it together. If `reducer` or this function is None, the
    # sum is taken on the host.
    reducer: Callable[[Any, Any], Callable[[Array], None] | None] | None = None
    # Whether the methods of convolution that save time on a CPU are used: Winograd's (many small
    # matrix products) and flipped kernels.
    saves_products: bool = False
    # Whether it is cheap to read one value. On a GPU, reading waits for all queued work, so
    # values (unlike shapes) are checked only if this is True.
    reads_are_free: bool = False


numpy = Backend(
    name="numpy",
    xp=np,
    array_type=np.ndarray,
    from_host=lambda array, device: array.copy(),
    to_host=lambda array: array,
    matmul=cpu.matmul,
    column_sums=lambda rows: cpu.matmul(np.ones(len(rows), rows.dtype), rows),  # faster than sum
    share=cpu.share,
    kernels={"adam": functools.partial(cpu.adam, np)},
    saves_products=True,
    reads_are_free=True,
)

_by_type: dict[type, Backend] = {np.ndarray: numpy}


def register(backend: Backend) -> None:
    """Register `backend`, so that `of` finds it from its arrays and `get` by its name."""
    _by_type[backend.array_type] = backend


def of(array: Array) -> Backend:
    """The backend that `array` belongs to.

    Raises TypeError if `array` belongs to no known backend, or means more than its numbers
    (`plain_array`)."""
    backend = _by_type.get(type(array))
    if backend is None:
        for array_type, backend in _by_type.items():
            if isinstance(array, array_type) and not is_special(array):
                return backend
        raise TypeError(f"expected an array of a known backend, got {kind_of(array)}")
    return backend


def kernel(reference: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls the kernel with the name of `reference`, if the backend of the
    first argument has one, and else `reference`. A decorator.

    A kernel returns the same as `reference` up to rounding, or None for arguments that it does
    not support; then `reference` runs too. It stays available as the attribute `reference`."""
    name = reference.__name__

    @functools.wraps(reference)
    def call(first: Array, *rest: Any) -> Any:
        kernels = of(first).kernels
        if kernels and name in kernels and (result := kernels[name](first, *rest)) is not None:
            return result
        return reference(first, *rest)

    call.reference = reference  # type: ignore[attr-defined]
    return call


def is_array(value: object) -> bool:
    """Return whether `value` is an array of a known backend."""
    if type(value) in _by_type:
        return True
    return isinstance(value, tuple(_by_type)) and not is_special(value)


def get(name: str) -> Backend:
    """The backend called `name`: "numpy" or "cupy", optionally with a device, as in "cupy:1".

    Raises BackendUnavailable if it is unknown or does not work, TypeError unless it is a str."""
    library, _ = parse_name(name)
    for backend in _by_type.values():
        if backend.name == library:
            return backend
    from .cuda.load import fields

    register(Backend(**fields()))
    return get(name)


def move(array: Array, backend: str) -> Array:
    """A copy of `array` on the backend (and device) named by `backend`, with the same dtype.

    Raises as `get` does."""
    target, (_, device) = get(backend), parse_name(backend)
    return target.from_host(of(array).to_host(array), device)


def use(backend: str) -> None:
    """Make the device named by `backend` ("cupy:1") the current one of this thread.

    Raises as `get` does."""
    get(backend).use(parse_name(backend)[1])


def place(host: np.ndarray, like: Array) -> Array:
    """A copy of a NumPy array on the backend and device of `like`; the dtype stays the same."""
    return of(like).from_host(host, getattr(like.device, "id", 0))


def adopt(value: Any, like: Array) -> Array:
    """A copy of `value` (an array of any backend, or anything that `np.asarray` takes) with the
    backend, device and dtype of `like`."""
    host = of(value).to_host(value) if is_array(value) else value
    return place(np.asarray(host, dtype=like.dtype), like)


def unfit(value: Any, like: Array) -> str | None:
    """The reason why `value` cannot be written into the array `like`, or None if it can."""
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        return f"is of type {type(value).__name__}, expected an array"
    if is_special(value):
        return f"is of type {kind_of(value)}"
    if tuple(value.shape) != like.shape:
        return f"has shape {tuple(value.shape)}, expected {like.shape}"
    if getattr(value.dtype, "kind", "f") not in "fiub":
        return f"holds {value.dtype}, expected numbers"
    return None


def survey() -> dict[str, str | None]:
    """The backends by name, each with None if it works, else with the reason and a remedy."""
    found: dict[str, str | None] = {"numpy": None}
    try:
        get("cupy")
        found["cupy"] = None
    except BackendUnavailable as problem:
        found["cupy"] = str(problem)
    return found


def parse_name(name: str) -> tuple[str, int]:
    """The array library and the number of the device in the name of a backend.

    Raises as `get` does, but for a library that does not work."""
    if not isinstance(name, str):
        raise TypeError(f'backend: expected a name such as "numpy" or "cupy:1", got {name!r}')
    library, _, device = name.partition(":")
    known = sorted({"cupy", *(b.name for b in _by_type.values())})
    if library not in known:
        raise BackendUnavailable(
            f"backend {name!r} is unknown; expected one of {', '.join(known)}{of_device(library)}"
        )
    if device and not device.isdecimal():
        raise BackendUnavailable(f"backend {name!r}: expected a device number after ':'")
    if library == "numpy" and device not in ("", "0"):
        raise BackendUnavailable(f"backend {name!r}: numpy has one device, the CPU")
    return library, int(device or 0)


SHORT = 16  # the maximum length of a last axis that is reduced slice by slice


def total(x: Array, axis: Any, keepdims: bool = False) -> Array:
    """The sum over `axis` (None, int or tuple)."""
    if x.ndim > 1 and x.size and x.dtype.kind == "f":
        axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        kept = set(range(x.ndim)).difference(a % x.ndim for a in axes)
        if len(kept) == 1:  # one sum for each channel or output
            (k,) = kept
            rows = x.transpose(*(i for i in range(x.ndim) if i != k), k)
            if rows.flags.c_contiguous:
                sums = of(x).column_sums(rows.reshape(-1, x.shape[k]))
                return (
                    sums.reshape([-1 if i == k else 1 for i in range(x.ndim)]) if keepdims else sums
                )
    return _reduced("sum", x, axis, keepdims)


def largest(x: Array, axis: Any, keepdims: bool = False) -> Array:
    """The largest element over `axis` (None, int or tuple)."""
    return _reduced("max", x, axis, keepdims)


def _reduced(kind: str, x: Array, axis: Any, keepdims: bool) -> Array:
    """The "sum" or the "max" over `axis`. NumPy reduces the last axis row by row, which is slow
    for short rows (maxout's pieces, ten classes), so these are reduced slice by slice."""
    last = isinstance(axis, int) and x.ndim > 1 and axis % x.ndim == x.ndim - 1
    if not last or not 1 < x.shape[-1] <= SHORT:
        return getattr(of(x).xp, kind)(x, axis=axis, keepdims=keepdims)
    y = sum_of_few(x) if kind == "sum" else largest_of_few(x)
    return y[..., None] if keepdims else y


def sum_of_few(x: Array) -> Array:
    """The sum over a short last axis of x (..., k), k >= 1: (...)."""
    y = x[..., 0]
    for i in range(1, x.shape[-1]):
        y = y + x[..., i]
    return y


@kernel
def largest_of_few(x: Array) -> Array:
    """The maximum over a short last axis of x (..., k), k >= 1: (...)."""
    y = x[..., 0]
    for i in range(1, x.shape[-1]):
        y = of(x).xp.maximum(y, x[..., i])
    return y


@kernel
def shares_of_largest(x: Array, y: Array, axis: Any) -> Array:
    """1 where x equals y, its maximum over `axis` (with that axis kept), else 0; k equal maxima
    get 1/k each. This is the gradient of the maximum."""
    hit = of(x).xp.asarray(x == y).astype(x.dtype)
    return hit / total(hit, axis, keepdims=True)
