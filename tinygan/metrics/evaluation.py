"""Evaluate a run: every metric of its samples, with a reference and controls.

A number means something only in comparison: with real images at the same N (the reference), and
with controls known to be bad: averages of k-means, one class alone, noise. If a metric prefers a
control to the samples, it says nothing good about them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..backend import Rng, place
from ..data import DATASETS, load
from ..errors import InputError, choose
from .classifier import Classifier
from .classifier_scores import class_counts, class_kl, classifier_score
from .frechet import frechet_distance, kid
from .kmeans import kmeans
from .memorization import compare, duplicates, nearest_distances
from .parzen import parzen
from .precision_recall import precision_recall, radii

__all__ = [
    "AGAINST",
    "FLOOR",
    "LEAST",
    "OURS",
    "K",
    "Real",
    "Ruler",
    "as_images",
    "controls",
    "evaluate",
    "finite",
    "measures",
    "real",
]

AGAINST = ("test", "train")
LEAST = 1000  # samples
K = 5  # neighbors
OURS, FLOOR = "this run", "real images"  # the names of the first two sets


class Real(NamedTuple):
    """Real images (N, 1, 28, 28) in [0, 1]: those to compare samples with, as many others that are
    scored as the reference row, those that choose Parzen's sigma, and the training images."""

    reference: np.ndarray
    other: np.ndarray
    validation: np.ndarray
    training: np.ndarray
    labels: np.ndarray  # of the training images
    held_out: bool  # True if the reference was not used in training
    named: str  # description of the reference
    digits: bool = True  # whether the classifier knows the classes of the images


