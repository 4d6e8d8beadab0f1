"""k-means: averages of images, a control that no metric should prefer to real images."""

from typing import Any

import numpy as np

from .. import checks
from ..backend import Rng, of, place
from ..checks import is_size
from .distances import nearest_index, rows


def kmeans(x: Any, k: int, *, rng: Rng, steps: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Run Lloyd's algorithm (1982) from k random rows of x (N, ...). Return NumPy arrays: centroids
    (k, ...), and the number of rows assigned to each in the last step, (k,).

        nearest(i) = argmin_j |x_i - c_j|^2         c_j = mean of the x_i whose nearest(i) is j

    A centroid without rows does not move. Two steps do not converge, but suffice for a control.

    Raises ValueError unless 1 <= k <= N and steps >= 1, TypeError unless `rng` is a Generator."""
    data = rows("x", x)
    if not (is_size(k, minimum=1) and k <= len(data)):
        raise ValueError(f"k: expected 1 to {len(data)}, the number of rows of x, got {k!r}")
    checks.sizes(steps=steps)
    checks.generator(rng)
    host = of(data).to_host(data)
    centroids = host[rng.choice(len(host), k, replace=False)]
    for _ in range(steps):
        near = nearest_index(data, place(centroids, data))
        counts = np.bincount(near, minlength=k)
        order = np.argsort(near, kind="stable")
        filled = np.flatnonzero(counts)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])[filled]
        sums = np.add.reduceat(host[order], starts, axis=0)
        centroids = centroids.copy()
        centroids[filled] = sums / counts[filled][:, None]
    return centroids.reshape(k, *x.shape[1:]), counts
