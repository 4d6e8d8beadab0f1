"""Grids of samples, animations, and curves of a run.

Pillow writes the grids pixel for pixel. Matplotlib's object interface draws the curves, so no
global figure or backend changes.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .storage import atomic, save_figure

GAP = 2  # black pixels around each image
LABELED_WIDTH = 800  # about the width in pixels of a grid with labels
FONT_SIZE = 15


def grid(
    images: np.ndarray,
    columns: int | None = None,
    low: float = -1.0,
    *,
    title: str = "",
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
) -> np.ndarray:
    """A grid of images (N, C, H, W) in [low, 1], as uint8 pixels (H', W') or (H', W', 3).

    `low` is black and 1 is white; values outside are clipped. uint8 images are used unchanged. C is
    1 (gray) or 3 (color). Without `columns`, the grid has about as many columns as rows.

    A title or labels are written around the grid, black on white, and the grid is then enlarged by
    an integer factor to about 800 pixels in width. `row_labels` has a text for each row, and
    `column_labels` for each column.

    Raises ValueError for wrong shapes, NaN and infinity, and for labels that are not as many as the
    rows or columns; TypeError unless images is an array of numbers.
    """
    pixels = _bytes(images, low)
    if columns is not None and (not isinstance(columns, int) or columns < 1):
        raise ValueError(f"columns: expected an int >= 1, got {columns!r}")
    n, c, h, w = pixels.shape
    columns = min(n, columns or math.ceil(math.sqrt(n)))
    rows = math.ceil(n / columns)
    sheet = np.zeros((rows * (h + GAP) + GAP, columns * (w + GAP) + GAP, c), np.uint8)
    for i, image in enumerate(pixels):
        top, left = GAP + i // columns * (h + GAP), GAP + i % columns * (w + GAP)
        sheet[top : top + h, left : left + w] = image.transpose(1, 2, 0)
    sheet = sheet[:, :, 0] if c == 1 else sheet
    if not isinstance(title, str):
        raise TypeError(f"title: expected a str, got {title!r}")
    for name, labels, wanted in (
        ("row_labels", row_labels, rows),
        ("column_labels", column_labels, columns),
    ):
        if len(labels) not in (0, wanted):
            raise ValueError(f"{name}: expected {wanted} texts, got {len(labels)}")
    if title or row_labels or column_labels:
        return _labeled(sheet, (h + GAP, w + GAP), title, row_labels, column_labels)
    return sheet


def rows(
    images: Mapping[str, np.ndarray],
    columns: int = 10,
    low: float = -1.0,
    *,
    title: str = "",
    column_labels: Sequence[str] = (),
) -> np.ndarray:
    """A `grid` in which each entry of `images` (label: (N, C, H, W)) has its own rows. The label is
    written at the left of the first of them. N is a multiple of `columns`, and C, H and W are equal
    for all entries.

    Raises TypeError if images is no mapping or empty, ValueError for another N, and the errors of
    `grid`.
    """
    if not isinstance(images, Mapping) or not images:
        raise TypeError(f"images: expected a dict that is not empty, got {type(images).__name__}")
    labels, parts = [], []
    for label, part in images.items():
        if len(part) % columns:
            raise ValueError(f"images[{label!r}]: expected {columns} k images, got {len(part)}")
        labels += [label, *[""] * (len(part) // columns - 1)]
        parts.append(_bytes(part, low))
    whole = np.concatenate(parts)
    return grid(whole, columns, title=title, row_labels=labels, column_labels=column_labels)


def _bytes(images: np.ndarray, low: float) -> np.ndarray:
    """The images (N, 1 or 3, H, W) as uint8 pixels, of which `low` is 0 and 1 is 255."""
    if not isinstance(images, np.ndarray) or images.dtype.kind not in "fiub":
        what = getattr(images, "dtype", type(images).__name__)
        raise TypeError(f"images: expected a NumPy array of numbers, got {what}")
    if images.ndim != 4 or not len(images) or images.shape[1] not in (1, 3):
        raise ValueError(f"images: expected (N, 1 or 3, H, W) with N >= 1, got {images.shape}")
    if not low < 1:
        raise ValueError(f"low: expected less than 1, which is white, got {low}")
    if not np.isfinite(images).all():
        raise ValueError("images: expected finite numbers, got NaN or infinity")
    if images.dtype == np.uint8:
        return images
    return np.clip((images - low) / (1 - low) * 255 + 0.5, 0, 255).astype(np.uint8)


def _labeled(
    sheet: np.ndarray,
    cell: tuple[int, int],
    title: str,
    row_labels: Sequence[str],
    column_labels: Sequence[str],
) -> np.ndarray:
    """The enlarged grid, whose cells have `cell` = (height, width) pixels, with its texts."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(FONT_SIZE)
    line, space = FONT_SIZE + 5, 8

    def wrapped(text: str, width: float) -> str:
        """The text in lines of at most `width` pixels, broken at spaces."""
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and font.getlength(longer) > width:
                lines.append(word)
            else:
                lines[-1] = longer
        return "\n".join(lines)

    factor = max(1, round(LABELED_WIDTH / sheet.shape[1]))
    sheet = sheet.repeat(factor, 0).repeat(factor, 1)
    (height, width), gap = (factor * size for size in cell), factor * GAP
    names = [wrapped(text, 190) for text in row_labels]
    heads = [wrapped(text, width - space) for text in column_labels]
    margin = max((font.getlength(t) for name in names for t in name.split("\n")), default=0)
    left = math.ceil(margin) + 2 * space if names else 0
    title = wrapped(title, left + sheet.shape[1] - 2 * space) if title else ""
    head_top = line * (title.count("\n") + 1) + space if title else 0
    top = head_top + (line * max(head.count("\n") + 1 for head in heads) + space if heads else 0)
    canvas = Image.new("RGB" if sheet.ndim == 3 else "L", (left + sheet.shape[1], top + len(sheet)),
                       "white")  # fmt: skip
    canvas.paste(Image.fromarray(sheet), (left, top))
    draw = ImageDraw.Draw(canvas)
    draw.multiline_text((space, space / 2), title, "black", font)
    for i, name in enumerate(names):
        middle = top + gap / 2 + (i + 0.5) * height
        draw.multiline_text((space, middle), name, "black", font, anchor="lm")
    for i, head in enumerate(heads):
        center = left + gap / 2 + (i + 0.5) * width
        draw.multiline_text((center, top - space / 2), head, "black", font, "md", align="center")
    return np.asarray(canvas)


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


