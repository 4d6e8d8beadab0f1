"""The picture of `tinygan bench`: the time of a round against the minibatch size."""

import math
import textwrap
from typing import Any

import numpy as np

from ...storage import save_figure
from .table import engine, unit_of, where


def plot(table: dict[str, Any], path: str) -> None:
    """Write a PNG of the table of `bench`: a panel for each workload, a line for each engine, with
    bars from the lower to the upper quartile. Both axes are logarithmic."""
    from matplotlib.figure import Figure  # slow to import
    from matplotlib.ticker import LogFormatter, NullLocator

    unit, second = unit_of(table)
    rows = [row | {"engine": engine(row)} for row in table["rows"]]
    workloads, engines = (
        list(dict.fromkeys(r[key] for r in rows)) for key in ("workload", "engine")
    )
    columns = min(3, len(workloads))
    lines = math.ceil(len(workloads) / columns)
    figure = Figure(figsize=(max(6, 3.6 * columns), 3 * lines + 1.6), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).reshape(-1)
    for axes in panels[len(workloads) :]:
        axes.remove()
    for axes, workload in zip(panels, workloads, strict=False):
        batches = sorted({row["batch"] for row in rows if row["workload"] == workload})
        for i, name in enumerate(engines):
            drawn = sorted(
                (row for row in rows if (row["workload"], row["engine"]) == (workload, name)),
                key=lambda row: row["batch"],
            )
            middle = np.array([row["median"] for row in drawn]) / second
            quartiles = np.array([row["quartiles"] for row in drawn]).reshape(-1, 2).T / second
            x = [row["batch"] for row in drawn]
            bars = abs(quartiles - middle)
            style = {"color": f"C{i}", "marker": "o", "markersize": 4, "capsize": 3}
            axes.errorbar(x, middle, bars, label=name, **style)
        axes.set(title=workload, xscale="log", yscale="log")
        axes.set_xlim(batches[0] / 1.5, batches[-1] * 1.5)  # a single size stands in the middle
        axes.set(xlabel="minibatch size (examples)", ylabel=f"time of a round ({unit})")
        axes.set_xticks(batches, [str(n) for n in batches])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.6)))
        axes.grid(alpha=0.2)
    machine = textwrap.fill(where(table), int(14 * figure.get_figwidth()))  # letters in an inch
    title = "The time of a round of Algorithm 1, median and quartiles; less is better"
    figure.suptitle(f"{title}\n{machine}", fontsize=8)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(3, len(names)), fontsize=8)
    save_figure(figure, path)
