# %% [markdown]
# # 12. Other games
#
# **A belief.** "LSGAN works, for whatever reason." The reason is a slope, and it can be drawn. Of a
# game, $G$ sees one thing only: the derivative of its loss with respect to $D$'s output on a fake.
# This chapter compares this slope for five games, and looks at what each game asks of $D$.
#
# Let $l$ be $D$'s output, a number without bounds. In the games of chapter 10 it is a logit.
# %%
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, grad, nn, ops, optim
from tinygan.experiments.chapter import Chapter
from tinygan.gan.theory import best_logit_slope
from tinygan.models.mlp import perceptron

chapter = Chapter("ch12_other_games", "12. Other games")


# %% [markdown]
# ## Least squares
#
# LSGAN makes $D$ a regression. Its targets are $b$ for real images and $a$ for fakes, and $G$ wants
# its fakes to have the value $c$; usually $a, b, c = 0, 1, 1$:
#
# $$L_D = \tfrac{1}{2} E[(D(x) - b)^2] + \tfrac{1}{2} E[(D(G(z)) - a)^2], \qquad
# L_G = \tfrac{1}{2} E[(D(G(z)) - c)^2]$$
#
# The slope of $L_G$ at a fake is $l - c$. That of $-\log D$ is $D - 1$ (chapter 10), nearly 0 as
# soon as $l$ is large. A fake with a large $l$ is one that $D$ *accepts*. But it may be far from
# all real images, on the right side of $D$'s boundary. Then $-\log D$ leaves it there, and the
# square pulls it back, because its $l$ is far above $c$.
# %%
def least_squares(real, fake, a=0.0, b=1.0, c=1.0):
    d_loss = ops.mean((real - b) ** 2) / 2 + ops.mean((fake - a) ** 2) / 2
    return d_loss, ops.mean((fake - c) ** 2) / 2


rng = np.random.default_rng(0)
real, fake = (Tensor(rng.normal(size=(8, 1))) for _ in range(2))
theirs = gan.least_squares()
for ours, other in zip(
    least_squares(real, fake), (theirs.d_loss(real, fake), theirs.g_loss(fake)), strict=True
):
    np.testing.assert_allclose(ours.item(), other.item(), rtol=1e-12)


def cloud(rng, at):
    """64 points around (at, 0), (64, 2)."""
    return Tensor(rng.normal((at, 0), 0.5, (64, 2)).astype(np.float32))


games, paths = {"-log D": gan.non_saturating, "least squares": theirs}, {}
for name, game in games.items():
    D = nn.Linear(2, 1, rng=rng)  # a straight boundary
    opt = optim.Adam(D.parameters(), 1e-2, (0.5, 0.999))
    for _ in range(1000):  # real points at 0, fakes at -6
        gan.update(opt, game.d_loss(D(cloud(rng, 0)), D(cloud(rng, -6))))
    points = cloud(rng, 6).numpy().copy()  # other fakes, far on the side of the real points
    print(f"{name:14} D gives these fakes {D(Tensor(points)).numpy().mean():4.1f}", end="; ")
    paths[name] = [points[:, 0].mean()]
    for _ in range(300):  # D is fixed, and the points move down G's loss
        x = Tensor(points)
        points = points - 0.5 * grad(ops.sum(game.generator_loss(D(x))), [x])[0].numpy()
        paths[name].append(points[:, 0].mean())
    print(f"their x goes from {paths[name][0]:.1f} to {paths[name][-1]:.1f}")


# %% [markdown]
# The real points are at 0. $-\log D$ leaves the fakes near 6; least squares brings them back.
#
# ## Wasserstein, and a gradient of a gradient
#
# WGAN drops the sigmoid: $L_D = E[D(G(z))] - E[D(x)]$ and $L_G = -E[D(G(z))]$. $G$'s slope is $-1$
# everywhere. But now $D$ can make its loss as small as it likes by larger weights, unless it is
# kept from being steep. WGAN-GP adds a penalty, at random points $\hat{x}$ between a real image and
# a fake:
#
# $$\lambda \, E\left[\left(|\nabla D(\hat{x})| - 1\right)^2\right]$$
#
# Here $|\cdot|$ is the length of a vector. The penalty contains a gradient, and $D$'s optimizer
# needs the gradient *of the penalty* with respect to $D$'s weights. `grad(..., create_graph=True)`
# returns gradients that have edges themselves (chapter 2), so `grad` works on them again. Without
# it, the gradient is a constant.
# %%
def wgan_gp(D, x, fake, weight, rng, create_graph=True):
    u = Tensor(rng.random((len(x), 1), dtype=np.float32))
    between = (u * x + (1 - u) * fake).detach()
    (g,) = grad(ops.sum(D(between)), [between], create_graph=create_graph)
    norms = ops.sqrt(ops.sum(g * g, axis=1) + 1e-12)
    return weight * ops.mean((norms - 1) ** 2)


x, fake, D = cloud(rng, 0), cloud(rng, -3), perceptron(2, 32, 1, rng=rng)
ours = wgan_gp(D, x, fake, 10.0, np.random.default_rng(1))
theirs = gan.wgan_gp(10.0, rng=np.random.default_rng(1))(D, x, fake)
np.testing.assert_allclose(ours.item(), theirs.item(), rtol=1e-5)
line = nn.Linear(2, 1, rng=rng)  # its gradient is its weights w, at every point
w = line.weight.numpy()[0]
size = np.linalg.norm(w)
by_hand = 2 * 10 * (size - 1) * w / size
(by_engine,) = grad(wgan_gp(line, x, fake, 10.0, rng), [line.weight])
print("gradient of the penalty:", by_hand, "by hand,", by_engine.numpy()[0], "by the engine")
np.testing.assert_allclose(by_engine.numpy()[0], by_hand, rtol=1e-3)
constant = wgan_gp(line, x, fake, 10.0, rng, create_graph=False)
try:
    grad(constant, [line.weight])
