"""The command line of an example: its options, and one line for whatever ends it early."""

import argparse
import os
import reprlib
import shlex
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from ..checks import MAX_COUNT
from ..errors import InputError, message_of, plain, to_stderr

T = TypeVar("T")


def or_stop(function: Callable[..., T], *args: Any) -> T:
    """Call a function; if it raises InputError or OSError, end the program with its message."""
    try:
        return function(*args)
    except InputError as problem:
        stop(str(problem))
    except OSError as problem:
        file = f"{problem.filename}: " if problem.filename else ""
        stop(f"{file}{problem.strerror or problem}")


def check_folder(folder: Path) -> None:
    """End the program if files cannot be written in `folder`, which need not exist. Nothing is
    created."""
    nearest = next((path for path in (folder, *folder.parents) if path.exists()), Path())
    if not nearest.is_dir():
        stop(f"cannot write {folder}: {nearest} is not a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        stop(f"cannot write {folder}: the folder {nearest.resolve()} cannot be written to")


def stop(message: str) -> NoReturn:
    """End the program with one line and status 2."""
    to_stderr(f"{Path(sys.argv[0]).name}: {message}")
    raise SystemExit(2)


def report_ends() -> None:
    """From now on, print one line for Ctrl-C, invalid input, a full disk or a lack of memory. A
    notebook reports them itself."""
    if not in_notebook() and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, interrupted)
        sys.excepthook, sys.unraisablehook = report_error, report_unraisable


def report_error(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Print invalid input, a full disk or a lack of memory as one line, and end with status 2. If
    the reader of the output, such as `head`, has closed the pipe, end with status 0. Print any
    other error as a traceback."""
    if issubclass(kind, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        os._exit(0)
    if isinstance(error, (InputError, OSError, MemoryError)):
        to_stderr(f"{Path(sys.argv[0]).name}: {message_of(error)}")
        with suppress(AttributeError, OSError):  # it is closed or full
            sys.stdout.flush()
        os._exit(2)  # Python itself would end with 1
    sys.__excepthook__(kind, error, trace)


def report_unraisable(problem: "sys.UnraisableHookArgs") -> None:
    """End the program after Ctrl-C in a callback, as of a weak reference: Python would go on. Print
    any other error that cannot be raised."""
    if issubclass(problem.exc_type, SystemExit):
        os._exit(130)
    sys.__unraisablehook__(problem)


def in_notebook() -> bool:
    """Whether this runs in a notebook: in the shell of a kernel, not only after its import."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def show(picture: Path) -> None:
    """In a notebook, show a picture below the cell."""
    if in_notebook():
        from IPython.display import Image, display

        display(Image(filename=str(picture)))


def interrupted(*_: object) -> NoReturn:
    """End the program with status 130, as after Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    bars = getattr(sys.modules.get("tqdm"), "tqdm", None)
    for bar in list(getattr(bars, "_instances", ())):  # open bars; each would overwrite the line
        bar.close()
    to_stderr("stopped")
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C ends it at once
    raise SystemExit(130)


class Parser(argparse.ArgumentParser):
    """A parser that reports an invalid option in one line."""

    def error(self, message: str) -> NoReturn:
        stop(f"{plain(message)}; see --help")


def parsed(
    name: str, about: str, data: tuple[str, str] | None, steps: int, full: int
) -> argparse.Namespace:
    """The options of the command line, or in a notebook those of the variable TINYGAN_OPTIONS.
    `data`, `steps` and `full` are those of `Example`; --help shows them."""
    parser = Parser(prog=f"{name}.py", description=about.split("\n")[0], allow_abbrev=False)
    add = parser.add_argument
    on = f", on {data[1]}" if data and data[0] != data[1] else ""
    add("--full", action="store_true", help=f"run the long protocol{on}")
    rounds = f"number of rounds (default: {steps}, with --full {full})"
    add("--steps", type=whole(1), metavar="N", help=rounds)
    add("--seed", type=whole(0), metavar="N", default=0, help="seed of the training (default: 0)")
    add("--backend", default="numpy", help="numpy, cupy, cupy:1 (default: numpy)")
    width = "factor of the widths of hidden layers; 0.1 for a quick trial (default: 1)"
    add("--width", type=float, default=1.0, help=width)
    if data:
        known = data[0] + (f", with --full {data[1]}" if on else "")
        add("--data", help=f"data set, as in tinygan train (default: {known})")
    else:
        add("--data", type=_no_data, help=argparse.SUPPRESS)
    args = parser.parse_args(
        shlex.split(os.environ.get("TINYGAN_OPTIONS", "")) if in_notebook() else None
    )
    if not 0 < args.width <= 16:
        parser.error(f"--width: expected more than 0, at most 16, got {args.width}")
    return args


def _no_data(text: str) -> str:
    raise argparse.ArgumentTypeError(f"this example generates its own data; got {text!r}")


def whole(minimum: int, maximum: int = MAX_COUNT) -> Callable[[str], int]:
    """The type of an option that takes a whole number from `minimum` to `maximum`."""

    def read(text: str) -> int:
        digits = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_COUNT))
        if not digits or not minimum <= int(text) <= maximum:
            expected = f"expected a whole number from {minimum} to {maximum}"
            raise argparse.ArgumentTypeError(f"{expected}, got {reprlib.repr(text)}")
        return int(text)

    return read
