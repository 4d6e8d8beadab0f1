"""The two ways in which training dies, provoked; and what each remedy changes.

    saturation   D is sure of every fake, and the slope of log(1 - D(G(z))), which is D(G(z)), gone
    collapse     G answers one D for long: every z goes to the x where that D is largest

Goodfellow et al. 2014, section 3 (log D(G(z)) keeps its slope) and section 6 (G must not be trained
too much without D). The remedies are those of `tinygan/experiments/toy_game.py`, from dropout in D
to minibatch discrimination (Salimans et al. 2016) and packing (Lin et al. 2018): D sees that
samples are alike. Each is tried against both deaths, alone and beside each of the others, on four
seeds (20 with --full, and four times as long): eight Gaussians on a ring, small perceptrons.
"""

# %% The first death: G stands still, and D goes to its optimum
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
    """Plays `start()`, and stops each time that so many rounds are over."""
    played, before = captured(start, run.backend), 0
    for n in rounds:
        next(islice(played, n - before, n - before), None)
        yield n
        before = n


steps = np.unique(np.geomspace(1, 10 * run.steps, 30).astype(int))
slopes = []
for seed in range(3):
    a = begin(seed)
    stops = ahead(lambda a=a: train_d(gan.minimax, *a.players, m=a.m), steps)
    slopes.append([[a.slope(gan.minimax), a.slope(gan.non_saturating)] for _ in stops])
slopes = np.array(slopes)
gone, steady = np.exp(np.log(slopes[:, -1]).mean(axis=0))
run.found("D alone: G's gradient, minimax", gone, f"non-saturating {steady:.2g}",
          gone < steady / 100)  # fmt: skip

# %% The second death: after a short game D stands still, and G answers it
answers = np.arange(31) * max(1, run.steps // 15)
counts, clouds = np.empty((3, 31)), []
for seed in range(3):
    a = begin(seed)
    start = min(50, run.steps)
    list(ahead(lambda a=a: gan.play(gan.non_saturating, *a.players, m=a.m), [start]))
    stops = ahead(lambda a=a: train_g(gan.non_saturating, *a.players, m=a.m), answers)
    for i, _ in enumerate(stops):
        clouds.append(a.samples())
        counts[seed, i] = modes(clouds[-1], mixture).captured
first, last = counts[:, 0].mean(), counts[:, -1].mean()
run.found("G alone: modes of 8", last, f"before {first:.1f}", 4 <= first >= 2 * last)

figure = Figure(figsize=(15, 3.8), layout="constrained")
left, middle, *pictures = figure.subplots(1, 4)
for lines, count in zip(slopes, counts, strict=True):
    left.loglog(steps, lines[:, 0], "tab:red", label="minimax")
    left.loglog(steps, lines[:, 1], "tab:green", label="non-saturating")
    middle.plot(answers, count, "tab:blue")
left.legend(left.lines[:2], ("minimax", "non-saturating"))
left.set(title="length of G's gradient", xlabel="steps of D alone")
middle.set(title="modes of 8", xlabel="steps of G alone", ylim=(-0.3, 8.3))
for axes, cloud, when in zip(pictures, (clouds[0], clouds[30]), ("before", "after"), strict=True):
    axes.scatter(*mixture.means.T, s=250, facecolor="none", edgecolor="gray")
    axes.scatter(*cloud.T, s=2, color="tab:orange")
    axes.set(title=f"samples {when} G's steps", xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal")
run.save(
    "deaths", figure, "D alone: the gradient that it leaves G; G alone: the modes that it keeps"
)


# %% The remedies, alone and in pairs, against each death
def slope_left(a):
    """How much of its gradient G has in the minimax game, of that in the other, as a log10."""
    list(ahead(lambda: train_d(a.relabel(gan.minimax), *a.players, m=a.m), [3 * run.steps]))
    return np.log10(max(1e-12, a.slope(gan.minimax)) / max(1e-12, a.slope(gan.non_saturating)))


def modes_left(a):
    """How many modes there are after rounds of five steps of G for one of D."""
    list(ahead(lambda: extra_g_steps(gan.non_saturating, a), [run.steps]))
    return modes(a.samples(), mixture).captured


deaths = {
    "saturation, log10 of slope left": (slope_left, AGAINST_SATURATION),
    "collapse, modes of 8": (modes_left, AGAINST_COLLAPSE),
}
cells = [frozenset(cell) for k in (0, 1, 2) for cell in combinations(REMEDIES, k)]
table = {death: {cell: np.empty(len(seeds)) for cell in cells} for death in deaths}
bar = run.counted(len(cells) * len(seeds), "match")
for _, (cell, seed) in zip(bar, ((c, s) for c in cells for s in seeds), strict=True):
    for death, (measure, _) in deaths.items():
        table[death][cell][seed] = measure(begin(seed, *sorted(cell)))

figure = Figure(figsize=(15, 6.5), layout="constrained")
for axes, (death, (_, meant)) in zip(figure.subplots(1, 2), deaths.items(), strict=True):
    values = table[death]
    none, half = t_interval(values[frozenset()])
    run.found(f"{death}: no remedy", none, f"+- {half:.2f} (95 %, as all after +-)")
    for remedy in REMEDIES:
        gains = [v - values[cell - {remedy}] for cell, v in values.items() if remedy in cell]
        alone, every = t_interval(gains[0]), t_interval(np.mean(gains, axis=0))
        template = "changes it by {:+.2f} +- {:.2f}; alone or beside another by {:+.2f} +- {:.2f}"
        run.found(f"{death}: {remedy}", values[frozenset([remedy])].mean(),
                  template.format(*alone, *every),
                  every[0] > every[1] if remedy in meant else None)  # fmt: skip
    matrix = np.array([[values[frozenset([a, b])].mean() for b in REMEDIES] for a in REMEDIES])
    axes.imshow(matrix, cmap="Blues", vmax=1.5 * matrix.max() - 0.5 * matrix.min())
    for (row, column), value in np.ndenumerate(matrix):
        axes.text(column, row, f"{value:.1f}", ha="center", va="center")
    axes.set_xticks(range(len(REMEDIES)), REMEDIES, rotation=30, ha="right")
    axes.set_yticks(range(len(REMEDIES)), REMEDIES)
    axes.set_title(f"{death}: {none:.1f} without remedies; alone on the diagonal")
run.save("remedies", figure, "each remedy alone (on the diagonal) and beside each other one")
run.end()
