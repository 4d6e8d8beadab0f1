"""LSGAN: D is a regression, and fakes far from the decision boundary have a large loss.

    min over D   E[(D(x) - b)^2] / 2 + E[(D(G(z)) - a)^2] / 2
    min over G   E[(D(G(z)) - c)^2] / 2                          usually a, b, c = 0, 1, 1

Mao et al. 2017, "Least squares generative adversarial networks". With log(1 - D), a fake that D
rejects gives G almost no gradient. With -log D, a fake that D accepts gives almost none, even if it
is far from all real images (their figure 1). The slope of a square is 0 only at its target. With
-1, 1, 0 and the optimal D, G minimizes chi2 / 2, where chi2 is Pearson's chi-square of p_data + p_g
and 2 p_g (their theorem 1); with 0, 1, 1 it minimizes 1/4 + chi2 / 8.

Read next: mixtures.py
"""

# %% Three losses of G
from functools import partial
from statistics import mean, stdev

import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, models, nn, ops, optim, plots
from tinygan.autograd import grad
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.gan import theory
from tinygan.metrics.frechet import frechet_distance
from tinygan.models.mlp import perceptron

run = Example("lsgan", __doc__, steps=4000, full=20_000)
train, test = run.load_labeled(1000)
games = {"log(1 - D)": gan.minimax, "-log D": gan.non_saturating,
         "least squares": gan.least_squares(0, 1, 1)}  # fmt: skip
seeds = [run.seed + i for i in range(5)]

# %% The slope of each loss of G at D's logit l of a fake, by the chain rule and in closed form
l = np.linspace(-10, 10, 201)
closed = dict(zip(games, (-1 / (1 + np.exp(-l)), -1 / (1 + np.exp(l)), l - 1), strict=True))
errors = [np.abs(theory.best_logit_slope(games[name], l) - closed[name]).max() for name in games]
run.found("slope of G's losses: error of the chain rule", max(errors), at_most=1e-9)


# %% Points in a plane: D learns real points at (0, 0) and fakes at (-6, 0), while G is fixed
def cloud(rng: np.random.Generator, x: float) -> Tensor:
    return Tensor(rng.normal((x, 0), 0.5, (64, 2)).astype(np.float32))


def gradients(game: gan.SeparableGame, D: nn.Module, points: Tensor) -> np.ndarray:
    """The gradient of G's loss with respect to each fake, (64, 2)."""
    return grad(ops.sum(game.generator_loss(D(points))), [points])[0].numpy()


