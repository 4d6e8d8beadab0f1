"""What a classifier makes of samples: how sure it is of each, and how many classes there are.

Probabilities p(y|x) are (N, K), a row for each sample x, a column for each class y. Such scores
share their classifier's blind spots: it is sure of many images that are like none of its classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import of
from .modes import kl_to_uniform
from .rows import rows

__all__ = ["class_counts", "class_kl", "classifier_score"]


def _probabilities(p: Any) -> np.ndarray:
    flat = rows("probabilities", p)
    p = of(flat).to_host(flat)
    if (p < 0).any() or np.abs(p.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError("probabilities: expected rows of numbers >= 0 that add up to 1")
    return p


def classifier_score(probabilities: Any) -> float:
    """exp(mean_x KL(p(y|x) || p(y))), p(y) the mean of p(y|x): the Inception score (Salimans et al.
    2016) of whichever classifier, in one split of all N (theirs: the mean over ten). From 1 (all
    alike) to K (sure of each, all classes alike). One image of each class, N / K times over, is
    perfect: it knows nothing of variety within. Raises ValueError for what is no probability."""
    p = _probabilities(probabilities)
    marginal = p.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * (np.log(p) - np.log(marginal)), 0.0)
    return float(np.exp(terms.sum(axis=1).mean()))


def class_counts(probabilities: Any) -> np.ndarray:
    """How many samples are most likely of each class, (K,): #{x: argmax_y p(y|x) = c}."""
    p = _probabilities(probabilities)
    return np.bincount(p.argmax(axis=1), minlength=p.shape[1])


def class_kl(probabilities: Any) -> float:
    """KL(q || uniform) = log K + sum_c q_c log q_c, q the shares of `class_counts`, in nats: 0 for
    all alike, log K for one alone. Its floor is not 0: MNIST's digits have .0015, and N samples of
    uniform classes (K - 1) / (2 N) on average."""
    return kl_to_uniform(class_counts(probabilities))
