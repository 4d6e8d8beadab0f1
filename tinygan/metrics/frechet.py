"""Distances between two sets of features: the Frechet distance of Gaussians fitted to them (Heusel
et al. 2017), and KID, a kernel distance (Binkowski et al. 2018)."""

import math
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..backend import Array, Rng, of
from ..checks import is_size
from .distances import array, matching_rows


def gaussian_distance(m1: Array, s1: Array, m2: Array, s2: Array) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)): the squared 2-Wasserstein distance of Gaussians
    with means m (D,) and covariances S (D, D) (Dowson and Landau 1982).

    tr((S1 S2)^(1/2)) is the sum of the square roots of the eigenvalues of S1^(1/2) S2 S1^(1/2),
    which is symmetric, so no complex roots arise. For singular covariances, the square roots of
    numbers near 0 increase the rounding error to about 1e-7 of the scale.

    Raises ValueError for other shapes, or for numbers that are not finite; TypeError unless all are
    arrays."""
    d = array("m1", m1).size
    for name, a, shape in (
        ("m1", m1, (d,)),
        ("s1", s1, (d, d)),
        ("m2", m2, (d,)),
        ("s2", s2, (d, d)),
    ):
        if array(name, a).shape != shape:
            raise ValueError(f"{name}: expected shape {shape}, got {a.shape}")
        if not bool(of(a).xp.isfinite(a).all()):
            raise ValueError(f"{name}: expected finite numbers, got NaN or infinity among them")
    xp, matmul = of(s1).xp, of(s1).matmul
    values, vectors = xp.linalg.eigh(s1)
    root = matmul(vectors * xp.sqrt(xp.maximum(values, 0)), vectors.T)
    inner = matmul(matmul(root, s2), root)
    shared = xp.sqrt(xp.maximum(xp.linalg.eigvalsh((inner + inner.T) / 2), 0)).sum()
    return float(((m1 - m2) ** 2).sum() + xp.trace(s1) + xp.trace(s2) - 2 * shared)


def frechet_distance(real: Any, fake: Any) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), the `gaussian_distance` of the means m and the
    covariances S (over N - 1, in float64) of features (N, D) and (M, D) (Heusel et al. 2017).

    It is 0 for equal sets, and larger for fewer samples: compare only at equal N and M, and with
    the distance between two sets of real samples. On pixels or linear features it detects neither
    blur nor binarization. With Inception features it is the FID; with others it is not comparable
    with published values.

    Raises ValueError for sets of other widths, or with no more samples than features, where the
    covariance is singular."""
    x, y = matching_rows(2, real=real, fake=fake)
    for name, z in (("real", x), ("fake", y)):
        if len(z) <= z.shape[1]:
            raise ValueError(
                f"{name}: expected more samples than the {z.shape[1]} features, got {len(z)}: "
                "the covariance would be singular"
            )
    (m1, s1), (m2, s2) = _moments(x), _moments(y)
    return max(0.0, gaussian_distance(m1, s1, m2, s2))


def _moments(x: Array) -> tuple[Array, Array]:
    mean = x.mean(axis=0)
    centered = x - mean
    return mean, of(x).matmul(centered.T, centered) / (len(x) - 1)


class KID(NamedTuple):
    """The result of `kid`: the mean over the subsets, and its standard error."""

    mean: float
    standard_error: float


def mmd2(x: Any, y: Any) -> float:
    """The unbiased squared maximum mean discrepancy of rows x (N, D) and y (M, D) (Gretton et al.
    2012, eq. 3), with the kernel k(a, b) = (a.b / D + 1)^3:

        mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i, j} k(x_i, y_j)

    For two sets of one distribution its expectation is 0, so it can be negative. It grows with the
    sixth power of the features.

    Raises ValueError for sets of fewer than two rows."""
    x, y = matching_rows(2, x=x, y=y)
    n, m, d = len(x), len(y), x.shape[1]
    matmul = of(x).matmul
    xx, yy, xy = ((matmul(a, b.T) / d + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    within_x = (xx.sum() - xx.trace()) / (n * (n - 1))
    within_y = (yy.sum() - yy.trace()) / (m * (m - 1))
    return float(within_x + within_y - 2 * xy.mean())


def kid(real: Any, fake: Any, *, rng: Rng, subsets: int = 50, size: int = 1000) -> KID:
    """The mean of `mmd2` over `subsets` random subsets of `size` samples each, of features (N, D)
    and (M, D) (Binkowski et al. 2018; number and size as in their code).

    Unlike `frechet_distance`, it is unbiased at every size; but it too is comparable only on the
    same features. The subsets overlap, so the standard error is that of the random subsets alone (0
    if each is the whole set); the error due to the random samples is larger. On linear features it
    does not detect blur.

    Raises ValueError for sets of other widths, or smaller than a subset."""
    x, y = matching_rows(2, real=real, fake=fake)
    if not (is_size(size, minimum=2) and size <= min(len(x), len(y))):
        most = min(len(x), len(y))
        raise ValueError(f"size: expected 2 to {most}, the number of samples, got {size!r}")
    if not is_size(subsets, minimum=2):
        raise ValueError(f"subsets: expected at least 2, got {subsets!r}")
    checks.generator(rng)
    values = [
        mmd2(*(z[of(z).xp.asarray(rng.choice(len(z), size, replace=False))] for z in (x, y)))
        for _ in range(subsets)
    ]
    return KID(float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(subsets)))
