"""Precision, recall, density, coverage: do the samples lie where the real ones do, and everywhere?

The support of each set is taken as the union of balls around its members, each out to its k-th
nearest neighbour in the set.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from .. import checks
from ..backend import Array, of
from ..checks import is_size
from .distances import array, blocks, nearest, rows, same_width, squared_distances

__all__ = ["PrecisionRecall", "expected_coverage", "precision_recall", "radii"]


class PrecisionRecall(NamedTuple):
    """See `manifold`."""

    precision: float
    recall: float
    density: float
    coverage: float


def radii(samples: Any, k: int = 5) -> Array:
    """How far each of the samples (N, ...) is from its k-th nearest among the others: (N,).

    Raises ValueError for fewer than k + 1 samples."""
    (k,) = checks.sizes(k=k)
    x = rows("samples", samples, k + 1)
    return nearest(x, x, k, same=True)


def expected_coverage(n: int, m: int, k: int = 5) -> float:
    """The coverage, on average, of n real samples by m fakes of the same distribution, whichever it
    is: 1 - prod_{i<=k} (n - i) / (n + m - i), for a ball is empty if the k samples nearest to its
    middle, of n - 1 + m, are all real (Naeem et al. 2020). .969 for n = m = 10,000, k = 5.

    Raises ValueError unless 1 <= k < n and m >= 1."""
    if not (all(is_size(size, least=1) for size in (k, n, m)) and k < n):
        raise ValueError(f"expected 1 <= k < n and m >= 1, got k = {k!r}, n = {n!r}, m = {m!r}")
    return 1 - math.prod((n - i) / (n + m - i) for i in range(1, k + 1))


def precision_recall(
    real: Any, fake: Any, k: int = 5, *, real_radii: Array | None = None
) -> PrecisionRecall:
    """How a set of fakes (M, ...) lies to a set of real samples (N, ...), by their k-th neighbours.

    precision   the share of fakes within a real sample's ball (Kynkaanniemi et al. 2019, eq. 2)
    recall      the share of real samples within a fake's ball
    density     real balls that a fake lies in, over k, on average (Naeem et al. 2020)
    coverage    the share of real balls with a fake in them (the same)

    With B_x the open ball around x out to its k-th nearest neighbour in its own set (precision and
    recall count its edge, too):

        precision = mean_y [y in some B_x]      density  = sum_y sum_x [y in B_x] / (k M)
        recall    = mean_x [x in some B_y]      coverage = mean_x [some y in B_x]

    For two sets of one distribution, density is 1 on average and coverage `expected_coverage`;
    precision and recall have no such value: about .48 each for 10,000 samples of a Gaussian in
    1000 dimensions. Samples smoother than real ones (averages of them) win in precision and
    coverage; recall below that of real samples, and a density over 1.2, give them away. In raw
    pixels, texture alone costs all precision. Compare at one N, M and k only. `real_radii` are
    radii(real, k), if they are known already. Raises ValueError for fewer than k + 1 samples.
    """
    (k,) = checks.sizes(k=k)
    x, y = rows("real", real, k + 1), rows("fake", fake, k + 1)
    same_width("fake", y, "real", x)
    xp = of(x).xp
    if real_radii is None:
        real_radii = radii(x, k)
    elif array("real_radii", real_radii).shape != (len(x),):
        raise ValueError(f"real_radii: expected shape ({len(x)},), got {real_radii.shape}")
    fake_radii = radii(y, k)
    precise, inside = 0, 0
    recalled = xp.zeros(len(x), dtype=bool)
    covered = xp.zeros(len(x), dtype=bool)
    for part in blocks(len(y), len(x)):
        distances = xp.sqrt(squared_distances(y[part], x))
        precise += int((distances <= real_radii).any(axis=1).sum())
        in_balls = distances < real_radii
        inside += int(in_balls.sum())
        covered |= in_balls.any(axis=0)
        recalled |= (distances <= fake_radii[part][:, None]).any(axis=0)
    return PrecisionRecall(
        precise / len(y), float(recalled.mean()), inside / (k * len(y)), float(covered.mean())
    )
