"""Conditional GANs on MNIST: the log-likelihood of Mirza and Osindero 2014, and whether the digits
are those that were asked for.

CGAN is their pair of perceptrons, but for what `models.conditional.cgan_mlp` says: BatchNorm in G,
and Adam, since by their SGD it had collapsed after 10 epochs. The rest is as in `recipe_2014`: both
steps at once, D's loss halved, G begins at the mean image, batches of 100 of the first 50,000
images; 1000 samples of each class, measured as the 2014 GAN's: 132 +- 1.8 in their Table 1.
AC-GAN (Odena et al. 2017) is a DCGAN of half the usual width whose D names the class; Adam, batches
of 64; a third of the epochs, on all 60,000 images. They publish no figure on MNIST. Of both:
GAN-test of 10,000 samples, and GAN-train of 60,000 (see `metrics.labeled`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np

from ... import gan
from ...backend import Rng
from ...backend.graph_replay import captured
from ...data import Minibatches, load
from ...gan.variants.conditional import auxiliary_classifier
from ...metrics.classifier import Classifier
from ...metrics.classifier_scores import gan_test, gan_train_test
from ...metrics.parzen import log_likelihoods, parzen
from ...models import Pair
from ...models.cgan import acgan28, cgan_mlp, labeled_players, labeled_samples
from ...optim import EMA
from ..results import Result, SeedResults
from .recipe_2014 import BATCH, flat, halved, start_at_mean

__all__ = ["acgan", "cgan", "run"]

CLASSES, SHAPE = 10, (1, 28, 28)
KNOWN, SAMPLES, PAIRS = 50_000, 10_000, 60_000
EVERY, AC_BATCH = 5, 64  # epochs between two looks; images in a minibatch of AC-GAN

Echo = Callable[[str], object]


def run(seed: int, echo: Echo, backend: str, epochs: int = 30) -> SeedResults:
    """CGAN for so many epochs, AC-GAN for a third as many."""
    (images, labels), (test, test_labels) = (
        load("mnist", split).labeled() for split in ("train", "test")
    )
    real = test.astype(np.float32) / 255, test_labels
    rng, classifier = np.random.default_rng(seed), Classifier.shipped()
    mlp, curves = cgan(images, labels, flat(test), rng, echo, backend, epochs)
    likelihood = curves["log_likelihood"][int(np.argmax(curves["validation"]))]
    findings = [
        Result("real test images, by the classifier of the measures", gan_test(classifier, *real)),
        Result("CGAN: Parzen log-likelihood, best epoch by validation", likelihood,
                "132 +- 1.8; at least 150", likelihood >= 150),
    ]  # fmt: skip
    convolutional = acgan(images, labels, rng, echo, backend, -(-epochs // 3))
    for name, pair in ("CGAN", mlp), ("AC-GAN", convolutional):
        draw = lambda n, pair=pair: labeled_samples(pair, n, SHAPE, CLASSES, rng=rng)  # noqa: E731
        found = gan_train_test(draw, real, classifier, rng=rng, n=SAMPLES, pairs=PAIRS)
        asked, learned = found.gan_test, found.gan_train
        echo(f"seed {seed}, {name}: GAN-test {asked:.2%}, GAN-train {learned:.2%}")
        findings += [
            Result(f"{name}: GAN-test", asked, "at least .95", asked >= 0.95),
            Result(f"{name}: GAN-train", learned, "at least .90", learned >= 0.90),
        ]
    return SeedResults(findings, curves)


def cgan(
    images: np.ndarray, labels: np.ndarray, test: np.ndarray, rng: Rng, echo: Echo, backend: str,
    epochs: int,
) -> tuple[Pair, dict[str, list[float]]]:  # fmt: skip
    """Train the pair on the first KNOWN of uint8 images; its generator at the epoch that the
    validation images like best, and what was seen on the way: the log-likelihood of `test`."""
    pair = cgan_mlp(SHAPE, CLASSES, rng=rng)
    start_at_mean(pair.G, flat(images[:KNOWN]))
    pair.to(backend)
    data = Minibatches(images[:KNOWN], labels=labels[:KNOWN], rng=rng, low=0.0, backend=backend)
    sides, epoch_of = labeled_players(pair, data, CLASSES, rng), KNOWN // BATCH
    training = captured(lambda: gan.play_simultaneously(halved(), *sides, m=BATCH), backend)
    curves: dict[str, list[float]] = {"epoch": [], "log_likelihood": [], "validation": []}
    for epoch in range(1, epochs + 1):
        deque(islice(training, epoch_of), maxlen=0)
        if epoch % EVERY and epoch != epochs:
            continue
        look = np.random.default_rng([epoch, 1])  # so that looking changes nothing
        samples = labeled_samples(pair, SAMPLES, SHAPE, CLASSES, rng=look)[0].reshape(SAMPLES, -1)
        found = parzen(samples, flat(images[KNOWN : KNOWN + 1000]), test)
        (held,) = log_likelihoods(samples, flat(images[KNOWN + 1000 :][:2000]), [found.sigma])
        if held.mean() >= max(curves["validation"], default=-np.inf):
            best = pair.G.state_dict()
        for name, figure in zip(curves, (epoch, found.mean, float(held.mean())), strict=True):
            curves[name].append(figure)
        echo(f"CGAN, epoch {epoch}: log-likelihood {found.mean:.1f} (sigma {found.sigma:.3f})")
    pair.G.load_state_dict(best)
    return pair, curves


def acgan(
    images: np.ndarray, labels: np.ndarray, rng: Rng, echo: Echo, backend: str, epochs: int
) -> Pair:
    """Train AC-GAN on all the images; its generator is the average over the last rounds."""
    pair = acgan28(SHAPE, CLASSES, rng=rng)
    data = Minibatches(images, labels=labels, rng=rng, backend=backend)
    players = labeled_players(pair.to(backend), data, CLASSES, rng)
    game, ema = auxiliary_classifier(gan.non_saturating), EMA(pair.G, 0.999)

    def averaged() -> Iterator[gan.Round]:
        for result in gan.play(game, *players, m=AC_BATCH):
            ema.update()
            yield result

    training = captured(averaged, backend)
    for epoch in range(1, epochs + 1):
        last = deque(islice(training, len(images) // AC_BATCH), maxlen=1)[0]
        echo(f"AC-GAN, epoch {epoch}: losses {last.d_loss.item():.2f}, {last.g_loss.item():.2f}")
    return pair._replace(G=ema.module)
