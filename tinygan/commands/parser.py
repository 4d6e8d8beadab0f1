"""The command line, `tinygan COMMAND`: its parser and its error messages.

Each command is a module: `add_parser(parsers)` adds its options, and `run(args)` does the work and
returns the exit status. A module that takes long to import is imported in `run`. Without a command,
`FIRST` is printed.

Exit status: 0 for success; 1 if `verify` found a difference; 2 for unusable input, with one line
that names the problem; 130 after Ctrl-C, once the run is saved. A traceback is always a bug.
"""

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from .. import __version__, parallel
from ..backend import process
from ..errors import InputError, choose, first_line, lacks_memory, message_of, plain
from .completion import COMPLETES, Completion
from .shared import NEEDS_DATA, say, stop


def commands() -> tuple[Any, ...]:
    """The modules of all commands, in the order of `tinygan --help`.

    They are imported here, so that `main` also reports Ctrl-C during the import."""
    from . import check, compare, doctor, evaluate, info, lab, reproduce, sample, train, verify
    from .bench import command as bench

    return train, lab, doctor, verify, sample, evaluate, compare, reproduce, bench, check, info


ABOUT = "Generative adversarial networks from scratch."
FIRST = f"""{ABOUT} Begin with

  tinygan train           train a GAN on handwritten digits, on the CPU in about a minute
  tinygan lab             watch the code train a GAN, in the browser
  tinygan evaluate RUN    compare the samples of a run with real images; RUN is its folder

tinygan --help shows all commands, and tinygan train --help the options of one."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status. `argv` is `sys.argv[1:]` if it is None."""
    args = argparse.Namespace()
    try:
        process.tune()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # its encoding may lack letters of a file name
                stream.reconfigure(errors="backslashreplace")
        parser = _parser()
        args, extra = parser.parse_known_args(argv)
        if extra:
            see = " ".join(filter(None, (parser.prog, args.command, "--help")))
            raise InputError(f"{extra[0]}: no such argument; see {see}")
        if args.command is None:
            say(FIRST)
            return 0
        _check_processes(args)
        return int(args.run(args))
    except KeyboardInterrupt:
        return stop(130, "stopped")
    except MemoryError as problem:
        smaller = getattr(args, "smaller", "")  # how to use less memory
        return stop(2, message_of(problem) + (f"; use {smaller}" if smaller else ""))
    except (ImportError, RuntimeError) as problem:
        if not lacks_memory(problem):
            raise
        return stop(2, f"out of memory: {first_line(problem)}")
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (InputError, OSError) as problem:
        return stop(2, message_of(problem))


class _Parser(argparse.ArgumentParser):
    """A parser that raises InputError on wrong usage, so that all errors look alike. Its help has
    no colors, which Python 3.14 adds, and `say` would escape."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)
        self.color = False

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{plain(message)}; see {self.prog} --help")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Raise InputError, with the closest known name, for an unknown command."""
        if action.choices is not None:
            choose("command", value, action.choices)

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print the help or the version; argparse would hide an error."""
        say(message.removesuffix("\n"))


def _check_processes(args: argparse.Namespace) -> None:
    """Raise InputError if mpiexec started several processes of a command for one process."""
    if not getattr(args, "takes_ranks", False) and (n := _started()) > 1:
        raise InputError(
            f"{args.command}: expected one process, but mpiexec started {n}; only train and verify "
            "take several"
        )


def _started() -> int:
    """The number of processes that were started together with this one, as far as is known.

    A launcher may say only which rank this is. Then MPI is asked; if it does not work, there are at
    least as many as the rank says."""
    if (n := parallel.launched()) or not parallel.is_launched():
        return n
    n = 1 + max(parallel.numbers(parallel.RANKS), default=0)
    with contextlib.suppress(InputError):
        n = max(n, parallel.join().size)
    return n


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="tinygan", description=ABOUT, epilog=NEEDS_DATA)
    parser.add_argument("--version", action="version", version=f"tinygan {__version__}")
    parser.add_argument("--completion", action=Completion, metavar="SHELL", help=COMPLETES)
    parsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command in commands():
        command.add_parser(parsers)
    return parser