except ValueError as error:
    print(f"without create_graph: {error}")
between = Tensor(np.stack([np.linspace(-3, 0, 61), np.zeros(61)], axis=1).astype(np.float32))
steepness = {}
for name, weight in (("no penalty", 0.0), ("WGAN-GP", 10.0)):
    D = perceptron(2, 32, 32, 1, rng=rng, activation=nn.LeakyReLU)
    opt = optim.Adam(D.parameters(), 2e-3, (0.5, 0.9))
    for _ in range(300):
        x, fake = cloud(rng, 0), cloud(rng, -3)
        loss = gan.wasserstein.d_loss(D(x), D(fake))
        gan.update(opt, loss + wgan_gp(D, x, fake, weight, rng))
    (g,) = grad(ops.sum(D(between)), [between])
    steepness[name] = np.linalg.norm(g.numpy(), axis=1)
    print(
        f"{name:10} |gradient of D| from {steepness[name].min():.1f} to {steepness[name].max():.1f}"
    )


# %% [markdown]
# With the penalty, $D$ has a slope of about 1 all the way from the fakes to the real points: a
# direction for every fake, however far. Without it the slope only grows.
#
# ## Relativistic games
#
# So far each image is judged alone. A *relativistic* $D$ says which of two images is *more* real:
#
# $$L_D = E[-\log \sigma(l_{\mathrm{real}} - l_{\mathrm{fake}})], \qquad
# L_G = E[-\log \sigma(l_{\mathrm{fake}} - l_{\mathrm{real}})]$$
#
# Only differences count: adding a number to all outputs changes nothing. So $G$ is not done when
# its fakes have a large $l$, but when they have as large a one as real images.
# %%
def relativistic(real, fake):
    return ops.mean(ops.softplus(fake - real)), ops.mean(ops.softplus(real - fake))


real, fake = (Tensor(rng.normal(size=(8, 1))) for _ in range(2))
pairing = gan.relativistic_pairing
ours = [loss.item() for loss in relativistic(real, fake)]
theirs = [pairing.d_loss(real, fake).item(), pairing.g_loss(fake, real).item()]
np.testing.assert_allclose(ours, theirs, rtol=1e-12)
moved = [loss.item() for loss in relativistic(real + 5, fake + 5)]
print("relativistic losses:", np.round(ours, 3), "and with all outputs + 5:", np.round(moved, 3))
# %%
l = np.linspace(-6, 10, 161)
slopes = {name: best_logit_slope(game, l) for name, game in
          {"log(1 - D)": gan.minimax, **games, "Wasserstein": gan.wasserstein}.items()}  # fmt: skip
slopes["relativistic, real at 4"] = -1 / (1 + np.exp(l - 4))
figure = Figure(figsize=(11, 3.8), layout="constrained")
left, middle, right = figure.subplots(1, 3)
for axes, curves in ((left, slopes), (middle, paths)):
    for name, values in curves.items():
        axes.plot(l if axes is left else range(301), values, label=name)
for name, values in steepness.items():
    right.semilogy(between.numpy()[:, 0], values, label=name)
left.set(title="Slope of G's loss", xlabel="D's output for a fake", ylabel="slope", ylim=(-3, 6))
middle.set(
    title="Fakes that D accepts, far away", xlabel="steps of G", ylabel="mean x of the fakes"
)
right.set(title="D between fakes (-3) and data (0)", xlabel="x", ylabel="norm of D's gradient")
for axes in figure.axes:
    axes.legend(fontsize=7)
chapter.save(figure, ko={
    "Slope of G's loss": "G의 손실의 경사", "D's output for a fake": "가짜에 대한 D의 출력",
    "slope": "경사", "Fakes that D accepts, far away": "D가 받아들인, 멀리 있는 가짜",
    "steps of G": "G의 걸음 수", "mean x of the fakes": "가짜의 x 평균",
    "D between fakes (-3) and data (0)": "가짜(-3)와 데이터(0) 사이의 D",
    "norm of D's gradient": "D의 기울기의 크기", "least squares": "최소 제곱",
    "Wasserstein": "바서슈타인", "relativistic, real at 4": "상대적, 진짜의 출력은 4",
    "no penalty": "벌점 없음",
})  # fmt: skip
# %% [markdown]
# Left: for large outputs, the slope of least squares is positive and pulls fakes back. That of
# $-\log D$ is nearly 0. The relativistic slope fades only beyond the real images, here at 4.
#
# ## The package's own files
#
# All losses are in [games.py](../../tinygan/gan/games.py), the penalties in
# [penalties.py](../../tinygan/gan/penalties.py). [lsgan.py](../lsgan.py) repeats the second panel
# with five seeds and adds images, and [mixtures.py](../mixtures.py) compares the games.
#
# ## Exercises
#
# **12.1** Write `least_squares(real, fake, a, b, c)`: the losses of $D$ and of $G$, two numbers,
# from $D$'s outputs $(N,)$ on real images and on fakes: `tinygan check 12.1 FILE`.
#
# **12.2** Let $D(x) = w \cdot x$. Write `linear_penalty(w, weight)`: the penalty of WGAN-GP, and
# its gradient with respect to $w$, by hand: `tinygan check 12.2 FILE`.
