"""Checks and parts of the data sets of the examples. A data set that an example cannot use ends the
program with one line."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..data import Dataset
from .options import stop

DIGIT = (1, 28, 28)  # the shape of a digit


def check_images(
    data: Dataset, shape: tuple[int, ...] | None, sizes: Sequence[int], minimum: int
) -> None:
    """End the program if there are fewer than `minimum` images, or if they do not have the `shape`
    (C, H, W), or none of the `sizes` H = W (empty: any)."""
    n, found = len(data.images), data.images.shape[1:]
    if (shape and found != shape) or (sizes and found[1] not in sizes):
        wanted = shape or " or ".join(f"(C, {size}, {size})" for size in sizes)
        stop(
            f"data {data.name!r}: the networks of this example are for images {wanted}, got "
            f"{found}; folder:PATH resizes your own images to {DIGIT}"
        )
    if n < minimum:
        stop(f"data {data.name!r}: expected at least {minimum} images, got {n}")


def is_digits(data: Dataset) -> bool:
    """Return whether these are labeled 28x28 digits, which the built-in classifier can classify."""
    named = data.labels is not None and data.classes == tuple("0123456789")
    return named and data.images.shape[1:] == DIGIT


def with_labels(data: Dataset, minimum: int) -> Dataset:
    """The images that have a label. The program ends if there are fewer than `minimum`."""
    if data.labels is None:
        stop(
            f"data {data.name!r}: expected images with labels, got no labels; this example, or "
            "the classifier that measures its results, learns from labels (in folder:PATH, the "
            "name of an image's subfolder is its label)"
        )
    labeled = np.flatnonzero(data.labels >= 0)
    if len(labeled) < minimum:
        stop(f"data {data.name!r}: expected at least {minimum} labels, got {len(labeled)}")
    return data if len(labeled) == len(data.images) else part(data, labeled)


def part(data: Dataset, at: Any) -> Dataset:
    """The images of a data set at these indices, with their labels."""
    labels = None if data.labels is None else data.labels[at]
    return replace(data, images=data.images[at], labels=labels)


def spread(n: int, among: int) -> np.ndarray:
    """At most n indices below `among`, evenly spread: the first test images of MNIST are easier
    than its last ones."""
    n = min(n, among)
    return np.arange(n) * among // n
