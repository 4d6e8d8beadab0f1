"""Mode coverage on a mixture of Gaussians, as in VEEGAN (Srivastava et al. 2017) and PacGAN (Lin et
al. 2018): how many modes are captured, and how evenly. Their count needs one sample per mode, and
uniform noise has one in most: 2500 points capture about 23 of the 25 modes of the grid. So `modes`
also counts the modes with more samples than noise can explain."""

import math
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..backend import Rng, of, place
from ..data.mixtures import Mixture, check_mixture
from .distances import rows, squared_distances


class Modes(NamedTuple):
    """The result of `modes`."""

    captured: int  # modes with at least one high-quality sample: the published count
    above_noise: int  # modes with significantly more of them than uniform noise has
    high_quality: float
    reverse_kl: float
    counts: np.ndarray  # high-quality samples of each mode


def modes(samples: Any, mixture: Mixture, within: float = 3.0) -> Modes:
    """The metric of VEEGAN and PacGAN for samples (N, D), usually with N = 2500.

    A sample has high quality if its distance to a mean is less than `within` standard deviations. A
    mode is captured if it is the nearest mode of at least one such sample. `high_quality` is the
    share of these samples. `above_noise` counts the modes with at least `noise_bound` such samples.
    `reverse_kl` is KL(q || uniform) = log K + sum_k q_k log q_k in nats, where q_k is the share of
    mode k among the samples of high quality; it is infinite if there are none.

    In the plane, a sample of the mixture itself has high quality with the probability
    1 - exp(-within^2 / 2) = 98.89 %: a larger share is a sign of collapse. The reverse KL of N such
    samples is (K - 1) / (2 N) on average, not 0.

    Raises ValueError for samples of another width, and unless `within` is positive and finite."""
    check_mixture(mixture)
    checks.between(0, math.inf, "()", within=within)
    x = rows("samples", samples)
    means = place(np.asarray(mixture.means, np.float64), x)
    if x.shape[1] != means.shape[1]:
        raise ValueError(f"samples: expected (N, {means.shape[1]}), got {x.shape}")
    distances = squared_distances(x, means)
    near = distances.min(axis=1) < (within * mixture.sd) ** 2
    nearest = of(x).to_host(distances.argmin(axis=1))[of(x).to_host(near)]
    counts = np.bincount(nearest, minlength=len(means))
    captured = int((counts > 0).sum())
    above_noise = int((counts >= noise_bound(len(x), mixture, within)).sum())
    return Modes(captured, above_noise, float(near.mean()), kl_to_uniform(counts), counts)


def noise_bound(n: int, mixture: Mixture, within: float = 3.0, level: float = 0.01) -> int:
    """The number of high-quality samples that a mode needs to count as more than noise.

    The noise is uniform on the smallest box that contains all points within `within` standard
    deviations of a mean. Of n such points, a mode with the share p of the box's volume gets
    Binomial(n, p). The bound c is the smallest with P(Binomial(n, p) >= c) <= level / K. So all K
    modes of noise stay below it, except in at most a share `level` of sets (Bonferroni). For 2500
    points it is 8 on the ring and 10 on the grid; true samples have about 309 and 99 per mode. If
    the balls of the modes fill much of the box, noise has nearly as many samples as the mixture:
    choose a smaller `within`. The bound is n + 1 if no number is enough.

    Raises ValueError for n < 1, `within` outside (0, inf) and a level outside (0, 1)."""
    check_mixture(mixture)
    checks.sizes(n=n)
    checks.between(0, math.inf, "()", within=within)
    checks.between(0, 1, "()", level=level)
    (k, d), (low, high) = mixture.means.shape, _box(mixture, within)
    log_ball = d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1)  # of radius 1
    p = np.clip(
        math.exp(log_ball + np.log(within * mixture.sd / (high - low)).sum()), 1e-300, 1 - 1e-16
    )
    c = np.arange(1, n + 1)
    log_ways = np.cumsum(np.log((n - c + 1) / c))  # the binomial coefficients
    tails = np.exp(log_ways + c * np.log(p) + (n - c) * np.log1p(-p))[::-1].cumsum()  # from n down
    return n + 1 - int((tails <= level / k).sum())


def uniform_noise(n: int, mixture: Mixture, within: float = 3.0, *, rng: Rng) -> np.ndarray:
    """n points (n, D) of the noise of `noise_bound`: the control for every count of modes.

    Raises ValueError for n < 1 and `within` outside (0, inf)."""
    check_mixture(mixture)
    checks.sizes(n=n)
    checks.between(0, math.inf, "()", within=within)
    checks.generator(rng)
    low, high = _box(mixture, within)
    return rng.uniform(low, high, (n, len(low))).astype(np.float32)


def _box(mixture: Mixture, within: float) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper corner of the box of `noise_bound`."""
    radius = within * mixture.sd
    return mixture.means.min(axis=0) - radius, mixture.means.max(axis=0) + radius


def kl_to_uniform(counts: np.ndarray) -> float:
    """KL(counts / their sum || uniform), log K minus the entropy, in nats, for counts (K,)."""
    total = counts.sum()
    if not total:
        return math.inf
    p = counts[counts > 0] / total
    return float(math.log(len(counts)) + (p * np.log(p)).sum())
