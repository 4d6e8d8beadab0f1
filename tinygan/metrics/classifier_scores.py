"""Metrics from a classifier's predictions: classifier score, class counts, GAN-test and GAN-train.

Probabilities p(y|x) are (N, K), a row for each sample x, a column for each class y. Errors of the
classifier are errors of these metrics: it is confident about many images that belong to no class.

For class-conditional samples (Shmelkov et al. 2018):

    GAN-test    a classifier is trained on real images; its accuracy on samples. It measures
                fidelity. If all samples of a class are one good image, it is 1.
    GAN-train   a classifier is trained on samples; its accuracy on real images. It measures
                fidelity and diversity. If all samples of a class are one image, it is low.

Do not use a classifier that G was trained with, such as AC-GAN's own D. Compare both with the
accuracy on real images of a classifier trained on real images.

`glance` gives three metrics in seconds, to compare short runs at the same n; `evaluation` gives all
metrics.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..backend import Rng, of
from .classifier import CLASSES, Classifier, train
from .distances import rows
from .frechet import frechet_distance
from .modes import kl_to_uniform


def _probabilities(p: Any) -> np.ndarray:
    flat = rows("probabilities", p)
    p = of(flat).to_host(flat)
    if (p < 0).any() or np.abs(p.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError("probabilities: expected rows of numbers >= 0 that add up to 1")
    return p


def classifier_score(probabilities: Any) -> float:
    """exp(mean_x KL(p(y|x) || p(y))), where p(y) is the mean of p(y|x): the Inception score
    (Salimans et al. 2016) for any classifier, over all N at once (theirs is the mean over ten
    parts).

    It ranges from 1 (all predictions are equal) to K (certain predictions, balanced classes). It
    ignores diversity within a class: if all samples of a class are one image, it can still be K.

    Raises ValueError unless the rows are probabilities."""
    p = _probabilities(probabilities)
    marginal = p.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * (np.log(p) - np.log(marginal)), 0.0)
    return float(np.exp(terms.sum(axis=1).mean()))


def class_counts(probabilities: Any) -> np.ndarray:
    """The number of samples predicted as each class, (K,): #{x: argmax_y p(y|x) = c}."""
    p = _probabilities(probabilities)
    return np.bincount(p.argmax(axis=1), minlength=p.shape[1])


def class_kl(probabilities: Any) -> float:
    """KL(q || uniform) = log K + sum_c q_c log q_c in nats, where q are the shares of
    `class_counts`: 0 for balanced classes, log K for a single one. For real data it is above 0:
    .0015 for MNIST. For N samples of uniform classes it is (K - 1) / (2 N) on average."""
    return kl_to_uniform(class_counts(probabilities))


def gan_test(classifier: Classifier, samples: Any, labels: np.ndarray) -> float:
    """The accuracy of `classifier` on samples (N, 1, 28, 28) in [0, 1] with labels (N,)."""
    return classifier.accuracy(samples, labels)


class Share(NamedTuple):
    """The result of `gan_train_test`: three accuracies. `ceiling` is that of `classifier` on real
    images."""

    gan_test: float
    gan_train: float
    ceiling: float


def gan_train_test(
    draw: Callable[[int], tuple[Any, np.ndarray]],
    real: tuple[Any, np.ndarray],
    classifier: Classifier,
    *,
    rng: Rng,
    n: int = 10_000,
    pairs: int = 60_000,
) -> Share:
    """GAN-test of n samples, GAN-train of `pairs` samples, and the accuracy of `classifier` on
    `real`, images (M, 1, 28, 28) and labels (M,). draw(n) returns n samples and their labels."""
    return Share(
        gan_test(classifier, *draw(n)),
        gan_train(*draw(pairs), *real, rng=rng),
        gan_test(classifier, *real),
    )


def gan_train(
    samples: Any,
    labels: np.ndarray,
    images: Any,
    image_labels: np.ndarray,
    *,
    rng: Rng,
    epochs: int = 2,
    classes: int = CLASSES,
) -> float:
    """The accuracy on real images (M, 1, 28, 28) in [0, 1] with labels (M,), of a classifier that
    is trained for `epochs` on the samples (N, 1, 28, 28) and their labels (N,) alone. Labels are
    from 0 to `classes` - 1. It grows with N and with `epochs`: compare only at equal N and
    `epochs`, usually N = 60,000."""
    *_, (_, _, classifier) = train(samples, labels, rng=rng, epochs=epochs, classes=classes)
    return classifier.accuracy(images, image_labels)


class Glance(NamedTuple):
    """`score`, from 1 to 10 (see `classifier_score`); `frechet`, at least 0, on the classifier's
    features; `class_kl` in nats, 0 for balanced classes."""

    score: float
    frechet: float
    class_kl: float


def glance(samples: Any, real: np.ndarray, classifier: Classifier | None = None) -> Glance:
    """Three quick metrics of samples (N, C, H, W) against real images (M, C, H, W), both in [0, 1],
    by a classifier of such images (by default, of digits). Frechet distances fall as N and M grow:
    compare only at equal N and M.

    Raises ValueError for other shapes or ranges, and for too few samples."""
    classifier = Classifier.shipped() if classifier is None else classifier
    features, p = classifier(samples)
    distance = frechet_distance(classifier.features(real), features)
    return Glance(classifier_score(p), distance, class_kl(p))


def gray_share(images: np.ndarray) -> float:
    """The share of gray pixels, between .1 and .9, in images in [0, 1]: low for digits, higher for
    averages of digits, which are blurred."""
    return float(((images > 0.1) & (images < 0.9)).mean())
