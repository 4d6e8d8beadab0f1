"""Figure 1 of the paper in a real training: two densities on a line, and the D between them.

    D*(x) = p_data(x) / (p_data(x) + p_g(x))

Goodfellow et al. 2014, Figure 1 (a drawing) and Proposition 1. (a) p_g differs from p_data, and D
is partly trained. (b) G is fixed, and D converges to D*. (c) G's samples have moved up D's slope,
toward the data. (d) p_g equals p_data, and D is 1/2. The paper's figure has no numbers; here
p_data is N(0, 1), z is uniform on (-1, 1), and D* is known at all times. Two changes make the
players converge instead of circling: their learning rates fall to 0, and D's slope on the data is
penalized (R1, which does not move the equilibrium: Mescheder et al. 2018).
"""

# %% Two players on a line
from itertools import islice

import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, losses, no_grad, optim, plots
from tinygan.backend import inputs
from tinygan.backend.graph_replay import captured
from tinygan.experiments.example import Example
from tinygan.gan.single_player import train_d
from tinygan.gan.theory import normal_density, optimal_discriminator
from tinygan.metrics.pixels import wasserstein
from tinygan.models.mlp import perceptron
from tinygan.optim.minimize import minimize

run = Example("figure1", __doc__, steps=8000, full=40_000, data=None)
G = perceptron(1, 32, 32, 1, rng=run.rng, width=run.width).to(run.backend)
D = perceptron(1, 64, 64, 1, rng=run.rng, width=run.width).to(run.backend)
m, game, d_steps = 256, gan.non_saturating, max(1, run.steps // 4)


def data(n):
    return Tensor(inputs.normal(run.rng, (n, 1), G.parameters()[-1].data))


def noise(n):
    return Tensor(inputs.uniform(run.rng, (n, 1), G.parameters()[-1].data) * 2 - 1)


def start_loss():
    """The distance of G from z + 1.5, with which p_g is a box next to the data."""
    z = noise(m)
    return losses.mse(G(z), z + 1.5)


opt = optim.Adam(G.parameters(), 2e-3)
for _step in islice(captured(lambda: minimize(start_loss, opt), run.backend), d_steps):
    pass

# %% The densities: p_g from a fine grid of noise, so that it is not random
edges = np.linspace(-4, 4, 161)
x = (edges[1:] + edges[:-1]) / 2
z_grid = np.linspace(-1, 1, 100_001)


def values(net, points):
    points = Tensor(points.astype(np.float32)[:, None]).to(run.backend)
    with no_grad():
        return net(points).numpy()[:, 0].astype(np.float64)


def densities():
    """p_data, p_g, D and D* at x, and G of the grid of noise."""
    made = values(G, z_grid)
    p, q = normal_density(x), np.histogram(made, edges)[0] / len(z_grid) / (x[1] - x[0])
    return p, q, 1 / (1 + np.exp(-values(D, x))), optimal_discriminator(p, q), made


def draw(axes, seen, title):
    p, q, d, best, made = seen
    axes.plot(x, p, "k:", label="p_data")
    axes.plot(x, q, "tab:green", label="p_g")
    axes.plot(x, best, color="lightsteelblue", linewidth=4, label="D*")
    axes.plot(x, d, "b--", label="D")
    for z, to in zip(z_grid[::6250], made[::6250], strict=True):
        axes.annotate("", (to, -0.06), (3 * z, -0.44), arrowprops={"arrowstyle": "->", "lw": 0.6})
    for height, name in ((-0.06, "x"), (-0.44, "z")):
        axes.axhline(height, color="black", linewidth=0.8)
        axes.text(3.8, height + 0.02, name)
    axes.set(xlim=(-4, 4), ylim=(-0.47, 1.3), yticks=(0, 0.5, 1), title=title)


def distances(seen):
    """The mean distance of D from D* and from 1/2 over the data."""
    p, _, d, best, _ = seen
    return [(abs(d - other) * p).sum() / p.sum() for other in (best, 0.5)]


# %% Algorithm 1, interrupted once to train D alone to its optimum
opt_g = optim.Adam(G.parameters(), optim.cosine_decay(5e-4, run.steps), (0, 0.999))
opt_d = optim.Adam(D.parameters(), optim.cosine_decay(2e-3, run.steps + d_steps), (0, 0.999))
players = G, D, data, noise, opt_g, opt_d
begun = min(8, max(1, run.steps // 1000))
moved = min(6 * begun, run.steps)
panels: dict[str, tuple] = {}
frames: list[np.ndarray] = []


def record(title, keep=False):
    seen = densities()
    figure = Figure(figsize=(4.2, 3.2), dpi=80, layout="constrained")
    draw(figure.subplots(), seen, title)
    frames.append(plots.rendered(figure))
    if keep:
        panels[title] = seen


for step, _ in run.play(lambda: gan.play(game, *players, m=m, penalty=gan.r1(0.1))):
    if step % max(1, run.steps // 50) == 0 or step < moved:
        record("Algorithm 1")
    if step == begun:
        record("(a) D is partly trained", True)
        rounds_of_d = captured(lambda: train_d(game, *players, m=m), run.backend)
        for i in range(d_steps):
            if i % max(1, d_steps // 10) == 0:
                record("(b) G is fixed")
            next(rounds_of_d)
        record("(b) G is fixed: D is D*", True)
    if step == moved:
        record("(c) G has moved up D's slope", True)
record("(d) p_g = p_data, D = 1/2", True)

figure = Figure(figsize=(15, 3.6), layout="constrained")
for axes, (title, seen) in zip(figure.subplots(1, 4), panels.items(), strict=True):
    draw(axes, seen, title)
figure.axes[0].legend(loc="upper left", ncols=2, fontsize=8)
run.save(
    "figure1",
    figure,
    "Figure 1 of the paper: p_data, p_g, D, the optimal D*, and G's map from z to x",
)
run.animate("training", frames, 150)

# %% The results
data_only = np.random.default_rng(1).standard_normal((2, run.many(10_000), 1))
floor = wasserstein(*data_only).item()
a, b, c, d = panels.values()
first, last = (wasserstein(data_only[0], seen[-1][::10, None]).item() for seen in (a, d))
run.found("(a) W1(p_g, p_data)", first)
run.found(
    "(b) mean |D - D*|", distances(b)[0], f"in (a) {distances(a)[0]:.3f}", distances(b)[0] < 0.02
)
run.found("(d) W1(p_g, p_data)", last, f"below 0.1; between two data sets {floor:.3f}", last < 0.1)
run.found("(d) mean |D - 1/2|", distances(d)[1], "below 0.03", distances(d)[1] < 0.03)
run.end()
