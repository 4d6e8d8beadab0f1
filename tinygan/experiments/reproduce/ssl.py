"""Semi-supervised MNIST: 93 +- 6.5 errors of 10,000 with 100 labels (Salimans et al. 2016,
Table 1).

Their recipe (openai/improved-gan, train_mnist_feature_matching.py): the networks of
`models.improved_gan`; feature matching; Adam with learning rate .003 and beta1 .5; minibatches of
100 labeled images, 100 unlabeled (of all 60,000) and 100 fakes; 300 epochs of 600 steps; a test
with the moving average of D's weights. Every class has the same number of labels, drawn anew for
each seed.

The default here is 30 epochs, with a shorter moving average. With their recipe, D gave all fakes
logits near -20 after 8 epochs, and neither player learned any more. So five things differ:

- D also maximizes the mutual information of images and predicted classes, with weight .3.
- D's labels are smoothed to .9 and .05, so that the optimal logits are finite.
- G's loss is relative to the size of the features (`gan.variants.semi_supervised`).
- D's learning rate is half of G's.
- Both rates fall to 0 over the last fifth.

The control is the same D, trained on the labels alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ... import backend as backends
from ... import gan, nn
from ...autograd import grad
from ...backend import Rng
from ...data import Minibatches, load
from ...errors import InputError
from ...gan.variants.semi_supervised import play_semi_supervised
from ...losses import cross_entropy
from ...models.improved_gan import improved_gan, unit_noise
from ...optim import EMA, Adam
from ...tensor import Tensor, no_grad
from ..results import Result, SeedResults
from ..rounds import averaged, play_epochs

BATCH, STEPS, CLASSES = 100, 600, 10  # STEPS: of an epoch
INFORMATION = 0.3  # weight of the mutual information
PUBLISHED = {20: "1677 +- 452", 50: "221 +- 136", 100: "93 +- 6.5", 200: "90 +- 4.2"}
TARGETS = {100: 300, 1000: 250}  # errors of 10,000, by the number of labels


def run(
    seed: int, echo: Callable[[str], object], backend: str, epochs: int = 30, labels: int = 100
) -> SeedResults:
    """Train on `labels` labeled images and all 60,000 unlabeled ones; then on the labels alone.

    Raises InputError unless `labels` is a multiple of the number of classes.
    """
    if labels < CLASSES or labels % CLASSES:
        raise InputError(f"--labels: expected a multiple of {CLASSES}, got {labels}")
    (images, classes), test = (load("mnist", split).labeled() for split in ("train", "test"))
    rng = np.random.default_rng(seed)
    few = chosen(classes, labels, rng)
    players = training(images, classes, few, epochs * STEPS, rng=rng, backend=backend)
    curves: dict[str, list[float]] = {"epoch": [], "errors": []}
    for epoch, last in play_epochs(players.start, epochs, STEPS, backend):
        curves["epoch"].append(epoch)
        curves["errors"].append(errors(players.average.module, *test))
        echo(f"seed {seed}, epoch {epoch}: {curves['errors'][-1]} errors, losses "
             f"{last.d_loss.item():.3f}, {last.g_loss.item():.4f}")  # fmt: skip
    found, target = curves["errors"][-1], TARGETS.get(labels)
    published = PUBLISHED.get(labels, "no figure") + (f"; at most {target}" if target else "")
    control = without_g(players.known, epochs * STEPS // 10, rng=rng, backend=backend)
    return SeedResults(
        [
            Result(f"errors of 10,000 with {labels} labels", found, published,
                    None if target is None else found <= target),
            Result("the same D on the labels alone", errors(control, *test)),
        ],
        curves,
    )  # fmt: skip


def chosen(labels: np.ndarray, n: int, rng: Rng) -> np.ndarray:
    """The indices of n random labels, the same number of each class.

    Raises InputError if there are too few labels, or n is not a multiple of the classes.
    """
    classes, counts = np.unique(labels, return_counts=True)
    k, maximum = len(classes), len(classes) * counts.min()
    if n < k or n % k or n > maximum:
        raise InputError(
            f"--labels: expected a multiple of {k}, with an equal number of each class, at most "
            f"{maximum}, got {n}"
        )
    return np.concatenate(
        [rng.choice(np.flatnonzero(labels == y), n // k, replace=False) for y in classes]
    )


class Training(NamedTuple):
    """A training that has not begun. `start()` gives its rounds, and `average` averages D."""

    average: EMA
    known: Minibatches
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
) -> Training:
    """A training of `steps` steps on all images; those at the indices `few` have labels."""
    G, D = improved_gan(images[rng.choice(len(images), 500, replace=False)], rng=rng, width=width)
    G.to(backend), D.to(backend)
    known = Minibatches(images[few], labels=labels[few], rng=rng, low=0.0, backend=backend)
    unlabeled, noise = Minibatches(images, rng=rng, low=0.0, backend=backend), unit_noise(G, rng)
    opt_g = Adam(G.parameters(), falling(3e-3, steps), (0.5, 0.999))
    opt_d = Adam(D.parameters(), falling(1.5e-3, steps), (0.5, 0.999))
    average = EMA(D, max(0.0, 1 - 20 / steps))
    game = gan.label_smoothing(gan.non_saturating, 0.1, 0.05)

    def start() -> Iterator[gan.Round]:
        players = G, D, known.labeled, unlabeled, noise, opt_g, opt_d
        return averaged(
            play_semi_supervised(*players, m=BATCH, game=game, information=INFORMATION), average
        )

    return Training(average, known, start)


def falling(rate: float, steps: int) -> Callable[[int], float]:
    """A schedule: `rate` for four fifths of the steps, then linearly to 0."""
    return lambda t: rate * min(1.0, 5 * max(0.0, 1 - t / steps))


def without_g(known: Minibatches, steps: int, *, rng: Rng, backend: str) -> nn.Module:
    """A control: the same D, trained on the labels alone."""
    _, D = improved_gan(backends.of(known.images).to_host(known.images), rng=rng)
    D.to(backend)
    average, opt = EMA(D), Adam(D.parameters(), falling(3e-3, steps), (0.5, 0.999))
    for _ in range(steps):
        x, y = known.labeled(BATCH)
        opt.step(grad(cross_entropy(D(x), y), D.parameters()))
        average.update()
    return average.module


def errors(D: nn.Module, images: np.ndarray, labels: np.ndarray, classes: int = CLASSES) -> int:
    """The number of images that D classifies wrongly in evaluation mode, by the first `classes` of
    its logits."""
    like = D.parameters()[0].data
    wrong = 0
    with no_grad(), D.evaluating():
        for part in np.array_split(np.arange(len(images)), max(1, len(images) // 1000)):
            x = backends.place(images[part].astype(np.float32) / 255, like)
            answers = D(Tensor(x)).numpy()[:, :classes].argmax(axis=1)
            wrong += int((answers != labels[part]).sum())
    return wrong


def errors_figure(
    runs: Mapping[str, Sequence[Sequence[float]]],
    distances: Mapping[str, Sequence[float]],
    every: int,
) -> Any:
    """A matplotlib Figure of test errors of D. `runs` has, for each kind of training and each seed,
    the errors after every `every` rounds. Left: these errors over the rounds. Right: the last of
    them against the Frechet distance of G's samples, from `distances`, a point for each seed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for i, (kind, per_seed) in enumerate(runs.items()):
        points, color = np.array(per_seed), f"C{i}"
        at = every * np.arange(1, points.shape[1] + 1)
        left.plot(at, points.mean(axis=0), color, label=kind)
        left.fill_between(at, points.min(axis=0), points.max(axis=0), color=color, alpha=0.12)
        if kind in distances:
            right.plot(distances[kind], points[:, -1], "o", color=color, label=kind)
    left.set(xlabel="round", ylabel="test error of D")
    left.set_title(f"mean of {len(points)} seeds; shaded: minimum to maximum", fontsize=10)
    right.set(xlabel="Frechet distance of G's samples (lower: better pictures)")
    right.set_title("at the end, a point for each seed", fontsize=10)
    right.set_xlim(left=0)
    for axes in (left, right):
        axes.legend(fontsize=8)
        axes.grid(alpha=0.2)
    return figure
