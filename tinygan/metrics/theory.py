"""The theory of Goodfellow et al. 2014 in closed form, for distributions given as numbers.

    p, q    probabilities of K states, or densities at K points, each point the centre of a cell dx

    V(D) = E_p[log D] + E_q[log(1 - D)]                      what D maximises          (eq. 1)
    D* = p / (p + q)                                         where it is the largest   (eq. 2)
    C = V(D*) = -log 4 + 2 JSD(p, q)                         what G minimises          (eq. 4-6)

C is -log 4 where p = q, and nowhere less. Everything is an f-divergence, an average of a convex
function of the ratio of the two: see `DIVERGENCES`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = [
    "DIVERGENCES",
    "criterion",
    "divergence",
    "least_squares_criterion",
    "least_squares_optimum",
    "normal_density",
    "optimal_discriminator",
    "tabular_gradient",
    "value",
]

Numbers = np.ndarray


def _log(t: Numbers) -> Numbers:
    with np.errstate(divide="ignore"):
        return np.log(t)


def _ratio_log(p: Numbers, q: Numbers) -> Numbers:
    """p log(p / q): 0 where p is 0, infinite where only q is."""
    with np.errstate(invalid="ignore"):
        return np.where(p > 0, p * (_log(p) - _log(q)), 0.0)


def _pearson(p: Numbers, q: Numbers) -> Numbers:
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return np.where(p == q, 0.0, (p - q) ** 2 / q)


# q f(p / q) for the convex f of each, written so that no ratio overflows.
DIVERGENCES: dict[str, Callable[[Numbers, Numbers], Numbers]] = {
    "kl": _ratio_log,  # f = t log t: infinite where q misses what p has
    "reverse-kl": lambda p, q: _ratio_log(q, p),  # f = -log t: blind to it
    "js": lambda p, q: (_ratio_log(p, (p + q) / 2) + _ratio_log(q, (p + q) / 2)) / 2,
    "pearson": _pearson,  # f = (t - 1)^2
    "total-variation": lambda p, q: np.abs(p - q) / 2,
    "hellinger": lambda p, q: (np.sqrt(p) - np.sqrt(q)) ** 2,
}


def divergence(name: str, p: Any, q: Any, dx: float = 1.0) -> float:
    """The f-divergence of p from q by its name in `DIVERGENCES`; "js" is at most log 2 (nats).

    Raises ValueError for other shapes or numbers below 0, KeyError for an unknown name."""
    return float(DIVERGENCES[name](*_distributions(p, q)).sum() * dx)


def optimal_discriminator(p: Any, q: Any) -> Numbers:
    """D* = p / (p + q) (Proposition 1); 1/2 where both are 0, where it does not matter."""
    p, q = _distributions(p, q)
    return np.where(p + q > 0, p / np.where(p + q > 0, p + q, 1.0), 0.5)


def value(D: Any, p: Any, q: Any, dx: float = 1.0) -> float:
    """V(D) = E_p[log D] + E_q[log(1 - D)]; for no D more than `criterion(p, q)`."""
    p, q = _distributions(p, q)
    D = np.asarray(D, np.float64)
    with np.errstate(invalid="ignore"):  # 0 times log 0 is 0
        terms = np.where(p > 0, p * _log(D), 0.0) + np.where(q > 0, q * _log(1 - D), 0.0)
    return float(terms.sum() * dx)


def criterion(p: Any, q: Any, dx: float = 1.0) -> float:
    """C = V(D*) = -log 4 + 2 JSD(p, q), from -log 4 at p = q to 0 where they share nothing."""
    p, q = _distributions(p, q)  # log(1 - D*) itself would lose a q that is small beside p
    return float((_ratio_log(p, p + q) + _ratio_log(q, p + q)).sum() * dx)


def tabular_gradient(p: Any, q: Any) -> Numbers:
    """dC/dq = log(1 - D*): D* may be held fixed, for at its maximum V does not change with it."""
    return _log(optimal_discriminator(q, p))


def least_squares_optimum(p: Any, q: Any, a: float, b: float) -> Numbers:
    """LSGAN's best D: (b p + a q) / (p + q), for D's targets b on real and a on fakes."""
    D = optimal_discriminator(p, q)
    return b * D + a * (1 - D)


def least_squares_criterion(p: Any, q: Any, a: float, b: float, c: float, dx: float = 1.0) -> float:
    """What LSGAN's G minimises against the best D, with its target c, over real and fakes:
    (E_p[(D* - c)^2] + E_q[(D* - c)^2]) / 2 (Mao et al. 2017, eq. 4-6).

    With b - c = 1 and b - a = 2, twice it is the Pearson chi-square of p + q against 2 q. With the
    usual 0, 1, 1 it is not: from 1/4 at p = q to 1/2."""
    p, q = _distributions(p, q)
    D = least_squares_optimum(p, q, a, b)
    return float((((p + q) * (D - c) ** 2) / 2).sum() * dx)


def normal_density(x: Any, mean: float = 0.0, sd: float = 1.0) -> Numbers:
    """The density of N(mean, sd^2) at x."""
    z = (np.asarray(x, np.float64) - mean) / sd
    return np.exp(-z * z / 2) / (sd * math.sqrt(2 * math.pi))


def _distributions(p: Any, q: Any) -> tuple[Numbers, Numbers]:
    p, q = np.asarray(p, np.float64), np.asarray(q, np.float64)
    if p.shape != q.shape or not p.size:
        raise ValueError(f"p, q: expected numbers of one shape, got {p.shape} and {q.shape}")
    for name, x in (("p", p), ("q", q)):
        if not (np.isfinite(x).all() and (x >= 0).all()):
            raise ValueError(f"{name}: expected finite numbers >= 0")
    return p, q
