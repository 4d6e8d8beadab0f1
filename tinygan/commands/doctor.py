"""The command `tinygan doctor`: report the diagnoses of a run that was trained."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..doctor import EVERY, PATIENCE, Probe, diagnose_run, words
from ..doctor.advice import remedies
from ..language import Text, language
from ..training.health_monitor import examine, health
from ..training.run_folder import RunFolder
from .shared import NEEDS_DATA, add_json, add_language, show

if TYPE_CHECKING:
    from .shared import Parsers


MAX_ROWS = 8  # of the table of probes

TITLE = Text("{path}: {n} probes", "{path}: 점검 {n}번")
UNWATCHED = Text(
    "{path}: no probes of its training; {n} of its checkpoint",
    "{path}: 학습 중의 점검이 없어서 체크포인트를 {n}번 점검했습니다",
)
LAST_ROW = Text("The last row of {log}: {row}", "{log}의 마지막 행: {row}")
HEALTHY = Text("no problem found", "문제를 찾지 못했습니다")
EARLY = Text(
    "no problem found; before round {rounds}, only one that is beyond doubt is reported",
    "문제를 찾지 못했습니다. {rounds}라운드 전에는 의심할 여지가 없는 문제만 알립니다",
)


def add_parser(parsers: Parsers) -> None:
    """Add the command and its options."""
    parser = parsers.add_parser(
        "doctor",
        help="diagnose a run",
        description="Diagnose a run from the health records of its training or, if there are "
        "none, from its checkpoint and data. " + NEEDS_DATA,
    )
    parser.add_argument("folder", metavar="RUN", help="a run folder, or the checkpoint in it")
    add_language(parser)
    add_json(parser, "run, probes, last_row (of its log), diagnoses")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the report; return the exit status."""
    show(args, *examined(args.folder, language(args.lang)))
    return 0


def report(run: str | Path) -> str:
    """The text of `examined`, in English."""
    return examined(run)[0]


def examined(run: str | Path, language: str = "en") -> tuple[str, dict[str, Any]]:
    """The diagnoses of a run and a table of its probes, with the last row of its log: as text in
    this language, and as a dict for JSON, in English, with all probes.

    `run` is a run folder, or the checkpoint in it. Each diagnosis names the first round after which
    it could be made. If the run was trained without the doctor, its checkpoint and data are loaded
    and probed on several minibatches. Problems that appear only over time, such as a player that
    does not move, are then not found. A run of fewer than PATIENCE * EVERY rounds gets only the
    diagnoses that a single probe suffices for.

    Raises InputError if there is no run, or if a file of it is damaged.
    """
    folder = RunFolder.existing(run)
    (probes, not_finite), log = health(folder), folder.read_log()
    title, rounds = TITLE.format(path=folder.path, n=len(probes)), PATIENCE * EVERY
    if not probes:
        with np.errstate(all="ignore"):
            session, _ = folder.load(no_graph=True)
            trials = PATIENCE if session.step >= rounds else 1
            probes = [examine(session, trial=i) for i in range(trials)]
        title = UNWATCHED.format(path=folder.path, n=trials)
    sections = [title.of(language), _table(probes)]
    last = {name: column[-1].item() for name, column in log.items() if len(column)}
    if last:
        shown = ", ".join(f"{name} {value:.4g}" for name, value in last.items())
        sections.append(LAST_ROW.format(log=folder.log.name, row=shown).of(language))
    found, options = [*diagnose_run(probes), *not_finite], folder.options() or {}
    recorded = [d._replace(seen=words.of_record(d.seen, language)) for d in not_finite]
    told = [*diagnose_run(probes, language), *recorded]
    sections += [each.report(options, language) for each in told]
    if not found:
        none = EARLY if probes[-1].step < rounds else HEALTHY
        sections.append(none.format(rounds=rounds).of(language))
    diagnoses = [
        {**each._asdict(), "remedies": [str(remedy) for remedy in remedies(each.name, options)]}
        for each in found
    ]
    figures = {"run": str(folder.path), "probes": [p._asdict() for p in probes], "last_row": last}
    return "\n\n".join(sections), {**figures, "diagnoses": diagnoses}


COLUMNS: dict[str, Callable[[Probe], str]] = {
    "round": lambda p: str(p.step),
    "loss D": lambda p: f"{p.d_loss:.3g}",
    "loss G": lambda p: f"{p.g_loss:.3g}",
    "ranked right": lambda p: f"{p.order:.1%}",
    "slope of G": lambda p: f"{p.push:.2g}",
    "spread": lambda p: f"{p.spread:.2g}",
    "grad G": lambda p: "{:.2g}".format(p.length("G")),
    "grad D": lambda p: "{:.2g}".format(p.length("D")),
    "moved G": lambda p: f"{p.moved['G']:.0e}" if p.moved else "-",
    "moved D": lambda p: f"{p.moved['D']:.0e}" if p.moved else "-",
    "dead": lambda p: f"{max(p.dead.values()):.0%}" if p.dead else "-",
    "drift": lambda p: f"{max(p.drift.values()):.2f}" if p.drift else "-",
}


def _table(probes: Sequence[Probe]) -> str:
    """A table of at most MAX_ROWS probes, the last one included.

    If a quantity has a value for each layer, the largest is shown."""
    stride = math.ceil(len(probes) / MAX_ROWS)
    shown = probes[::-stride][::-1]
    rows = [list(COLUMNS), *([cell(p) for cell in COLUMNS.values()] for p in shown)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.rjust, row, widths)) for row in rows)