def real(name: str, against: str, n: int, *, rng: Rng) -> Real:
    """At most n real images for a run on the data `name`: its test split ("digits" uses MNIST's),
    or, against "train", two disjoint sets of its training images.

    Raises InputError for other data than MNIST's and Fashion-MNIST's, for fewer images than
    `LEAST`, or if the test images are missing."""
    choose("--against", against, AGAINST)
    entry = DATASETS.get(name)
    if entry is None or not entry.classified:
        *most, last = (known for known, each in DATASETS.items() if each.classified)
        raise InputError(
            f"evaluate: knows runs on {', '.join(most)} and {last}, this one is on {name}"
        )
    known = load(name)
    assert known.labels is not None
    training, labels = _scaled(known.images), known.labels
    order = rng.permutation(len(training))
    if against == "test":
        tested = entry.test_set or name
        try:
            reference = _scaled(load(tested, "test").images)
        except InputError as problem:
            raise InputError(f"{problem}; or --against train, which needs no others") from problem
        n = min(n, len(reference), len(training) - 1000)
        reference = reference[rng.permutation(len(reference))[:n]]
        other = training[order[:n]]
        named = f"test images of {tested}"
    else:
        n = min(n, (len(training) - 1000) // 2)
        reference, other = training[order[:n]], training[order[n : 2 * n]]
        named = f"training images of {name}"
    if n < LEAST:
        raise InputError(f"--n: expected at least {LEAST} samples, got {n}")
    validation = training[order[-1000:]]
    return Real(
        reference, other, validation, training, labels, against == "test", named, entry.digits
    )


def _scaled(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / 255


def as_images(samples: np.ndarray, low: float) -> np.ndarray:
    """Samples (N, 1, 28, 28), rescaled from [low, 1] to [0, 1].

    Raises InputError for other shapes, for NaN, and for pixels outside the range."""
    if samples.shape[1:] != (1, 28, 28):
        raise InputError(
            f"the generator draws images of shape {samples.shape[1:]}, expected (1, 28, 28)"
        )
    finite(samples)
    if samples.min() < low - 1e-5 or samples.max() > 1 + 1e-5:
        raise InputError(
            f"the generator draws pixels from {samples.min():g} to {samples.max():g}, expected "
            f"{low:g} to 1"
        )
    return np.clip((samples - low) / (1 - low), 0, 1)


def finite(samples: np.ndarray) -> np.ndarray:
    """Return `samples` (N, ...).

    Raises InputError for NaN and infinity."""
    bad = ~np.isfinite(samples.reshape(len(samples), -1)).all(axis=1)
    if bad.any():
        raise InputError(
            f"the generator draws NaN or infinity, in {bad.sum()} of {len(samples)} samples: its "
            "training diverged; train again with lower --lr-d and --lr-g"
        )
    return samples


def controls(real: Real, *, rng: Rng) -> Iterator[tuple[str, np.ndarray]]:
    """The reference row and the controls, by name: image sets of the reference's size."""
    n = len(real.reference)
    yield FLOOR, real.other
    k = min(n, len(real.training) // 5)
    centroids, counts = kmeans(real.training, k, rng=rng)
    drawn = rng.choice(k, n, p=counts / counts.sum())
    yield "k-means", centroids[drawn].astype(np.float32)
    ones = np.flatnonzero(real.labels == 1)
    yield "one class alone", real.training[rng.choice(ones, n, replace=len(ones) < n)]
    yield "noise", rng.random(real.reference.shape, dtype=np.float32)


class Ruler:
    """Real images on the classifier's backend, with all that is computed from them once."""

    def __init__(self, real: Real, classifier: Classifier) -> None:
        self.classifier, self.held_out = classifier, real.held_out
        self.features, _ = classifier(real.reference)
        self.reference, self.validation = self.placed(real.reference), self.placed(real.validation)
        self.radii, self.pixel_radii = radii(self.features, K), radii(self.reference, K)
        if real.held_out:
            self.training = self.placed(real.training)
            self.held = nearest_distances(self.reference, self.training)

    def placed(self, images: np.ndarray) -> Any:
        """Images on the classifier's backend."""
        return place(images, self.features)


def measures(samples: np.ndarray, ruler: Ruler, *, rng: Rng) -> dict[str, float]:
    """All metrics of images (N, 1, 28, 28) in [0, 1], except those of `memorized`, by their names
    in `report.COLUMNS`; "at_edge" is 1 if Parzen's sigma is at the edge of its grid."""
    features, p = ruler.classifier(samples)
    images = ruler.placed(samples)
    size = min(1000, len(samples) // 2)  # if all subsets were equal, the error would be 0
    distance = kid(ruler.features, features, rng=rng, size=size)
    near = precision_recall(ruler.features, features, K, real_radii=ruler.radii)
    in_pixels = precision_recall(ruler.reference, images, K, real_radii=ruler.pixel_radii)
    window = parzen(images, ruler.validation, ruler.reference)
    return {
        **{f"class_{c}": float(count) for c, count in enumerate(class_counts(p))},
        "class_kl": class_kl(p),
        "score": classifier_score(p),
        "mean_square": float((features**2).mean()),
        "frechet": frechet_distance(ruler.features, features),
        "kid": distance.mean,
        "kid_error": distance.standard_error,
        **near._asdict(),
        **{f"pixel_{name}": value for name, value in in_pixels._asdict().items()},
        "duplicates": duplicates(samples),
        "parzen": window.mean,
        "parzen_error": window.standard_error,
        "sigma": window.sigma,
        "at_edge": float(window.at_edge),
    }


def memorized(near: np.ndarray, held: np.ndarray) -> dict[str, float]:
    """The memorization test from nearest-neighbor distances of samples (N,) and of held-out images
    (M,)."""
    found = compare(near, held)
    return {"nearest": found.sample_distance, "closer": found.closer, "copying_z": found.z}


def evaluate(
    samples: np.ndarray,
    real: Real,
    classifier: Classifier,
    *,
    rng: Rng,
    echo: Callable[[str], object] = lambda name: None,
) -> dict[str, dict[str, float]]:
    """The `measures` of the samples ("this run"), the reference and every control, by name. `echo`
    is called with each name first. With held-out images, `memorized` too: its reference compares
    one half of them with the other, and its control is training images ("one class alone"), which
    it must detect."""
    ruler, rows = Ruler(real, classifier), {}
    for name, images in ((OURS, samples), *controls(real, rng=rng)):
        echo(name)
        rows[name] = measures(images, ruler, rng=rng)
        if real.held_out:
            near, held = ruler.held[::2], ruler.held[1::2]
            if name != FLOOR:
                near = nearest_distances(ruler.placed(images), ruler.training)
                held = ruler.held
            rows[name] |= memorized(near, held)
    return rows
