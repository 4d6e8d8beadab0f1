"""Curves of a training and bars of metrics. Matplotlib's object interface draws them, so no global
figure or backend changes."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..plain_array import refuse_special
from ..storage import save_figure


def rendered(figure: Any) -> np.ndarray:
    """Render a matplotlib figure to uint8 pixels (H, W, 3), a frame for `save_gif`. Its size in
    pixels is the figure's size in inches times its dpi."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]


class Curve(NamedTuple):
    """The training of a game: `log` has the columns step, d_loss, g_loss, d_real and d_fake, each
    (rounds,). `equilibrium` holds the values of some of them at the game's equilibrium. If
    `probability` is true, d_real and d_fake are probabilities, else D's outputs as they are. If
    `penalized` is true, d_loss contains a penalty."""

    log: Mapping[str, np.ndarray]
    equilibrium: Mapping[str, float] = {}
    probability: bool = True
    penalized: bool = False


def curves(path: str | Path, trainings: Mapping[str, Curve]) -> None:
    """Plot the losses, D(x) and D(G(z)) against the round, as a PNG with a column for each of
    `trainings` (title: curve), at most four side by side. The values at equilibrium are dashed
    lines. If a few losses lie far from all others, they are cut off, and a note in the picture says
    how many, and the most extreme.

    Raises TypeError if trainings, a log or an equilibrium is no mapping, ValueError if a log lacks
    a column.
    """
    from matplotlib.figure import Figure

    if not isinstance(trainings, Mapping) or not trainings:
        raise TypeError(f"trainings: expected a dict that is not empty, got {trainings!r}")
    n = len(trainings)
    k = math.ceil(n / 4)  # rows of pairs of axes
    columns = math.ceil(n / k)
    figure = Figure(figsize=(9 if n == 1 else 5 * columns, 6.4 * k), layout="constrained")
    for i, (title, curve) in enumerate(trainings.items()):
        row, column = 2 * (i // columns), i % columns
        losses = figure.add_subplot(2 * k, columns, row * columns + column + 1)
        at = (row + 1) * columns + column + 1
        _draw_curve((losses, figure.add_subplot(2 * k, columns, at, sharex=losses)), title, curve)
        losses.tick_params(labelbottom=False)
    save_figure(figure, path)


def _draw_curve(column: Any, title: str, curve: Curve) -> None:
    """Draw a training in the two axes of `column`: the losses above, D(x) and D(G(z)) below."""
    for name, given in (("log", curve.log), ("equilibrium", curve.equilibrium)):
        if not isinstance(given, Mapping):
            raise TypeError(f"{name}: expected a dict, got {type(given).__name__}")
    log, equilibrium = curve.log, curve.equilibrium
    for name in ("step", "d_loss", "g_loss", "d_real", "d_fake"):
        if name not in log:
            raise ValueError(f"log: expected a column {name!r}, got {sorted(log)}")
        refuse_special(f"log[{name!r}]", log[name])
    losses, outputs = column
    for axes, name, label, color in (
        (losses, "d_loss", "loss of D" + ", with its penalty" * curve.penalized, "tab:blue"),
        (losses, "g_loss", "loss of G", "tab:green"),
        (outputs, "d_real", "D(x)", "tab:blue"),
        (outputs, "d_fake", "D(G(z))", "tab:green"),
    ):
        axes.plot(log["step"], log[name], color=color, alpha=0.25, linewidth=0.8)
        marker = "o" if len(log["step"]) == 1 else None  # a line of one point is not visible
        axes.plot(log["step"], _smooth(log[name]), color=color, label=label, marker=marker)
        if name in equilibrium and name != "d_fake":  # at equilibrium D(G(z)) equals D(x)
            text = f"{_formatted(equilibrium[name])} at equilibrium"
            shade = color if axes is losses else "gray"
            axes.axhline(equilibrium[name], color=shade, linestyle="--", linewidth=0.9, label=text)
    losses.set_title(title, pad=36)  # above the legend
    losses.set_ylabel("loss")
    outputs.set_ylabel("probability of real" if curve.probability else "D's output")
    _cut(losses, np.concatenate([log["d_loss"], log["g_loss"]]))
    if curve.probability:
        outputs.set_ylim(0, 1)
    outputs.set_xlabel("round (thin: each logged round, thick: smoothed)")
    for axes in column:  # the legend is above the axes, not over the data
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=8)
        axes.grid(alpha=0.2)
        axes.ticklabel_format(axis="y", useOffset=False)  # it would lie on the legend


