"""Mode coverage on a mixture of Gaussians, as in VEEGAN (Srivastava et al. 2017) and PacGAN (Lin et
al. 2018): how many modes are captured, and how evenly."""

import math
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..backend import of, place
from ..data.mixtures import Mixture, check_mixture
from .distances import rows, squared_distances


class Modes(NamedTuple):
    """The result of `modes`."""

    captured: int
    high_quality: float
    reverse_kl: float
    counts: np.ndarray  # high-quality samples of each mode


def modes(samples: Any, mixture: Mixture, within: float = 3.0) -> Modes:
    """The metric of VEEGAN and PacGAN for samples (N, D), usually with N = 2500.

    A sample has high quality if its distance to a mean is less than `within` standard deviations. A
    mode is captured if it is the nearest mode of at least one such sample. `high_quality` is the
    share of these samples. `reverse_kl` is KL(q || uniform) = log K + sum_k q_k log q_k in nats,
    where q_k is the share of mode k among them; it is infinite if there are none.

    In the plane, a sample of the mixture itself has high quality with the probability
    1 - exp(-within^2 / 2) = 98.89 %: a larger share is a sign of collapse. The reverse KL of N such
    samples is (K - 1) / (2 N) on average, not 0.

    Raises ValueError for samples of another width."""
    check_mixture(mixture)
    checks.between(0, math.inf, "(]", within=within)
    x = rows("samples", samples)
    means = place(np.asarray(mixture.means, np.float64), x)
    if x.shape[1] != means.shape[1]:
        raise ValueError(f"samples: expected (N, {means.shape[1]}), got {x.shape}")
    distances = squared_distances(x, means)
    near = distances.min(axis=1) < (within * mixture.sd) ** 2
    nearest = of(x).to_host(distances.argmin(axis=1))[of(x).to_host(near)]
    counts = np.bincount(nearest, minlength=len(means))
    captured = int((counts > 0).sum())
    return Modes(captured, float(near.mean()), kl_to_uniform(counts), counts)


def kl_to_uniform(counts: np.ndarray) -> float:
    """KL(counts / their sum || uniform), log K minus the entropy, in nats, for counts (K,)."""
    total = counts.sum()
    if not total:
        return math.inf
    p = counts[counts > 0] / total
    return float(math.log(len(counts)) + (p * np.log(p)).sum())