class Curve(NamedTuple):
    """The training of a game: `log` has the columns step, d_loss, g_loss, d_real and d_fake, each
    (rounds,). `balance` holds the values of some of them at the game's equilibrium. If
    `probability` is true, d_real and d_fake are probabilities, else logits."""

    log: Mapping[str, np.ndarray]
    balance: Mapping[str, float] = {}
    probability: bool = True


def curves(path: str | Path, trainings: Mapping[str, Curve]) -> None:
    """Plot the losses, D(x) and D(G(z)) against the round, as a PNG with a column for each of
    `trainings` (title: curve), at most four side by side. The values at equilibrium are dashed
    lines.

    Raises TypeError if trainings, a log or a balance is no mapping, ValueError if a log lacks a
    column.
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
    for name, given in (("log", curve.log), ("balance", curve.balance)):
        if not isinstance(given, Mapping):
            raise TypeError(f"{name}: expected a dict, got {type(given).__name__}")
    log, balance = curve.log, curve.balance
    for name in ("step", "d_loss", "g_loss", "d_real", "d_fake"):
        if name not in log:
            raise ValueError(f"log: expected a column {name!r}, got {sorted(log)}")
    losses, outputs = column
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
    losses.set_title(title, pad=36)  # above the legend
    losses.set_ylabel("loss")
    outputs.set_ylabel("probability of real" if curve.probability else "logit")
    if curve.probability:
        outputs.set_ylim(0, 1)
    outputs.set_xlabel("round (thin: each logged round, thick: smoothed)")
    for axes in column:  # the legend is above the axes, not over the data
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=8)
        axes.grid(alpha=0.2)


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
