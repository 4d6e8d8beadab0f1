"""Functions of all readers: a damaged file raises InputError before memory is allocated for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..errors import InputError, first_line


@contextmanager
def read_errors(path: str | Path, kind: str, remedy: str) -> Iterator[None]:
    """Turn an Exception of this block, except MemoryError, into an InputError with its reason and
    the remedy: decoders raise errors of many types for damaged files. `path` is the file that the
    block reads, `kind` its expected format."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as problem:
        reason = getattr(problem, "strerror", None)  # the reason of the operating system, if any
        text = f"({reason})" if reason else f"as {kind} ({first_line(problem)})"
        raise InputError(f"{path}: cannot be read {text}; {remedy}") from problem


def require(fits: bool, path: str | Path, expected: str, array: np.ndarray) -> None:
    """Raise InputError unless `fits`. The message gives dtype, shape and range of the array."""
    if not fits:
        numbers = array.size and array.dtype.kind in "iuf"
        extent = f" from {array.min()} to {array.max()}" if numbers else ""
        raise InputError(f"{path}: expected {expected}, found {array.dtype} {array.shape}{extent}")


def require_labels(path: str | Path, labels: np.ndarray, classes: int) -> None:
    """Raise InputError, which names the first one, if labels (N,) are not below `classes`."""
    wrong = np.flatnonzero(labels >= classes)
    if wrong.size:
        i = wrong[0]
        raise InputError(
            f"{path}: expected labels 0 to {classes - 1}, found {labels[i]} at index {i}"
        )
