"""Grids of images with labels, as PNG and as animations. Pillow writes them pixel for pixel."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..plain_array import plain_array
from ..storage import atomic

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
    images = plain_array("images", images)
    if images.dtype.kind not in "fiub":
        raise TypeError(f"images: expected a NumPy array of numbers, got {images.dtype}")
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
    pixels = plain_array(name, pixels)
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
