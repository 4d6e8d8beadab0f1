"""Evaluate a run: all metrics of its samples, of a reference and of controls.

A value means something only in comparison: with real images at the same N (the reference), and with
controls, which are known to be bad: averages by k-means or blur, one class alone, noise. If a
metric prefers a control to the samples, a good value is no evidence of good samples.

`METRICS` has a row for each metric. To add a metric, write a function and its row.
"""

import math
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import NamedTuple, TypeAlias

import numpy as np

from ..backend import Array, Rng, place
from .classifier import CLASSES, Classifier
from .classifier_scores import class_counts, class_kl, classifier_score
from .frechet import frechet_distance, kid
from .image_sets import REFERENCE, Real, controls
from .memorization import compare, duplicates, nearest_distances
from .parzen import parzen
from .precision_recall import PrecisionRecall, precision_recall, radii
from .random_features import RandomFeatures

K = 5  # the nearest neighbors of `precision_recall`
OURS = "this run"  # the name of the first set

Row = Mapping[str, float]  # the values of one set, by the names of the metrics
Network: TypeAlias = Classifier | RandomFeatures  # whose features are compared


class RealSet:
    """Real images on the network's backend, with everything that is computed from them alone."""

    def __init__(self, real: Real, network: Network) -> None:
        self.network, self.held_out = network, real.held_out
        self.parzen = real.validation is not None
        self.features, _ = network(real.reference)
        self.pixels = self.placed(real.reference)
        self.radii, self.pixel_radii = radii(self.features, K), radii(self.pixels, K)
        if real.validation is not None:
            self.validation = self.placed(real.validation)
        if real.held_out:
            self.training = self.placed(real.training)
            self.distances = nearest_distances(self.pixels, self.training)

    def placed(self, images: np.ndarray) -> Array:
        """A copy of the images on the network's backend."""
        return place(images, self.features)


