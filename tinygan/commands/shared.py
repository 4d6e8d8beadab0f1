"""Functions that commands share: options, figures as JSON, the exit with a message, checks of
output files."""

import argparse
import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from .. import parallel
from ..backend import survey
from ..data import downloads
from ..errors import InputError, escaped, to_stderr

Parsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Names: TypeAlias = "Iterable[str] | Callable[[], Iterable[str]]"

MAX_SAMPLES = 1 << 16
NEEDS_NONE = "Needs no network."
NEEDS_DATA = (
    f"Needs no network, but for the data sets {downloads()}: each is downloaded once, or found in "
    "$TINYGAN_DATA."
)


def stop(status: int, message: str, *more: str) -> int:
    """Print the message on stderr, once for all MPI ranks, and return the exit status. Letters that
    are not printable, even a newline, are escaped; `more` are further lines."""
    message = parallel.last_words(status, "\n".join(map(escaped, (message, *more))))
    if message:
        to_stderr(f"tinygan: {message}")
    return status


def say(text: str) -> None:
    """Print the text on standard output. Letters that are not printable are escaped, except
    newlines. The error of an output that cannot be written names it."""
    try:
        print("\n".join(map(escaped, text.split("\n"))), flush=True)
    except OSError as problem:
        problem.filename = "standard output"
        raise


def add_backend(parser: argparse.ArgumentParser) -> None:
    """Add the option --backend."""
    about = "numpy, cupy, or one GPU, such as cupy:1 (default: numpy)"
    offer(parser.add_argument("--backend", default="numpy", metavar="NAME", help=about), survey)


def add_json(parser: argparse.ArgumentParser, keys: str) -> None:
    """Add the option --json, for a command whose object has these keys."""
    about = f"print no text, but one JSON object with the keys {keys}; null: a number not finite"
    parser.add_argument("--json", action="store_true", help=about)


def add_language(parser: argparse.ArgumentParser) -> None:
    """Add the option --lang."""
    parser.add_argument("--lang", metavar="NAME", help="en or ko (default: that of the locale)")


def show(args: argparse.Namespace, text: str, figures: Mapping[str, Any]) -> None:
    """Print the text or, with --json, its figures as one JSON object."""
    say(as_json(figures) if args.json else text)


def as_json(figures: Any) -> str:
    """The figures as JSON, which has no numbers that are not finite: they become null."""
    finite = json.loads(json.dumps(figures), parse_constant=lambda name: None)
    return json.dumps(finite, indent=1)


def offer(action: argparse.Action, names: Names) -> None:
    """Let `completion` offer these names, or those that a function gives, as values of an option or
    argument."""
    vars(action)["names"] = names


@contextlib.contextmanager
def name_in_errors(run: str) -> Iterator[None]:
    """Put the name of the run before the message of an InputError raised in the block."""
    try:
        yield
    except InputError as problem:
        raise InputError(f"{run}: {problem}") from problem


def check_picture(option: str, name: str) -> None:
    """Check that `name` is that of a .png file which can be written.

    Raises InputError if it is not."""
    if Path(name).suffix.lower() != ".png":
        raise InputError(f"{option}: expected the name of a .png file, got {name!r}")
    check_writable(option, name)


def check_writable(option: str, name: str) -> None:
    """Check that a file `name` can be written, by writing a temporary file in its folder.

    A command calls this before it starts to compute. Raises InputError if the file cannot be
    written."""
    path = Path(name)
    folder = path.parent.resolve()  # a link is replaced
    if not folder.is_dir():
        raise InputError(f"{option} {name}: there is no folder {folder}")
    try:
        with contextlib.suppress(FileNotFoundError):
            os.lstat(path)  # raises for a name that is too long
        if not name or (path.exists() and not path.is_file()):
            raise InputError(f"{option}: expected a file to write, got {name!r}")
    except OSError as problem:
        raise InputError(f"{option} {name}: cannot be written ({problem.strerror})") from problem
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as problem:
        message = f"{option} {name}: the folder cannot be written to ({problem.strerror})"
        raise InputError(message) from problem
