"""A folder of the user's own images, which are cropped to the central square and resized.

If every image is in a subfolder, the name of its top-level subfolder is its class.
"""

import io
import logging
import math
import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, choose
from ..files import read
from .dataset import Dataset
from .reading import read_errors

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"),
    *(".tif", ".tiff", ".ppm", ".pgm", ".pbm"),
)
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "PPM", "WEBP")
# The maximum number of pixels per byte of a file (PNG stores up to 8256 pixels of one color in a
# byte), and the number of pixels that is always accepted. If the header claims more, the file
# counts as damaged, and no memory is allocated for it.
PIXELS_PER_BYTE, SMALL = 10_000, 1 << 20
LIMIT = 1 << 30  # bytes of a file
MODES = {"gray": "L", "color": "RGB"}
SILENT = logging.NullHandler()  # else Pillow's messages would be printed before the error
SIZES = 1, 1024  # minimum and maximum of the width and height of a resized image


def image_folder(
    path: str,
    split: str = "train",
    *,
    size: int = 32,
    mode: str = "color",
    skip: Callable[[str], object] | None = None,
) -> Dataset:
    """All images under `path`, sorted by name, uint8 (N, C, size, size), where C is 1 in the mode
    "gray" and 3 in "color". Of an animation, the first frame is read. There is only the "train"
    split.

    With `skip`, an image that cannot be read is left out, and skip(reason) is called; the reason
    names the file.

    Raises InputError if there are no images, or, without `skip`, if one cannot be read as an image
    of 8 bits per channel: the range of more bits is not known, since cameras and microscopes use
    only a part of it.
    """
    root = Path(os.path.expanduser(path))
    if not path or not os.path.isdir(root):
        raise InputError(f"folder:{path}: expected folder:PATH, where PATH is a folder that exists")
    if split != "train":
        raise InputError(
            f"folder:{path}, split {split!r}: a folder is one split, train; use another folder for "
            "other images"
        )
    choose("mode", mode, MODES)
    low, high = SIZES
    if type(size) is not int or not low <= size <= high:
        raise InputError(f"size {size!r}: expected {low} to {high} pixels")
    paths = _walk(root)
    if not paths:
        raise InputError(f"folder:{path}: no images in it; expected files {', '.join(SUFFIXES)}")
    images = _room((len(paths), len(MODES[mode]), size, size))
    kept: list[Path] = []
    for each in paths:
        with _skipping(skip):
            images[len(kept)] = _read(each, size, MODES[mode])
            kept.append(each)
    if not kept:
        raise InputError(f"folder:{path}: none of its {len(paths)} images can be read")
    images = images[: len(kept)]
    subfolders = [each.relative_to(root).parts[:-1][:1] for each in kept]
    if not all(subfolders):
        return Dataset(f"folder:{path}", images, None, None)
    classes = sorted({name for (name,) in subfolders})
    index = {name: i for i, name in enumerate(classes)}
    labels = np.array([index[name] for (name,) in subfolders], np.int64)
    return Dataset(f"folder:{path}", images, labels, tuple(classes))


@contextmanager
def _skipping(skip: Callable[[str], object] | None) -> Iterator[None]:
    """Give the message of an InputError of this block to `skip`, or else add the remedy to it."""
    try:
        yield
    except InputError as problem:
        if skip is None:
            raise InputError(f"{problem}; --skip-broken leaves out such images") from problem
        skip(str(problem))


def _room(shape: tuple[int, ...]) -> np.ndarray:
    """An array for the images. Raises InputError if there is not enough memory for it."""
    try:
        return np.empty(shape, np.uint8)
    except MemoryError as problem:
        n, size = shape[0], shape[-1]
        raise InputError(
            f"--size {size}: {n} images take {math.prod(shape) / 2**30:.1f} GiB, for which "
            "there is not enough memory; use a smaller one"
        ) from problem


def _walk(root: Path) -> list[Path]:
    """The paths of the images under root, sorted, so that the same files give the same data set on
    every system. Hidden files are left out, since systems store metadata in hidden files with names
    like those of images. Pipes and devices are left out too, since reading them may never end. A
    broken link stays in the list: reading it raises an error."""

    def fail(problem: OSError) -> None:
        raise InputError(f"{problem.filename}: cannot be listed ({problem.strerror})") from problem

    paths = []
    for folder, subfolders, files in os.walk(root, onerror=fail):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        images = (
            Path(folder, name)
            for name in files
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        )
        paths += [path for path in images if path.is_file() or not path.exists()]
    return sorted(paths, key=lambda path: path.relative_to(root).parts)


def _deep(opened: Any) -> str:
    """The type of the pixels of a Pillow image with more than 8 bits per channel; else an empty
    text. Pillow drops the lower bits of colors: only the arguments of its decoders tell."""
    if opened.mode.startswith(("I", "F")):
        return str(opened.mode)
    for *_, args in opened.tile:
        kind, *rest = args if isinstance(args, tuple) else (args,)
        if re.search(";16[BLNS]$", str(kind)):
            return str(kind)
        if opened.format == "PPM" and rest and rest[0] > 255:
            return f"{kind} with values up to {rest[0]}"
    return ""


def _read(path: Path, size: int, mode: str) -> np.ndarray:
    """One image, uint8 (C, size, size), rotated by its EXIF; transparent pixels become white."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    logging.getLogger("PIL").addHandler(SILENT)
    remedy = "repair it, or take it out of the folder"
    with read_errors(path, "an image", remedy), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        content = read(path, LIMIT)  # from a file, Pillow would allocate what a header claims
        try:
            opened = Image.open(io.BytesIO(content), formats=FORMATS)
        except UnidentifiedImageError as problem:  # Pillow's message does not name the file
            raise InputError(
                f"{path}: cannot be read as an image; expected one of {', '.join(FORMATS)}; "
                f"{remedy}"
            ) from problem
        with opened:
            if deep := _deep(opened):
                raise InputError(
                    f"{path}: has pixels of type {deep}; expected 8 bits per channel; convert it "
                    f"first, for example by ImageMagick: magick mogrify -depth 8 {path.name}"
                )
            if opened.width * opened.height > max(SMALL, PIXELS_PER_BYTE * len(content)):
                raise InputError(
                    f"{path}: claims {opened.width} x {opened.height} pixels in {len(content)} "
                    f"bytes, so it is damaged; {remedy}"
                )
            image = ImageOps.exif_transpose(opened)
            if "A" in image.getbands() or "transparency" in image.info:
                image = image.convert("RGBA")
                white = Image.new("RGBA", image.size, "white")
                image = Image.alpha_composite(white, image)
            # Cropped before resizing: otherwise the filter would mix in pixels from outside.
            side = min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            square = image.convert(mode).crop((left, top, left + side, top + side))
            pixels = np.asarray(square.resize((size, size), Image.Resampling.LANCZOS))
    return pixels.reshape(size, size, -1).transpose(2, 0, 1)
