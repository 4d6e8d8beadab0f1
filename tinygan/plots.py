"""Grids of samples, animations, and curves of a run.

Pillow writes the grids pixel for pixel. Matplotlib's object interface draws the curves, so no
global figure or backend changes.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .storage import atomic, save_figure


def grid(images: np.ndarray, columns: int | None = None, low: float = -1.0) -> np.ndarray:
    """A grid of images (N, C, H, W) in [low, 1], as uint8 pixels (H', W') or (H', W', 3).

    `low` is black and 1 is white; values outside are clipped. uint8 images are used unchanged. C is
    1 (gray) or 3 (color). Without `columns`, the grid has about as many columns as rows.

    Raises ValueError for wrong shapes, NaN and infinity, TypeError unless images is an array of
    numbers.
    """
    if not isinstance(images, np.ndarray) or images.dtype.kind not in "fiub":
        what = getattr(images, "dtype", type(images).__name__)
        raise TypeError(f"images: expected a NumPy array of numbers, got {what}")
    if images.ndim != 4 or not len(images) or images.shape[1] not in (1, 3):
        raise ValueError(f"images: expected (N, 1 or 3, H, W) with N >= 1, got {images.shape}")
    if columns is not None and (not isinstance(columns, int) or columns < 1):
        raise ValueError(f"columns: expected an int >= 1, got {columns!r}")
    if not low < 1:
        raise ValueError(f"low: expected less than 1, which is white, got {low}")
    if not np.isfinite(images).all():
        raise ValueError("images: expected finite numbers, got NaN or infinity")
    n, c, h, w = images.shape
    columns = min(n, columns or math.ceil(math.sqrt(n)))
    rows = math.ceil(n / columns)
    pixels = images
    if images.dtype != np.uint8:
        pixels = np.clip((images - low) / (1 - low) * 255 + 0.5, 0, 255).astype(np.uint8)
    gap = 2  # black pixels around each image
    sheet = np.zeros((rows * (h + gap) + gap, columns * (w + gap) + gap, c), np.uint8)
    for i, image in enumerate(pixels):
        top, left = gap + i // columns * (h + gap), gap + i % columns * (w + gap)
        sheet[top : top + h, left : left + w] = image.transpose(1, 2, 0)
    return sheet[:, :, 0] if c == 1 else sheet


def _picture(pixels: np.ndarray, width: int) -> Any:
    """A Pillow image of the pixels, enlarged by an integer factor to about `width` pixels."""
    from PIL import Image

    factor = max(1, round(width / pixels.shape[1]))
    return Image.fromarray(pixels.repeat(factor, 0).repeat(factor, 1))


def _check_pixels(name: str, pixels: Any) -> None:
    if not isinstance(pixels, np.ndarray):
        raise TypeError(f"{name}: expected a NumPy array, got {type(pixels).__name__}")
    flat = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if pixels.dtype != np.uint8 or not flat or not pixels.size:
        raise ValueError(
            f"{name}: expected uint8 (H, W) or (H, W, 3), got {pixels.dtype} {pixels.shape}"
        )


def save_png(path: str | Path, pixels: np.ndarray) -> None:
    """Write uint8 pixels (H, W) or (H, W, 3), as from `grid`, as a PNG, enlarged by an integer
    factor to about 520 pixels in width.

    Raises TypeError or ValueError for other pixels."""
    _check_pixels("pixels", pixels)
    with atomic(path) as file:
        _picture(pixels, 520).save(file, format="PNG", optimize=True)


def rendered(figure: Any) -> np.ndarray:
    """Render a matplotlib figure to uint8 pixels (H, W, 3), a frame for `save_gif`. Its size in
    pixels is the figure's size in inches times its dpi."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]


