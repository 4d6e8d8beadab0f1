"""Memorization and duplicates: samples that copy training images, or each other."""

import math
from typing import Any, NamedTuple

import numpy as np

from ..backend import of
from .distances import array, blocks, matching_rows, nearest_index, rows, squared_distances

RATIO = 0.5  # a copy is at most this many times as far from one training image as from any other


class Copying(NamedTuple):
    """The result of `copying`: the shares of copies, and medians of the nearest distances."""

    copies: float
    held_out: float
    z: float
    sample_distance: float
    held_out_distance: float


def copying(samples: Any, training: Any, held_out: Any) -> Copying:
    """Find the samples (N, ...) that are copies of training images (T, ...), T >= 2.

    A sample x counts as a copy if it is at most half as far from its nearest training image as from
    the second nearest:

        d1(x) <= d2(x) / 2      copies = the share of samples with this property

    This is the criterion of Yoon et al. 2023 ("Diffusion probabilistic models generalize when they
    fail to memorize"), with 1/2 in place of their 1/3. The distance d1 alone is no evidence: gray,
    blurred and averaged images are nearer to the training images than new real images are (d1 is
    small), but near to many of them (d2 is small too). A mixture of two training images is a copy
    if the weaker one has a weight of at most 1/3.

    `held_out` is the share for held-out images (M, ...), which should be near 0. `z` is the
    difference of the shares p and q in standard errors. Above 3, more samples are copies than
    chance explains.

        z = (p - q) / sqrt(s (1 - s) (1/N + 1/M)),      s = (N p + M q) / (N + M)

    Distances are in pixels. So a copy is found if it has noise of standard deviation .05 or faint
    blur, but seldom if it has noise of .1, is blurred over three pixels or is shifted by one. If an
    image has a near duplicate among the training images, only exact copies of it are found.

    Raises ValueError or TypeError unless all are arrays with rows of the same width, and if T is
    1."""
    near, held = (nearest_distances(x, training) for x in (samples, held_out))
    return compare(near, held)


def compare(near: np.ndarray, held: np.ndarray) -> Copying:
    """`copying`, from the `nearest_distances` (N, 2) of samples and (M, 2) of held-out images.

    Raises ValueError for other shapes."""
    for name, distances in (("near", near), ("held", held)):
        if array(name, distances).shape[1:] != (2,) or not len(distances):
            raise ValueError(f"{name}: expected distances (N, 2), got shape {distances.shape}")
    n, m = len(near), len(held)
    p, q = (float((d[:, 0] <= RATIO * d[:, 1]).mean()) for d in (near, held))
    s = (n * p + m * q) / (n + m)
    error = math.sqrt(s * (1 - s) * (1 / n + 1 / m))
    z = (p - q) / error if error > 0 else 0.0
    return Copying(p, q, z, float(np.median(near[:, 0])), float(np.median(held[:, 0])))


def nearest_distances(samples: Any, training: Any) -> np.ndarray:
    """The distances of each sample to its nearest and second nearest training image, (N, 2), on the
    host.

    Raises ValueError or TypeError unless both are arrays with rows of the same width, and if there
    is only one training image."""
    known, x = matching_rows(training=training, samples=samples)
    if len(known) < 2:
        raise ValueError("training: expected at least 2 images, got 1")
    library, found = of(x), np.empty((len(x), 2))
    for part in blocks(len(x), len(known)):
        which = library.xp.argpartition(squared_distances(x[part], known), 1, axis=1)
        for k in (0, 1):
            # Computed again from the difference: see `nearest`.
            squares = ((x[part] - known[which[:, k]]) ** 2).sum(axis=1)
            found[part, k] = np.sqrt(library.to_host(squares))
    return np.sort(found, axis=1)


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
    pixels = np.rint(host * 255).astype(np.uint8)
    # Not np.unique of rows: for as many columns, it turns Ctrl-C into a TypeError.
    return 1 - len({row.tobytes() for row in pixels}) / len(host)


def nearest_images(samples: Any, training: Any) -> np.ndarray:
    """The index (N,) of the training image nearest to each sample, by distance in pixels."""
    known, x = matching_rows(training=training, samples=samples)
    return nearest_index(x, known)
