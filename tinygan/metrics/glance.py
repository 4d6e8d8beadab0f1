"""A glance at digits: the few measures that take seconds, beside those of real digits.

`evaluation` is the whole table; this is for comparing short trainings, all at one n.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .classifier import Classifier
from .frechet import frechet_distance
from .scores import class_kl, classifier_score

__all__ = ["Glance", "glance", "grey_share"]


class Glance(NamedTuple):
    """`score` from 1 to 10 (see `scores.classifier_score`), `frechet` from 0 on, on the features of
    the classifier; `class_kl` in nats, 0 where all classes are equally many."""

    score: float
    frechet: float
    class_kl: float


def glance(samples: Any, real: np.ndarray, judge: Classifier | None = None) -> Glance:
    """Samples (N, 1, 28, 28) beside real digits (M, 1, 28, 28), both in [0, 1]; for others than
    digits the numbers mean nothing. Frechet distances fall with N and M: compare at one of each.
    Raises ValueError for other shapes or ranges, and for too few samples."""
    judge = Classifier.shipped() if judge is None else judge
    p = judge.probabilities(samples)
    distance = frechet_distance(judge.features(real), judge.features(samples))
    return Glance(classifier_score(p), distance, class_kl(p))


def grey_share(images: np.ndarray) -> float:
    """The share of pixels that are neither black nor white, between .1 and .9 of images in [0, 1]:
    digits have few, and their mean where it is not known which one it is has many."""
    return float(((images > 0.1) & (images < 0.9)).mean())
