"""The report of a class-conditional GAN: pictures, and GAN-test and GAN-train with controls."""

from collections.abc import Callable, Mapping

import numpy as np

from .. import plots
from ..data import Dataset
from ..metrics.classifier_scores import gan_test, gan_train
from .example import Example

Draw = Callable[[int], tuple[np.ndarray, np.ndarray]]


def save_classes(
    run: Example, title: str, snapshots: Mapping[str, np.ndarray], draw: Draw, test: Dataset
) -> None:
    """Save pictures of a GAN called `title`: samples of each class next to real images, and its
    snapshots, each of one sample of each class."""
    images, labels = images_and_labels(test)
    names = test.classes or ()
    real = [images[labels == k][:4] for k in range(len(names))]
    samples, requested = draw(10 * len(names))
    rows = {
        name: np.concatenate([real[k], samples[requested == k]]) for k, name in enumerate(names)
    }
    heads = ["real"] * 4 + ["sample"] * 10
    about = f"{title}: real images and samples of each class"
    picture = plots.rows(rows, 14, 0, title=about, column_labels=heads)
    run.save("classes", picture, "real images and samples of each class")
    rows = {**snapshots, "real images": np.stack([each[0] for each in real])}
    about = f"{title}: samples of G for each class during training (the same noise in a column)"
    picture = plots.rows(rows, len(names), 0, title=about, column_labels=names)
    run.save("training", picture, "samples of each class after four numbers of rounds, real images")


def report_classes(
    run: Example, untrained: Draw, draw: Draw, train: Dataset, test: Dataset
) -> list[str]:
    """Record GAN-test and GAN-train of a trained G, and return sentences about them. draw(n)
    returns n samples (n, C, H, W) in [0, 1] and the labels (n,) that were requested, sorted."""
    classifier, k = run.classifier(train), len(train.classes or ())
    known, tests = (images_and_labels(part) for part in (train, test))
    n, pairs = run.many(2000), run.many(60_000 if run.full else 4000)
    samples, requested = draw(n)
    others = np.roll(requested, n // k)  # sorted labels: n / k further, another class begins
    real = classifier.accuracy(*tests)
    tested = gan_test(classifier, samples, requested)
    controls = {
        "untrained": gan_test(classifier, *untrained(n)),
        "with the labels of other classes": gan_test(classifier, samples, others),
        "real images": real,
    }
    minimum = (0.95 if run.full else 0.7) * real
    run.found("GAN-test", tested, at_least=minimum, compare=controls)

    samples, requested = draw(pairs)
    firsts = np.searchsorted(requested, requested)  # at each label, the first sample of the class
    chosen = np.random.default_rng(run.seed).permutation(len(known[0]))[:pairs]
    ours, single, full = (
        gan_train(*learned, *tests, rng=np.random.default_rng(run.seed), classes=k)
        for learned in (
            (samples, requested),
            (samples[firsts], requested),
            (known[0][chosen], known[1][chosen]),
        )
    )
    controls = {"one sample of each class, repeated": single, "as many real images": full}
    run.found("GAN-train", ours, at_least=0.9 if run.full else single + 0.05, compare=controls)
    learns = "has learned" if tested >= minimum else "has not learned well"
    if ours > 0.9 * full:
        varied = "the samples of a class have nearly the variety of real images"
    else:
        varied = "samples lack some of the variety of real images, or some show another class"
    return [
        f"GAN-test: a classifier of real images finds the requested class in {tested:.0%} of the "
        f"samples, and the right one in {real:.1%} of real images. So G {learns} what a label "
        "means.",
        f"GAN-train: a classifier that is trained on samples alone recognizes {ours:.0%} of real "
        f"images. If it is trained on one sample of each class, it recognizes {single:.0%}; on as "
        f"many real images, {full:.0%}. So {varied}.",
    ]


def images_and_labels(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The images of a data set in [0, 1], and their labels."""
    images, labels = data.labeled()
    return images.astype(np.float32) / 255, labels