class SampleSet:
    """Images (N, C, H, W) in [0, 1] to compare with real ones, and results that several metrics
    use. If the images are the set "real images" (`reference`), the memorization test compares one
    half of the held-out images with the other half, since `images` themselves are training images.
    """

    def __init__(self, images: np.ndarray, real: RealSet, *, rng: Rng, reference: bool) -> None:
        self.images, self.real, pixels = images, real, real.placed(images)
        self.features, self.probabilities = real.network(images)
        size = min(1000, len(images) // 2)  # half: if all subsets were equal, the error would be 0
        self.kid = kid(real.features, self.features, rng=rng, size=size)
        self.in_features = precision_recall(real.features, self.features, K, real_radii=real.radii)
        self.in_pixels = precision_recall(real.pixels, pixels, K, real_radii=real.pixel_radii)
        if real.parzen:
            self.parzen = parzen(pixels, real.validation, real.pixels)
        if real.held_out:
            held_out = real.distances[1::2] if reference else real.distances
            near = real.distances[::2] if reference else nearest_distances(pixels, real.training)
            self.copying = compare(near, held_out)


class Metric(NamedTuple):
    """A row of the table: the name in evaluation.json, the title in the table ("" if it is not
    shown), the function, and which values are better: "less", "more", "as real", or "" if none are.

    `alarm` gets the values of a set and those of the reference, and returns whether the value can
    mislead; `finding` is the reason. `panel` is True if the picture shows the metric; `defined`
    returns whether the metric has a value, given the real images and their network."""

    name: str
    title: str
    value: Callable[[SampleSet], float]
    better: str = "as real"
    alarm: Callable[[Row, Row], bool] = lambda row, real: False
    finding: str = ""
    panel: bool = True
    defined: Callable[[RealSet], bool] = lambda real: True


COUNTS = [f"class_{c}" for c in range(CLASSES)]  # of more classes, there are no counts
CLASSIFIED, HELD_OUT, PARZEN = (
    attrgetter("network.classes"),
    attrgetter("held_out"),
    attrgetter("parzen"),
)


def _class_count(c: int) -> Metric:
    """The number of samples of class c."""
    return Metric(
        COUNTS[c],
        f"class {c}",
        lambda s: class_counts(s.probabilities)[c],
        alarm=lambda row, real: row[COUNTS[c]] > row["size"] / 2 > real[COUNTS[c]],
        finding="over half the samples: the generator has collapsed, or was given only this class",
        panel=False,
        defined=lambda real: c < real.network.classes <= CLASSES,
    )


def _precision_recall(prefix: str, suffix: str, space: str) -> list[Metric]:
    """Precision, recall, density and coverage in `space`, an attribute of `SampleSet`. The alarm
    for recall starts 4 standard errors sqrt(2 r (1 - r) / N) below the recall r of the reference,
    since the N samples are random."""
    precision, recall, density, coverage = (
        Metric(prefix + name, name + suffix, attrgetter(f"{space}.{name}"))
        for name in PrecisionRecall._fields
    )

    def low_recall(row: Row, real: Row) -> bool:
        r = real[recall.name]
        return row[recall.name] < r - 4 * math.sqrt(2 * r * (1 - r) / row["size"])

    return [
        precision._replace(
            alarm=lambda row, real: row[precision.name] < real[precision.name] / 2,
            finding="under half that of real images: most samples are unlike any real image",
        ),
        recall._replace(
            alarm=low_recall, finding="no sample is similar to some of the real images"
        ),
        density._replace(
            alarm=lambda row, real: row[density.name] > 1.2,
            finding="over 1.2: the samples are where real images are densest, as averages are",
        ),
        coverage,
    ]


def _high_parzen(row: Row, real: Row) -> bool:
    error = math.hypot(row["parzen_error"], real["parzen_error"])
    return row["parzen"] > real["parzen"] + 4 * error


METRICS = [
    Metric("size", "", lambda s: len(s.images), panel=False),
    *map(_class_count, range(CLASSES)),
    Metric("class_kl", "class KL", lambda s: class_kl(s.probabilities), "less", defined=CLASSIFIED),
    Metric(
        "score",
        "classifier score",
        lambda s: classifier_score(s.probabilities),
        "more",
        defined=CLASSIFIED,
    ),
    Metric("mean_square", "features, mean square", lambda s: (s.features**2).mean(), panel=False),
    Metric("frechet", "Frechet", lambda s: frechet_distance(s.real.features, s.features), "less"),
    Metric("kid", "KID", attrgetter("kid.mean"), "less"),
    Metric("kid_error", "KID, standard error", attrgetter("kid.standard_error"), "", panel=False),
    *_precision_recall("", "", "in_features"),
    *_precision_recall("pixel_", ", pixels", "in_pixels"),
    Metric(
        "nearest", "nearest training image", attrgetter("copying.sample_distance"), defined=HELD_OUT
    ),
    Metric("copies", "copies", attrgetter("copying.copies"), defined=HELD_OUT),
    Metric(
        "copying_z",
        "copying z",
        attrgetter("copying.z"),
        alarm=lambda row, real: row["copying_z"] > 3,
        finding="over 3: samples copy training images; a copy is at most half as far from one of "
        "them as from any other",
        defined=HELD_OUT,
    ),
    Metric(
        "duplicates",
        "duplicates",
        lambda s: duplicates(s.images),
        "less",
        alarm=lambda row, real: row["duplicates"] > 0,
        finding="the share of samples that equal another one in 8 bits",
    ),
    Metric(
        "parzen",
        "Parzen",
        attrgetter("parzen.mean"),
        alarm=_high_parzen,
        finding="over that of real images: the metric rewards averages",
        defined=PARZEN,
    ),
    Metric(
        "parzen_error",
        "Parzen, standard error",
        attrgetter("parzen.standard_error"),
        "",
        panel=False,
        defined=PARZEN,
    ),
    Metric(
        "sigma",
        "Parzen, sigma",
        attrgetter("parzen.sigma"),
        "",
        alarm=lambda row, real: row["at_edge"] > 0,
        finding="at the edge of its grid: the log-likelihood may be better beyond it",
        defined=PARZEN,
    ),
    Metric("at_edge", "", attrgetter("parzen.at_edge"), "", panel=False, defined=PARZEN),
]


def evaluate(
    samples: np.ndarray,
    real: Real,
    network: Network,
    *,
    rng: Rng,
    echo: Callable[[str], object] = lambda name: None,
) -> dict[str, dict[str, float]]:
    """All metrics of the samples ("this run"), of the reference ("real images") and of each
    control, by set and metric. `samples` are (N, C, H, W) in [0, 1]. `echo` is called with the
    name of each set before it is measured. The control "one class alone" consists of training
    images: with held-out images, the memorization test must detect it."""
    against, rows = RealSet(real, network), {}
    for name, images in ((OURS, samples), *controls(real, rng=rng)):
        echo(name)
        rows[name] = measure(SampleSet(images, against, rng=rng, reference=name == REFERENCE))
    return rows


def measure(samples: SampleSet) -> dict[str, float]:
    """All metrics of the samples, by name."""
    return {m.name: float(m.value(samples)) for m in METRICS if m.defined(samples.real)}
