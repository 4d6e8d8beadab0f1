"""Semi-supervised MNIST: 93 +- 6.5 errors of 10,000 by 100 labels (Salimans et al. 2016, Table 1).

Their recipe (openai/improved-gan, train_mnist_feature_matching.py): the networks of
`models.semi_supervised`; feature matching; Adam .003, beta1 .5; minibatches of 100 labeled, 100
unlabeled (all 60,000) and 100 fakes; 300 epochs of 600 steps; tested with the average of D's
weights. The labels are as many of each class, drawn anew for each seed.

Here by default it is fewer epochs, and the average is shorter accordingly. By that recipe D ran
away from G after 8 epochs: all fakes at logits of -20, from which neither learns. So D is also paid
.3 of what its classes tell of images without labels, takes real images for real by .9 and fakes for
fakes by .95 (so that no logit goes to where nothing is learned), G pays relative to the size of the
features (see `semi_supervised`), D's rate is half of G's, and both go to 0 over the last fifth. The
control is the same D on the labels alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from ... import backend as backends
from ... import gan, nn
from ...autograd import grad
from ...backend import Rng
from ...backend.graph_replay import captured
from ...data import Minibatches, load
from ...errors import InputError
from ...gan.variants.semi_supervised import mutual_information, play_semi_supervised
from ...losses import cross_entropy
from ...models.improved_gan import improved_gan, unit_noise
from ...optim import EMA, Adam
from ...tensor import Tensor, no_grad
from ..results import Result, SeedResults

__all__ = ["Training", "chosen", "errors", "falling", "run", "training", "without_g"]

BATCH, STEPS, CLASSES = 100, 600, 10  # steps of an epoch
INFORMATION = 0.3  # what D is paid for a nat of it
PUBLISHED = {20: "1677 +- 452", 50: "221 +- 136", 100: "93 +- 6.5", 200: "90 +- 4.2"}
MOST = {100: 300, 1000: 250}  # what is to be reached, in errors of 10,000


def run(
    seed: int, echo: Callable[[str], object], backend: str, epochs: int = 30, labels: int = 100
) -> SeedResults:
    """Train on `labels` labeled images and all 60,000 without; then on the labels alone."""
    if labels < CLASSES or labels % CLASSES:
        raise InputError(f"--labels: expected a multiple of {CLASSES}, got {labels}")
    (images, classes), test = (load("mnist", split).labeled() for split in ("train", "test"))
    rng = np.random.default_rng(seed)
    few = chosen(classes, labels, rng)
    players = training(images, classes, few, epochs * STEPS, rng=rng, backend=backend)
    rounds, average = captured(players.start, backend), players.average
    curves: dict[str, list[float]] = {"epoch": [], "errors": []}
    for epoch in range(1, epochs + 1):
        last = deque(islice(rounds, STEPS), maxlen=1)[0]
        curves["epoch"].append(epoch)
        curves["errors"].append(errors(average.module, *test))
        echo(f"seed {seed}, epoch {epoch}: {curves['errors'][-1]} errors, losses "
             f"{last.d_loss.item():.3f}, {last.g_loss.item():.4f}")  # fmt: skip
    found, most = curves["errors"][-1], MOST.get(labels)
    published = PUBLISHED.get(labels, "no figure") + (f"; at most {most}" if most else "")
    control = without_g(players.known, None, epochs * STEPS // 10, rng=rng, backend=backend)
    return SeedResults(
        [
            Result(f"errors of 10,000 with {labels} labels", found, published,
                    None if most is None else found <= most),
            Result("the same D on the labels alone", errors(control, *test)),
        ],
        curves,
    )  # fmt: skip


def chosen(labels: np.ndarray, n: int, rng: Rng) -> np.ndarray:
    """The places of n labels, as many of each class."""
    kinds = np.unique(labels)
    each, most = n // len(kinds), len(kinds) * np.bincount(labels).min()
    if n < len(kinds) or n % len(kinds) or n > most:
        raise InputError(
            f"--labels: expected a multiple of {len(kinds)}, as many of each class, at most "
            f"{most}, got {n}"
        )
    return np.concatenate(
        [rng.choice(np.flatnonzero(labels == kind), each, replace=False) for kind in kinds]
    )


class Training(NamedTuple):
    """Rounds to be played, of which `average` is that of D."""

    G: nn.Module
    average: EMA
    known: Minibatches
    unlabeled: Minibatches
    noise: gan.Source
    start: Callable[[], Iterator[gan.Round]]


def training(
    images: np.ndarray,
    labels: np.ndarray,
    few: np.ndarray,
    steps: int,
    *,
    rng: Rng,
    backend: str = "numpy",
    width: float = 1,
    feature_matching: bool = True,
) -> Training:
    """So many steps on all the images, of which `few` have labels."""
    G, D = improved_gan(images[rng.choice(len(images), 500, replace=False)], rng=rng, width=width)
    G.to(backend), D.to(backend)
    known = Minibatches(images[few], labels=labels[few], rng=rng, low=0.0, backend=backend)
    unlabeled, noise = Minibatches(images, rng=rng, low=0.0, backend=backend), unit_noise(G, rng)
    opt_g = Adam(G.parameters(), falling(3e-3, steps), (0.5, 0.999))
    opt_d = Adam(D.parameters(), falling(1.5e-3, steps), (0.5, 0.999))
    average = EMA(D, max(0.0, 1 - 20 / steps))
    game = gan.label_smoothing(gan.non_saturating, 0.1, 0.05)
    options: dict[str, Any] = {"feature_matching": feature_matching, "information": INFORMATION}

    def start() -> Iterator[gan.Round]:
        players = G, D, known.labeled, unlabeled, noise, opt_g, opt_d
        for result in play_semi_supervised(*players, m=BATCH, game=game, **options):
            average.update()
            yield result

    return Training(G, average, known, unlabeled, noise, start)


def falling(rate: float, steps: int) -> Callable[[int], float]:
    """`rate` for four fifths of the steps, then in a straight line to 0."""
    return lambda t: rate * min(1.0, 5 * max(0.0, 1 - t / steps))


def without_g(
    known: Minibatches,
    unlabeled: Minibatches | None,
    steps: int,
    *,
    rng: Rng,
    backend: str = "numpy",
    width: float = 1,
) -> nn.Module:
    """The controls: a D like the other, that never sees G. It learns from the labels alone; or,
    as the other does, from what its classes tell of images without labels, too."""
    _, D = improved_gan(backends.of(known.images).to_host(known.images), rng=rng, width=width)
    D.to(backend)
    averaged, opt = EMA(D), Adam(D.parameters(), falling(3e-3, steps), (0.5, 0.999))
    for _ in range(steps):
        x, y = known.labeled(BATCH)
        loss = cross_entropy(D(x), y)
        if unlabeled is not None:
            loss = loss - INFORMATION * mutual_information(D(unlabeled(BATCH)))
        opt.step(grad(loss, D.parameters()))
        averaged.update()
    return averaged.module


def errors(D: nn.Module, images: np.ndarray, labels: np.ndarray) -> int:
    """The number of test images that D, in evaluation mode, classifies wrongly."""
    like = D.parameters()[0].data
    wrong = 0
    with no_grad(), D.evaluating():
        for part in np.array_split(np.arange(len(images)), max(1, len(images) // 1000)):
            x = backends.place(images[part].astype(np.float32) / 255, like)
            wrong += int((D(Tensor(x)).numpy().argmax(axis=1) != labels[part]).sum())
    return wrong
