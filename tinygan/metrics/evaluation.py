"""evaluate: every measure of a run's samples, each between its floor and its controls.

A number means something beside others only: what real images score at the same size (the floor),
and what sets score that are known to be bad: the averages of k-means, one class alone, noise. A
measure that likes one of those better than the samples says nothing good of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..backend import Rng
from ..data import load
from ..errors import InputError, choose
from .classifier import Classifier
from .copies import copying, duplicates
from .frechet import frechet_distance
from .kid import kid
from .kmeans import kmeans
from .manifold import manifold
from .parzen import parzen
from .scores import class_counts, class_kl, classifier_score

__all__ = ["AGAINST", "COLUMNS", "Real", "controls", "evaluate", "measures", "real", "warnings"]

AGAINST = ("test", "train")
LEAST = 1000  # samples
COLUMNS = {  # by name: what a table calls it, and whether more is better
    "class_kl": ("class KL", False),
    "score": ("score", True),
    "frechet": ("Frechet", False),
    "kid": ("KID", False),
    "precision": ("precision", True),
    "recall": ("recall", True),
    "density": ("density", None),
    "coverage": ("coverage", True),
    "pixel_precision": ("precision, pixels", True),
    "pixel_recall": ("recall, pixels", True),
    "pixel_density": ("density, pixels", None),
    "pixel_coverage": ("coverage, pixels", True),
    "nearest": ("nearest training image", None),
    "closer": ("nearer than held out", None),
    "copying_z": ("copying z", None),
    "duplicates": ("duplicates", False),
    "parzen": ("Parzen", None),
}


class Real(NamedTuple):
    """Real images in [0, 1], (N, 1, 28, 28): those that samples are held against, others of the
    same number that are their floor, those for Parzen's sigma, and the training images."""

    reference: np.ndarray
    other: np.ndarray
    validation: np.ndarray
    training: np.ndarray
    labels: np.ndarray  # of the training images
    held_out: bool  # was the reference kept from training?


