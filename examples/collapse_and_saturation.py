"""Two ways in which training fails, on purpose, and the effect of each remedy.

    saturation   D is certain of every fake; the slope of log(1 - D(G(z))), D(G(z)), vanishes
    collapse     D does not change for long; G maps every z to the x where D is largest

Goodfellow et al. 2014, section 3 (log D(G(z)) keeps its slope) and section 6 (G must not be trained
too much without updating D). `tinygan/experiments/toy_game.py` has the remedies, from dropout in D
to minibatch discrimination (Salimans et al. 2016) and packing (Lin et al. 2018), with which D can
see that samples are alike. Each is tested against both failures, alone and with each other remedy,
on four seeds (with --full: 20, and four times as long). The data are eight Gaussians on a ring; the
networks are small perceptrons.
"""

# %% Saturation: D is trained to its optimum against a fixed G
from itertools import combinations, islice

import numpy as np
from matplotlib.figure import Figure

from tinygan import gan
from tinygan.backend.graph_replay import captured
from tinygan.data.mixtures import ring
from tinygan.experiments.example import Example
from tinygan.experiments.results import t_interval
from tinygan.experiments.toy_game import (
    AGAINST_COLLAPSE,
    AGAINST_SATURATION,
    REMEDIES,
    extra_g_steps,
    toy_game,
)
from tinygan.gan.single_player import train_d, train_g
from tinygan.metrics.modes import modes

run = Example("collapse_and_saturation", __doc__, steps=150, full=600, data=None)
seeds, mixture = range(20 if run.full else 4), ring(sd=0.1)


def begin(seed, *remedies):
    return toy_game(mixture, remedies, seed=[run.seed, seed], backend=run.backend, width=run.width)


def ahead(start, rounds):
    """Play `start()`; yield each n of `rounds` when n rounds are over."""
    played, before = captured(start, run.backend), 0
    for n in rounds:
        next(islice(played, n - before, n - before), None)
        yield n
        before = n


steps = np.unique(np.geomspace(1, 10 * run.steps, 30).astype(int))
slope_pairs = []
for seed in range(3):
    a = begin(seed)
    stops = ahead(lambda a=a: train_d(gan.minimax, *a.players, m=a.m), steps)
    slope_pairs.append([[a.slope(gan.minimax), a.slope(gan.non_saturating)] for _ in stops])
slopes = np.array(slope_pairs)
minimax, other = np.exp(np.log(slopes[:, -1]).mean(axis=0))
run.found("training D alone: G's gradient, minimax", minimax, f"non-saturating {other:.2g}",
          minimax < other / 100)  # fmt: skip

# %% Collapse: after a short game, G is trained against a fixed D
g_steps = np.arange(31) * max(1, run.steps // 15)
counts, clouds = np.empty((3, 31)), []
for seed in range(3):
    a = begin(seed)
    start = min(50, run.steps)
    list(ahead(lambda a=a: gan.play(gan.non_saturating, *a.players, m=a.m), [start]))
    stops = ahead(lambda a=a: train_g(gan.non_saturating, *a.players, m=a.m), g_steps)
    for i, _ in enumerate(stops):
        clouds.append(a.samples())
        counts[seed, i] = modes(clouds[-1], mixture).captured
first, last = counts[:, 0].mean(), counts[:, -1].mean()
run.found("training G alone: modes of 8", last, f"before {first:.1f}", 4 <= first >= 2 * last)

figure = Figure(figsize=(15, 3.8), layout="constrained")
left, middle, *pictures = figure.subplots(1, 4)
for lines, count in zip(slopes, counts, strict=True):
    left.loglog(steps, lines[:, 0], "tab:red", label="minimax")
    left.loglog(steps, lines[:, 1], "tab:green", label="non-saturating")
    middle.plot(g_steps, count, "tab:blue")
left.legend(left.lines[:2], ("minimax", "non-saturating"))
left.set(title="norm of G's gradient", xlabel="steps of D alone")
middle.set(title="modes of 8", xlabel="steps of G alone", ylim=(-0.3, 8.3))
for axes, cloud, when in zip(pictures, (clouds[0], clouds[30]), ("before", "after"), strict=True):
    axes.scatter(*mixture.means.T, s=250, facecolor="none", edgecolor="gray")
    axes.scatter(*cloud.T, s=2, color="tab:orange")
    axes.set(
        title=f"samples {when} these steps of G", xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal"
    )
run.save("failures", figure, "training D alone: G's gradient; training G alone: modes, samples")


# %% The remedies, alone and in pairs, against each failure
def slope_left(a):
    """The log10 of the ratio of G's gradients, minimax to non-saturating, after D's training."""
    list(ahead(lambda: train_d(a.relabel(gan.minimax), *a.players, m=a.m), [3 * run.steps]))
    return np.log10(max(1e-12, a.slope(gan.minimax)) / max(1e-12, a.slope(gan.non_saturating)))


def modes_left(a):
    """The number of modes after rounds with five steps of G for each step of D."""
    list(ahead(lambda: extra_g_steps(gan.non_saturating, a), [run.steps]))
    return modes(a.samples(), mixture).captured


failures = {
    "saturation, log10 of remaining slope": (slope_left, AGAINST_SATURATION),
    "collapse, modes of 8": (modes_left, AGAINST_COLLAPSE),
}
cells = [frozenset(cell) for k in (0, 1, 2) for cell in combinations(REMEDIES, k)]
table = {failure: {cell: np.empty(len(seeds)) for cell in cells} for failure in failures}
bar = run.counted(len(cells) * len(seeds), "game")
for _, (cell, seed) in zip(bar, ((c, s) for c in cells for s in seeds), strict=True):
    for failure, (measure, _) in failures.items():
        table[failure][cell][seed] = measure(begin(seed, *sorted(cell)))

figure = Figure(figsize=(15, 6.5), layout="constrained")
for axes, (failure, (_, meant)) in zip(figure.subplots(1, 2), failures.items(), strict=True):
    values = table[failure]
    none, half = t_interval(values[frozenset()])
    run.found(f"{failure}: no remedy", none, f"+- {half:.2f} (all +-: 95 %)")
    for remedy in REMEDIES:
        gains = [v - values[cell - {remedy}] for cell, v in values.items() if remedy in cell]
        alone, mean = t_interval(gains[0]), t_interval(np.mean(gains, axis=0))
        template = "change {:+.2f} +- {:.2f}; mean change alone and in pairs {:+.2f} +- {:.2f}"
        run.found(f"{failure}: {remedy}", values[frozenset([remedy])].mean(),
                  template.format(*alone, *mean),
                  mean[0] > mean[1] if remedy in meant else None)  # fmt: skip
    matrix = np.array([[values[frozenset([a, b])].mean() for b in REMEDIES] for a in REMEDIES])
    axes.imshow(matrix, cmap="Blues", vmax=1.5 * matrix.max() - 0.5 * matrix.min())
    for (row, column), value in np.ndenumerate(matrix):
        axes.text(column, row, f"{value:.1f}", ha="center", va="center")
    axes.set_xticks(range(len(REMEDIES)), REMEDIES, rotation=30, ha="right")
    axes.set_yticks(range(len(REMEDIES)), REMEDIES)
    axes.set_title(f"{failure}: {none:.1f} without remedies; single remedies on the diagonal")
run.save("remedies", figure, "each remedy alone (on the diagonal) and with each other remedy")
run.end()
