"""The command line of an example: its options, and one line for whatever ends it early."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from ..errors import InputError

T = TypeVar("T")


def or_stop(function: Callable[..., T], *args: Any) -> T:
    """Call a function; if it raises InputError or OSError, end the program with its message."""
    try:
        return function(*args)
    except (InputError, OSError) as problem:
        stop(str(problem))


def stop(message: str) -> NoReturn:
    """End the program with one line and status 2."""
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    raise SystemExit(2)


def report_error(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Print invalid input as one line, and end with status 2; any other error as a traceback."""
    if issubclass(kind, InputError):
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(2)  # Python itself would end with 1
    sys.__excepthook__(kind, error, trace)


def in_notebook() -> bool:
    """Whether this runs in a notebook."""
    return "ipykernel" in sys.modules


def interrupted(*_: object) -> NoReturn:
    """End the program with status 130, as after Ctrl-C."""
    print("stopped", file=sys.stderr)
    raise SystemExit(130)


class Parser(argparse.ArgumentParser):
    """A parser that reports an invalid option in one line."""

    def error(self, message: str) -> NoReturn:
        stop(f"{message}; see --help")


def parsed(name: str, about: str, has_data: bool) -> argparse.Namespace:
    """The options of the command line, or their defaults in a notebook."""
    parser = Parser(prog=f"{name}.py", description=about.split("\n")[0], allow_abbrev=False)
    add = parser.add_argument
    add("--full", action="store_true", help="run the long protocol, on the full data set")
    add("--steps", type=_whole, help="number of rounds")
    add("--seed", type=int, default=0, help="seed of the training (default: 0)")
    add("--backend", default="numpy", help="numpy, cupy, cupy:1 (default: numpy)")
    width = "factor of the widths of hidden layers; 0.1 for a quick trial (default: 1)"
    add("--width", type=float, default=1.0, help=width)
    if has_data:
        add("--data", help="data set, as in tinygan train")
    else:
        add("--data", type=_no_data, help=argparse.SUPPRESS)
    args = parser.parse_args([] if in_notebook() else None)
    if args.seed < 0:
        parser.error(f"--seed: expected at least 0, got {args.seed}")
    if not 0 < args.width <= 16:
        parser.error(f"--width: expected more than 0, at most 16, got {args.width}")
    return args


def _no_data(text: str) -> str:
    raise argparse.ArgumentTypeError(f"this example generates its own data; got {text!r}")


def _whole(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)
