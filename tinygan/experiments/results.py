"""Results of experiments: figures with their references, over several seeds.

`t_interval` gives a confidence interval for the mean over a small number of seeds.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from ..plain_array import refuse_special


class Result(NamedTuple):
    """A figure, the value to compare it with, and whether it meets its target. `holds` is None if
    there is no target, as for a control."""

    what: str
    ours: float
    published: str = ""
    holds: bool | None = None


class SeedResults(NamedTuple):
    """The results of an experiment with one seed. `curves` has named columns of numbers for the
    picture; `seconds` is the run time."""

    findings: list[Result]
    curves: Mapping[str, Sequence[float]] = {}
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The results as a dict for JSON."""
        return {**self._asdict(), "findings": [result._asdict() for result in self.findings]}


def near(what: str, ours: float, published: float, within: float) -> Result:
    """A result that holds if it is at most `within` from the published figure."""
    return Result(what, ours, f"{published:.9g} +- {within:g}", abs(ours - published) <= within)


def lines(rows: Sequence[Sequence[Result]], reference: str = "published") -> str:
    """A table with a line for each of `rows`, which has one result for every seed. The columns: its
    name; the mean, and the standard deviation if there are several seeds; the `reference`; and the
    verdict: whether it is reproduced, or the number of seeds in which it is."""
    table = [("", "ours", reference, "")]
    for results in rows:
        figures, first = [result.ours for result in results], results[0]
        ours = f"{statistics.mean(figures):.7g}"
        verdict = {True: "reproduced", False: "NOT reproduced", None: ""}[first.holds]
        if len(figures) > 1:
            ours += f" +- {statistics.stdev(figures):.2g}"
            if first.holds is not None:
                verdict = f"reproduced by {sum(bool(r.holds) for r in results)} of {len(figures)}"
        table.append((first.what, ours, first.published, verdict))
    return aligned(table)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """The rows as text, with columns of equal width."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    padded = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in padded)


def quantile_t(level: float, freedom: int) -> float:
    """The t such that a variable of Student's distribution with `freedom` degrees of freedom lies
    in (-t, t) with probability `level`. For .95, it is 12.71 with 1 degree, and tends to 1.96.

    It is found by quadrature: with t = sqrt(freedom) tan(a), the density of a is proportional to
    cos(a)^(freedom - 1).

    Raises ValueError for a level outside (0, 1) or a freedom below 1.
    """
    numbers = isinstance(level, Real) and isinstance(freedom, Real)
    if not (numbers and 0 < level < 1 and 1 <= freedom < math.inf):
        raise ValueError(
            f"level, freedom: expected one in (0, 1) and one >= 1, got {level!r}, {freedom!r}"
        )
    a = np.linspace(0, math.pi / 2, 20_001)
    density = np.cos(a) ** (freedom - 1)
    share = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return math.sqrt(freedom) * math.tan(np.interp(level, share / share[-1], a))


def t_interval(values: Any, level: float = 0.95) -> tuple[float, float]:
    """The mean of `values` (one for each seed), and half the width of Student's interval, t s /
    sqrt(n). The interval contains the true mean with probability `level` if the values are
    independent and normal. It does not include errors that all seeds share.

    Raises ValueError for fewer than two values.
    """
    refuse_special("values", values)
    x = np.asarray(values, np.float64).reshape(-1)
    if len(x) < 2 or not np.isfinite(x).all():
        raise ValueError(f"values: expected at least two finite numbers, got {values!r}")
    return float(x.mean()), quantile_t(level, len(x) - 1) * float(x.std(ddof=1)) / math.sqrt(len(x))
