"""Are conditional samples what was asked for, and are they all of it?  (Shmelkov et al. 2018)

    GAN-test    a classifier that was trained on real images, on samples: are they what they are
                called? One image for each class, again and again, is.
    GAN-train   a classifier that was trained on samples, on real images: do they show all there is
                to know? Such collapse fails here.

Neither may be asked of a classifier that G was trained with, as AC-GAN's own D. The classifier's
accuracy on real images is the ceiling of both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..backend import Rng
from .classifier import Classifier, train

__all__ = ["Share", "gan_test", "gan_train", "shares"]


def gan_test(judge: Classifier, samples: Any, labels: np.ndarray) -> float:
    """The share of samples (N, 1, 28, 28) in [0, 1] that `judge` takes for their labels (N,)."""
    return judge.accuracy(samples, labels)


class Share(NamedTuple):
    """See `shares`."""

    gan_test: float
    gan_train: float
    ceiling: float


def shares(
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
