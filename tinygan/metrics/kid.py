"""KID: the kernel distance of two sets of features (Binkowski et al. 2018)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..backend import Rng, of
from ..conv.geometry import is_size
from ..nn import checks
from .rows import rows, same_width

__all__ = ["KID", "kid", "mmd2"]


class KID(NamedTuple):
    """The mean over subsets, and its standard error."""

    mean: float
    standard_error: float


def mmd2(x: Any, y: Any) -> float:
    """The unbiased squared maximum mean discrepancy of rows x (N, D) and y (M, D) (Gretton et al.
    2012, eq. 3), under the kernel k(a, b) = (a.b / D + 1)^3:

        mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i, j} k(x_i, y_j)

    0 on average for sets of one distribution, and so below 0 half of the time. Its scale is that
    of the features to the sixth power. Raises ValueError for sets of fewer than two rows."""
    x, y = rows("x", x, 2), rows("y", y, 2)
    same_width("y", y, "x", x)
    n, m, d = len(x), len(y), x.shape[1]
    matmul = of(x).matmul
    xx, yy, xy = ((matmul(a, b.T) / d + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    within_x = (xx.sum() - xx.trace()) / (n * (n - 1))
    within_y = (yy.sum() - yy.trace()) / (m * (m - 1))
    return float(within_x + within_y - 2 * xy.mean())


def kid(real: Any, fake: Any, *, rng: Rng, subsets: int = 50, size: int = 1000) -> KID:
    """The mean of `mmd2` over `subsets` random subsets, of `size` each, of features (N, D) and
    (M, D), drawn by `rng` (Binkowski et al. 2018; as many and as large as in their code).

    Unbiased at every size, where `frechet_distance` is not; but comparable on the same features
    only. The subsets share samples, so the standard error is of the draw of subsets, 0 if each is
    the whole set: that of the samples is larger. On linear features it misses blur. Raises
    ValueError for sets of other widths, or smaller than a subset."""
    x, y = rows("real", real, 2), rows("fake", fake, 2)
    same_width("fake", y, "real", x)
    if not (is_size(size, least=2) and size <= min(len(x), len(y))):
        raise ValueError(f"size: expected 2 to {min(len(x), len(y))}, the samples, got {size!r}")
    if not is_size(subsets, least=2):
        raise ValueError(f"subsets: expected at least 2, got {subsets!r}")
    checks.generator(rng)
    values = [
        mmd2(*(z[of(z).xp.asarray(rng.choice(len(z), size, replace=False))] for z in (x, y)))
        for _ in range(subsets)
    ]
    return KID(float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(subsets)))
