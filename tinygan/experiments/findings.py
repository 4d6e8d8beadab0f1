"""Figures of an example with their controls and targets, and a table of them over several runs."""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

HEADINGS = "", "this run", "for comparison", "target", "met"


class Finding(NamedTuple):
    """A figure of a run, the figures of its controls by name, and its target: at least or at most
    a number. Without a target it is shown only."""

    what: str
    value: float
    compare: Mapping[str, float] = {}
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the value meets the target, or None if there is no target. NaN meets none."""
        if self.at_least is None and self.at_most is None:
            return None
        above = self.at_least is None or self.value >= self.at_least
        return above and (self.at_most is None or self.value <= self.at_most)


def table(runs: Sequence[Sequence[Finding]]) -> list[tuple[str, str, str, str, str]]:
    """The rows of a table under HEADINGS, from the findings of each run. With several runs (one
    for each seed), figures are means and standard deviations over the runs that have them. Then
    "met" is the number of runs that meet the target, and whether the mean does."""
    named: dict[str, list[Finding]] = {}
    for run in runs:
        for finding in run:
            named.setdefault(finding.what, []).append(finding)
    return [(what, *_cells(findings)) for what, findings in named.items()]


def _cells(findings: Sequence[Finding]) -> tuple[str, str, str, str]:
    """The columns of a row except its name: the figure, its controls, its target, "met"."""
    first = findings[0]
    controls = {name: [f.compare[name] for f in findings] for name in first.compare}
    compared = "; ".join(f"{name} {over(values)}" for name, values in controls.items())
    bounds = {
        "at least": [f.at_least for f in findings if f.at_least is not None],
        "at most": [f.at_most for f in findings if f.at_most is not None],
    }
    target = ", ".join(f"{words} {over(values)}" for words, values in bounds.items() if values)
    if first.met is None:
        met = ""
    elif len(findings) == 1:
        met = "yes" if first.met else "NO"
    else:
        limits = (statistics.fmean(values) if values else None for values in bounds.values())
        mean = Finding("", statistics.fmean(f.value for f in findings), {}, *limits)
        met = f"{sum(bool(f.met) for f in findings)} of {len(findings)} runs, "
        met += "and the mean" if mean.met else "but NOT the mean"
    return over([f.value for f in findings]), compared, target, met


def over(values: Sequence[float]) -> str:
    """The value, or if there are several that differ, their mean and standard deviation."""
    mean = statistics.fmean(values)
    if len(set(values)) == 1:
        return number(mean)
    return f"{number(mean)} ± {number(statistics.stdev(values), 2)}"


def number(value: float, digits: int = 4) -> str:
    """A number with `digits` significant digits; all digits before the point are kept."""
    large = abs(value) >= 10**digits - 0.5  # it would be rounded to a power of ten, 1e+04
    return f"{value:,.0f}" if large else f"{value:.{digits}g}"