def real(name: str, against: str, n: int, *, rng: Rng) -> Real:
    """The images for a run on the data `name`: its test split (for "digits" MNIST's, whose training
    images they are among), or with "train" two halves of what it was trained on.

    Raises InputError for data without labelled images of 28x28, for fewer images than `LEAST`, or
    if the test images cannot be had."""
    choose("--against", against, AGAINST)
    if name not in ("digits", "mnist", "fashion-mnist"):
        raise InputError(
            f"evaluate: knows runs on digits, mnist and fashion-mnist, this one is on {name}"
        )
    known = load(name)
    assert known.labels is not None
    training, labels = _scaled(known.images), known.labels
    order = rng.permutation(len(training))
    if against == "test":
        reference = _scaled(load("mnist" if name == "digits" else name, "test").images)
        n = min(n, len(reference), len(training) - 1000)
        reference = reference[rng.permutation(len(reference))[:n]]
        other = training[order[:n]]
    else:
        n = min(n, (len(training) - 1000) // 2)
        reference, other = training[order[:n]], training[order[n : 2 * n]]
    if n < LEAST:
        raise InputError(f"--n: expected at least {LEAST} samples, got {n}")
    validation = training[order[-1000:]]
    return Real(reference, other, validation, training, labels, against == "test")


def _scaled(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / 255


def controls(real: Real, *, rng: Rng) -> Iterator[tuple[str, np.ndarray]]:
    """Sets of the reference's size whose worth is known: by name, the images."""
    n = len(real.reference)
    yield "real images", real.other
    k = min(n, len(real.training) // 5)
    centroids, counts = kmeans(real.training, k, rng=rng)
    drawn = rng.choice(k, n, p=counts / counts.sum())
    yield "k-means", centroids[drawn].astype(np.float32)
    ones = np.flatnonzero(real.labels == 1)
    yield "one class alone", real.training[rng.choice(ones, n, replace=len(ones) < n)]
    yield "noise", rng.random(real.reference.shape, dtype=np.float32)


def measures(samples: np.ndarray, real: Real, judge: Classifier, *, rng: Rng) -> dict[str, float]:
    """All measures of images (N, 1, 28, 28) in [0, 1] by their names in `COLUMNS`, with "sigma" and
    "at_edge" of Parzen's window and the classes' counts "class_0" and so on."""
    p = judge.probabilities(samples)
    features, wanted = judge.features(samples), judge.features(real.reference)
    size = min(1000, len(samples), len(wanted))
    in_features, in_pixels = manifold(wanted, features), manifold(real.reference, samples)
    window = parzen(samples, real.validation, real.reference)
    found = {
        "class_kl": class_kl(p),
        "score": classifier_score(p),
        "frechet": frechet_distance(wanted, features),
        "kid": kid(wanted, features, rng=rng, size=size).mean,
        **in_features._asdict(),
        **{f"pixel_{name}": value for name, value in in_pixels._asdict().items()},
        "duplicates": duplicates(samples),
        "parzen": window.mean,
        "sigma": window.sigma,
        "at_edge": float(window.at_edge),
        **{f"class_{c}": float(count) for c, count in enumerate(class_counts(p))},
    }
    if real.held_out:
        copied = copying(samples, real.training, real.reference)
        found["nearest"], found["closer"] = copied.sample_distance, copied.closer
        found["copying_z"] = copied.z
    return found


def evaluate(
    samples: np.ndarray,
    real: Real,
    judge: Classifier,
    *,
    rng: Rng,
    told: Callable[[str], object] = lambda name: None,
) -> dict[str, dict[str, float]]:
    """`measures` of the samples ("this run") and of every control, by their names; `told` hears the
    name of each before it is measured. A control that holds images of the training set cannot be
    asked whether it copies them."""
    rows = {}
    for name, images in (("this run", samples), *controls(real, rng=rng)):
        told(name)
        rows[name] = measures(images, real, judge, rng=rng)
        if name in ("real images", "one class alone"):
            for column in ("nearest", "closer", "copying_z"):
                rows[name].pop(column, None)
    return rows


def warnings(rows: dict[str, dict[str, float]]) -> list[str]:
    """What the numbers of "this run" must not be read without, in plain words."""
    ours, floor, table = rows["this run"], rows["real images"], rows["k-means"]
    said = []
    for prefix, where in (("", "in features"), ("pixel_", "in pixels")):
        if ours[f"{prefix}density"] > 1.2:
            said.append(
                f"density {ours[f'{prefix}density']:.2f} {where} is over 1.2: the samples crowd "
                "where real images are dense, as averages do"
            )
        if ours[f"{prefix}recall"] < 0.9 * floor[f"{prefix}recall"]:
            said.append(
                f"recall {ours[f'{prefix}recall']:.2f} {where} is under its floor "
                f"{floor[f'{prefix}recall']:.2f}: some real images have nothing like them among "
                "the samples"
            )
    if ours["at_edge"]:
        said.append(
            f"sigma {ours['sigma']:g} is at the edge of its grid: the log-likelihood may be better "
            "beyond it"
        )
    said.append(
        f"a Parzen log-likelihood is worth little: real images score {floor['parzen']:.1f} and the "
        f"averages of k-means {table['parzen']:.1f}"
    )
    if ours.get("copying_z", 0) > 3:
        said.append(
            f"copying z {ours['copying_z']:.1f} is over 3: the samples are nearer to the training "
            "images than other real images are; copies, or averages"
        )
    if ours["duplicates"] > 0:
        said.append(f"{ours['duplicates']:.1%} of the samples equal another one in 8 bits")
    return said


def table(rows: dict[str, dict[str, float]]) -> str:
    """A line for each measure, a column for each set."""
    names = list(rows)
    widths = [max(10, len(name)) for name in names]
    first = max(len(title) for title, _ in COLUMNS.values())
    lines = [" " * first + "".join(f"  {n:>{w}}" for n, w in zip(names, widths, strict=True))]
    for column, (title, _) in COLUMNS.items():
        if not any(column in row for row in rows.values()):
            continue
        cells = [_shown(rows[n].get(column)) for n in names]
        lines.append(
            f"{title:<{first}}" + "".join(f"  {c:>{w}}" for c, w in zip(cells, widths, strict=True))
        )
    return "\n".join(lines)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.3f}"
