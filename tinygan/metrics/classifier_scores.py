"""What a classifier makes of samples: how sure it is of each, and how many classes there are.

Probabilities p(y|x) are (N, K), a row for each sample x, a column for each class y. Such scores
share their classifier's blind spots: it is sure of many images that are like none of its classes.

Are conditional samples what was asked for, and are they all of it?  (Shmelkov et al. 2018)

    GAN-test    a classifier that was trained on real images, on samples: are they what they are
                called? One image for each class, again and again, is.
    GAN-train   a classifier that was trained on samples, on real images: do they show all there is
                to know? Such collapse fails here.

Neither may be asked of a classifier that G was trained with, as AC-GAN's own D. The classifier's
accuracy on real images is the ceiling of both.

A glance at digits: the few measures that take seconds, beside those of real digits.

`evaluation` is the whole table; this is for comparing short trainings, all at one n.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..backend import Rng, of
from .classifier import Classifier, train
from .distances import rows
from .frechet import frechet_distance
from .modes import kl_to_uniform

__all__ = [
    "Glance",
    "Share",
    "class_counts",
    "class_kl",
    "classifier_score",
    "gan_test",
    "gan_train",
    "gan_train_test",
    "glance",
    "grey_share",
]


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


def gan_test(judge: Classifier, samples: Any, labels: np.ndarray) -> float:
    """The share of samples (N, 1, 28, 28) in [0, 1] that `judge` takes for their labels (N,)."""
    return judge.accuracy(samples, labels)


class Share(NamedTuple):
    """See `shares`."""

    gan_test: float
    gan_train: float
    ceiling: float


def gan_train_test(
    draw: Callable[[int], tuple[Any, np.ndarray]],
    real: tuple[Any, np.ndarray],
    judge: Classifier,
    *,
    rng: Rng,
    n: int = 10_000,
    pairs: int = 60_000,
) -> Share:
    """GAN-test of n samples, GAN-train of `pairs`, and what `judge` makes of real images; draw(n)
    gives n samples and their labels."""
    return Share(
        gan_test(judge, *draw(n)),
        gan_train(*draw(pairs), *real, rng=rng),
        gan_test(judge, *real),
    )


def gan_train(
    samples: Any,
    labels: np.ndarray,
    images: Any,
    image_labels: np.ndarray,
    *,
    rng: Rng,
    epochs: int = 2,
) -> float:
    """The share of real images (M, 1, 28, 28) in [0, 1] that a new classifier takes for their
    labels (M,), after `epochs` on samples and theirs alone. It rises with the number of samples
    and of epochs: compare at one of each, usually 60,000 samples."""
    *_, (_, _, judge) = train(samples, labels, rng=rng, epochs=epochs)
    return judge.accuracy(images, image_labels)


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
