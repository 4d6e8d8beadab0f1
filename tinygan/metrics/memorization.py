"""Memorization and duplicates: samples that copy training images, or each other."""

import math
from typing import Any, NamedTuple

import numpy as np

from ..backend import of
from .distances import array, matching_rows, nearest, nearest_index, rows


class Copying(NamedTuple):
    """The result of `copying`; the distances are medians."""

    closer: float
    z: float
    sample_distance: float
    held_out_distance: float


def copying(samples: Any, training: Any, held_out: Any) -> Copying:
    """Test if samples (N, ...) are nearer to the training images (T, ...) than held-out images
    (M, ...) are.

    The test of Meehan et al. (2020, section 3), without their partition of the space. U counts the
    pairs of a sample and a held-out image in which the sample is nearer to its nearest training
    image than the held-out image to its own. `closer` is the share of these pairs: 1/2 if the model
    neither copies nor blurs. `z` is its distance from 1/2 in standard deviations (Mann and Whitney
    1947). Above 3, the samples are copies; far below -3, the model underfits.

        closer = U / (N M)      z = (closer - 1/2) / sqrt((N + M + 1) / (12 N M))

    Averages of images are near to all images, so they get a high z too: compare the density of
    `precision_recall`. The test does not detect a few copies among many samples, nor shifted
    copies.

    Raises ValueError or TypeError unless all are arrays with rows of the same width."""
    known, *sets = matching_rows(training=training, samples=samples, held_out=held_out)
    near, held = (of(x).to_host(nearest(x, known)) for x in sets)
    return compare(near, held)


def compare(near: np.ndarray, held: np.ndarray) -> Copying:
    """`copying`, from the `nearest_distances` (N,) of samples and (M,) of held-out images.

    Raises ValueError for other shapes."""
    for name, distances in (("near", near), ("held", held)):
        if array(name, distances).ndim != 1 or not len(distances):
            raise ValueError(f"{name}: expected distances (N,), got shape {distances.shape}")
    n, m = len(near), len(held)
    order = np.sort(held)
    below, upto = np.searchsorted(order, near, "left"), np.searchsorted(order, near, "right")
    closer = 1 - float(((below + upto) / 2).sum()) / (n * m)  # a tie counts half
    z = (closer - 0.5) / math.sqrt((n + m + 1) / (12 * n * m))
    return Copying(closer, z, float(np.median(near)), float(np.median(held)))


def nearest_distances(samples: Any, training: Any) -> np.ndarray:
    """The distance min_j |x - t_j| of each sample x to its nearest training image, (N,), on the
    host. Images that are faint or have few strokes have small distances: compare with held-out
    images, as `copying` does."""
    known, x = matching_rows(training=training, samples=samples)
    return of(x).to_host(nearest(x, known))


def duplicates(samples: Any) -> float:
    """1 - (number of distinct samples) / N, for samples (N, ...) in [0, 1] rounded to 8 bits. For
    real digits it is 0. Duplicates with faint noise are not detected: look at the recall too.

    Raises ValueError for numbers outside of [0, 1]."""
    flat = rows("samples", samples)
    host = of(flat).to_host(flat)
    if host.min() < 0 or host.max() > 1:
        raise ValueError(
            f"samples: expected numbers in [0, 1], got {host.min():g} to {host.max():g}"
        )
    return 1 - len(np.unique(np.rint(host * 255).astype(np.uint8), axis=0)) / len(host)


def nearest_images(samples: Any, training: Any) -> np.ndarray:
    """The index (N,) of the training image nearest to each sample, by distance in pixels."""
    known, x = matching_rows(training=training, samples=samples)
    return nearest_index(x, known)
