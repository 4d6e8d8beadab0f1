"""The command `tinygan doctor`: report the diagnoses of a run that was trained."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..doctor import EVERY, PATIENCE, Probe, diagnose_run
from ..training.health_monitor import examine, health
from ..training.run_folder import RunFolder

if TYPE_CHECKING:
    from .shared import Parsers

__all__ = ["add_parser", "report", "run"]

MAX_ROWS = 8  # of the table


def add_parser(parsers: Parsers) -> None:
    """Add the command and its options."""
    parser = parsers.add_parser(
        "doctor",
        help="diagnose a run",
        description="Diagnose a run from the health records of its training or, if there are "
        "none, from its checkpoint.",
    )
    parser.add_argument("folder", metavar="RUN", help="a run folder, or the checkpoint in it")
    parser.set_defaults(run=run, smaller="less")


def run(args: argparse.Namespace) -> int:
    """Print the report; return the exit status."""
    print(report(args.folder))
    return 0


def report(run: str | Path) -> str:
    """Return the diagnoses of a run and a table of its probes, with the last row of its log.

    `run` is a run folder, or the checkpoint in it. Each diagnosis names the first step at which it
    could be made. A run that was trained without the doctor is loaded, with its data, and its
    checkpoint is probed on several minibatches; problems that only show over time, such as a
    standstill, are then not found. There is no diagnosis of a run with too few rounds.

    Raises InputError if there is no run, or if a file of it is damaged.
    """
    folder = RunFolder.existing(run)
    (looks, deaths), log = health(folder), folder.read_log()
    what, rounds = f"{folder.path}: {len(looks)} probes", PATIENCE * EVERY
    if not looks:
        with np.errstate(all="ignore"):
            session, _ = folder.load(no_graph=True)
            looks = [examine(session, trial=i) for i in range(PATIENCE)]
        why = "it ended before the first probe" if deaths else "it was trained without the doctor"
        what = f"{folder.path}: {why}; {PATIENCE} probes of its checkpoint"
    early = looks[-1].step < rounds
    options = folder.options() or {}
    found = [each.told(options) for each in (*([] if early else diagnose_run(looks)), *deaths)]
    verdict = "\n\n".join(found) if found else "no problem found"
    if early and not found:
        verdict = f"no diagnosis is made before round {rounds}"
    lines = [what, _table(looks), verdict]
    if len(log["step"]):
        last = ", ".join(f"{name} {column[-1]:.4g}" for name, column in log.items())
        lines.insert(2, f"The last row of {folder.log.name}: {last}")
    return "\n\n".join(lines)


def _table(looks: Sequence[Probe]) -> str:
    """A table of at most MAX_ROWS probes, the last one included.

    A quantity with a value for each layer is shown by its largest value."""
    step = -(-len(looks) // MAX_ROWS)
    shown = list(looks)[::-1][::step][::-1]
    columns = {
        "round": [str(l.step) for l in shown],
        "loss D": [f"{l.d_loss:.3g}" for l in shown],
        "loss G": [f"{l.g_loss:.3g}" for l in shown],
        "right order": [f"{l.order:.1%}" for l in shown],
        "slope passed": [f"{l.push:.2g}" for l in shown],
        "spread": [f"{l.spread:.2g}" for l in shown],
        "grad G": ["{:.2g}".format(l.length("G")) for l in shown],
        "grad D": ["{:.2g}".format(l.length("D")) for l in shown],
        "moved G": [f"{l.moved['G']:.0e}" if l.moved else "-" for l in shown],
        "moved D": [f"{l.moved['D']:.0e}" if l.moved else "-" for l in shown],
        "dead": [f"{max(l.dead.values()):.0%}" if l.dead else "-" for l in shown],
        "drift": [f"{max(l.drift.values()):.2f}" if l.drift else "-" for l in shown],
    }
    widths = {name: max(len(name), *map(len, cells)) for name, cells in columns.items()}
    rows = [columns.keys(), *zip(*columns.values(), strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(w) for cell, w in zip(row, widths.values(), strict=True))
        for row in rows
    )
