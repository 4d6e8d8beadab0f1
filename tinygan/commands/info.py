"""The command `tinygan info`: show the versions, BLAS and the backends that work."""

import argparse

from ..environment import report
from .shared import Parsers, say


def add_parser(parsers: Parsers) -> None:
    """Add the command, which has no options."""
    about = "Show the versions, NumPy's BLAS, and which backends work."
    parser = parsers.add_parser("info", help="show versions, BLAS and backends", description=about)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the report; return the exit status."""
    say(report())
    return 0
