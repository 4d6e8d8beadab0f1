"""NumPy arrays that are numbers and nothing else.

A subclass of `np.ndarray` can mean more than its numbers: a masked array leaves some of them out,
and `*` of an `np.matrix` is a matrix product. Functions that know only plain arrays would ignore
that in silence, so they refuse subclasses. `np.memmap` is taken: it only says where the numbers
are stored.
"""

from typing import Any

import numpy as np

PLAIN = np.ndarray, np.memmap


def is_special(value: object) -> bool:
    """Return whether `value` is a NumPy array of a subclass that is refused."""
    return type(value) not in PLAIN and isinstance(value, np.ndarray)


def kind_of(value: object) -> str:
    """The name of the type of `value`, as errors show it, with a remedy for a subclass."""
    remedy = "; make it plain, by .filled(number) if it is masked, else by .view(numpy.ndarray)"
    return type(value).__name__ + remedy * is_special(value)


def plain_array(name: str, given: Any) -> np.ndarray:
    """Return the argument `name` as a plain NumPy array, without a copy.

    Raises TypeError unless it is a NumPy array and not of a subclass that is refused."""
    if type(given) not in PLAIN:
        raise TypeError(f"{name}: expected a NumPy array, got {kind_of(given)}")
    return given.view(np.ndarray)


def refuse_special(name: str, given: Any) -> None:
    """Raise TypeError if `given` is, or is a list that holds, an array of a subclass that is
    refused: `np.asarray` would take its numbers alone."""
    if is_special(given):
        raise TypeError(f"{name}: expected a plain array, got {kind_of(given)}")
    if isinstance(given, (list, tuple)):
        for element in given:
            refuse_special(name, element)
