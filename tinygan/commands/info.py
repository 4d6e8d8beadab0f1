"""The command `tinygan info`: show the versions, BLAS and the backends that work."""

import argparse

from ..environment import facts, report
from .shared import NEEDS_NONE, Parsers, add_json, show

KEYS = (
    "tinygan, python, numpy, blas, system, processor, blas_threads, cores, commit, date, backends "
    "(null, or why one does not work), device, torch, cupy (where they are)"
)


def add_parser(parsers: Parsers) -> None:
    """Add the command and its option."""
    about = f"Show the versions, NumPy's BLAS, and which backends work. {NEEDS_NONE}"
    parser = parsers.add_parser("info", help="show versions, BLAS and backends", description=about)
    add_json(parser, KEYS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the report; return the exit status."""
    found = facts()
    show(args, report(found), found)
    return 0
