"""The figures of a class-conditional GAN: GAN-test and GAN-train, each with its controls."""

from collections.abc import Callable

import numpy as np

from ..data import Dataset
from ..metrics.classifier_scores import gan_test, gan_train
from .example import Example

Draw = Callable[[int], tuple[np.ndarray, np.ndarray]]


def report_classes(
    run: Example, untrained: Draw, draw: Draw, learned: Dataset, test: Dataset
) -> list[str]:
    """Record GAN-test and GAN-train of a trained G, and return sentences about them. draw(n)
    returns n samples (n, C, H, W) in [0, 1] and the labels (n,) that were requested, sorted."""
    classifier, k = run.classifier(learned), len(learned.classes or ())
    images, labels = (images_and_labels(part) for part in (learned, test))
    n, pairs = run.many(2000), run.many(60_000 if run.full else 4000)
    made, requested = draw(n)
    other = np.roll(requested, n // k)
    ceiling = classifier.accuracy(*labels)
    tested = gan_test(classifier, made, requested)
    controls = {
        "untrained": gan_test(classifier, *untrained(n)),
        "with the labels of other classes": gan_test(classifier, made, other),
        "real images": ceiling,
    }
    minimum = 0.95 if run.full else 0.7
    run.found("GAN-test", tested, at_least=minimum, compare=controls)

    drawn, wanted = draw(pairs)
    some = np.random.default_rng(run.seed).permutation(len(images[0]))[:pairs]
    first = drawn[np.searchsorted(wanted, wanted)]  # of each class, the first sample
    trained = {
        name: gan_train(*sample, *labels, rng=np.random.default_rng(run.seed))
        for name, sample in {
            "samples": (drawn, wanted),
            "one sample of each class, repeated": (first, wanted),
            "as many real images": (images[0][some], images[1][some]),
        }.items()
    }
    ours = trained.pop("samples")
    single, real = trained.values()
    run.found("GAN-train", ours, at_least=0.9 if run.full else single + 0.05, compare=trained)
    learns = "has learned" if tested >= minimum else "has not learned well"
    varied = "nearly as varied as real images" if ours > 0.9 * real else "less varied than they are"
    return [
        f"A classifier finds the requested class in {tested:.0%} of the samples, and in "
        f"{ceiling:.1%} of real images: G {learns} what a label means.",
        f"A classifier trained on samples alone recognizes {ours:.0%} of real images; with one "
        f"sample of each class it recognizes {single:.0%}, with as many real images {real:.0%}. So "
        f"the samples of a class are {varied}.",
    ]


def images_and_labels(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The images of a data set in [0, 1], and their labels."""
    images, labels = data.labeled()
    return images.astype(np.float32) / 255, labels
