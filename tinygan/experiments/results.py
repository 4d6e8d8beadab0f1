"""Finding: one figure of ours, beside the one that it is held against; Outcome: all of a run.

Where a mean may lie: Student's interval, for the few seeds that one can afford.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Result", "SeedResults", "lines", "near", "quantile_t", "t_interval"]


class Result(NamedTuple):
    """`holds` is None where a figure stands as a control or a report, with no verdict."""

    what: str
    ours: float
    published: str = ""
    holds: bool | None = None


class SeedResults(NamedTuple):
    """The results of an experiment with one seed. `curves` has columns of numbers by name, from
    which its picture is drawn; `seconds` is its time."""

    findings: list[Result]
    curves: Mapping[str, Sequence[float]] = {}
    seconds: float = 0.0


def near(what: str, ours: float, published: float, within: float) -> Result:
    """Reproduced if it is no further than `within` from the published figure."""
    return Result(what, ours, f"{published:.9g} +- {within:g}", abs(ours - published) <= within)


def lines(
    rows: Sequence[Sequence[Result]], word: str = "reproduced", beside: str = "published"
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


def quantile_t(level: float, freedom: int) -> float:
    """The t for which Student's distribution of so many degrees of freedom lies within (-t, t) with
    probability `level`: 12.71 for .95 and 1, 1.96 for .95 and infinitely many.

    With t = sqrt(freedom) tan(a), the density is cos(a)^(freedom - 1) in a, up to a factor.

    Raises ValueError for a level outside (0, 1) or a freedom below 1."""
    numbers = isinstance(level, Real) and isinstance(freedom, Real)
    if not (numbers and 0 < level < 1 and 1 <= freedom < math.inf):
        raise ValueError(
            f"level, freedom: expected within (0, 1), >= 1; got {level!r}, {freedom!r}"
        )
    a = np.linspace(0, math.pi / 2, 20_001)
    density = np.cos(a) ** (freedom - 1)
    share = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return math.sqrt(freedom) * math.tan(np.interp(level, share / share[-1], a))


def t_interval(values: Any, level: float = 0.95) -> tuple[float, float]:
    """The mean of `values` (one a seed) and half the width of the interval around it that holds the
    true mean with probability `level`, if they are independent and normal: t s / sqrt(n).

    It says nothing of what was the same for all seeds. Raises ValueError for fewer than two."""
    x = np.asarray(values, np.float64).reshape(-1)
    if len(x) < 2 or not np.isfinite(x).all():
        raise ValueError(f"values: expected at least two finite numbers, got {values!r}")
    return float(x.mean()), quantile_t(level, len(x) - 1) * float(x.std(ddof=1)) / math.sqrt(len(x))
