"""Which array library an array belongs to, and the few things that libraries do differently.

    of(array)            the backend of an array, told from its type
    get("cupy")          a backend by name, with its library imported; raises when it cannot work
    move(array, "cupy")  a copy of an array on another backend ("cupy:1": on the second GPU)
    survey()             every backend's name and, where it does not work, the line that mends it

The engine asks an array for its library (`of(array).xp`) and then speaks to that: there is no
`if gpu:` in ops, layers or games. What cannot be said in one way for all libraries is here.

Reductions of arrays, in the way that is fast for their shape and memory order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import BackendUnavailable
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

Array = Any  # an array of whichever library: the libraries share no base class
Make = Callable[[], np.ndarray]
Rng = np.random.Generator
Noise = Rng | philox.Philox


def _nothing_to_record() -> Any:
    raise RuntimeError("there is no launch to save: the arrays are computed by the host")


@dataclass(frozen=True)
class Backend:
    """An array library with what tinygan needs beyond the functions that NumPy and CuPy share."""

    name: str
    xp: Any
    array_type: type
    from_host: Callable[[np.ndarray, int], Array]
    to_host: Callable[[Array], np.ndarray]
    synchronize: Callable[[], None] = lambda: None  # NumPy computes at once
    use: Callable[[int], None] = lambda device: None  # make a device the current one
    # The matrix product, the only way to one: CuPy's own cannot be part of a CUDA graph.
    matmul: Callable[[Array, Array], Array] = np.matmul
    # The sums down the columns of a matrix.
    column_sums: Callable[[Array], Array] = lambda rows: rows.sum(axis=0)
    # Call work(start, stop) on parts of range(n), each of at least `least`; on a CPU side by side.
    share: Callable[[cpu.Work, int, int], object] = lambda work, n, least: work(0, n)
    # What stands in for functions that are marked `@kernel`, by their names.
    kernels: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    # The memory of a device, in bytes: what the library holds of it, used or not; what is free
    # (None: the device is the host); and to give back what is held and not used.
    held: Callable[[], int] = lambda: 0
    free: Callable[[], int | None] = lambda: None
    release: Callable[[], None] = lambda: None
    # The device that computes, and the library, by name and version; None: the host.
    device: Callable[[], str | None] = lambda: None
    # What records rounds, to launch them whole: see `replay`. Raises RuntimeError if nothing can.
    recorder: Callable[[], Any] = _nothing_to_record
    # Makes what adds up a device's arrays over the ranks of an MPI communicator, in place, from
    # mpi4py's module and the communicator, on all ranks at once. None, or makes None: by the host.
    reducer: Callable[[Any, Any], Callable[[Array], None] | None] | None = None
    # Do many small matrix products pay, as convolution by Winograd's method takes them?
    winograd: bool = False
    # Is reading one value cheap? On a GPU it waits for all work queued before, so checks of
    # values (not of shapes) are made only where this is true.
    reads_are_free: bool = False


numpy = Backend(
    name="numpy",
    xp=np,
    array_type=np.ndarray,
    from_host=lambda array, device: array.copy(),
    to_host=lambda array: array,
    matmul=cpu.undisturbed(np.matmul),
    column_sums=cpu.undisturbed(  # five times as fast as sum
        lambda rows: np.ones(len(rows), rows.dtype) @ rows
    ),
    share=cpu.share,
    winograd=True,
    reads_are_free=True,
)

_by_type: dict[type, Backend] = {np.ndarray: numpy}


def register(backend: Backend) -> None:
    """Make `backend` known, so that `of` finds it from its arrays and `get` by its name."""
    _by_type[backend.array_type] = backend


def of(array: Array) -> Backend:
    """The backend that `array` belongs to. Raises TypeError for what is no array of any."""
    backend = _by_type.get(type(array))
    if backend is None:
        for array_type, backend in _by_type.items():
            if isinstance(array, array_type):
                return backend
        raise TypeError(f"expected an array of a known backend, got {type(array).__name__}")
    return backend


def kernel(reference: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function of arrays that a backend may do faster, told from its first argument.

    What stands in for it gives the same up to rounding, or None where it cannot. Then, and on
    NumPy, the function itself is called, which says what is meant: `call.reference`."""
    name = reference.__name__

    @functools.wraps(reference)
    def call(first: Array, *rest: Any) -> Any:
        kernels = of(first).kernels
        if kernels and name in kernels and (done := kernels[name](first, *rest)) is not None:
            return done
        return reference(first, *rest)

    call.reference = reference  # type: ignore[attr-defined]
    return call


def is_array(value: object) -> bool:
    """Whether `value` is an array of a known backend."""
    return type(value) in _by_type or isinstance(value, tuple(_by_type))


