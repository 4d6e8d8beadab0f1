"""The comparison of a result with the right one: the first number that differs."""

from typing import Any

import numpy as np

from ..language import Text

RTOL, ATOL = 1e-5, 1e-8  # finite differences are right to about 1e-8
MAX_SHOWN = 24  # numbers of an array in a message


EXPECTED = Text("{}, expected {}", "{} (올바른 값은 {})")
VALUES, ARRAY = Text("{} values", "값 {}개"), Text("an array {}", "배열 {}")
NUMBER = Text("a number", "수 하나")


def shown(value: Any) -> str:
    """A value as text in a message; the shape stands for a large array."""
    if isinstance(value, np.ndarray) and value.size > MAX_SHOWN:
        return f"an array {value.shape}"
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))}{',' * (len(value) == 1)})"
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, np.ndarray):
        return np.array2string(value, precision=4, suppress_small=True, separator=", ")
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def difference(got: Any, expected: Any, language: str = "en") -> str | None:
    """The first difference of a result from the one that is expected, or None if they agree.

    Tuples and lists are compared item by item. Numbers agree if they differ by at most ATOL plus
    RTOL of the expected one."""

    def differ(one: str, other: str) -> str:
        return EXPECTED.of(language).format(one, other)

    def kind(value: Any) -> str:
        if isinstance(value, (tuple, list)):
            return VALUES.of(language).format(len(value))
        if isinstance(value, np.ndarray) and value.ndim:
            return ARRAY.of(language).format(value.shape)
        number = isinstance(value, np.ndarray) or np.isscalar(value)
        return NUMBER.of(language) if number else type(value).__name__

    if isinstance(expected, (tuple, list)):
        if not isinstance(got, (tuple, list)) or len(got) != len(expected):
            return differ(kind(got), kind(expected))
        for i, pair in enumerate(zip(got, expected, strict=True)):
            if found := difference(*pair, language):
                return f"[{i}]: {found}"
        return None
    if isinstance(expected, str):
        return None if got == expected else differ(repr(got), repr(expected))
    right = np.asarray(expected, np.float64)
    if got is None or isinstance(got, str):
        return differ(repr(got), kind(right))
    try:
        values = np.asarray(got, np.float64)
    except (TypeError, ValueError):
        return differ(kind(got), kind(right))
    if values.shape != right.shape:
        return differ(kind(values), kind(right))
    wrong = ~np.isclose(values, right, RTOL, ATOL, equal_nan=True)
    if not wrong.any():
        return None
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = f"[{', '.join(map(str, at))}]: " if at else ""
    return where + differ(f"{values[at]:.6g}", f"{right[at]:.6g}")
