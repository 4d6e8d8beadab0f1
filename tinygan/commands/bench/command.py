"""The command `tinygan bench`: time rounds of Algorithm 1 on this machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ...backend import survey
from ...storage import atomic
from ..shared import NEEDS_NONE, add_json, as_json, check_writable, offer, show
from .measure import GPU_PEERS, PEERS, bench
from .table import report
from .workloads import DEFAULT, WORKLOADS

if TYPE_CHECKING:
    from ..shared import Parsers


def add_parser(parsers: Parsers) -> None:
    """Add the command and its options."""
    parser = parsers.add_parser(
        "bench",
        help="time a round of Algorithm 1 on this machine",
        description="Time rounds of Algorithm 1 on this machine. Each contender runs in its own "
        "process, and the contenders take turns. " + NEEDS_NONE,
    )
    add = parser.add_argument
    names = f"some of {', '.join(WORKLOADS)} (default: the first {len(DEFAULT)})"
    offer(add("workloads", nargs="*", metavar="WORKLOAD", help=names), WORKLOADS)
    backend = "numpy, cupy, or one GPU; repeatable (default: all that work)"
    offer(add("--backend", action="append", metavar="NAME", help=backend), survey)
    against = add(
        "--against",
        action="append",
        default=[],
        metavar="PEER",
        help="torch (eager and tuned; on a GPU eager, compiled, and captured as a CUDA graph), "
        "torch-eager (the first of these) or by-hand (NumPy without an engine); repeatable",
    )
    offer(against, (*PEERS, *GPU_PEERS["torch"]))
    add(
        "--threads",
        action="append",
        type=number_or_auto,
        metavar="N",
        help="number of threads of each process; auto: as the contender comes, with no number set; "
        "repeatable (default: auto)",
    )
    add(
        "--ranks",
        action="append",
        type=number_or_auto,
        metavar="N",
        help="number of ranks of tinygan on NumPy; auto: as tinygan train has, but 1 with a number "
        "of threads; repeatable (default: auto)",
    )
    busy = "number of other processes that each keep a core busy (default: 0)"
    add("--busy", type=int, default=0, metavar="N", help=busy)
    add("--batch", type=int, metavar="N", help="minibatch size (default: the workload's own)")
    add(
        "--width",
        type=float,
        default=1,
        metavar="X",
        help="factor of the widths of hidden layers (default: 1)",
    )
    add(
        "--seconds", type=float, default=5, metavar="S", help="time for each contender (default: 5)"
    )
    add("--tf32", action="store_true", help="on a GPU, round the factors of products to TF32")
    add("-o", metavar="FILE", help="also write the figures to FILE as JSON")
    add_json(parser, "rows, gemm_peak_gflops, threads, busy, tf32, seconds, machine")
    parser.set_defaults(run=run, smaller="a smaller --batch or --width")


def number_or_auto(text: str) -> int | None:
    """The number in `text`; None for "auto".

    Raises ArgumentTypeError for anything else."""
    try:
        return None if text == "auto" else int(text)
    except ValueError:
        message = f"expected a whole number or auto, got {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def run(args: argparse.Namespace) -> int:
    """Print the table of times; return the exit status."""
    if args.o is not None:
        check_writable("-o", args.o)
    table = bench(
        args.workloads or DEFAULT,
        backends=args.backend,
        against=args.against,
        threads=args.threads or [None],
        ranks=args.ranks or [None],
        busy=args.busy,
        seconds=args.seconds,
        batch=args.batch,
        width=args.width,
        tf32=args.tf32,
    )
    show(args, report(table), table)
    if args.o:
        with atomic(args.o) as file:
            file.write(as_json(table).encode() + b"\n")
    return 0
