"""The command `tinygan reproduce`: measure published figures again by their published protocols."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..errors import to_stderr
from ..experiments.options import whole
from .shared import add_backend, add_json, check_writable, offer, show

if TYPE_CHECKING:
    from .shared import Parsers


def add_parser(parsers: Parsers) -> None:
    """Add the command and its options."""
    parser = parsers.add_parser(
        "reproduce",
        help="measure a published figure again",
        description="Measure a published figure again by its published protocol. The table "
        "shows our figure, the published one, and whether it is reproduced. "
        "--list shows which experiments need a network: those on MNIST, which is downloaded once.",
    )
    name = parser.add_argument("name", nargs="?", metavar="NAME", help="an experiment; see --list")
    offer(name, names)
    parser.add_argument(
        "--list",
        action="store_true",
        help="show all experiments, or only NAME, with their protocols, data and times",
    )
    parser.add_argument(
        "--seeds",
        type=whole(1),
        default=1,
        metavar="N",
        help="number of seeds: 0, 1, 2, ... (default: 1)",
    )
    parser.add_argument(
        "--epochs", type=whole(1), metavar="N", help="number of epochs, for experiments that train"
    )
    parser.add_argument(
        "--labels", type=whole(1), metavar="N", help="number of labels for ssl (default: 100)"
    )
    add_backend(parser)
    parser.add_argument(
        "--out",
        default="reproduced.json",
        metavar="FILE",
        help="the JSON file to which results are appended (default: reproduced.json)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue the last record in FILE, and skip the seeds that it has",
    )
    add_json(parser, "experiment, backend, seeds; with --list, the names of experiments")
    parser.set_defaults(run=run)


def names() -> list[str]:
    """The names of the experiments."""
    from ..experiments.reproduce import EXPERIMENTS

    return list(EXPERIMENTS)


def run(args: argparse.Namespace) -> int:
    """Print the list, or run an experiment and print its table; return the exit status.

    Raises InputError if an option is below 1.
    """
    from ..experiments.reproduce import EXPERIMENTS, entries, listing, picture, reproduce, table

    if args.list or args.name is None:
        found = entries(*filter(None, [args.name]))
        show(args, listing(found), found)
        return 0
    check_writable("--out", args.out)
    options = {name: getattr(args, name) for name in ("epochs", "labels")}
    options = {name: value for name, value in options.items() if value is not None}
    outcomes = reproduce(
        args.name, range(args.seeds), echo=to_stderr, history=args.out, resume=args.resume,
        backend=args.backend, **options,
    )  # fmt: skip
    seeds = [{"seed": seed, **outcome.as_dict()} for seed, outcome in enumerate(outcomes)]
    figures = {"experiment": args.name, "backend": args.backend, "seeds": seeds}
    figure = f"; {picture(args.name, args.out)}" if EXPERIMENTS[args.name].draw else ""
    text = f"{table(args.name, outcomes)}\n\nresults are in {args.out}{figure}"
    show(args, text, figures)
    return 0
