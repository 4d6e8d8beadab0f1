"""The MNIST row of Table 1 of Goodfellow et al. 2014: 225 +- 2, by the authors' own code.

G is 100-1200-1200-784; D has two maxout layers 240x5 and dropout. They are trained on the first
50,000 images as in `recipe_2014`. The figure is the mean log-likelihood of the test images under a
Parzen window on 10,000 samples, with the sigma that is best for the validation images 50,000 to
50,999 (parzen_ll.py). The paper does not give the number of epochs; here the best epoch is chosen
by the validation images 51,000 to 52,999.

There are two controls: 10,000 real training images, and 10,000 centers of k-means.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ... import gan, models
from ...data import Minibatches, load
from ...metrics.kmeans import kmeans
from ...metrics.parzen import log_likelihoods, parzen
from ...storage import save_figure
from ...tensor import no_grad
from ..results import Result, SeedResults, near
from ..rounds import play_epochs
from .recipe_2014 import BATCH, flat, players, start_at_mean

KNOWN, SAMPLES = 50_000, 10_000
EVERY, PATIENCE = 5, 50  # epochs
CONTROLS = "10,000 real training images", "10,000 averages of k-means"


def run(seed: int, echo: Callable[[str], object], backend: str, epochs: int = 60) -> SeedResults:
    """Train for at most `epochs` epochs and measure after every EVERY epochs. Stop early if the
    likelihood of the validation images has not risen for PATIENCE epochs."""
    train, test = (load("mnist", split).images for split in ("train", "test"))
    pixels, x_test = flat(train), flat(test)
    validation, stopping = pixels[KNOWN : KNOWN + 1000], pixels[KNOWN + 1000 :][:2000]
    rng = np.random.default_rng(seed)
    pair = models.build("mlp-2014", (1, 28, 28), rng=rng)
    start_at_mean(pair.G, pixels[:KNOWN])
    pair.to(backend)
    z = pair.noise(np.random.default_rng([seed, 1]))(SAMPLES)  # the same for every epoch
    data = Minibatches(train[:KNOWN], rng=rng, low=0.0, backend=backend)
    sides = players(pair.G, pair.D, data, pair.noise(rng), KNOWN // BATCH)
    start = lambda: gan.play_simultaneously(*sides, m=BATCH)  # noqa: E731
    names = "epoch", "log_likelihood", "standard_error", "sigma", "validation"
    curves: dict[str, list[float]] = {name: [] for name in names}
    best = 0  # index into the curves
    for epoch, last in play_epochs(start, epochs, KNOWN // BATCH, backend, EVERY):
        with no_grad(), pair.G.evaluating():
            samples = pair.G(z).numpy().reshape(SAMPLES, -1)
        if not np.isfinite(samples).all():
            echo(f"seed {seed}, epoch {epoch}: diverged")
            break
        result = parzen(samples, validation, x_test)
        (held,) = log_likelihoods(samples, stopping, [result.sigma])
        row = epoch, result.mean, result.standard_error, result.sigma, float(held.mean())
        for name, figure in zip(names, row, strict=True):
            curves[name].append(figure)
        echo(f"seed {seed}, epoch {epoch}: log-likelihood {result.mean:.1f} "
             f"+- {result.standard_error:.1f} (sigma {result.sigma:.3f}), "
             f"loss of D {last.d_loss.item():.3f}")  # fmt: skip
        best = int(np.argmax(curves["validation"]))
        if epoch - curves["epoch"][best] >= PATIENCE:
            break
    reached = curves["log_likelihood"] or [math.nan]
    real, centers = _controls(pixels, validation, x_test, rng)
    return SeedResults(
        [
            near("adversarial nets, best epoch by validation", reached[best], 225, 2),
            Result("adversarial nets, last epoch", reached[-1]),
            near(CONTROLS[0], real, 242.5, 3),
            near(CONTROLS[1], centers, 317, 5),
        ],
        curves,
    )


def draw(path: Path, outcomes: Sequence[SeedResults]) -> None:
    """Plot the log-likelihood over epochs, with the published figure and the controls."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.8), layout="constrained")
    axes = figure.subplots()
    for i, outcome in enumerate(outcomes):
        curves = outcome.curves
        axes.plot(curves["epoch"], curves["log_likelihood"], marker=".", label=f"seed {i}")
    ours = {result.what: result.ours for result in outcomes[-1].findings}
    references = {"published, epoch unknown": 225.0, **{what: ours[what] for what in CONTROLS}}
    for what, value in references.items():
        axes.axhline(value, color="black", linestyle="--", linewidth=0.9)
        transform = axes.get_yaxis_transform()  # x in [0, 1] across the panel, y in nats
        text = f"{what}: {value:.1f}"
        axes.text(0.01, value, text, va="bottom", fontsize=8, transform=transform)
    axes.set_xlabel("epoch of 500 steps")
    axes.set_ylabel("Parzen log-likelihood of the test images, nats")
    axes.set_ylim(bottom=min(0, min(min(o.curves["log_likelihood"]) for o in outcomes)))
    axes.legend(loc="lower right")
    axes.grid(alpha=0.2)
    save_figure(figure, path)


def _controls(
    pixels: np.ndarray, validation: np.ndarray, test: np.ndarray, rng: np.random.Generator
) -> tuple[float, float]:
    """The log-likelihoods of real images, and of k-means centers drawn in proportion to the size of
    their clusters."""
    known = pixels[:KNOWN]
    real = known[rng.choice(KNOWN, SAMPLES, replace=False)]
    centroids, counts = kmeans(known, SAMPLES, rng=rng)
    drawn = centroids[rng.choice(SAMPLES, SAMPLES, p=counts / counts.sum())]
    return parzen(real, validation, test).mean, parzen(drawn, validation, test).mean