def _cut(axes: Any, values: np.ndarray) -> None:
    """Leave values (n,) out of the y axis if they lie far outside of the middle 95%: by more
    than three times the range of these. One large loss would flatten the curve of all others. A
    note in the axes tells how many are missing, and the most extreme."""
    values = values[np.isfinite(values)]
    low, high = np.quantile(values, [0.025, 0.975]) if len(values) else (0.0, 0.0)
    above, below = values > 4 * high - 3 * low, values < 4 * low - 3 * high
    kept = values[~(above | below)]
    if high == low or len(kept) == len(values):
        return
    lines = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--"]
    low, high = min([kept.min(), *lines]), max([kept.max(), *lines])
    axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    note = {"ha": "right", "fontsize": 8, "transform": axes.transAxes}
    note["bbox"] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    for cut, words, extreme, y, side in (
        (above, "above, up to", values.max(), 0.97, "top"),
        (below, "below, down to", values.min(), 0.03, "bottom"),
    ):
        if cut.any():
            lies = "1 point lies" if cut.sum() == 1 else f"{cut.sum()} points lie"
            axes.text(0.99, y, f"not shown: {lies} {words} {extreme:.3g}", va=side, **note)


def bars(
    path: str | Path,
    rows: Mapping[str, Mapping[str, float]],
    titles: Mapping[str, str],
    *,
    histogram: Mapping[str, str] | None = None,
    labels: Mapping[tuple[str, str], str] | None = None,
    title: str = "",
) -> None:
    """Write a PNG with a panel for each metric in `titles` (metric: title) that all sets in `rows`
    have (set: metric: value). A panel has a bar for each set. The first set is the one evaluated;
    the second is the reference, also drawn as a dashed line through the panel.

    `labels` are the texts at the bars, by set and metric (default: the values). A text that ends in
    "!" is red. The metrics in `histogram` (metric: name) are counts; one panel at the bottom shows
    them for the first two sets.

    Raises TypeError if rows or titles is no mapping or empty."""
    from matplotlib.figure import Figure

    for name, given in (("rows", rows), ("titles", titles)):
        if not isinstance(given, Mapping) or not given:
            raise TypeError(f"{name}: expected a dict that is not empty, got {given!r}")
    sets, columns, labels, histogram = list(rows), 4, labels or {}, histogram or {}
    shown = [name for name in titles if all(name in row for row in rows.values())]
    panel_rows = -(-len(shown) // columns) + bool(histogram)
    figure = Figure(figsize=(11, 1.5 * panel_rows + 0.5), layout="constrained")
    figure.suptitle(title, fontsize=10)
    cells = figure.add_gridspec(panel_rows, columns)
    colors = ["tab:blue", "tab:green", *["tab:gray"] * len(sets)][: len(sets)]
    for i, name in enumerate(shown):
        axes = figure.add_subplot(cells[i // columns, i % columns])
        values = [rows[each][name] for each in sets]
        container = axes.barh(range(len(sets)), values, color=colors)
        texts = [labels.get((each, name), f"{rows[each][name]:.3g}") for each in sets]
        for text in axes.bar_label(container, texts, padding=2, fontsize=7):
            text.set_color("tab:red" if text.get_text().endswith("!") else "black")
        reference = values[min(1, len(sets) - 1)]
        # A log scale if the largest bar is over 50 times as long as the reference. But if a value
        # lies below -|reference|, the reference is near 0 only by chance.
        log_scale = 0 < 50 * abs(reference) < max(values) and min(values) >= -abs(reference)
        if log_scale:
            axes.set_xscale("symlog", linthresh=abs(reference))
        axes.axvline(reference, color="tab:green", linewidth=0.8, linestyle="--")
        scale = axes.xaxis.get_transform()
        low, high = scale.transform([min(0, *values), max(0, *values)])
        room = 0.45 * ((high - low) or 1.0)  # for the texts
        axes.set_xlim(*scale.inverted().transform([low - room * (low < 0), high + room]))
        axes.tick_params(axis="x", which="both", bottom=False, labelbottom=False)
        axes.set_yticks(range(len(sets)), sets if i % columns == 0 else [], fontsize=7)
        axes.invert_yaxis()
        axes.set_title(titles[name] + ", log scale" * log_scale, fontsize=9)
    if histogram:
        axes = figure.add_subplot(cells[-1, :])
        for i, each in enumerate(sets[:2]):
            at = np.arange(len(histogram)) + 0.4 * i
            axes.bar(at, [rows[each][name] for name in histogram], 0.4, color=colors[i], label=each)
        axes.set_xticks(np.arange(len(histogram)) + 0.2, list(histogram.values()))
        axes.set_title("samples of each class", fontsize=9)
        axes.tick_params(labelsize=7)
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=7)
    save_figure(figure, path)


def _smooth(values: np.ndarray) -> np.ndarray:
    """The running mean of values (n,) over about 1/40 of the curve, and over less at its ends."""
    half = max(1, len(values) // 80)
    total = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    first, last = np.maximum(at - half, 0), np.minimum(at + half + 1, len(values))
    return (total[last] - total[first]) / (last - first)


def _formatted(value: float) -> str:
    """A value as text, with the paper's expression for it if there is one: log 4 = 1.386."""
    log2 = math.log(2)
    names = {2 * log2: "log 4 = 1.386", log2: "log 2 = 0.693", -log2: "-log 2 = -0.693"}
    names |= {1 / 2: "1/2", 2 / 3: "2/3"}
    close = (name for known, name in names.items() if math.isclose(value, known, rel_tol=1e-6))
    return next(close, f"{value:.4g}")
