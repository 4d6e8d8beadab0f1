"""The Toronto Face Database: 98,058 unlabeled and 4,178 labeled faces, gray, 48 x 48.

One of the data sets of Goodfellow et al. 2014. It may not be redistributed; its authors at the
University of Toronto give TFD_48x48.mat on request. SciPy converts it to TFD_48x48.npz, which is
read here (`CONVERT` is the command):

    images    uint8 (N, 48, 48)
    labs_ex   (N, 1), the expression 1 to 7, -1: unlabeled
    folds     (N, 5), for each of five folds 0: unlabeled, 1: train, 2: valid, 3: test
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import numpy as np

from ..errors import InputError, first_line
from .dataset import Dataset
from .fetch import own

__all__ = ["tfd"]

EXPRESSIONS = ("anger", "disgust", "fear", "happy", "sad", "surprise", "neutral")
NAMES = ("images", "labs_ex", "folds")
NAME = "TFD_48x48.npz"
CONVERT = (
    "python -c \"import numpy, scipy.io; faces = scipy.io.loadmat('TFD_48x48.mat'); "
    f"numpy.savez('{NAME}', **{{name: faces[name] for name in {NAMES}}})\""
)
LIMIT = 1 << 30  # bytes of an array: the images of the data set are 236 MB


def tfd(split: str) -> Dataset:
    """The faces of Susskind, Anderson and Hinton. As in the paper, "train" is the unlabeled images
    and the training part of the first fold; "test" is that fold's test part.

    Labels are indices 0 to 6 into the expressions, -1 if unlabeled.

    Raises InputError if the file is missing or damaged.
    """
    found = own(["tfd"], [(NAME,)])
    if not found:
        raise InputError(
            f"tfd: {NAME} not found. It cannot be downloaded: the Toronto Face Database is given "
            "by its authors at the University of Toronto on request. Convert TFD_48x48.mat by "
            f"{CONVERT}, and put {NAME} at $TINYGAN_DATA/tfd/{NAME}, where TINYGAN_DATA names a "
            "folder of your data sets; or take the embedded sample, --data digits"
        )
    [path] = found
    images, expressions, fold = _read(path)
    chosen = np.isin(fold, {"train": (0, 1), "test": (3,)}[split])
    if not chosen.any():
        raise InputError(f"{path}: its first fold has no {split} images")
    labels = np.where(expressions > 0, expressions - 1, -1)
    return Dataset(
        "tfd", np.ascontiguousarray(images[chosen][:, None]), labels[chosen], EXPRESSIONS
    )


def _read(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images (N, 48, 48), expressions (N,) and the first fold (N,)."""
    images, expressions, folds = _arrays(path)
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (48, 48):
        raise InputError(
            f"{path}: expected images, uint8 (N, 48, 48), found {images.dtype} {images.shape}"
        )
    count = len(images)
    if expressions.size != count or not np.isin(expressions, (-1, *range(1, 8))).all():
        raise InputError(
            f"{path}: expected labs_ex, {count} times -1 or 1 to 7, found {expressions.dtype} "
            f"{expressions.shape}" + _outside(expressions)
        )
    if folds.shape != (count, 5) or not np.isin(folds, range(4)).all():
        raise InputError(
            f"{path}: expected folds, ({count}, 5) of 0 to 3, found {folds.dtype} {folds.shape}"
            + _outside(folds)
        )
    return images, expressions.reshape(-1).astype(np.int64), folds[:, 0].astype(np.int64)


def _arrays(path: Path) -> list[np.ndarray]:
    """The arrays of the .npz file. Sizes are checked before anything is allocated."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = [name.removesuffix(".npy") for name in archive.namelist()]
            if not set(NAMES) <= set(found):
                raise InputError(
                    f"{path}: expected the arrays {', '.join(NAMES)}, found "
                    f"{', '.join(found) or 'none'}; make it by {CONVERT}"
                )
            return [_array(archive, f"{name}.npy") for name in NAMES]
    except InputError:
        raise
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror or problem})") from problem
    except Exception as problem:  # zipfile, zlib and the header parser raise many kinds of errors
        raise InputError(f"{path}: no .npz file of arrays ({first_line(problem)})") from problem


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    size = archive.getinfo(name).file_size
    with archive.open(name) as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError(f"{name}: an unknown version of .npy")
        shape, by_column, dtype = np.lib.format.read_array_header_1_0(file)
        count = math.prod(shape)
        if dtype.hasobject or not 0 <= count * dtype.itemsize <= min(size, LIMIT):
            raise ValueError(f"{name}: {shape} of {dtype} does not fit into {size} bytes")
        values = np.frombuffer(file.read(count * dtype.itemsize), dtype, count)
    return values.reshape(shape, order="F" if by_column else "C")


def _outside(values: np.ndarray) -> str:
    numbers = values.size and values.dtype.kind in "iuf"
    return f" from {values.min()} to {values.max()}" if numbers else ""
