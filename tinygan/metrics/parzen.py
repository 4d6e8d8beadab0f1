"""The Parzen window estimate of the log-likelihood: the number of the 2014 paper's Table 1.

    ll(x) = log mean_j N(x; mu_j, sigma^2 I)        mu_j the samples, N of them in D dimensions

"Parzen window estimates should generally be avoided" (Theis et al. 2016): the number is almost a
function of how near the nearest sample is. 10,000 real training images score 242.5 on MNIST; the
centroids of k-means, a table of blurred averages, score 317. So a number above that of real images
rewards blur. It is a target for reproduction, and no claim of quality.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from ..backend import of
from .distances import BLOCK, rows, same_width, squared_distances

__all__ = ["SIGMAS", "Parzen", "log_likelihoods", "parzen"]

SIGMAS = tuple(float(s) for s in np.logspace(-1, 0, 10))  # those of parzen_ll.py, the paper's code


class Parzen(NamedTuple):
    """`mean` and `standard_error` over the test samples (not over seeds, nor over draws), in nats;
    `at_edge` if sigma is the first or last of those tried, so that a better one may lie beyond."""

    mean: float
    standard_error: float
    sigma: float
    at_edge: bool


def checked_sigmas(sigmas: Sequence[float]) -> list[float]:
    """As a list. Raises ValueError if there is none, or one that is not positive."""
    widths = list(sigmas) if isinstance(sigmas, Iterable) else []
    if not widths or not all(isinstance(s, Real) and 0 < s < math.inf for s in widths):
        raise ValueError(f"sigmas: expected positive numbers, got {sigmas!r}")
    return [float(s) for s in widths]


def log_likelihoods(samples: Any, x: Any, sigmas: Sequence[float] = SIGMAS) -> np.ndarray:
    """ll(x) for each sigma and each row of x (M, ...), as (len(sigmas), M), in nats, of samples mu
    (N, ...):

        ll(x) = log(1/N sum_j exp(-|x - mu_j|^2 / (2 sigma^2))) - D log(sigma sqrt(2 pi))

    It depends on the unit: halve all numbers and D log 2 is added; pixels are in [0, 1] by custom.
    All sigmas share one pass over the distances, a block of bounded size at a time. Raises
    ValueError for rows of another width, or a sigma that is not positive."""
    mu, x = rows("samples", samples), rows("x", x)
    same_width("x", x, "samples", mu)
    widths = checked_sigmas(sigmas)
    n, d, library = len(mu), mu.shape[1], of(x)
    step = max(1, BLOCK // (4 * n))
    out = np.empty((len(widths), len(x)))

    def work(start: int, stop: int) -> None:
        for first in range(start, stop, step):
            part = slice(first, min(first + step, stop))
            distances = squared_distances(x[part], mu)
            closest = distances.min(axis=1)
            distances -= closest[:, None]
            small = distances.astype(np.float32)  # of exponents, whose exponential is at most 1
            for i, sigma in enumerate(widths):
                terms = library.xp.exp(small * np.float32(-0.5 / sigma**2))
                total = library.xp.log(terms.sum(axis=1, dtype=np.float64) / n)
                value = total - closest / (2 * sigma**2)
                out[i, part] = library.to_host(value) - d * math.log(sigma * math.sqrt(2 * math.pi))

    library.share(work, len(x), step)
    return out


def parzen(samples: Any, validation: Any, test: Any, sigmas: Sequence[float] = SIGMAS) -> Parzen:
    """The mean of ll(x), `log_likelihoods`, over `test` (M, ...), sigma the one of `sigmas` whose
    mean over `validation` is best, by the same samples: the protocol of the paper's parzen_ll.py.
    On MNIST: 10,000 samples in [0, 1], validation the training images 50,000 to 50,999, test all
    10,000. It grows with the number of samples: 1000 real images score 120.3 where 10,000 score
    242.5. Compare at one N only, and never as a claim of quality (see above)."""
    on_validation = log_likelihoods(samples, validation, sigmas).mean(axis=1)
    best = int(on_validation.argmax())
    (values,) = log_likelihoods(samples, test, [sigmas[best]])
    error = float(values.std() / math.sqrt(len(values)))
    edge = best in (0, len(sigmas) - 1)
    return Parzen(float(values.mean()), error, float(sigmas[best]), edge)