def save_gif(path: str | Path, frames: Sequence[np.ndarray], milliseconds: int = 100) -> None:
    """Write uint8 frames of one shape, (H, W) or (H, W, 3), as an animation that repeats. It shows
    each frame for `milliseconds`, and the last one for 2 s. Colors are rounded to 16 levels.

    Raises TypeError or ValueError for other frames, or for less than 1 ms."""
    if not isinstance(frames, (Sequence, np.ndarray)):
        raise TypeError(f"frames: expected a list of arrays, got {type(frames).__name__}")
    if not isinstance(milliseconds, int) or milliseconds < 1:
        raise ValueError(f"milliseconds: expected an int >= 1, got {milliseconds!r}")
    if not len(frames):
        raise ValueError("frames: expected at least one")
    for i, frame in enumerate(frames):
        _check_pixels(f"frames[{i}]", frame)
        if frame.shape != frames[0].shape:
            raise ValueError(f"frames[{i}]: expected {frames[0].shape}, got {frame.shape}")
    # In motion, 16 levels of each color look the same; the file is a quarter as large.
    first, *rest = (_picture(frame // 16 * 17, 260) for frame in frames)
    times = [milliseconds] * len(rest) + [2000]
    with atomic(path) as file:
        first.save(file, "GIF", save_all=True, append_images=rest, duration=times, loop=0)


def curves(
    path: str | Path,
    log: Mapping[str, np.ndarray],
    *,
    balance: Mapping[str, float] | None = None,
    probability: bool = True,
) -> None:
    """Plot the losses, D(x) and D(G(z)) against the round, as a PNG.

    `log` has the columns step, d_loss, g_loss, d_real and d_fake, each (rounds,). `balance` holds
    the values of some of them at the game's equilibrium, which are drawn as dashed lines. If
    `probability` is True, d_real and d_fake are probabilities, else logits.

    Raises TypeError if log or balance is no mapping, ValueError if the log lacks a column.
    """
    from matplotlib.figure import Figure

    balance = balance or {}
    for name, given in (("log", log), ("balance", balance)):
        if not isinstance(given, Mapping):
            raise TypeError(f"{name}: expected a dict, got {type(given).__name__}")
    for name in ("step", "d_loss", "g_loss", "d_real", "d_fake"):
        if name not in log:
            raise ValueError(f"log: expected a column {name!r}, got {sorted(log)}")
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    losses, outputs = figure.subplots(2, 1, sharex=True)
    for axes, name, label, color in (
        (losses, "d_loss", "loss of D", "tab:blue"),
        (losses, "g_loss", "loss of G", "tab:green"),
        (outputs, "d_real", "D(x)", "tab:blue"),
        (outputs, "d_fake", "D(G(z))", "tab:green"),
    ):
        axes.plot(log["step"], log[name], color=color, alpha=0.25, linewidth=0.8)
        marker = "o" if len(log["step"]) == 1 else None  # a line of one point is not visible
        axes.plot(log["step"], _smooth(log[name]), color=color, label=label, marker=marker)
        if name in balance and name != "d_fake":  # at equilibrium D(G(z)) equals D(x)
            text = f"{_formatted(balance[name])} at equilibrium"
            shade = color if axes is losses else "gray"
            axes.axhline(balance[name], color=shade, linestyle="--", linewidth=0.9, label=text)
    outputs.set_title("thin: every logged round; thick: smoothed", fontsize=8, loc="right")
    losses.set_ylabel("loss")
    outputs.set_ylabel("probability of real" if probability else "logit")
    if probability:
        outputs.set_ylim(0, 1)
    outputs.set_xlabel("round")
    for axes in (losses, outputs):  # the legend is above the axes, not over the data
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False, fontsize=8)
        axes.grid(alpha=0.2)
    save_figure(figure, path)


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
    names = {2 * log2: "log 4 = 1.386", log2: "log 2 = 0.693", -log2: "-log 2 = -0.693", 0.5: "1/2"}
    close = (name for known, name in names.items() if math.isclose(value, known, rel_tol=1e-6))
    return next(close, f"{value:g}")
