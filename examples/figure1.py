"""Figure 1 of the paper in a real training: two densities on a line, and the D between them.

    D's loss:   -log D(x) - log(1 - D(G(z)))          G's loss:   -log D(G(z))
    the optimal D for a fixed G:    D*(x) = p_data(x) / (p_data(x) + p_g(x))
    the density of x = G(z):        p_g(x) = sum over all z with G(z) = x of p_z(z) / |dG/dz|

Goodfellow et al. 2014, Figure 1 (a drawing) and Proposition 1. (a) p_g differs from p_data, and D
is partly trained. (b) G is fixed, and D converges to D*. (c) G has followed the gradient of D, so
its samples are nearer to the data. (d) p_g equals p_data, and D is 1/2. Here p_data is N(0, 1), z
is uniform on (-1, 1), and G is first trained to be z + 1.5. With two changes the players converge
and do not oscillate: their learning rates fall to 0, and D's gradient on the data is penalized (R1,
which does not move the equilibrium: Mescheder et al. 2018). Read next: tinygan/gan/theory.py
"""

# %% Two players on a line
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, losses, nn, optim
from tinygan.backend import inputs
from tinygan.experiments.example import Example
from tinygan.gan.theory import normal_density, optimal_discriminator
from tinygan.metrics.pixels import wasserstein
from tinygan.models.mlp import perceptron
from tinygan.ops import mean, softplus

