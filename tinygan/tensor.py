"""Tensor: a value that remembers how it was computed.

    x = Tensor(array)           a leaf: it has no parents
    y = x * x + 1               an inner node: y stores its parents and, for each of them, the rule
                                that carries a gradient at y back to it
    with no_grad(): y = ...     a value without parents

`autograd.grad` applies the chain rule along these edges. The operators are in `ops`.

The gradient at a tensor is complete when all its children have contributed, so `grad` must visit
children before parents. No search is needed for this order. An op can only use tensors that exist
already, so a child is always made after its parents. Sorted by age, oldest first, every parent
stands before its children: this is a topological order, and `grad` walks it backwards.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from . import backend as backends
from .backend import Array, Backend
from .plain_array import refuse_special
from .signposts import Size, signposted

# An edge (parent, pull): pull(g, y) maps g, the gradient at the tensor y, to one at the parent.
Pull = Callable[["Tensor", "Tensor"], "Tensor"]
Edge = tuple[Any, Pull]
Operand = Union["Tensor", Array, float]

_births = itertools.count()
_recording: ContextVar[bool] = ContextVar("recording", default=True)  # one per thread


@contextmanager
def recording(on: bool) -> Iterator[None]:
    """In this block, new tensors record their parents (on) or do not (off)."""
    token = _recording.set(on)
    try:
        yield
    finally:
        _recording.reset(token)


def is_recording() -> bool:
    """Return whether new tensors record their parents in this thread."""
    return _recording.get()


def no_grad() -> Any:
    """In `with no_grad():`, new tensors do not record their parents. Also a decorator."""
    return recording(False)


@signposted
class Tensor:
    """A value with one edge to each of its parents, the tensors it was computed from.

    `data` is an array of either backend. A number or a list becomes a NumPy array, in float32 if
    it holds floats. Pulls are written with ops, so gradients can be differentiated again. A pull
    gets y, the output of its own op, as an argument. If it captured y, y and its pull would
    form a reference cycle, and only the garbage collector would free the memory.

    `born` numbers all tensors in the order of their creation, so it sorts a graph topologically.
    Assigning to `data` renews the number. A child computed before is then older than its parent, so
    `grad` finds that the graph is stale and raises.

    Raises TypeError if `data` is a Tensor or does not hold real numbers or bools.
    """

    __slots__ = ("__weakref__", "_data", "born", "edges", "name")
    # `array * tensor` must call Tensor.__rmul__, not multiply element by element.
    __array_ufunc__ = None
    __array_priority__ = 1000

    def __init__(self, data: Any, *edges: Edge, name: str | None = None) -> None:
        self._data = _as_array(data)
        self.edges: tuple[Edge, ...] = ()
        if not edges:  # ops return real numbers, so only leaves are checked
            if self._data.dtype.kind not in "fiub":
                raise TypeError(f"Tensor(...) takes real numbers or bools, got {self._data.dtype}")
        elif _recording.get():
            self.edges = edges
            for parent, _ in edges:
                if not isinstance(parent, Tensor):  # a number
                    self.edges = tuple(edge for edge in edges if isinstance(edge[0], Tensor))
        self.born = next(_births)
        self.name = name

    @property
    def data(self) -> Array:
        """The array. Assigning a new one invalidates every graph built with the old one."""
        return self._data

    @data.setter
    def data(self, value: Array) -> None:
        value = Tensor(value).data  # raises if no tensor can hold it
        if value.shape != self.shape:
            raise ValueError(f"data: expected shape {self.shape}, got {value.shape}")
        self._data = value
        self.touch()

    def touch(self) -> None:
        """Mark `data` as written in place: `grad` then rejects graphs built before this call."""
        self.born = next(_births)

    shape = property(lambda self: self._data.shape)
    ndim = property(lambda self: self._data.ndim)
    size = property(lambda self: Size(self._data.size))
    dtype = property(lambda self: self._data.dtype)

    @property
    def backend(self) -> Backend:
        """The backend of this tensor's array."""
        return backends.of(self._data)

    @property
    def xp(self) -> Any:
        """The array library (numpy, cupy) of this tensor's array."""
        return backends.of(self._data).xp

    def numpy(self) -> np.ndarray:
        """The value as a NumPy array: on the CPU `data` itself; on a GPU a copy, which waits for
        all queued work."""
        return self.backend.to_host(self._data)

    def item(self) -> float:
        """The value of a one-element tensor as a Python number. On a GPU this waits as `numpy`
        does. Raises ValueError for more or fewer elements."""
        return self.numpy().item()

    def to(self, backend: str) -> Tensor:
        """A new leaf with the same value on another backend: "numpy", "cupy", "cupy:1"."""
        return Tensor(backends.move(self._data, backend), name=self.name)

    def detach(self) -> Tensor:
        """A new leaf with the same value and without the graph of this tensor."""
        return Tensor(self._data, name=self.name)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let `copy` and `pickle` make a new leaf, with an age of its own.

        Raises TypeError for a tensor with a graph: its pulls cannot be stored, and a copy of a
        deep graph would exceed Python's recursion limit."""
        if self.edges:
            raise TypeError(
                f"{self.name or 'a tensor'} of shape {self.shape} has a graph, which cannot be "
                "copied or pickled; use .detach()"
            )
        return _leaf, (type(self), self._data, self.name)

    def __float__(self) -> float:
        return float(self.item())

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a tensor of shape () has no length")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        raise TypeError("a Tensor has no truth value; compare its .data, or use .item()")

    def __eq__(self, other: object) -> bool:
        raise TypeError("a Tensor has no == or !=; compare its .data, or use `is`")

    __hash__ = object.__hash__  # by identity: tensors are keys of dicts and members of sets

    def __array__(self, *args: object, **kwargs: object) -> np.ndarray:
        raise TypeError("a Tensor does not become an array silently; use .numpy() or .data")

    def __repr__(self) -> str:
        values = np.array2string(self.numpy(), precision=4, threshold=20, separator=", ")
        label = f", name={self.name!r}" if self.name else ""
        return f"Tensor({values}, dtype={self.dtype}, backend={self.backend.name!r}{label})"

    if TYPE_CHECKING:  # `ops` sets these operators

        def __add__(self, other: Operand) -> Tensor: ...

        __sub__ = __mul__ = __truediv__ = __pow__ = __matmul__ = __add__
        __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rpow__ = __rmatmul__ = __add__

        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __getitem__(self, index: Any) -> Tensor: ...
        def sum(self, axis: Any = None, keepdims: bool = False) -> Tensor: ...
        def mean(self, axis: Any = None, keepdims: bool = False) -> Tensor: ...
        def max(self, axis: Any = None, keepdims: bool = False) -> Tensor: ...
        def reshape(self, *shape: Any) -> Tensor: ...
        def transpose(self, *axes: Any) -> Tensor: ...
        def astype(self, dtype: Any) -> Tensor: ...
        @property
        def T(self) -> Tensor: ...


