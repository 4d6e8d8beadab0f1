"""Two failures of training, saturation and collapse, and the effect of seven remedies on each.

    loss of D                  -log D(x) - log(1 - D(G(z)))    D = sigmoid(l)
    loss of G, minimax         log(1 - D(G(z)))                derivative in l:  -D(G(z))
    loss of G, non-saturating  -log D(G(z))                    derivative in l:  D(G(z)) - 1

    saturation    D(G(z)) = 0 for all fakes: the derivative of the minimax loss is 0, G cannot learn
    collapse      G takes many steps for each step of D: it maps all z to the x where D is largest

Goodfellow et al. 2014, "Generative adversarial nets", sections 3 and 6. The data are eight
Gaussians on a ring. tinygan/experiments/toy_game.py has the networks and the remedies, such as
minibatch discrimination (Salimans et al. 2016) and packing (Lin et al. 2018).

Read next: mixtures.py, where games that keep all modes are compared.
"""

# %% The players, the data, and uniform noise as a control
from functools import partial
from itertools import islice, product

import numpy as np
from matplotlib.figure import Figure

from tinygan import gan, no_grad
from tinygan.backend.graph_replay import captured
from tinygan.data.mixtures import ring
from tinygan.experiments.example import Example
from tinygan.experiments.results import t_interval
from tinygan.experiments.toy_game import REMEDIES, extra_g_steps, toy_game
from tinygan.gan.single_player import train_d, train_g
from tinygan.metrics.modes import modes, uniform_noise

run = Example("collapse_and_saturation", __doc__, steps=400, full=1600, data=None)
mixture, seeds = ring(sd=0.1), range(20 if run.full else 8)
uniform, points = uniform_noise(1000, mixture, rng=run.rng), mixture.sample(1000, rng=run.rng)


def new_game(seed, *remedies):
    return toy_game(mixture, remedies, seed=[run.seed, seed], backend=run.backend, width=run.width)


def count(points):
    """The number of modes with significantly more points than uniform noise has."""
    return modes(points, mixture).above_noise


# %% Saturation: D is trained while G is fixed
G, D, data, noise, *_ = (toy := new_game(0)).players
steps = np.unique(np.geomspace(1, run.steps, 30).astype(int))
outputs, slopes = [], []
for step, _ in run.play(lambda: train_d(gan.minimax, *toy.players, m=toy.m)):
    if step in steps:
        with no_grad():
            logits = D(data(500)).numpy(), D(G(noise(500))).numpy()
        outputs.append([(1 / (1 + np.exp(-l))).mean() for l in logits])
        slopes.append([toy.slope(gan.minimax), toy.slope(gan.non_saturating)])

figure = Figure(figsize=(10, 3.8), layout="constrained")
left, right = figure.subplots(1, 2)
left.semilogx(steps, outputs, label=["D(x), real", "D(G(z)), fake"])
left.set(title="D becomes certain", ylabel="D: probability of real", ylim=(-0.03, 1.03))
right.loglog(steps, slopes, label=["minimax: log(1 - D(G(z)))", "non-saturating: -log D(G(z))"])
right.set(title="The gradient of two losses of G", ylabel="norm, over all weights of G")
for axes in (left, right):
    axes.set_xlabel("number of steps of D; G is fixed")
    axes.legend()
run.save("saturation", figure, "D's outputs and the gradient of G while D is trained alone")

# %% Collapse: G takes one step, or five, for each step of D
shown, game = {}, gan.non_saturating
for times, control in ((1, {"uniform noise": uniform}), (5, {"the data": points})):
    toy, name = new_game(0), f"{times} step{'s' * (times > 1)} of G for each step of D"
    g_steps, curve = train_g(game, *toy.players, m=toy.m), run.curve(game, name)
    for step, result in run.play(partial(gan.play, game, *toy.players, m=toy.m)):
        for _ in range(times - 1):  # beyond the one of `play`
            next(g_steps)
        curve.add(step, result)
        if step in run.snapshots:
            shown[f"{name},\nround {step}"] = toy.samples()
    shown |= control
