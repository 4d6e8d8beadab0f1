"""The command `tinygan verify`: train a run again and compare its state bit for bit."""

import argparse
import sys

from .. import parallel, training
from ..backend.inputs import Comm
from ..errors import to_stderr
from ..training.config import Config
from ..training.ranks import can_start, ranks_of
from .shared import NEEDS_DATA, Parsers, say


def add_parser(parsers: Parsers) -> None:
    """Add the command and its options."""
    parser = parsers.add_parser(
        "verify",
        help="train a run again, and compare bit for bit",
        description="Train a run again, in memory, and compare its state with each recorded state. "
        "The exit status is 0 if all agree, and 1 if one differs. The run folder is not changed. "
        + NEEDS_DATA,
    )
    add = parser.add_argument
    add("folder", metavar="RUN", help="a run folder")
    start = "start from a checkpoint of the run (default: from the beginning)"
    add("--from", dest="start", metavar="CHECKPOINT", help=start)
    add("--quiet", action="store_true", help="show no round counter")
    parser.set_defaults(run=run, takes_ranks=True)


def run(args: argparse.Namespace) -> int:
    """Print whether all states agree; return the exit status, 0 if they do and 1 if not."""
    with parallel.start(_ranks(args.folder, first=args.start is None)) as comm:
        return _verify(args, comm)


def _ranks(run: str, first: bool) -> int:
    """The number of ranks to start: the first that was recorded, or the last."""
    folder = training.RunFolder.existing(run)
    n = ranks_of(folder.states.read().made_with, 0 if first else -1)
    return n if can_start(n, Config.from_dict(folder.contents()[1]["config"])) else 1


def _verify(args: argparse.Namespace, comm: Comm) -> int:
    shown = comm.rank == 0 and not args.quiet and sys.stderr is not None and sys.stderr.isatty()

    def echo(step: int, last: int) -> None:
        if shown:
            to_stderr(f"\rround {step} of {last} ", end="")

    found = training.verify(args.folder, start=args.start, echo=echo, comm=comm)
    if shown:
        to_stderr("")
    if comm.rank > 0:
        return int(found.differs is not None)
    for warning in found.warnings:
        say(f"! {warning}: equal bits are promised only in the recorded environment")
    if found.differs is None:
        count, first, last = len(found.agreed), found.agreed[0], found.agreed[-1]
        idle = "" if found.played else "; no round was played, because no later state is recorded"
        say(f"{args.folder}: all states agree, {count} from round {first} to {last}{idle}")
        return 0
    before = f"; it agreed until round {found.agreed[-1]}" if found.agreed else ""
    say(
        f"{args.folder}: the state after round {found.differs} differs{before}\n"
        f"  recorded {found.recorded} in {found.file}\n  now      {found.now}"
    )
    return 1
