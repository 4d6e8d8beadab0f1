"""GuardArray: the array of the guard, and the way of arguments to NumPy and of results back."""

import inspect
import operator
import types
from functools import partial
from pathlib import Path

import numpy as np
import traffic

from tinygan import backend

NUMBERS = (bool, int, float, complex, np.generic)
PRODUCTS = {"dot", "einsum", "inner", "kron", "matmul", "outer", "tensordot", "vdot"}  # by cuBLAS


def _known():
    """Every name in CuPy, with its signature if it is a function, and the names that may wait."""
    lines = Path(__file__).with_name("cupy_names.txt").read_text().splitlines()[1:]
    names, waits = {}, {"argwhere", "percentile", "save", "savez", "tobytes", "tofile", "tolist"}
    for line in lines:
        name, bracket, parameters = line.removesuffix(" waits").removesuffix(")").partition("(")
        names[name] = inspect.signature(eval(f"lambda {parameters}: 0")) if bracket else None
        if line.endswith(" waits"):
            waits.add(name.split(".")[-1])
    return names, waits


NAMES, WAITS = _known()


# From guard to NumPy and back.


def lowered(value):
    if isinstance(value, GuardArray):
        return value._a
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, (list, tuple)):
        return type(value)(map(lowered, value))
    return value


def wrapped(value, *givens):
    """`value` as CuPy returns it: one number is an array, too, and a given `out` is returned."""
    for given in givens:
        if isinstance(given, GuardArray) and given._a is value:
            return given
    if isinstance(value, (np.ndarray, np.generic)):
        return GuardArray(value)
    return tuple(map(wrapped, value)) if isinstance(value, (tuple, list)) else value


def called(name, function, *args, **kwargs):
    """Call NumPy's `function` as CuPy's function or method `name`."""
    last, bound = name.split(".")[-1], NAMES[name].bind(*args, **kwargs).arguments
    first = next(iter(bound), None)
    if first in ("a", "x", "m", "arr") and not isinstance(bound[first], GuardArray):
        raise TypeError(f"{name}: expected cupy.ndarray, got {type(bound[first])}")
    if last in ("sort", "argsort") and bound.get("kind") not in (None, "stable"):
        raise ValueError("kind can only be None or 'stable'")
    if last == "where" and not hasattr(bound["condition"], "astype"):
        raise AttributeError(f"{type(bound['condition'])} has no attribute 'astype'")
    waits = last in WAITS and not (last == "where" and "x" in bound)
    if waits or isinstance(bound.get("repeats"), GuardArray):
        traffic.read(last)
    if last in ("concatenate", "stack") and len(bound.get("tup", bound.get("arrays", ()))) > 8:
        traffic.copy("addresses")  # of the parts, for a kernel that joins them all
    if last in PRODUCTS or name.startswith("cupy.linalg."):
        traffic.multiply()
    inside = {key: lowered(value) for key, value in kwargs.items()}
    written = [value for value in [inside.get("out")] if value is not None]
    result = traffic.computed(function, [*map(lowered, args)], inside, written)
    if last in ("allclose", "array_equal", "array_equiv"):
        result = np.asarray(result)
    return wrapped(result, *args, *kwargs.values())


def to_index(key):
    """An index for NumPy. Lists and NumPy arrays are copied; masks make the host wait."""
    if isinstance(key, tuple):
        return tuple(map(to_index, key))
    if not isinstance(key, GuardArray) and isinstance(key, (list, np.ndarray, bool, np.bool_)):
        traffic.copy("index")
        key = GuardArray(np.asarray(key, dtype=None if np.size(key) else np.intp))
    if not isinstance(key, GuardArray):
        return key
    if key.dtype == bool:
        traffic.read("mask")
    return key._a


