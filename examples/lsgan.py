"""LSGAN: D is a regression, and fakes far from the decision boundary have a large loss.

    min over D   E[(D(x) - b)^2] / 2 + E[(D(G(z)) - a)^2] / 2
    min over G   E[(D(G(z)) - c)^2] / 2                          usually a, b, c = 0, 1, 1

Mao et al. 2017, "Least squares generative adversarial networks". With log(1 - D), a fake that D
rejects gives G almost no gradient. With -log D, a fake that D accepts gives almost none, even if it
is far from all real images (their figure 1). The slope of a square is 0 only at its target.
Images and their figures use G with a moving average of its weights. Read next: mixtures.py
"""

# %% Three games: losses of D's output l, which is a logit, D(x) = sigmoid(l), or D(x) itself
from functools import partial
from itertools import product

import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, grad, models, nn, ops, optim, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.experiments.results import t_interval
from tinygan.metrics.frechet import frechet_distance
from tinygan.models.mlp import perceptron

run = Example("lsgan", __doc__, steps=4000, full=20_000)
train, test = run.load_labeled(1000)
OLD, LOG, SQUARE = "log(1 - D)", "-log D", "least squares"  # by the loss of G
to_0, to_1 = (lambda l: l**2 / 2), (lambda l: (l - 1) ** 2 / 2)
squares = gan.SeparableGame(to_1, to_0, to_1, 0.5)  # losses of x and G(z) for D, of G(z) for G
games = {OLD: gan.minimax, LOG: gan.non_saturating, SQUARE: squares}
middle = {OLD: 0, LOG: 0, SQUARE: 0.5}  # D accepts an image if its output is larger


# %% Points in a plane: D learns real points at (0, 0) and fakes at (-6, 0), while G is fixed
def cloud(rng, x):
    """Return 64 points around (x, 0), (64, 2)."""
    return Tensor(rng.normal((x, 0), 0.5, (64, 2)).astype(np.float32))


def gradients(game, D, points):
    """Return the gradient of G's loss with respect to each fake, of the shape of points."""
    return grad(ops.sum(game.generator_loss(D(points))), [points])[0].numpy()


