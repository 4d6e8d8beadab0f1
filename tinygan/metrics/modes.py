"""Modes of a mixture of Gaussians in the plane: how many are found, and how evenly.

    ring(8)     means on the unit circle, standard deviation .01
    grid(5)     means on {-4, -2, 0, 2, 4}^2, standard deviation .05

as in VEEGAN (Srivastava et al. 2017) and PacGAN (Lin et al. 2018). (Two well-known codes set the
ring by `linspace(0, 2 pi, 8)`, whose ends are one point: seven modes, one of them twice.)
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..backend import of, place
from ..data.mixtures import Mixture, check_mixture
from .distances import rows, squared_distances

__all__ = ["Modes", "modes"]


class Modes(NamedTuple):
    """See `modes`."""

    captured: int
    high_quality: float
    reverse_kl: float
    counts: np.ndarray  # high-quality samples of each mode


def modes(samples: Any, mixture: Mixture, within: float = 3.0) -> Modes:
    """VEEGAN's and PacGAN's measure, usually of 2500 samples (N, D).

    A sample is of high quality if it lies nearer than `within` standard deviations to a mean; a
    mode is captured if one such is nearest to it. `high_quality` is their share; `reverse_kl` is
    KL(modes of such samples || uniform) = log K + sum_k q_k log q_k in nats, infinite if there are
    none.

    Samples of the mixture itself score 1 - exp(-within^2 / 2) = 98.89 % in the plane: more is a
    sign of collapse, not of quality. Their reverse KL is (K - 1) / (2 N) on average, not 0. A mode
    counts as captured by one sample near it. Raises ValueError for samples of another width."""
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
    return Modes(
        int((counts > 0).sum()),
        float(near.mean()),
        kl_to_uniform(counts),
        counts,
    )


def kl_to_uniform(counts: np.ndarray) -> float:
    """KL(counts / their sum || uniform): log K minus the entropy, in nats."""
    total = counts.sum()
    if not total:
        return math.inf
    p = counts[counts > 0] / total
    return float(math.log(len(counts)) + (p * np.log(p)).sum())
