"""The one exception that means: what you gave cannot be used, and the message says why.

The command line turns it into one line and exit status 2. Any other exception is a defect of
tinygan's own and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["BackendUnavailable", "InputError", "choose", "first_line"]


class InputError(ValueError):
    """Bad input from outside: a file, a name, an option, a checkpoint, a missing backend."""


class BackendUnavailable(InputError):
    """The array library is missing or cannot reach its device; the message says what mends it."""


def choose(what: str, name: str, known: Iterable[str]) -> str:
    """`name`, if it is one of the known; else InputError, with the one that may have been meant."""
    names = list(known)
    if name in names:
        return name
    close = difflib.get_close_matches(str(name).lower(), names, 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise InputError(f"{what} {name!r} is unknown; expected one of {', '.join(names)}{hint}")


def first_line(problem: BaseException) -> str:
    """What an exception says in its first line; its type, if it says nothing."""
    return (str(problem) or type(problem).__name__).splitlines()[0]
