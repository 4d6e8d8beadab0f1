"""Conditional GANs on MNIST: the log-likelihood of Mirza and Osindero 2014, and tests of whether
the samples show the digits of their labels.

CGAN: their perceptrons, with BatchNorm in G and with Adam (`models.cgan.cgan_mlp`), because their
SGD collapsed after 10 epochs. The rest is as in `recipe_2014`: simultaneous steps, half of D's
loss, G starts at the mean image, minibatches of 100 of the first 50,000 images. The log-likelihood
is that of 1000 samples of each class; their Table 1 has 132 +- 1.8.

AC-GAN (Odena et al. 2017): a DCGAN of half the usual width whose D also predicts the class; Adam,
minibatches of 64 of all 60,000 images, a third of the epochs. They publish no figure for MNIST.

Both are also measured by GAN-test with 10,000 samples and GAN-train with 60,000
(`metrics.classifier_scores`).
"""

from collections.abc import Callable

import numpy as np

from ... import gan
from ...backend import Rng
from ...data import Minibatches, load
from ...gan.variants.conditional import auxiliary_classifier
from ...metrics.classifier import Classifier
from ...metrics.classifier_scores import gan_test, gan_train_test
from ...metrics.parzen import log_likelihoods, parzen
from ...models import Pair
from ...models.cgan import acgan28, cgan_mlp, labeled_players, labeled_samples
from ...optim import EMA
from ..results import Result, SeedResults
from ..rounds import averaged, play_epochs
from .recipe_2014 import BATCH, flat, halved, start_at_mean

CLASSES, SHAPE = 10, (1, 28, 28)
KNOWN, SAMPLES, PAIRS = 50_000, 10_000, 60_000
EVERY, AC_BATCH = 5, 64  # epochs between two measurements; images in a minibatch of AC-GAN

Echo = Callable[[str], object]


def run(seed: int, echo: Echo, backend: str, epochs: int = 30) -> SeedResults:
    """Train CGAN for `epochs` epochs and AC-GAN for a third of them; measure both."""
    (images, labels), (test, test_labels) = (
        load("mnist", split).labeled() for split in ("train", "test")
    )
    real = test.astype(np.float32) / 255, test_labels
    rng, classifier = np.random.default_rng(seed), Classifier.shipped()
    mlp, curves = cgan(images, labels, flat(test), rng, echo, backend, epochs)
    likelihood = curves["log_likelihood"][int(np.argmax(curves["validation"]))]
    results = [
        Result("real test images, accuracy of the classifier", gan_test(classifier, *real)),
        Result("CGAN: Parzen log-likelihood, best epoch by validation", likelihood,
                "132 +- 1.8; at least 150", likelihood >= 150),
    ]  # fmt: skip
    convolutional = acgan(images, labels, rng, echo, backend, -(-epochs // 3))
    for name, pair in ("CGAN", mlp), ("AC-GAN", convolutional):
        draw = lambda n, pair=pair: labeled_samples(pair, n, SHAPE, CLASSES, rng=rng)  # noqa: E731
        found = gan_train_test(draw, real, classifier, rng=rng, n=SAMPLES, pairs=PAIRS)
        fidelity, diversity = found.gan_test, found.gan_train
        echo(f"seed {seed}, {name}: GAN-test {fidelity:.2%}, GAN-train {diversity:.2%}")
        results += [
            Result(f"{name}: GAN-test", fidelity, "at least .95", fidelity >= 0.95),
            Result(f"{name}: GAN-train", diversity, "at least .90", diversity >= 0.90),
        ]
    return SeedResults(results, curves)


def cgan(
    images: np.ndarray, labels: np.ndarray, test: np.ndarray, rng: Rng, echo: Echo, backend: str,
    n: int,
) -> tuple[Pair, dict[str, list[float]]]:  # fmt: skip
    """Train CGAN for n epochs on the first KNOWN images (uint8). Return the pair, with G from the
    epoch at which the validation images are most likely, and the log-likelihoods over epochs."""
    pair = cgan_mlp(SHAPE, CLASSES, rng=rng)
    start_at_mean(pair.G, flat(images[:KNOWN]))
    pair.to(backend)
    data = Minibatches(images[:KNOWN], labels=labels[:KNOWN], rng=rng, low=0.0, backend=backend)
    players = labeled_players(pair, data, CLASSES, rng)
    start = lambda: gan.play_simultaneously(halved(), *players, m=BATCH)  # noqa: E731
    curves: dict[str, list[float]] = {"epoch": [], "log_likelihood": [], "validation": []}
    for epoch, _ in play_epochs(start, n, KNOWN // BATCH, backend, EVERY):
        own_rng = np.random.default_rng([epoch, 1])  # so that measuring does not change training
        samples = labeled_samples(pair, SAMPLES, SHAPE, CLASSES, rng=own_rng)[0]
        samples = samples.reshape(SAMPLES, -1)
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
    images: np.ndarray, labels: np.ndarray, rng: Rng, echo: Echo, backend: str, n: int
) -> Pair:
    """Train AC-GAN on all images for n epochs. Its G is a moving average of the trained one."""
    pair = acgan28(SHAPE, CLASSES, rng=rng)
    data = Minibatches(images, labels=labels, rng=rng, backend=backend)
    players = labeled_players(pair.to(backend), data, CLASSES, rng)
    game, ema = auxiliary_classifier(gan.non_saturating), EMA(pair.G, 0.999)
    start = lambda: averaged(gan.play(game, *players, m=AC_BATCH), ema)  # noqa: E731
    for epoch, last in play_epochs(start, n, len(images) // AC_BATCH, backend):
        echo(f"AC-GAN, epoch {epoch}: losses {last.d_loss.item():.2f}, {last.g_loss.item():.2f}")
    return pair._replace(G=ema.module)
