"""Mixtures of Gaussians in the plane.

    ring(8)     means on the unit circle, standard deviation .01
    grid(5)     means on {-4, -2, 0, 2, 4}^2, standard deviation .05

as in VEEGAN (Srivastava et al. 2017) and PacGAN (Lin et al. 2018). Two well-known implementations
place the modes of the ring at the angles `linspace(0, 2 pi, 8)`. The first and the last of these
are the same point, so their ring has seven modes, one of them with twice the weight.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..backend import Rng
from ..plain_array import refuse_special


class Mixture(NamedTuple):
    """Equally likely Gaussians around `means` (K, D), with one standard deviation `sd`."""

    means: np.ndarray
    sd: float

    def sample(self, n: int, *, rng: Rng) -> np.ndarray:
        """n points (n, D), float32."""
        checks.sizes(n=n)
        checks.generator(rng)
        which = rng.integers(len(self.means), size=n)
        noise = rng.standard_normal((n, self.means.shape[1]))
        return (self.means[which] + self.sd * noise).astype(np.float32)


def ring(k: int = 8, radius: float = 1.0, sd: float = 0.01) -> Mixture:
    """k modes on a circle around 0."""
    checks.sizes(k=k)
    checks.between(0, math.inf, "()", radius=radius, sd=sd)
    angles = 2 * math.pi * np.arange(k) / k
    return Mixture(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), sd)


def grid(side: int = 5, spacing: float = 2.0, sd: float = 0.05) -> Mixture:
    """side * side modes on a square grid around 0."""
    checks.sizes(side=side)
    checks.between(0, math.inf, "()", spacing=spacing, sd=sd)
    line = spacing * (np.arange(side) - (side - 1) / 2)
    return Mixture(np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2), sd)


def check_mixture(mixture: Any) -> None:
    """Raise TypeError unless `mixture` is a Mixture."""
    if not isinstance(mixture, Mixture):
        raise TypeError(f"mixture: expected a Mixture, such as ring(), got {mixture!r}")
    refuse_special("mixture.means", mixture.means)
