"""The command `tinygan bench`: time rounds of Algorithm 1 on this machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ...backend import survey
from ...storage import atomic
from ..shared import NEEDS_NONE, add_json, as_json, check_picture, check_writable, offer, show
from .measure import GPU_PEERS, PEERS, bench
from .picture import plot
from .table import report
from .workloads import DEFAULT, WORKLOADS

if TYPE_CHECKING:
    from ..shared import Parsers


SEVERAL: dict[str, Any] = {"action": "extend", "nargs": "+"}  # a repeatable option


def add_parser(parsers: Parsers) -> None:
    """Add the command and its options."""
    parser = parsers.add_parser(
        "bench",
        help="time a round of Algorithm 1 on this machine",
        usage="%(prog)s [WORKLOAD ...] [OPTION ...]",
        description="Time rounds of Algorithm 1 on this machine. Each contender runs in its own "
        "process, and the contenders take turns. An option that is called repeatable takes several "
        "values, and a contender plays with each, so name the workloads before it. " + NEEDS_NONE,
    )
    add = parser.add_argument
    names = f"some of {', '.join(WORKLOADS)}; all: the first {len(DEFAULT)} (default: all)"
    offer(add("workloads", nargs="*", metavar="WORKLOAD", help=names), ("all", *WORKLOADS))
    backend = (
        "numpy, cupy, one GPU, or all, which also says why a backend does not work; repeatable "
        "(default: those that work)"
    )
    offer(add("--backend", **SEVERAL, metavar="NAME", help=backend), survey)
    against = add(
        "--against",
        **SEVERAL,
        default=[],
        metavar="PEER",
        help="torch (eager and tuned; on a GPU eager, compiled, and captured as a CUDA graph), "
        "torch-eager (the first of these) or by-hand (NumPy without an engine); repeatable",
    )
    offer(against, (*PEERS, *GPU_PEERS["torch"]))
    add(
        "--threads",
        **SEVERAL,
        type=number_or_auto,
        metavar="N",
        help="number of threads of each process; auto: as the contender comes, with no number set; "
        "repeatable (default: auto)",
    )
    add(
        "--ranks",
        **SEVERAL,
        type=number_or_auto,
        metavar="N",
        help="number of ranks of tinygan on NumPy; auto: as tinygan train has, but 1 with a number "
        "of threads; repeatable (default: auto)",
    )
    busy = "number of other processes that each keep a core busy (default: 0)"
    add("--busy", type=int, default=0, metavar="N", help=busy)
    batch = "minibatch size; repeatable (default: the workload's own)"
    add("--batch", **SEVERAL, type=int, metavar="N", help=batch)
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
    add("-o", metavar="FILE", help="also write the figures, machine and versions to FILE as JSON")
    add("--plot", metavar="FILE", help="also plot the times against the minibatch size, as a PNG")
    keys = "rows, unavailable, gemm_peak_gflops, threads, busy, tf32, seconds, machine"
    add_json(parser, keys)
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
    if args.plot is not None:
        check_picture("--plot", args.plot)
    table = bench(
        args.workloads or ["all"],
        backends=args.backend,
        against=args.against,
        threads=args.threads or [None],
        ranks=args.ranks or [None],
        busy=args.busy,
        seconds=args.seconds,
        batches=args.batch or [None],
        width=args.width,
        tf32=args.tf32,
    )
    show(args, report(table), table)
    if args.o:
        with atomic(args.o) as file:
            file.write(as_json(table).encode() + b"\n")
    if args.plot:
        plot(table, args.plot)
    return 0