run.save_curves()
figure = Figure(figsize=(15, 7), layout="constrained")
figure.suptitle("Orange: samples of G (on the frame if outside). Circles: the modes of the data")
panels = figure.subplots(2, len(shown) // 2).flat
for axes, (name, xy) in zip(panels, shown.items(), strict=True):
    axes.scatter(*mixture.means.T, s=400, facecolor="none", edgecolor="gray")
    axes.scatter(*np.clip(xy, -1.6, 1.6).T, s=2, c="tab:orange" if "round" in name else "gray")
    axes.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal", xticks=(), yticks=())
    axes.set_title(f"{name}: {count(xy)} of 8 modes", fontsize=10)
run.save("collapse", figure, "a mode counts if it has significantly more points than uniform noise")


# %% Each remedy against both failures
def log_ratio(toy):
    """log10 of G's minimax gradient over its non-saturating one, after steps of D alone."""
    rounds = captured(lambda: train_d(toy.relabel(gan.minimax), *toy.players, m=toy.m), run.backend)
    next(islice(rounds, run.steps - 1, None))
    return np.log10(max(1e-12, toy.slope(gan.minimax)) / max(1e-12, toy.slope(game)))


def modes_left(toy, times=5):
    """The number of modes after rounds with `times` steps of G for each step of D."""
    rounds = captured(lambda: extra_g_steps(game, toy, times), run.backend)
    next(islice(rounds, run.steps - 1, None))
    return count(toy.samples())


metrics = {"log10 of the gradients' ratio": log_ratio, "modes": modes_left}
names = ["no remedy", *REMEDIES]
results = {what: {name: np.empty(len(seeds)) for name in names} for what in metrics}
for i in run.counted(len(seeds), "seed"):
    for name, (what, metric) in product(names, metrics.items()):
        results[what][name][i - 1] = metric(new_game(seeds[i - 1], *({name} - {"no remedy"})))

figure = Figure(figsize=(12, 4.6), layout="constrained")
left, right = figure.subplots(1, 2, sharey=True)
goals = {"label noise": 1.2, "label flips": 1.0}, {"minibatch discrimination": 4.0, "packing": 3.0}
helped: dict[str, list[str]] = {what: [] for what in metrics}
for axes, goal, (what, values) in zip((left, right), goals, results.items(), strict=True):
    axes.axvline((base := values["no remedy"]).mean(), color="gray", linestyle="--")
    for row, (name, each) in enumerate(values.items()):
        mean, half = t_interval(each, 0.99)
        axes.plot(each, [row] * len(each), "o", color="tab:orange", alpha=0.5)
        axes.errorbar(mean, row, xerr=half, fmt="k|", capsize=4, markersize=14)
        if name in REMEDIES:
            change, half = t_interval(each - base, 0.99)  # seed by seed
            helped[what] += [name] * bool(change > half)
            run.found(f"{name}: change of {what}", change, at_least=goal.get(name),
                      compare={"±99 %": half, "with": mean, "without": base.mean()})  # fmt: skip
left.set(title="Saturation: gradient of G after steps of D alone",
         xlabel="norm with the minimax loss / norm with the non-saturating loss",
         xticks=range(-4, 1), xticklabels=[f"$10^{{{k}}}$" for k in range(-4, 1)],
         yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5))  # fmt: skip
right.set(title="Collapse: modes with 5 steps of G for each step of D", xlim=(-0.5, 9.5),
          xlabel="number of modes, of 8", xticks=range(9))  # fmt: skip
figure.suptitle("Orange: a seed. Black: mean and 99% interval. Dashed: mean without a remedy")
run.save("remedies", figure, "the gradient of G and the number of modes with each remedy")
ratio, kept = (results[what]["no remedy"].mean() for what in metrics)
balanced = np.mean([modes_left(new_game(seed), 1) for seed in seeds])
run.found("no remedy: log10 of the gradients' ratio", ratio, at_most=-1.5,
          compare={"before D's training": np.log10(np.divide(*slopes[0]))})  # fmt: skip
run.found("no remedy: modes lost with 5 steps of G, not 1", balanced - kept, at_least=4,
          compare={"modes of noise": count(uniform), "of the data": count(points)})  # fmt: skip
against_saturation, against_collapse = (", ".join(each) or "none" for each in helped.values())
run.end(
    f"Saturation: after {run.steps} steps of D alone, G's minimax gradient is {10**ratio:.1g} of "
    f"its non-saturating one. Remedies that raise it (99% confidence): {against_saturation}.",
    f"Collapse: with 5 steps of G for each step of D, G has {kept:.1f} of 8 modes on average, with "
    f"1 step {balanced:.1f}. Remedies that keep more modes (99% confidence): {against_collapse}.",
)
