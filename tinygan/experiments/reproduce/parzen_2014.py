"""The MNIST row of Table 1 of Goodfellow et al. 2014: 225 +- 2, by the authors' own code.

G 100-1200-1200-784, D of maxout 240x5 twice with dropout, trained on the first 50,000 images as
`recipe_2014` says. The number: 10,000 samples, sigma by the validation images 50,000 to 50,999,
mean over the test images (parzen_ll.py). They do not say when they stopped; here it is the best
epoch by the validation images 51,000 to 52,999, of those that were tried.

Two controls stand beside it: 10,000 real training images, and as many averages of k-means.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from ... import gan, models
from ...backend.graph_replay import captured
from ...data import Minibatches, load
from ...metrics.kmeans import kmeans
from ...metrics.parzen import log_likelihoods, parzen
from ...storage import save_figure
from ...tensor import no_grad
from ..results import Result, SeedResults, near
from .recipe_2014 import BATCH, flat, players, start_at_mean

__all__ = ["draw", "run"]

KNOWN, SAMPLES = 50_000, 10_000
EVERY, PATIENCE = 5, 50  # epochs


def run(seed: int, echo: Callable[[str], object], backend: str, epochs: int = 60) -> SeedResults:
    """Train for so many epochs, or until the validation images have seen nothing better for
    PATIENCE of them; the log-likelihood is asked for after every EVERY."""
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
    training = captured(lambda: gan.play_simultaneously(*sides, m=BATCH), backend)
    names = "epoch", "log_likelihood", "standard_error", "sigma", "validation"
    curves: dict[str, list[float]] = {name: [] for name in names}
    best = 0  # where in the curves
    for epoch in range(1, epochs + 1):
        last = deque(islice(training, KNOWN // BATCH), maxlen=1)[0]
        if epoch % EVERY and epoch != epochs:
            continue
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
    real, table = _controls(pixels, validation, x_test, rng)
    return SeedResults(
        [
            near("adversarial nets, best epoch by validation", reached[best], 225, 2),
            Result("adversarial nets, last epoch", reached[-1]),
            near("10,000 real training images", real, 242.5, 3),
            near("10,000 averages of k-means", table, 317, 5),
        ],
        curves,
    )


def draw(path: Path, outcomes: Sequence[SeedResults]) -> None:
    """The log-likelihood against epochs, beside what is published and the controls."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.8), layout="constrained")
    axes = figure.subplots()
    for i, outcome in enumerate(outcomes):
        curves = outcome.curves
        axes.plot(curves["epoch"], curves["log_likelihood"], marker=".", label=f"seed {i}")
    by_what = {finding.what: finding.ours for finding in outcomes[-1].findings}
    for value, what in (
        (225, "published, at an epoch that is not told: 225"),
        (by_what["10,000 real training images"], "10,000 real training images: {:.1f}"),
        (by_what["10,000 averages of k-means"], "10,000 averages of k-means: {:.1f}"),
    ):
        axes.axhline(value, color="black", linestyle="--", linewidth=0.9)
        place = axes.get_yaxis_transform()  # from the left edge to the right, and in nats
        axes.text(0.01, value, what.format(value), va="bottom", fontsize=8, transform=place)
    axes.set_xlabel("epoch of 500 steps")
    axes.set_ylabel("Parzen log-likelihood of the test images, nats")
    axes.set_ylim(bottom=min(0, min(min(o.curves["log_likelihood"]) for o in outcomes)))
    axes.legend(loc="lower right")
    axes.grid(alpha=0.2)
    save_figure(figure, path)


def _controls(
    pixels: np.ndarray, validation: np.ndarray, test: np.ndarray, rng: np.random.Generator
) -> tuple[float, float]:
    """The scores of real images, and of k-means centers drawn by the size of their clusters."""
    known = pixels[:KNOWN]
    real = known[rng.choice(KNOWN, SAMPLES, replace=False)]
    centroids, counts = kmeans(known, SAMPLES, rng=rng)
    drawn = centroids[rng.choice(SAMPLES, SAMPLES, p=counts / counts.sum())]
    return tuple(parzen(x, validation, test).mean for x in (real, drawn))  # type: ignore[return-value]
