"""Are the samples copies: of training images, or of each other?"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..backend import of
from .rows import blocks, nearest, rows, same_width, squared_distances

__all__ = ["Copying", "copying", "duplicates", "nearest_images"]


class Copying(NamedTuple):
    """See `copying`."""

    closer: float
    z: float
    sample_distance: float
    held_out_distance: float


def copying(samples: Any, training: Any, held_out: Any) -> Copying:
    """Do samples lie nearer to the training images than held-out real images do?

    The test of Meehan et al. (2020, section 3), over all of space at once: U counts the pairs of a
    sample and a held-out image of which the sample is nearer to its nearest training image.
    `closer` is their share: 1/2 if the model neither copies nor blurs; `z` is its distance from 1/2
    in standard deviations (Mann and Whitney 1947). Beyond 3: copies. Far below -3: underfitted.
    Averages of images are near everything, and look like copies: hold `manifold`'s density beside
    it. The two distances are medians. Raises ValueError for rows of another width."""
    a, b = rows("samples", samples), rows("held_out", held_out)
    reference = rows("training", training)
    for name, x in (("samples", a), ("held_out", b)):
        same_width(name, x, "training", reference)
    near, held = (of(x).to_host(nearest(x, reference)) for x in (a, b))
    n, m = len(near), len(held)
    order = np.sort(held)
    below, upto = np.searchsorted(order, near, "left"), np.searchsorted(order, near, "right")
    closer = 1 - float(((below + upto) / 2).sum()) / (n * m)  # a tie counts half
    z = (closer - 0.5) / math.sqrt((n + m + 1) / (12 * n * m))
    return Copying(closer, z, float(np.median(near)), float(np.median(held)))


def duplicates(samples: Any) -> float:
    """The share of samples in [0, 1] that equal an earlier one in 8 bits a pixel: 0 for real
    digits. Raises ValueError for other numbers."""
    flat = rows("samples", samples)
    host = of(flat).to_host(flat)
    if host.min() < 0 or host.max() > 1:
        raise ValueError(
            f"samples: expected numbers in [0, 1], got {host.min():g} to {host.max():g}"
        )
    return 1 - len(np.unique(np.rint(host * 255).astype(np.uint8), axis=0)) / len(host)


def nearest_images(samples: Any, training: Any) -> np.ndarray:
    """For each sample the index of the training image that is nearest in pixels, (N,)."""
    a, b = rows("samples", samples), rows("training", training)
    same_width("samples", a, "training", b)
    found = [squared_distances(a[part], b).argmin(axis=1) for part in blocks(len(a), len(b))]
    return np.concatenate([of(f).to_host(f) for f in found])
