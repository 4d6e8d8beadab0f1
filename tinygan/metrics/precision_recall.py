"""Precision and density (fidelity), recall and coverage (diversity) of samples.

The support of each set is estimated by the union of balls around its members. The radius of a ball
is the distance to the k-th nearest neighbor in the set.
"""

import math
from typing import Any, NamedTuple

from .. import checks
from ..backend import Array, of
from ..checks import is_size
from .distances import array, blocks, matching_rows, nearest, rows, squared_distances


class PrecisionRecall(NamedTuple):
    """The result of `precision_recall`."""

    precision: float
    recall: float
    density: float
    coverage: float


def radii(samples: Any, k: int = 5) -> Array:
    """The distance from each of the samples (N, ...) to its k-th nearest neighbor among them, (N,).

    Raises ValueError for fewer than k + 1 samples, TypeError unless they are an array."""
    (k,) = checks.sizes(k=k)
    x = rows("samples", samples, k + 1)
    return nearest(x, x, k, same=True)


def expected_coverage(n: int, m: int, k: int = 5) -> float:
    """The expected coverage of n real samples by m fakes of the same distribution, for any
    distribution: 1 - prod_{i<=k} (n - i) / (n + m - i), since a ball contains no fake if the k
    nearest to its center of the n - 1 + m other samples are real (Naeem et al. 2020). It is .969
    for n = m = 10,000 and k = 5.

    Raises ValueError unless 1 <= k < n and m >= 1."""
    if not (all(is_size(size, minimum=1) for size in (k, n, m)) and k < n):
        raise ValueError(f"expected 1 <= k < n and m >= 1, got k = {k!r}, n = {n!r}, m = {m!r}")
    return 1 - math.prod((n - i) / (n + m - i) for i in range(1, k + 1))


def precision_recall(
    real: Any, fake: Any, k: int = 5, *, real_radii: Array | None = None
) -> PrecisionRecall:
    """Precision, recall, density and coverage of fakes (M, ...) against real samples (N, ...).

    precision   the share of fakes in the ball of a real sample (Kynkaanniemi et al. 2019, eq. 2)
    recall      the share of real samples in the ball of a fake (the same)
    density     the mean number of real balls that contain a fake, over k (Naeem et al. 2020)
    coverage    the share of real balls that contain a fake (the same)

    B_x is the ball around x whose radius is the distance to the k-th nearest neighbor of x in its
    own set. It is closed for precision and recall, and open for density and coverage.

        precision = mean_y [y in some B_x]      density  = sum_y sum_x [y in B_x] / (k M)
        recall    = mean_x [x in some B_y]      coverage = mean_x [some y in B_x]

    For two sets of one distribution, the density is 1 on average, and the coverage is
    `expected_coverage`; precision and recall depend on the distribution: about .48 each for 10,000
    samples of a Gaussian in 1000 dimensions. Samples that are too smooth (averages of real ones)
    have a high precision and coverage, but their recall is below that of real samples, and their
    density is over 1.2. In raw pixels, a faint texture can reduce precision to 0. Compare only at
    equal N, M and k. `real_radii` are radii(real, k), if already known.

    Raises ValueError for fewer than k + 1 samples, other widths or other radii.
    """
    (k,) = checks.sizes(k=k)
    x, y = matching_rows(k + 1, real=real, fake=fake)
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
