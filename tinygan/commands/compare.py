"""The command `tinygan compare`: a page that shows several runs side by side."""

from __future__ import annotations

import argparse
import base64
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import plots
from ..errors import InputError
from ..experiments.options import whole
from ..storage import atomic
from .shared import NEEDS_NONE, check_writable, say

if TYPE_CHECKING:
    from ..training.comparison import ReadRun
    from .shared import Parsers

PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 sans-serif; margin: 2em; color: #222; background: #fff; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .2em 1em; border-bottom: 1px solid #ccc; text-align: left; }}
th:first-child {{ white-space: nowrap; }}
td {{ overflow-wrap: anywhere; }}
figure {{ display: inline-block; margin: 0 1em 1em 0; vertical-align: top; }}
figure img {{ width: 300px; image-rendering: pixelated; }}
.curves {{ max-width: 100%; }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def add_parser(parsers: Parsers) -> None:
    """Add the command and its options."""
    parser = parsers.add_parser(
        "compare",
        help="show several runs side by side on a page",
        description="Write a page with the options in which runs differ, their losses and outputs, "
        "samples of the same noise if the models agree, and their metrics if they have been "
        "evaluated. It is one file that loads nothing from elsewhere. " + NEEDS_NONE,
    )
    add = parser.add_argument
    add("runs", nargs="+", metavar="RUN", help="a run folder, or a checkpoint file; at least two")
    add("-o", default="compare.html", metavar="FILE", help="a .html file (default: %(default)s)")
    add("--seed", type=whole(0), default=0, metavar="N", help="seed of the noise (default: 0)")
    parser.set_defaults(run=run, smaller="fewer runs")


def run(args: argparse.Namespace) -> int:
    """Write the page; return the exit status.

    Raises InputError for fewer than two different runs, and the errors of `read_run`."""
    from ..training.comparison import notes, read_run

    if len({Path(each).resolve() for each in args.runs}) < max(2, len(args.runs)):
        raise InputError(f"RUN: expected two or more different runs, got {' '.join(args.runs)}")
    if Path(args.o).suffix.lower() != ".html":
        raise InputError(f"-o: expected the name of a .html file, got {args.o!r}")
    check_writable("-o", args.o)
    runs = [read_run(each, seed=args.seed) for each in args.runs]
    page = PAGE.format(title=f"{len(runs)} runs of tinygan", body="\n".join(_parts(runs)))
    with atomic(args.o) as file:
        file.write(page.encode(errors="backslashreplace"))
    say("\n".join([f"{args.o}: {len(runs)} runs", *(f"- {line}" for line in notes(runs))]))
    return 0


def _parts(runs: Sequence[ReadRun]) -> Iterable[str]:
    """The parts of the page, as HTML."""
    from ..training.comparison import differences, notes

    names = [run.name for run in runs]
    yield "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in notes(runs)) + "</ul>"
    yield "<h2>Options that differ</h2>"
    yield _table(names, {**differences(runs), "rounds played": [run.step for run in runs]})
    yield "<h2>Samples</h2>"
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "picture.png")
        for run in runs:
            plots.save_png(picture, run.samples)
            caption = f"<figcaption>{escape(run.name)}, round {run.step}</figcaption>"
            yield f"<figure>{_image(picture, f'samples of {run.name}')}{caption}</figure>"
        if curves := {run.name: run.curve for run in runs if run.curve}:
            yield "<h2>Losses and outputs of D</h2>"
            plots.curves(picture, curves)
            yield _image(picture, "losses, D(x) and D(G(z)) of each run", "curves")
    if any(run.evaluation for run in runs):
        yield "<h2>Metrics</h2>"
        yield _table(names, _metrics(runs))


def _metrics(runs: Sequence[ReadRun]) -> Mapping[str, Sequence[Any]]:
    """A row for each metric and each fact of an evaluation, with a text for each run: its value
    and, in parentheses, that of real images."""
    from ..metrics.evaluation import METRICS, OURS
    from ..metrics.image_sets import REFERENCE
    from ..metrics.report import cell
    from ..training.comparison import FACTS

    found = [run.evaluation or {} for run in runs]
    rows = {name: [each.get(name, "") for each in found] for name in FACTS}
    ours, real = (
        [each.get("rows", {}).get(kind, {}) for each in found] for kind in (OURS, REFERENCE)
    )

    def text(name: str, at: int) -> str:
        value = cell(name, ours[at][name]) if name in ours[at] else ""
        return f"{value} (real {cell(name, real[at][name])})" if name in real[at] else value

    for metric in METRICS:
        if metric.title and any(metric.name in row for row in ours):
            better = f" ({metric.better})" if metric.better else ""
            rows[metric.title + better] = [text(metric.name, at) for at in range(len(runs))]
    return rows


def _table(heads: Iterable[str], rows: Mapping[str, Iterable[Any]]) -> str:
    """A table with a column for each head, as HTML."""
    lines = ["<tr><th></th>" + "".join(f"<th>{escape(head)}</th>" for head in heads)]
    for name, values in rows.items():
        cells = "".join(f"<td>{escape(str(value))}</td>" for value in values)
        lines.append(f"<tr><th>{escape(name)}</th>{cells}")
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _image(path: Path, about: str, kind: str = "") -> str:
    """The picture at `path` with its bytes inside, as HTML."""
    content = base64.b64encode(path.read_bytes()).decode()
    return f'<img class="{kind}" alt="{escape(about)}" src="data:image/png;base64,{content}">'