checks = sorted({max(1, run.steps * k // 400) for k in (1, 3, 10, 30, 100)})  # steps of D
size = {name: np.zeros((5, len(checks))) for name in games}  # of a gradient, for five seeds
share, ends, judged = {name: np.zeros(5) for name in games}, {}, []
for i, (name, game) in product(range(5), games.items()):
    rng = np.random.default_rng((run.seed, i))
    line = perceptron(2, 1, rng=rng)  # a D with a straight boundary, as in the paper's figure
    curved = perceptron(2, 64, 64, 1, rng=rng, activation=nn.LeakyReLU)
    for D, lr in ((line, 1e-2), (curved, 1e-3)):
        opt = optim.Adam(D.parameters(), lr, (0.5, 0.999))
        for step in range(1, checks[-1] + 1):
            gan.update(opt, game.d_loss(D(cloud(rng, 0)), D(cloud(rng, -6))))
            if D is curved and step in checks:
                at_fakes = gradients(game, D, cloud(rng, -6))
                size[name][i, checks.index(step)] = np.linalg.norm(at_fakes, axis=1).mean()
    start, near = cloud(rng, 6), cloud(rng, -6)
    judged += [line(start).numpy() > middle[name], curved(near).numpy() < middle[name]]
    fakes = start.data.copy()
    for _ in range(500):  # gradient descent of G, whose parameters are the points
        fakes -= 0.5 * gradients(game, line, Tensor(fakes))
    share[name][i], ends[name] = abs(fakes[:, 0].mean()) / 6, (fakes, line.parameters())

slopes, plane, sizes = (figure := Figure((16, 4.8), layout="constrained")).subplots(1, 3)
plane.scatter(*cloud(run.rng, 0).data.T, s=12, color="tab:green", label="real points")
plane.scatter(*near.data.T, s=12, color="tab:red", label="fakes that D was trained on")
plane.scatter(*start.data.T, s=40, color="lightgray", label="fakes before the steps of G")
l, y = np.linspace(-10, 10, 201), np.array([-3, 8])
for name, color in zip(games, ("tab:gray", "tab:blue", "tab:orange"), strict=True):
    slopes.semilogy(l, abs(gradients(games[name], lambda l: l, Tensor(l))), color=color, label=name)
    sizes.loglog(checks, size[name].mean(axis=0), color=color, label=name)
    sizes.fill_between(checks, *np.percentile(size[name], (0, 100), axis=0), color=color, alpha=0.2)
    if name != OLD:  # its fakes leave the frame
        fakes, (w, b) = ends[name]
        x = (middle[name] - b.numpy() - w.numpy()[0, 1] * y) / w.numpy()[0, 0]
        plane.plot(x, y, "--", color=color, label=f"D's boundary, {name}")
        plane.scatter(*fakes.T, s=12, color=color, marker="x", label=f"500 steps later, {name}")
slopes.set(title="Slope of G's loss", xlabel="D's output for a fake", ylabel="size of the slope")
plane.set(title="Accepted fakes (right of D's boundary)", xlabel="x", ylabel="y", xlim=(-8, 9))
sizes.set(title="Rejected fakes (5 seeds)", xlabel="steps of D", ylabel="size of G's gradient")
for axes in figure.axes:
    axes.legend(fontsize=8)
run.save("slopes", figure, "G's slopes; accepted fakes; G's gradient (mean, range)")
remaining = {name: values.mean() for name, values in share.items()}
pulls = {name: values[:, -1].mean() for name, values in size.items()}
left, pull, bar = remaining.pop(SQUARE), pulls.pop(SQUARE), 20 * pulls[OLD]
run.found("fakes that D accepts: distance after / before", left, at_most=0.2, compare=remaining)
run.found("fakes that D rejects: size of G's gradient", pull, at_least=bar, compare=pulls)


# %% Images: two games, the same networks, three seeds
def rounds(game, G, D, data, noise, opt_g, opt_d):
    """Play Algorithm 1: a step of D, then a step of G."""
    while True:
        fake, x = G(noise(32)).detach(), data(32)  # G is fixed while D learns
        on_real, on_fake = gan.discriminate(D, x, fake)  # D(x) and D(fake) in one pass
        d_loss = gan.update(opt_d, game.d_loss(on_real, on_fake))
        g_loss = gan.update(opt_g, game.g_loss(D(G(noise(32)))))
        yield gan.Round(d_loss, g_loss, on_real.detach(), on_fake.detach())


classifier, n = run.classifier(train), max(200, run.many(1000))
known, real = (part.images[:n].astype(np.float32) / 255 for part in (train, test))
goal, shape, pixels = classifier.features(real), known.shape[1:], known[0].size
frechet, shown = {LOG: np.zeros(3), SQUARE: np.zeros(3)}, {}
curves = {name: run.curve(games[name], name) for name in frechet}
for i, name in product(range(3), frechet):
    rng = np.random.default_rng((run.seed, i))
    layers = partial(perceptron, rng=rng, width=run.width)
    G = nn.Sequential(layers(100, 128, pixels), nn.Tanh(), nn.Unflatten(1, shape))
    D = nn.Sequential(nn.Flatten(), layers(pixels, 128, 1))
    pair = models.Pair(G, D, lr_d=2e-3, lr_g=2e-3).to(run.backend)
    players = pair.players(Minibatches(train.images, rng=rng, backend=run.backend), rng)
    fixed = pair.noise(np.random.default_rng((run.seed, i, 1)))(n)
    untrained, average = models.pixels(G, fixed), optim.EMA(G, 0.999)
    for step, result in run.play(partial(rounds, games[name], *players), name):
        average.update()
        if i == 0:
            curves[name].add(step, result)
            if step in run.snapshots:
                shown[f"{name}, round {step}"] = models.pixels(average.module, fixed[:12])
    made = classifier.features(models.pixels(average.module, fixed))
    frechet[name][i] = frechet_distance(goal, made)
run.save_curves()
sheet = plots.rows(shown | {"real": real[:12]}, 12, 0, title="LSGAN: one noise in each column")
run.save("samples", sheet, "samples of both games through training, one noise in each column")
other, ours = (each.mean() for each in frechet.values())
change, half = t_interval(frechet[SQUARE] - frechet[LOG])  # pairs of runs with the same seed
controls = {"untrained": untrained, "mean image": 0 * real + known.mean(axis=0), "real": known}
compare = {name: frechet_distance(goal, classifier.features(x)) for name, x in controls.items()}
compare, bar = {LOG: other} | compare, compare["mean image"] / 2
run.found("images: Frechet distance, mean of 3 seeds", ours, at_most=bar, compare=compare)
points = ["D has too few steps to reject fakes at x = -6 and accept those at x = 6: see --steps."]
if np.mean(judged) > 0.95:
    points = [
        f"Of the distance of fakes that D accepts although they are far from real points, least "
        f"squares leaves {left:.0%} after 500 steps of G, and -log D {remaining[LOG]:.0%}. With "
        f"log(1 - D) they move away, to {remaining[OLD]:.0f} times the distance.",
        f"At fakes that D rejects, G's gradient is {pull:.2g} with least squares, {pulls[OLD]:.2g} "
        f"with log(1 - D), and {pulls[LOG]:.2g} with -log D, which saturates at accepted fakes.",
    ]
run.end(
    *points,
    f"On images, the Frechet distance on features of a classifier (lower is better) is {ours:.0f} "
    f"with least squares and {other:.0f} with -log D. The difference of {change:.0f} ± {half:.0f} "
    f"(95 %, 3 seeds) is {'clear' if abs(change) > half else 'not clear'}.",
)
