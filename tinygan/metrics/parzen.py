"""The Parzen window estimate of the log-likelihood: the metric of Table 1 in Goodfellow et al.
2014.

    ll(x) = log mean_j N(x; mu_j, sigma^2 I)        mu_j: the samples, N of them in D dimensions

"Parzen window estimates should generally be avoided" (Theis et al. 2016): the number depends almost
only on the distance to the nearest sample. On MNIST, 10,000 real training images score 242.5, and
10,000 centroids of k-means, blurred averages, score 317. So it rewards blur. Use it to reproduce
published figures, not to claim quality.
"""

import math
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from ..backend import of
from .distances import BLOCK, matching_rows, squared_distances

SIGMAS = tuple(float(s) for s in np.logspace(-1, 0, 10))  # those of parzen_ll.py, the paper's code


class Parzen(NamedTuple):
    """`mean` and `standard_error` over the test images (not over seeds or samples), in nats;
    `at_edge` is True if sigma is the first or last in the grid, so a better one may lie outside."""

    mean: float
    standard_error: float
    sigma: float
    at_edge: bool


def checked_sigmas(sigmas: Sequence[float]) -> list[float]:
    """The sigmas as a list of floats.

    Raises ValueError if it is empty, or a sigma is not positive."""
    widths = list(sigmas) if isinstance(sigmas, Iterable) else []
    if not widths or not all(isinstance(s, Real) and 0 < s < math.inf for s in widths):
        raise ValueError(f"sigmas: expected positive numbers, got {sigmas!r}")
    return [float(s) for s in widths]


def log_likelihoods(samples: Any, x: Any, sigmas: Sequence[float] = SIGMAS) -> np.ndarray:
    """ll(x) in nats for each sigma and each row of x (M, ...), as (len(sigmas), M), for samples mu
    (N, ...):

        ll(x) = log(1/N sum_j exp(-|x - mu_j|^2 / (2 sigma^2))) - D log(sigma sqrt(2 pi))

    It depends on the scale: if all numbers and sigma are halved, it grows by D log 2. Pixels are in
    [0, 1] by convention. The distances are computed once for all sigmas, in blocks.

    Raises ValueError for rows of another width, or a sigma that is not positive."""
    mu, x = matching_rows(samples=samples, x=x)
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
            small = distances.astype(np.float32)  # float32 is enough: exp(-small) is at most 1
            for i, sigma in enumerate(widths):
                terms = library.xp.exp(small * np.float32(-0.5 / sigma**2))
                total = library.xp.log(terms.sum(axis=1, dtype=np.float64) / n)
                value = total - closest / (2 * sigma**2)
                out[i, part] = library.to_host(value) - d * math.log(sigma * math.sqrt(2 * math.pi))

    library.share(work, len(x), step)
    return out


def parzen(samples: Any, validation: Any, test: Any, sigmas: Sequence[float] = SIGMAS) -> Parzen:
    """The mean of ll(x), `log_likelihoods`, over `test` (M, ...), with the sigma that has the best
    mean over `validation`, as in the paper's parzen_ll.py.

    On MNIST: 10,000 samples in [0, 1], validation on the training images 50,000 to 50,999, test on
    all 10,000 test images. It grows with the number N of samples: it is 120.3 for 1000 real images
    and 242.5 for 10,000. Compare only at equal N.

    Raises ValueError for rows of another width, or a sigma that is not positive."""
    on_validation = log_likelihoods(samples, validation, sigmas).mean(axis=1)
    best = int(on_validation.argmax())
    (values,) = log_likelihoods(samples, test, [sigmas[best]])
    error = float(values.std() / math.sqrt(len(values)))
    edge = best in (0, len(sigmas) - 1)
    return Parzen(float(values.mean()), error, float(sigmas[best]), edge)
