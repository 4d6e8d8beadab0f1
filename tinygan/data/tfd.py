"""The Toronto Face Database: 98,058 unlabelled and 4,178 labelled faces, grey, 48 x 48.

One of the data sets of Goodfellow et al. 2014. It may not be passed on, so it cannot be
downloaded; its authors at the University of Toronto give it on request, and TFD_48x48.mat is the
file that is read here:

    images    uint8 (N, 48, 48)
    labs_ex   (N, 1), the expression 1 to 7, -1: unlabelled
    folds     (N, 5), for each of five folds 0: unlabelled, 1: train, 2: valid, 3: test
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from .dataset import Dataset
from .fetch import own
from .mat import read_mat

__all__ = ["tfd"]

EXPRESSIONS = ("anger", "disgust", "fear", "happy", "sad", "surprise", "neutral")
NAME = "TFD_48x48.mat"


def tfd(split: str) -> Dataset:
    """The faces of Susskind, Anderson and Hinton. "train" is what is unlabelled and the training
    part of the first fold, as the paper has it; "test" is that fold's test part.

    Labels are 0 to 6, an index into the expressions, and -1 for the unlabelled.
    """
    found = own(["tfd"], [(NAME,)])
    if not found:
        raise InputError(
            f"tfd: {NAME} not found. It cannot be downloaded: the Toronto Face Database is given "
            "by its authors at the University of Toronto on request. Put the file at "
            f"$TINYGAN_DATA/tfd/{NAME}, where TINYGAN_DATA names a folder of your data sets; or "
            "take the embedded sample, --data digits"
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
    fields, names = read_mat(path), ("images", "labs_ex", "folds")
    if not fields.keys() >= set(names):
        raise InputError(
            f"{path}: expected the arrays {', '.join(names)}, found {', '.join(fields) or 'none'}"
        )
    images, expressions, folds = (fields[name] for name in names)
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


def _outside(values: np.ndarray) -> str:
    return f" from {values.min()} to {values.max()}" if values.size else ""