run = Example("figure1", __doc__, steps=6000, full=40_000, data=None)
G = perceptron(1, 32, 32, 1, rng=run.rng, width=run.width, activation=nn.Tanh).to(run.backend)
D = perceptron(1, 64, 64, 1, rng=run.rng, width=run.width).to(run.backend)
m, d_steps = 256, max(1, run.steps // 4)


def data():
    """Return a minibatch of x from N(0, 1), (m, 1)."""
    return Tensor(inputs.normal(run.rng, (m, 1), G.parameters()[-1].data))


def noise():
    """Return a minibatch of z, uniform on (-1, 1), (m, 1)."""
    return Tensor(inputs.uniform(run.rng, (m, 1), G.parameters()[-1].data) * 2 - 1)


opt = optim.Adam(G.parameters(), 2e-3)
for _ in range(d_steps):  # in the end, p_g is about the uniform density on (0.5, 2.5)
    z = noise()
    gan.update(opt, losses.mse(G(z), z + 1.5))

# %% The densities
x, z_grid = np.linspace(-4, 4, 401), np.linspace(-1, 1, 4001)


def values(net, points):
    """Return the outputs of G or D at points (n,), (n,)."""
    return net(Tensor(points.astype("f4")[:, None]).to(run.backend)).numpy()[:, 0].astype("f8")


def density(fake, x):
    """Return p_g at x, from fake = G(z_grid): a step of z across x adds p_z(z) |dz| / |dx|."""
    crossed = np.diff(fake[:, None] > x, axis=0)  # (steps of z, points x); p_z |dz| is 1 / steps
    return 1 / len(crossed) / np.maximum(abs(np.diff(fake)), 1e-9) @ crossed


def densities():
    """Return p_data, p_g, D and D* at x, and G at z_grid."""
    fake, d = values(G, z_grid), 1 / (1 + np.exp(-values(D, x)))
    p_data, p_g = normal_density(x), density(fake, x)
    return p_data, p_g, d, optimal_discriminator(p_data, p_g), fake


def distances(panel):
    """Return the mean distance of D from D* and from 1/2 over the data."""
    p_data, _, d, best, _ = panel
    return [(abs(d - other) * p_data).sum() / p_data.sum() for other in (best, 0.5)]


# %% Algorithm 1, interrupted once to train D alone to its optimum
def d_step(x, fake, penalty=None):
    """Take a step of D. It gives a logit l: log D = -softplus(-l), log(1 - D) = -softplus(l)."""
    on_real, on_fake = gan.discriminate(D, x, fake)  # D(x) and D(fake)
    loss = mean(softplus(-on_real)) + mean(softplus(on_fake))  # -log D(x) - log(1 - D(G(z)))
    loss = gan.update(opt_d, loss + penalty(D, x, fake) if penalty else loss)
    return loss, on_real.detach(), on_fake.detach()


def rounds():
    """Play Algorithm 1: a step of D, with the penalty R1, then a step of G."""
    while True:
        fake, x = G(noise()).detach(), data()  # G is fixed while D learns
        d_loss, *logits = d_step(x, fake, gan.r1(0.1))
        g_loss = gan.update(opt_g, mean(softplus(-D(G(noise())))))  # -log D(G(z))
        yield gan.Round(d_loss, g_loss, *logits)


opt_g = optim.Adam(G.parameters(), optim.cosine_decay(1e-3, run.steps), (0, 0.999))
opt_d = optim.Adam(D.parameters(), optim.cosine_decay(4e-3, run.steps + d_steps), (0, 0.999))
begun = min(6, max(1, run.steps // 1000))  # the round of (a) and (b)
moved = min(6 * begun, run.steps)  # the round of (c)
panels, curve = {}, run.curve(gan.non_saturating, "Two densities on a line", penalty="r1")
for step, result in run.play(rounds):
    curve.add(step, result)
    if step == begun:
        panels[f"(a) round {begun}: D is partly trained"] = densities()
        for _ in range(d_steps):
            d_step(data(), G(noise()).detach())
        panels[f"(b) G is fixed; steps of D: {d_steps}"] = densities()
    if step == moved:
        panels[f"(c) round {moved}: G has moved"] = densities()
panels[f"(d) round {run.steps}: the end"] = densities()

figure = Figure(figsize=(15, 4.8), layout="constrained")
axes = figure.subplots(2, 4, height_ratios=(3, 1))
for (top, bottom), (title, panel) in zip(axes.T, panels.items(), strict=True):
    p_data, p_g, d, best, fake = panel
    top.plot(x, best, color="lightsteelblue", linewidth=5, label="D*(x), the optimal D")
    top.plot(x, d, "b--", label="D(x)")
    top.plot(x, p_data, "k:", linewidth=2, label="p_data, density of the data")
    top.plot(x, p_g, "tab:green", label="p_g, density of G(z)")
    top.plot([], [], "k", marker=r"$\nearrow$", linestyle="", label="from z to x = G(z)")
    top.set(xlim=(-4, 4), ylim=(0, 1.05), title=title, xlabel="x")
    for z, to in zip(z_grid[::250], fake[::250], strict=True):
        bottom.annotate("", (to, 0.98), (3 * z, 0.02), arrowprops={"arrowstyle": "->", "lw": 0.7})
    bottom.set(xlim=(-4, 4), ylim=(0, 1), yticks=(), xlabel="z, uniform on (-1, 1)")
    bottom.set_xticks((-3, 0, 3), ("-1", "0", "1"))
    bottom.spines[["left", "right", "top"]].set_visible(False)
axes[0, 0].set_ylabel("density, or value of D")
figure.suptitle("Figure 1 of Goodfellow et al. 2014 in a real training: p_g and D at four moments")
figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
caption = "the densities and D at four moments; an arrow leads from each of 17 equally spaced z to "
run.save("figure1", figure, caption + "x = G(z), so p_g is high where arrows end close together")
run.save_curves()

# %% The results
real = np.random.default_rng(1).standard_normal((2, run.many(10_000), 1))
reference, (a, b, c, d) = wasserstein(*real).item(), panels.values()
first, middle, last = (wasserstein(real[0], panel[-1][:, None]).item() for panel in (a, c, d))
(before, _), (after, start), (_, half) = (distances(panel) for panel in (a, b, d))
run.found("(b) mean |D - D*| over the data", after, at_most=0.05, compare={"in (a)": before})
run.found("(c) W1(p_g, p_data)", middle, at_most=0.75 * first, compare={"in (a)": first})
run.found("(d) W1(p_g, p_data)", last, at_most=0.15,
          compare={"in (a)": first, "between two data sets": reference})  # fmt: skip
run.found("(d) mean |D - 1/2| over the data", half, compare={"in (b)": start})
run.end(
    f"While G was fixed, the mean distance of D from D* went from {before:.3f} to {after:.3f}: D "
    f"{'learned' if after < 0.05 else 'did not learn'} the ratio of two densities from samples.",
    f"In the game, the Wasserstein distance W1 of p_g from p_data went from {first:.2f} to "
    f"{last:.3f}. In the end, D is {half:.3f} from 1/2 on average over the data, so it "
    f"{'can hardly' if half < 0.03 else 'still can'} distinguish real x from fakes.",
)