class GuardArray:
    """An array that behaves as if it were on a GPU."""

    __slots__ = ("_a",)
    __hash__ = None
    device = types.SimpleNamespace(id=0)

    def __init__(self, a):
        self._a = np.asarray(a)

    def __getattr__(self, name):
        full = f"cupy.ndarray.{name}"
        if full not in NAMES or name in ("_a", "data", "flat"):
            raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}")
        value = getattr(self._a, name)
        return wrapped(value) if NAMES[full] is None else partial(called, full, value)

    # Copies to the host.

    def get(self, stream=None, order="C", out=None, blocking=True):
        traffic.read("get")
        return self._a.copy()

    def item(self):
        traffic.read("item")
        return self._a.item()

    def __array__(self, *args, **kwargs):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct "
            "a NumPy array explicitly."
        )

    def __reduce__(self):
        return GuardArray, (self.get(),)

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    # In place.

    def fill(self, value):
        self._write(..., _one_value(value))

    def _write(self, key, value):
        traffic.computed(operator.setitem, [self._a, key, value], {}, [self._a])

    def __getitem__(self, key):
        return GuardArray(traffic.computed(operator.getitem, [self._a, to_index(key)], {}))

    def __setitem__(self, key, value):
        key = to_index(key)
        if isinstance(value, GuardArray):
            value = value._a
        elif any(isinstance(part, np.ndarray) for part in (key if type(key) is tuple else (key,))):
            traffic.copy("value")  # a number or host array at indices is copied
        else:
            value = _one_value(value)
        self._write(key, value)

    def __len__(self):
        return len(self._a)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    # NumPy calls these when one of its functions gets such an array.

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method != "__call__" or not hasattr(backend.of(self).xp, ufunc.__name__):
            return NotImplemented
        if "out" in kwargs:
            (kwargs["out"],) = kwargs["out"]
        return getattr(backend.of(self).xp, ufunc.__name__)(*inputs, **kwargs)

    def __array_function__(self, function, types, args, kwargs):
        place = backend.of(self).xp
        for part in [*function.__module__.split(".")[1:], function.__name__]:
            if not hasattr(place, part):
                return NotImplemented
            place = getattr(place, part)
        return place(*args, **kwargs)


def _one_value(value):
    """A value that fills an array: a scalar or a 0-d array. CuPy reads the latter."""
    if isinstance(value, GuardArray):
        traffic.read("fill")
        return value._a
    if isinstance(value, np.ndarray) and value.shape != ():
        raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
    if not isinstance(value, (np.ndarray, *NUMBERS)):
        raise TypeError(f"Unsupported type {type(value)}")
    return value


def _operator(name, reverse=False):
    function = getattr(operator, name)

    def method(self, other):
        if getattr(other, "__array_ufunc__", 0) is None:
            return NotImplemented  # a Tensor has its own operator
        if not isinstance(other, (GuardArray, *NUMBERS)):
            raise TypeError(f"Unsupported type {type(other)}")
        if "matmul" in name:
            traffic.multiply()
        a, b = self._a, lowered(other)
        written = [a] if name.startswith("__i") else []
        return wrapped(traffic.computed(function, [b, a] if reverse else [a, b], {}, written), self)

    return method


def _host(name):
    def method(self, *args):
        traffic.read(name)
        return getattr(self._a, f"__{name}__")(*args)

    return method


ARITHMETIC = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"]
for _name in (*ARITHMETIC, "and", "or", "xor", "lshift", "rshift"):
    setattr(GuardArray, f"__{_name}__", _operator(f"__{_name}__"))
    setattr(GuardArray, f"__r{_name}__", _operator(f"__{_name}__", reverse=True))
    setattr(GuardArray, f"__i{_name}__", _operator(f"__i{_name}__"))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(GuardArray, f"__{_name}__", _operator(f"__{_name}__"))
for _name in ("neg", "pos", "abs", "invert"):
    _unary = getattr(operator, f"__{_name}__")
    setattr(
        GuardArray,
        f"__{_name}__",
        lambda self, f=_unary: GuardArray(traffic.computed(f, [self._a], {})),
    )
for _name in ("bool", "int", "float", "complex", "repr", "str", "format"):
    setattr(GuardArray, f"__{_name}__", _host(_name))
