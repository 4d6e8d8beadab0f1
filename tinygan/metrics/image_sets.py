"""The image sets of an evaluation: real images, samples, and controls that are known to be bad."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..backend import Rng
from ..data import DATASETS, PATHS, Dataset, load
from ..errors import InputError
from .classifier import SHAPE, Shape
from .kmeans import kmeans

AGAINST = "test", "train"  # or folder:PATH
MINIMUM = 200  # samples: more than there are features
VALIDATION = 1000  # images that choose Parzen's sigma
BLUR, NOISE = "blur", "noise"  # the names of two controls
REFERENCE = "real images"  # the name of the second set, with which all others are compared


class Real(NamedTuple):
    """Real images (N, C, H, W) in [0, 1] for an evaluation."""

    reference: np.ndarray  # those that every set is compared with
    other: np.ndarray  # as many others: the set "real images", whose values are the reference row
    validation: np.ndarray | None  # those that choose Parzen's sigma; None: no Parzen windows
    training: np.ndarray  # all training images
    labels: np.ndarray | None  # of the training images, unless all are of one class
    held_out: bool  # True if `reference` was not used in training
    named: str  # a description of `reference`
    excluded: int = 0  # images that `reference` lacks because they are training images


def real(training: Dataset, against: str | None, n: int, shape: Shape, *, rng: Rng) -> Real:
    """The real images for the evaluation of a run on `training`, whose samples have the `shape`
    (C, H, W), with at most n in `reference`.

    With `against` "test" they are of the test split of the data (the default, if the data have
    one), with "folder:PATH" the images under PATH, resized like the samples, and `other` are
    training images. With "train", both are disjoint sets of training images (the default for
    folders). Parzen windows and k-means are for named data of the shape (1, 28, 28): they were made
    for MNIST, and take long for larger images.

    Raises InputError for another `against`, for data of another shape than the samples', for fewer
    images than `MINIMUM`, or if the test images are missing."""
    name, images = training.name, _scaled(training.images)
    if images.shape[1:] != shape:
        raise InputError(
            f"the generator makes images of shape {shape}, expected {images.shape[1:]}, as in the "
            f"data {name}"
        )
    against = against or ("test" if name in DATASETS else "train")
    order = rng.permutation(len(images))
    small = name in DATASETS and shape == SHAPE
    validation = images[order[-VALIDATION:]] if small else None
    spare, excluded = VALIDATION * small, 0
    if against == "train":
        n = min(n, (len(images) - spare) // 2)
        reference, other = images[order[:n]], images[order[n : 2 * n]]
    else:
        new, excluded = _held_out(training, against)
        n = min(n, len(new), len(images) - spare)
        reference = _scaled(new[rng.permutation(len(new))[:n]])
        other = images[order[:n]]
    if n < MINIMUM:
        raise InputError(_too_few(name, against, n, excluded))
    kinds = {"test": f"test images of {name}", "train": f"training images of {name}"}
    named, held_out = kinds.get(against, f"images of {against}"), against != "train"
    several = len(training.classes or ()) > 1
    labels = training.labels if several else None
    return Real(reference, other, validation, images, labels, held_out, named, excluded)


def _held_out(training: Dataset, against: str) -> tuple[np.ndarray, int]:
    """The test images of the training data, or those of a folder, uint8, and how many images of the
    folder are left out because they are training images."""
    name, (channels, size, _) = training.name, training.images.shape[1:]
    if against.partition(":")[0] in PATHS:
        mode = "gray" if channels == 1 else "color"
        images = load(against, size=size, mode=mode).images
        known = {image.tobytes() for image in training.images}
        new = [i for i, image in enumerate(images) if image.tobytes() not in known]
        return images[new], len(images) - len(new)
    if against != "test":
        raise InputError(
            f"--against {against!r} is unknown; expected {', '.join(AGAINST)} or folder:PATH"
        )
    if name not in DATASETS:
        raise InputError(
            f"--against test: {name} has no test images; expected train, or folder:PATH with "
            "images that were not used in training"
        )
    try:
        return load(name, "test").images, 0
    except InputError as problem:
        raise InputError(f"{problem}; or use --against train, without test images") from problem


def _too_few(name: str, against: str, n: int, excluded: int) -> str:
    """The error for n images, which are fewer than MINIMUM."""
    if against != "train":
        also = f" ({excluded} more are training images)" * bool(excluded)
        return f"--against {against}: expected at least {MINIMUM} images to compare, got {n}{also}"
    return (
        f"{name}: expected at least {2 * MINIMUM} images, for two sets of {MINIMUM}, got too few "
        f"for sets of more than {n}; give others by --against folder:PATH"
    )


def _scaled(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / 255


def as_images(samples: np.ndarray, low: float) -> np.ndarray:
    """Samples (N, C, H, W), rescaled from [low, 1] to [0, 1].

    Raises InputError for NaN, and for pixels outside the range."""
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
    if real.validation is not None:
        k = min(n, len(real.training) // 5)
        centroids, counts = kmeans(real.training, k, rng=rng)
        drawn = rng.choice(k, n, p=counts / counts.sum())
        yield "k-means", centroids[drawn].astype(np.float32)
    else:
        size = 2 * max(1, min(real.other.shape[2:]) // 14) + 1  # about a sixth of the width
        yield BLUR, box_blur(real.other, size)
    if real.labels is not None:
        ones = np.flatnonzero(real.labels == 1)
        yield "one class alone", real.training[rng.choice(ones, n, replace=len(ones) < n)]
    yield NOISE, rng.random(real.reference.shape, dtype=np.float32)
