"""Finding: one figure of ours, beside the one that it is held against; Outcome: all of a run."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ["Finding", "Outcome", "lines", "near"]


class Finding(NamedTuple):
    """`holds` is None where a figure stands as a control or a report, with no verdict."""

    what: str
    ours: float
    published: str = ""
    holds: bool | None = None


class Outcome(NamedTuple):
    """What an experiment found with one seed. `curves` are its figures on the way, by name: columns
    of numbers, from which its picture is drawn; `seconds` is what it took."""

    findings: list[Finding]
    curves: Mapping[str, Sequence[float]] = {}
    seconds: float = 0.0


def near(what: str, ours: float, published: float, within: float) -> Finding:
    """Reproduced if it is no further than `within` from the published figure."""
    return Finding(what, ours, f"{published:.9g} +- {within:g}", abs(ours - published) <= within)


def lines(
    rows: Sequence[Sequence[Finding]], word: str = "reproduced", beside: str = "published"
) -> str:
    """ours | `beside` | verdict, a line for each row, which has a finding of each seed: the mean
    and, of two or more, the standard deviation; and `word` where it holds, or for how many."""
    table = [("", "ours", beside, "")]
    for findings in rows:
        figures, first = [finding.ours for finding in findings], findings[0]
        ours = f"{statistics.mean(figures):.7g}"
        verdict = {True: word, False: f"NOT {word}", None: ""}[first.holds]
        if len(figures) > 1:
            ours += f" +- {statistics.stdev(figures):.2g}"
            if first.holds is not None:
                verdict = f"{word} by {sum(bool(f.holds) for f in findings)} of {len(figures)}"
        table.append((first.what, ours, first.published, verdict))
    widths = [max(len(row[i]) for row in table) for i in range(4)]
    padded = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in table)
    return "\n".join(line.rstrip() for line in padded)
