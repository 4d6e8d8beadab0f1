"""The image sets of an evaluation: real images, samples, and controls that are known to be bad."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..backend import Rng
from ..data import DATASETS, load
from ..errors import InputError, choose
from .classifier import SHAPE
from .kmeans import kmeans

AGAINST = ("test", "train")
MINIMUM = 1000  # samples
REFERENCE = "real images"  # the name of the second set, with which all others are compared


class Real(NamedTuple):
    """Real images (N, 1, 28, 28) in [0, 1] for an evaluation."""

    reference: np.ndarray  # those that every set is compared with
    other: np.ndarray  # as many others: the set "real images", whose values are the reference row
    validation: np.ndarray  # those that choose Parzen's sigma
    training: np.ndarray  # all training images
    labels: np.ndarray  # of the training images
    held_out: bool  # True if `reference` was not used in training
    named: str  # a description of `reference`
    digits: bool = True  # whether the images have the classes of the classifier


def real(name: str, against: str, n: int, *, rng: Rng) -> Real:
    """The real images for the evaluation of a run on the data `name`, with at most n in
    `reference`. With `against` "test", they are of its test split, and `other` are training images;
    with "train", both are disjoint sets of training images.

    Raises InputError for data other than digits, MNIST and Fashion-MNIST, for fewer images than
    `MINIMUM`, or if the test images are missing."""
    choose("--against", against, AGAINST)
    entry = DATASETS.get(name)
    if entry is None or not entry.classified:
        *most, last = (known for known, each in DATASETS.items() if each.classified)
        raise InputError(
            f"evaluate: expected a run on {', '.join(most)} or {last}, got one on {name}"
        )
    known = load(name)
    assert known.labels is not None
    training, labels = _scaled(known.images), known.labels
    order = rng.permutation(len(training))
    if against == "test":
        try:
            reference = _scaled(load(name, "test").images)
        except InputError as problem:
            raise InputError(f"{problem}; or use --against train, without test images") from problem
        n = min(n, len(reference), len(training) - 1000)
        reference = reference[rng.permutation(len(reference))[:n]]
        other = training[order[:n]]
        named = f"test images of {name}"
    else:
        n = min(n, (len(training) - 1000) // 2)
        reference, other = training[order[:n]], training[order[n : 2 * n]]
        named = f"training images of {name}"
    if n < MINIMUM:
        raise InputError(f"--n: expected at least {MINIMUM} samples, got {n}")
    validation, held_out = training[order[-1000:]], against == "test"
    return Real(reference, other, validation, training, labels, held_out, named, entry.digits)


def _scaled(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / 255


def as_images(samples: np.ndarray, low: float) -> np.ndarray:
    """Samples (N, 1, 28, 28), rescaled from [low, 1] to [0, 1].

    Raises InputError for other shapes, for NaN, and for pixels outside the range."""
    if samples.shape[1:] != SHAPE:
        raise InputError(
            f"the generator makes images of shape {samples.shape[1:]}, expected {SHAPE}"
        )
    finite(samples)
    if samples.min() < low - 1e-5 or samples.max() > 1 + 1e-5:
        raise InputError(
            f"the generator makes pixels from {samples.min():g} to {samples.max():g}, expected "
            f"{low:g} to 1"
        )
    return np.clip((samples - low) / (1 - low), 0, 1)


def finite(samples: np.ndarray) -> np.ndarray:
    """Return `samples` (N, ...).

    Raises InputError for NaN and infinity."""
    bad = ~np.isfinite(samples.reshape(len(samples), -1)).all(axis=1)
    if bad.any():
        raise InputError(
            f"the generator makes NaN or infinity, in {bad.sum()} of {len(samples)} samples: its "
            "training diverged; train again with lower --lr-d and --lr-g"
        )
    return samples


def box_blur(images: np.ndarray, size: int) -> np.ndarray:
    """The means of the size x size pixels around each pixel of images (N, C, H, W), for an odd
    size. At the border, the pixels of the opposite side are used."""
    offsets = range(-(size // 2), size // 2 + 1)
    shifted = (np.roll(images, (i, j), axis=(2, 3)) for i in offsets for j in offsets)
    return sum(shifted, start=np.zeros_like(images)) / size**2


def controls(real: Real, *, rng: Rng) -> Iterator[tuple[str, np.ndarray]]:
    """The set of the reference row and the controls: (name, images) pairs, each with as many images
    as the reference."""
    n = len(real.reference)
    yield REFERENCE, real.other
    k = min(n, len(real.training) // 5)
    centroids, counts = kmeans(real.training, k, rng=rng)
    drawn = rng.choice(k, n, p=counts / counts.sum())
    yield "k-means", centroids[drawn].astype(np.float32)
    ones = np.flatnonzero(real.labels == 1)
    yield "one class alone", real.training[rng.choice(ones, n, replace=len(ones) < n)]
    yield "noise", rng.random(real.reference.shape, dtype=np.float32)