checks = sorted({max(1, run.steps * k // 400) for k in (1, 3, 10, 30, 100)})  # steps of D
size = {name: np.zeros((len(seeds), len(checks))) for name in games}  # of a gradient
share, moved = {name: np.zeros(len(seeds)) for name in games}, {}  # of the distance that is left
for i, seed in enumerate(seeds):
    for name, game in games.items():
        rng = np.random.default_rng(seed)
        line = perceptron(2, 1, rng=rng)  # a D with a straight boundary, as in the paper's figure
        curved = perceptron(2, 64, 64, 1, rng=rng, activation=nn.LeakyReLU)
        for D, lr in ((line, 1e-2), (curved, 1e-3)):
            opt = optim.Adam(D.parameters(), lr, (0.5, 0.999))
            for step in range(1, checks[-1] + 1):
                gan.update(opt, game.d_loss(D(cloud(rng, 0)), D(cloud(rng, -6))))
                if D is curved and step in checks:
                    at_fakes = gradients(game, D, cloud(rng, -6))
                    size[name][i, checks.index(step)] = np.linalg.norm(at_fakes, axis=1).mean()
        moved[name] = fakes = cloud(rng, 6).data  # `line` accepts them, far from all real points
        for _ in range(500):  # gradient descent of G, whose parameters are the points
            fakes -= 0.5 * gradients(game, line, Tensor(fakes))
        share[name][i] = abs(fakes[:, 0].mean()) / 6

slopes, plane, sizes = (figure := Figure((16, 4.4), layout="constrained")).subplots(1, 3)
for name, color in zip(games, ("tab:gray", "tab:blue", "tab:orange"), strict=True):
    slopes.semilogy(l, np.abs(closed[name]), color=color, label=name)
    sizes.loglog(checks, size[name].mean(axis=0), color=color, label=name)
    sizes.fill_between(checks, *np.percentile(size[name], (0, 100), axis=0), color=color, alpha=0.2)
for points, label, color, marker in (
    (cloud(run.rng, 0).data, "real points", "tab:green", "o"),
    (cloud(run.rng, -6).data, "fakes that D was trained on", "tab:red", "o"),
    (moved["-log D"], "fakes from x = 6, moved with -log D", "tab:blue", "x"),
    (moved["least squares"], "fakes from x = 6, moved with least squares", "tab:orange", "x"),
):
    plane.scatter(*points.T, s=12, color=color, marker=marker, label=label)
slopes.set(title="Slope of G's loss", xlabel="D's logit of a fake", ylabel="size of the slope")
plane.set(title="Fakes that D accepts, after 500 steps of G", xlabel="x", ylabel="y", ylim=(-2, 6))
sizes.set(title="G's gradient at fakes that D rejects\n(mean and range of 5 seeds)")
sizes.set(xlabel="steps of D, while G is fixed", ylabel="size of the gradient")
for axes in (slopes, plane, sizes):
    axes.legend(fontsize=8)
run.save("slopes", figure, "G's slopes, and its gradient at fakes that D accepts or rejects")
remaining = {name: values.mean() for name, values in share.items()}
ends = {name: values[:, -1].mean() for name, values in size.items()}
left, end, bar = remaining.pop("least squares"), ends.pop("least squares"), 20 * ends["log(1 - D)"]
run.found("fakes that D accepts: share of distance left by G", left, at_most=0.2, compare=remaining)
run.found("fakes that D rejects: size of G's gradient", end, at_least=bar, compare=ends)

# %% Images: two games, the same networks, three seeds
classifier, n = run.classifier(train), max(200, run.many(1000))
known, real = (part.images[:n].astype(np.float32) / 255 for part in (train, test))
goal = classifier.features(real)
shown, frechet = {}, {name: list[float]() for name in ("-log D", "least squares")}
for name in frechet:
    curve = run.curve(games[name], name)
    for seed in seeds[:3]:
        rng = np.random.default_rng(seed)
        pair = models.build("mlp-small", known.shape[1:], rng=rng, width=run.width)
        pair = pair._replace(lr_d=2e-3, lr_g=2e-3).to(run.backend)
        data = Minibatches(train.images, rng=rng, backend=run.backend)
        fixed = pair.noise(np.random.default_rng(seed))(n)
        untrained = models.pixels(pair.G, fixed)
        average = optim.EMA(pair.G, 0.999)
        players = pair.players(data, rng)
        for step, result in run.play(partial(gan.play, games[name], *players, m=32)):
            average.update()
            if seed == run.seed:
                curve.add(step, result)
                if step in run.snapshots:
                    shown[f"{name}, round {step}"] = models.pixels(average.module, fixed[:12])
        after = classifier.features(models.pixels(average.module, fixed))
        frechet[name].append(frechet_distance(goal, after))
run.save_curves()
title = "Samples in training, with -log D and with least squares, and real images"
sheet = plots.rows(shown | {"real": real[:12]}, 12, 0, title=title)
run.save("samples", sheet, "samples of both games through training, one noise in each column")
(other, other_sd), (ours, our_sd) = ((mean(v), stdev(v)) for v in frechet.values())
blank = np.broadcast_to(known.mean(axis=0), real.shape)
controls = {"untrained": untrained, "mean image": blank, "real": known}  # one untrained G of six
compare = {name: frechet_distance(goal, classifier.features(x)) for name, x in controls.items()}
compare, bar = {"-log D": other} | compare, compare["mean image"] / 2
run.found("images: Frechet distance, mean of 3 seeds", ours, at_most=bar, compare=compare)

# %% The theory: G's criterion with the optimal D, for p_data = N(0, 1) and p_g = N(1, 1)
x, dx = np.linspace(-14, 18, 32_001, retstep=True)
p, q = theory.normal_density(x), theory.normal_density(x, 1)
chi2 = theory.divergence("pearson", 2 * q, p + q, dx)
for (a, b, c), expected in (((-1, 1, 0), chi2 / 2), ((0, 1, 1), 1 / 4 + chi2 / 8)):
    distance = abs(theory.least_squares_criterion(p, q, a, b, c, dx) - expected)
    run.found(f"{a}, {b}, {c}: error of G's criterion by chi-square", distance, at_most=1e-6)

clear = abs(ours - other) > 2.8 * np.hypot(our_sd, other_sd) / 3**0.5  # Student's t, 95 %
better = "least squares is better." if ours < other else "-log D is better."
run.end(
    f"D accepts fakes that are far from real points: after 500 steps of G, {left:.0%} of the "
    f"distance is left with least squares, and {remaining['-log D']:.0%} with -log D.",
    f"D rejects fakes after {checks[-1]} steps: G's gradient is {end:.2g} with least squares, "
    f"{ends['log(1 - D)']:.2g} with log(1 - D) and {ends['-log D']:.2g} with -log D.",
    f"On images, the Frechet distance is {ours:.0f} ± {our_sd:.0f} with least squares and "
    f"{other:.0f} ± {other_sd:.0f} with -log D: " + (better if clear else "no clear difference."),
)
