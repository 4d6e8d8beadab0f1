"""InputError: the exception for input that cannot be used. Its message gives the reason.

The command line prints it as one line and exits with status 2. Any other exception is a bug in
tinygan and keeps its traceback.
"""

import difflib
import os
import shlex
import sys
from collections.abc import Iterable
from contextlib import suppress


class InputError(ValueError):
    """Bad input from outside: a file, a name, an option, a checkpoint, a missing backend."""


class Interrupted(Exception):
    """Ctrl-C, SIGTERM or SIGHUP stopped the run, which is saved. `args`: its folder's path, and the
    number of rounds played."""


class BackendUnavailable(InputError):
    """The array library is missing or cannot reach its device; the message gives the remedy."""


def choose(what: str, name: str, known: Iterable[str]) -> str:
    """Return `name` if it is in `known`; raise InputError if not, with the closest known name
    or the first that begins with it. `what` is the kind of name, as in "game 'x' is unknown"."""
    names, given = list(known), str(name).lower()
    if name in names:
        return name
    close = difflib.get_close_matches(given, names, 1)
    close = close or [each for each in names if given and each.startswith(given)]
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise InputError(f"{what} {name!r} is unknown; expected one of {', '.join(names)}{hint}")


def first_line(problem: BaseException) -> str:
    """The first line of an exception's message, or its type if the message is empty."""
    return (str(problem) or type(problem).__name__).splitlines()[0]


def message_of(problem: InputError | OSError | MemoryError) -> str:
    """The message of an error that is no bug, as the command line prints it."""
    if isinstance(problem, MemoryError):
        return "out of memory"
    if isinstance(problem, OSError):
        return f"{problem.filename}: " * bool(problem.filename) + (problem.strerror or str(problem))
    return str(problem)


def escaped(text: str) -> str:
    """The text with a backslash escape for each letter that a terminal would not print as it is,
    such as ESC, CR or U+2028: a file name may contain it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def as_argument(path: object) -> str:
    """A path to be typed in a shell: in quotes if it needs them; on Windows always."""
    return f'"{path}"' if os.name == "nt" else shlex.quote(str(path))


def lacks_memory(problem: ImportError | RuntimeError) -> bool:
    """Return whether a compiled module could not be loaded, or a thread not be started, because
    there is no memory for it. The system raises no MemoryError then."""
    words = "failed to map segment", "cannot allocate memory", "cannot apply additional memory"
    return any(each in str(problem).lower() for each in (*words, "can't start new thread"))


def to_stderr(text: str, end: str = "\n") -> None:
    """Print the text on stderr. If that is closed or full, nothing happens: a command goes on, and
    an error keeps its exit status."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(text, end=end, file=sys.stderr, flush=True)


def plain(message: str) -> str:
    """A message of argparse about a value that is no number, in plain words."""
    for kind, words in (("int", "whole number"), ("float", "number")):
        message = message.replace(f"invalid {kind} value:", f"expected a {words}, got")
    return message