def _leaf(kind: type[Tensor], data: Array, name: str | None) -> Tensor:
    return kind(data, name=name)


def _as_array(data: Any) -> Array:
    """Return an array of a known backend unchanged; turn a number or a list into a NumPy array."""
    if type(data) is np.ndarray:
        return data
    if isinstance(data, Tensor):
        raise TypeError("Tensor(...) takes an array, got a Tensor; use .detach() for a new leaf")
    if isinstance(data, np.generic):  # what NumPy's reductions return
        return np.asarray(data)
    if isinstance(data, (bool, int, float, list, tuple)):
        refuse_special("Tensor(...)", data)
        array = np.asarray(data)
        if array.dtype == object:
            raise TypeError("Tensor(...) takes numbers of one shape, got a ragged or mixed list")
        return array.astype(np.float32) if array.dtype == np.float64 else array
    backends.of(data)  # raises if it is not an array
    return data.view(np.ndarray) if isinstance(data, np.memmap) else data


def lift(*operands: Operand) -> tuple[Any, ...]:
    """Prepare the operands of an op: arrays become tensors, numbers become Python numbers.

    In an operation of an array and a Python number, the result has the dtype of the array. A NumPy
    scalar has a dtype of its own: `np.sqrt(1 / n)` is a float64 and would turn a float32 network
    into a float64 one. So NumPy scalars become Python numbers. If all operands are numbers, the
    first becomes a tensor.

    Raises TypeError for a list, a tuple or anything else that is no operand.
    """
    for operand in operands:
        if not isinstance(operand, Tensor):
            break
    else:
        return operands
    lifted = [_lifted(operand) for operand in operands]
    if not any(isinstance(operand, Tensor) for operand in lifted):
        lifted[0] = Tensor(lifted[0])
    return tuple(lifted)


def listed(name: str, tensors: Iterable[Tensor]) -> list[Tensor]:
    """Return the argument `name` as a list of tensors.

    Raises TypeError for anything else; also for a single tensor, because a loop over it gives its
    rows.
    """
    if isinstance(tensors, Tensor) or not isinstance(tensors, Iterable):
        raise TypeError(f"{name}: expected a list of tensors, got {type(tensors).__name__}")
    found = list(tensors)
    for i, tensor in enumerate(found):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name}[{i}]: expected a Tensor, got {type(tensor).__name__}")
    return found


def raw(operand: Any) -> Any:
    """The array of a tensor; anything else unchanged."""
    return operand.data if isinstance(operand, Tensor) else operand


def _lifted(operand: Operand) -> Any:
    if isinstance(operand, (Tensor, float, int)):  # a bool is an int, an np.float64 is a float
        return float(operand) if isinstance(operand, np.floating) else operand
    if isinstance(operand, np.generic):
        return operand.item()
    if isinstance(operand, (list, tuple)):
        raise TypeError(f"expected a tensor, an array or a number, got a {type(operand).__name__}")
    return Tensor(operand)
