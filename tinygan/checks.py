"""Checks of arguments. Each error names the layer or argument, what was expected and what came."""

import operator
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from .backend import Array, Noise, Rng, adopt, is_array, unfit
from .backend.philox import Philox
from .plain_array import kind_of
from .tensor import Tensor, lift, raw


def inputs(layer: object, x: Any, size: int, axis: int, dtype: Any) -> Tensor:
    """Return x as a tensor.

    Raises ValueError unless it has `size` elements along `axis` and the dtype of the weights.
    """
    (x,) = lift(x)
    if not -x.ndim <= axis < x.ndim or x.shape[axis] != size:
        raise ValueError(
            f"{type(layer).__name__}: expected {size} elements along axis {axis}, got shape "
            f"{x.shape}"
        )
    same_dtype(layer, x, dtype)
    return x


def same_dtype(layer: object, x: Tensor, dtype: Any) -> None:
    """Raise ValueError unless x has the dtype of the layer's weights."""
    if x.dtype != dtype:
        raise ValueError(
            f"{type(layer).__name__}: the input is {x.dtype} but the weights are {dtype}; convert "
            "one of them with .astype()"
        )


def images(layer: object, x: Any) -> Tensor:
    """Return x as a tensor. Raise ValueError unless it has the shape (N, C, H, W)."""
    (x,) = lift(x)
    if x.ndim != 4:
        raise ValueError(f"{type(layer).__name__}: expected (N, C, H, W), got shape {x.shape}")
    return x


def sizes(**values: int) -> list[int]:
    """Return the values as Python ints. Raise ValueError unless each is an int in [1, 2**31)."""
    for name, value in values.items():
        if not is_size(value, minimum=1):
            raise ValueError(f"{name}: expected an int >= 1, got {value!r}")
        if value >= LIMIT:
            raise ValueError(f"{name}: expected less than 2**31, got {value!r}")
    return [int(value) for value in values.values()]


def image_shape(shape: Any) -> None:
    """Raise ValueError unless `shape` is (C, H, W), three sizes."""
    if not isinstance(shape, tuple) or len(shape) != 3:
        raise ValueError(f"shape: expected three sizes (C, H, W), got {shape!r}")
    sizes(**{f"shape[{i}]": size for i, size in enumerate(shape)})


def tensors(**values: Any) -> None:
    """Raise TypeError unless each value is a Tensor."""
    for name, value in values.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"{name}: expected a Tensor, got {type(value).__name__}")


def arrays(**values: Any) -> None:
    """Raise TypeError unless each value is a Tensor or an array of a backend."""
    for name, value in values.items():
        if not (isinstance(value, Tensor) or is_array(value)):
            raise TypeError(f"{name}: expected a Tensor, got {kind_of(value)}")


def sources(**values: Any) -> None:
    """Raise TypeError unless each value is callable, as a source of minibatches for `gan.play`."""
    for name, value in values.items():
        if not callable(value):
            raise TypeError(f"{name}: expected a function of m, got {type(value).__name__}")


def indices(expected: str, numbers: Tensor, n: int) -> None:
    """Raise ValueError unless all integers are in 0..n - 1; not on a GPU, where reading is slow."""
    if numbers.backend.reads_are_free and numbers.size:
        low, high = int(numbers.data.min()), int(numbers.data.max())
        if low < 0 or high >= n:
            raise ValueError(f"{expected} in 0..{n - 1}, got {low}..{high}")


def state(given: Any, own: Mapping[str, Array]) -> dict[str, Any]:
    """Return the arrays or tensors `given` by name as arrays, each in the dtype and on the backend
    of the one in `own`.

    Raises TypeError if `given` is not a mapping; ValueError if entries are missing, unexpected or
    do not fit: the message names them all.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"load_state_dict: expected arrays by name, got {type(given).__name__}")
    faults = [f"{key!r} is missing" for key in own if key not in given]
    faults += [f"{key!r} is unexpected" for key in given if key not in own]
    for key in own.keys() & given.keys():
        if fault := unfit(raw(given[key]), own[key]):
            faults.append(f"{key!r} {fault}")
    if faults:
        raise ValueError(f"load_state_dict: {'; '.join(sorted(faults))}")
    return {key: adopt(raw(given[key]), value) for key, value in own.items()}


def modules(**values: Any) -> None:
    """Raise TypeError unless each value is a network: callable, with `parameters`."""
    for name, value in values.items():
        if not (callable(value) and hasattr(value, "parameters")):
            raise TypeError(f"{name}: expected a Module, got {type(value).__name__}")


def between(low: float, high: float, ends: str = "[)", /, **values: float) -> None:
    """Raise ValueError unless each value is a number in the interval from low to high. `ends` gives
    its brackets: "[)" stands for [low, high)."""
    above, below = (operator.le if end in "[]" else operator.lt for end in ends)
    for name, value in values.items():
        if not (isinstance(value, Real) and above(low, value) and below(value, high)):
            interval = f"{ends[0]}{low}, {high}{ends[1]}"
            raise ValueError(f"{name}: expected a number in {interval}, got {value!r}")


def generator(rng: Rng) -> Rng:
    """Return rng. Raise TypeError unless it is a numpy.random.Generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng: expected a numpy.random.Generator, such as numpy.random.default_rng(seed), got "
            f"{rng!r}"
        )
    return rng


def noise(rng: Noise) -> Noise:
    """Return rng. Raise TypeError unless it is a numpy.random.Generator or a Philox."""
    return rng if isinstance(rng, Philox) else generator(rng)


LIMIT = 2**31  # all sizes are smaller, so the product of two fits in 64 bits
MAX_COUNT = 2**53  # of rounds, or a seed: larger numbers are not exact in all readers of JSON

Pair = tuple[int, int]


def is_size(value: Any, minimum: int) -> bool:
    """Return whether `value` is a Python or NumPy int >= `minimum`. A bool is not an int here."""
    is_int = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return is_int and int(value) >= minimum


def pair(name: str, value: int | Sequence[int], minimum: int) -> Pair:
    """Return `value` as (height, width); an int stands for both. Raise ValueError unless both are
    ints in [minimum, 2**31)."""
    both = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(both) != 2 or not all(is_size(v, minimum) for v in both):
        raise ValueError(f"{name}: expected an int >= {minimum} or a pair of them, got {value!r}")
    if max(both) >= LIMIT:
        raise ValueError(f"{name}: expected less than 2**31, got {value!r}")
    return int(both[0]), int(both[1])
