"""The distributions of the data and of G on the line, as in Figure 1 of Goodfellow et al. 2014.

    p_data, p_g    average densities in CELLS cells from LOW to HIGH
    D*             p_data / (p_data + p_g), the best D against this G          (their eq. 2)
    JSD            the Jensen-Shannon divergence of the two, in nats, at most log 2

G maps z, uniform on [-1, 1], to x. Between two neighbors of NOISE, G is taken to be linear.
"""

import functools
import math

import numpy as np

from ..gan.theory import divergence, optimal_discriminator
from ..nn import Module
from ..tensor import Tensor, no_grad
from .samples import LINE
from .settings import Settings

LOW, HIGH, CELLS = -3.0, 3.0, 201
EDGES = np.linspace(LOW, HIGH, CELLS + 1)
CENTERS = (EDGES[:-1] + EDGES[1:]) / 2
NOISE = np.linspace(-1, 1, 401)
FLAT = 1e-6  # the least width of an interval of x


@functools.cache
def data_masses() -> np.ndarray:
    """The probabilities (CELLS + 2,) of the data below LOW, in each cell, and above HIGH."""
    z = (EDGES - LINE.means) / (LINE.sd * math.sqrt(2))
    cdf = np.vectorize(math.erf)(z).mean(axis=0) / 2 + 0.5
    return np.diff(cdf, prepend=0, append=1)


def fake_masses(G: Module) -> np.ndarray:
    """The probabilities (CELLS + 2,) of G's samples below LOW, in each cell, and above HIGH.

    Each interval of z has the same probability, spread evenly over its interval of x. So the
    density is a sum of steps, up at the lower ends and down at the upper ends."""
    with no_grad():
        x = G(Tensor(NOISE[:, None].astype(np.float32))).numpy()[:, 0].astype(np.float64)
    low, high = np.minimum(x[:-1], x[1:]), np.maximum(x[:-1], x[1:])
    high = np.maximum(high, low + FLAT)
    height = 1 / (len(low) * (high - low))
    ends, steps = np.concatenate([low, high]), np.concatenate([height, -height])
    order = ends.argsort()
    ends, density = ends[order], steps[order].cumsum()
    cdf = np.concatenate([[0], (density[:-1] * np.diff(ends)).cumsum()])
    return np.diff(np.interp(EDGES, ends, cdf, 0, 1), prepend=0, append=1).clip(0)


def density(masses: np.ndarray) -> np.ndarray:
    """The densities (CELLS,) of the cells."""
    return masses[1:-1] * CELLS / (HIGH - LOW)


def exact_jsd(G: Module) -> float:
    """The JSD of the data and of G's samples, on the cells and what lies outside them."""
    p, q = data_masses(), fake_masses(G)
    return divergence("js", p, q) if np.isfinite(q).all() else math.nan


def best_probability(settings: Settings, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """D* for the densities p of the data and q of G, with label smoothing and label noise; NaN if q
    is not finite."""
    if not np.isfinite(q).all():
        return np.full_like(q, np.nan)
    wrong = settings.noise / 2  # the average weight of the other label
    best = wrong + (1 - 2 * wrong) * optimal_discriminator(p, q)
    return (1 - settings.smoothing) * best
