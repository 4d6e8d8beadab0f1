"""The command `tinygan bench`: time rounds of Algorithm 1 on this machine."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from ...storage import atomic
from ..shared import check_writable
from .measure import bench
from .table import report
from .workloads import WORKLOADS

if TYPE_CHECKING:
    from ..shared import Parsers


def add_parser(parsers: Parsers) -> None:
    """Add the command and its options."""
    parser = parsers.add_parser(
        "bench",
        help="time a round of Algorithm 1 on this machine",
        description="Time rounds of Algorithm 1 on this machine. Each contender runs in its own "
        "process, and the contenders take turns.",
    )
    add = parser.add_argument
    names = ", ".join(WORKLOADS)
    add("workloads", nargs="*", metavar="WORKLOAD", help=f"some of {names} (default: all)")
    backend = "numpy, cupy, or one GPU; repeatable (default: all that work)"
    add("--backend", action="append", metavar="NAME", help=backend)
    add(
        "--against",
        action="append",
        default=[],
        metavar="PEER",
        help="torch (eager and tuned; on a GPU eager, compiled, and captured as a CUDA graph) or "
        "by-hand (NumPy without an engine); repeatable",
    )
    add("--threads", type=int, metavar="N", help="number of threads (default: all cores)")
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
    parser.set_defaults(run=run, smaller="a smaller --batch or --width")


def run(args: argparse.Namespace) -> int:
    """Print the table of times; return the exit status."""
    if args.o is not None:
        check_writable("-o", args.o)
    table = bench(
        args.workloads or list(WORKLOADS),
        backends=args.backend,
        against=args.against,
        threads=args.threads,
        seconds=args.seconds,
        batch=args.batch,
        width=args.width,
        tf32=args.tf32,
    )
    print(report(table))
    if args.o:
        with atomic(args.o) as file:
            file.write(json.dumps(table, indent=1).encode() + b"\n")
    return 0