def get(name: str) -> Backend:
    """The backend called `name` ("numpy", "cupy", with or without a device as in "cupy:1")."""
    library, _ = _parse(name)
    for backend in _by_type.values():
        if backend.name == library:
            return backend
    if library == "cupy":
        from .cuda.load import fields

        register(Backend(**fields()))
        return get(name)
    known = sorted({"cupy", *(b.name for b in _by_type.values())})
    raise BackendUnavailable(f"backend {name!r} is unknown; expected one of {', '.join(known)}")


def move(array: Array, where: str) -> Array:
    """A copy of `array` on the backend (and device) named by `where`, with the same dtype."""
    target, (_, device) = get(where), _parse(where)
    return target.from_host(of(array).to_host(array), device)


def use(where: str) -> None:
    """Make the device named by `where` ("cupy:1") the one that computes, in this thread."""
    get(where).use(_parse(where)[1])


def place(host: np.ndarray, like: Array) -> Array:
    """A copy of a NumPy array on the backend and device of `like`; the dtype stays its own."""
    return of(like).from_host(host, getattr(like.device, "id", 0))


def adopt(value: Any, like: Array) -> Array:
    """`value` (an array of any backend, or whatever NumPy understands) as a copy on the backend and
    device of `like`, with its dtype."""
    host = of(value).to_host(value) if is_array(value) else value
    return place(np.asarray(host, dtype=like.dtype), like)


def unfit(value: Any, like: Array) -> str | None:
    """What keeps `value` from being written into the array `like`, or None."""
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        return f"is of type {type(value).__name__}, expected an array"
    if tuple(value.shape) != like.shape:
        return f"has shape {tuple(value.shape)}, expected {like.shape}"
    if getattr(value.dtype, "kind", "f") not in "fiub":
        return f"holds {value.dtype}, expected numbers"
    return None


def survey() -> dict[str, str | None]:
    """The backends by name: None where it works, else the line that says what would mend it."""
    found: dict[str, str | None] = {"numpy": None}
    try:
        get("cupy")
        found["cupy"] = None
    except BackendUnavailable as problem:
        found["cupy"] = str(problem)
    return found


def _parse(name: str) -> tuple[str, int]:
    if not isinstance(name, str):
        raise TypeError(f'backend: expected a name, as "numpy" or "cupy:1", got {name!r}')
    library, _, device = name.partition(":")
    if device and not device.isdecimal():
        raise BackendUnavailable(f"backend {name!r}: expected a device number after ':'")
    if library == "numpy" and device not in ("", "0"):
        raise BackendUnavailable(f"backend {name!r}: numpy has one device, the CPU")
    return library, int(device or 0)


SHORT = 16


def total(x: Array, axis: Any, keepdims: bool = False) -> Array:
    """The sum over `axis` (None, int or tuple)."""
    if x.ndim > 1 and x.size and x.dtype.kind == "f":
        axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        kept = set(range(x.ndim)).difference(a % x.ndim for a in axes)
        if len(kept) == 1:  # one number for each channel, or each output
            (k,) = kept
            rows = x.transpose(*(i for i in range(x.ndim) if i != k), k)
            if rows.flags.c_contiguous:
                sums = of(x).column_sums(rows.reshape(-1, x.shape[k]))
                return (
                    sums.reshape([-1 if i == k else 1 for i in range(x.ndim)]) if keepdims else sums
                )
    return _folded("sum", x, axis, keepdims)


def largest(x: Array, axis: Any, keepdims: bool = False) -> Array:
    """The largest element over `axis` (None, int or tuple)."""
    return _folded("max", x, axis, keepdims)


def _folded(kind: str, x: Array, axis: Any, keepdims: bool) -> Array:
    """NumPy reduces a last axis row by row, which is slow where rows are short (maxout's pieces,
    ten classes): those are folded slice by slice."""
    last = isinstance(axis, int) and x.ndim > 1 and axis % x.ndim == x.ndim - 1
    if not last or not 1 < x.shape[-1] <= SHORT:
        return getattr(of(x).xp, kind)(x, axis=axis, keepdims=keepdims)
    y = sum_of_few(x) if kind == "sum" else largest_of_few(x)
    return y[..., None] if keepdims else y


def sum_of_few(x: Array) -> Array:
    y = x[..., 0]
    for i in range(1, x.shape[-1]):
        y = y + x[..., i]
    return y


@kernel
def largest_of_few(x: Array) -> Array:
    y = x[..., 0]
    for i in range(1, x.shape[-1]):
        y = of(x).xp.maximum(y, x[..., i])
    return y


@kernel
def shares_of_largest(x: Array, y: Array, axis: Any) -> Array:
    """1 for the elements of x that are y, the largest over `axis`; several share it."""
    hit = of(x).xp.asarray(x == y).astype(x.dtype)
    return hit / total(hit, axis, keepdims=True)
