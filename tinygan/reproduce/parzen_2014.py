"""The MNIST row of Table 1 of Goodfellow et al. 2014: 225 +- 2, by the authors' own code.

goodfeli/adversarial, mnist.yaml: G 100-1200-1200-784, D of maxout 240x5 twice with dropout, SGD
with both steps at once (their Algorithm 1 takes turns, their code does not), learning rate
.1 / 1.000004^t and no less than 1e-6, momentum .5 to .7 over 250 epochs, batches of 100 from the
first 50,000 images, D's loss halved. The number: 10,000 samples, sigma by the validation images
50,000 to 50,999, mean over the test images (parzen_ll.py). They do not say when they stopped; here
it is after `epochs`, and the best epoch by the validation images from 51,000 on is told as well.

Two controls stand beside it: 10,000 real training images, and as many averages of k-means.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from itertools import islice

import numpy as np

from .. import gan, models
from ..data import Minibatches, load
from ..metrics.kmeans import kmeans
from ..metrics.parzen import log_likelihoods, parzen
from ..nn import Linear
from ..ops import softplus
from ..optim import SGD, exponential_decay, linear
from ..tensor import no_grad
from .finding import Finding, near

__all__ = ["run"]

BATCH, KNOWN, SAMPLES = 100, 50_000, 10_000


def run(seed: int, told: Callable[[str], object], epochs: int = 60) -> list[Finding]:
    """Train for so many epochs, asking for the log-likelihood every fifth of them."""
    train, test = (load("mnist", split).images for split in ("train", "test"))
    pixels, x_test = _flat(train), _flat(test)
    validation, stopping = pixels[KNOWN : KNOWN + 1000], pixels[KNOWN + 1000 :]
    rng = np.random.default_rng(seed)
    pair = models.build("mlp-2014", (1, 28, 28), rng=rng)
    _start_output(pair, pixels[:KNOWN])
    steps = KNOWN // BATCH
    # In updates: the first epoch has .5, the 250th .7.
    momentum = _by_epoch(linear(0.5, 0.7, 249), steps)
    rate = exponential_decay(0.1, 1.000004, 1e-6)
    players = (SGD(net.parameters(), rate, momentum) for net in (pair.G, pair.D))
    data = Minibatches(train[:KNOWN], rng=rng, low=0.0)
    opt_g, opt_d = players
    rounds = gan.play_simultaneously(
        halved(), pair.G, pair.D, data, pair.noise(rng), opt_g, opt_d, m=BATCH
    )
    z = pair.noise(np.random.default_rng([seed, 1]))(SAMPLES)  # the same for every epoch
    curve, best, chosen = [], -math.inf, math.nan
    for epoch in range(1, epochs + 1):
        last = deque(islice(rounds, steps), maxlen=1)[0]
        if epoch % 5 and epoch != epochs:
            continue
        with no_grad(), pair.G.evaluating():
            samples = pair.G(z).numpy().reshape(SAMPLES, -1)
        if not np.isfinite(samples).all():
            told(f"epoch {epoch}: diverged")
            break
        result = parzen(samples, validation, x_test)
        (held,) = log_likelihoods(samples, stopping[:2000], [result.sigma])
        curve.append(result.mean)
        if held.mean() > best:
            best, chosen = float(held.mean()), result.mean
        told(f"epoch {epoch}: log-likelihood {result.mean:.1f} +- {result.standard_error:.1f} "
             f"(sigma {result.sigma:.3f}), loss of D {last.d_loss.item():.3f}")  # fmt: skip
    real, table = _controls(pixels, validation, x_test, rng)
    return [
        near("adversarial nets, last epoch", curve[-1] if curve else math.nan, 225, 2),
        Finding("adversarial nets, best epoch by validation", chosen, "225 +- 2", None),
        near("10,000 real training images", real, 242.5, 3),
        near("10,000 averages of k-means", table, 317, 5),
    ]


def halved() -> gan.Game:
    """The non-saturating game, of which D pays half, as in the code's cost."""
    return gan.non_saturating._replace(
        real=lambda l: softplus(-l) / 2, fake=lambda l: softplus(l) / 2
    )


def _by_epoch(schedule: Callable[[int], float], steps: int) -> Callable[[int], float]:
    return lambda t: schedule(t // steps)


def _start_output(pair: models.Pair, pixels: np.ndarray) -> None:
    """G begins at the mean image: its last bias is the logit of each pixel's mean."""
    mean = np.clip(pixels.mean(axis=0), 1e-7, 1 - 1e-7)
    last = [layer for layer in pair.G.modules() if isinstance(layer, Linear)][-1]
    assert last.bias is not None
    last.bias.data[...] = np.log(mean / (1 - mean)).astype(np.float32)


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32) / 255


def _controls(
    pixels: np.ndarray, validation: np.ndarray, test: np.ndarray, rng: np.random.Generator
) -> tuple[float, float]:
    """What real images score, and the averages of k-means, drawn by the size of their clusters."""
    known = pixels[:KNOWN]
    real = known[rng.choice(KNOWN, SAMPLES, replace=False)]
    centroids, counts = kmeans(known, SAMPLES, rng=rng)
    drawn = centroids[rng.choice(SAMPLES, SAMPLES, p=counts / counts.sum())]
    return tuple(parzen(x, validation, test).mean for x in (real, drawn))  # type: ignore[return-value]
