# %% [markdown]
# # 10. Saturation and collapse
#
# **A belief.** "In mode collapse the gradient becomes 0, so $G$ is stuck on one image." Two
# failures are mixed up here. In *saturation* the gradient of $G$ does become nearly 0. In *mode
# collapse* it does not: $G$ keeps moving, with all its samples together. This chapter makes both
# failures happen, measures them, and tries remedies.
#
# The data are points in the plane: eight small Gaussians on a ring, the *modes*. $G$ and $D$ are
# networks with two hidden layers.
# %%
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, grad, nn, ops
from tinygan.data.mixtures import ring
from tinygan.experiments.chapter import Chapter
from tinygan.experiments.toy_game import extra_g_steps, toy_game
from tinygan.gan.single_player import train_d
from tinygan.gan.theory import best_logit_slope
from tinygan.metrics.modes import modes

chapter = Chapter("ch10_saturation_and_collapse", "10. Saturation and collapse")
mixture, games = ring(sd=0.1), {"minimax": gan.minimax, "non-saturating": gan.non_saturating}


# %% [markdown]
# ## Saturation
#
# $D$ gives a logit $l$, and $D = \sigma(l)$. $G$ may use either of two losses. Their derivatives
# with respect to the logit of a fake are
#
# $$\frac{d}{dl} \log(1 - \sigma(l)) = -D, \qquad
# \frac{d}{dl} \left(-\log \sigma(l)\right) = D - 1$$
#
# If $D$ rejects a fake, $D$ is near 0. The first derivative, of the *minimax* loss, is then near 0:
# the loss *saturates*. The second, of the *non-saturating* loss, is near -1. By the chain rule
# this number is a factor of the whole gradient of $G$. So we fix $G$, train $D$ alone, and measure
# the norm of $G$'s gradient.
# %%
logits = np.array([-10.0, -2.0, 0.0, 2.0])
d = 1 / (1 + np.exp(-logits))
print("D(G(z))             ", np.round(d, 3))
for name, slopes in {"minimax": -d, "non-saturating": d - 1}.items():
    print(f"slope, {name:14}", np.round(slopes, 3))
    np.testing.assert_allclose(slopes, best_logit_slope(games[name], logits), rtol=1e-9)
toy, steps = toy_game(mixture, seed=0), [1, 2, 4, 8, 16, 32, 64, 128, 256]
norms = {name: [] for name in games}
for step, _ in enumerate(train_d(gan.minimax, *toy.players, m=toy.m), 1):
    if step in steps:
        for name, game in games.items():
            norms[name].append(toy.slope(game))
    if step == steps[-1]:
        break
for name, values in norms.items():
    print(f"{name:14} gradient of G: {values[0]:.2g} at first, {values[-1]:.2g} at last")


# %% [markdown]
# After a few hundred steps of $D$, the minimax gradient is a small part of the other. This is why
# the paper trains $G$ with $-\log D$.
#
# ## Collapse
#
# Now both players move, but $G$ takes *five* steps for each step of $D$. Against a fixed $D$, the
# best $G$ puts all samples where $D$ is largest: one point is enough. At 20 moments we look at the
# samples, and at the gradient that $D$ gives each of them. Downhill is the direction in which $G$
# wants to move this sample. We measure its mean length, and how parallel the directions are: the
# length of the mean arrow, divided by the mean length. 1 means that all are parallel.
# %%
def watch(g_steps, rounds=400):
    """Play; return the game, and samples and arrows, each (20, 100, 2), of the second half."""
    toy, points, arrows = toy_game(mixture, seed=0), [], []
    for t, _ in enumerate(extra_g_steps(gan.non_saturating, toy, g_steps), 1):
        if t > rounds // 2 and t % (rounds // 40) == 0:
            fake = Tensor(toy.samples(100))
            loss = ops.sum(gan.non_saturating.generator_loss(toy.players[1](fake)))
            points.append(fake.numpy())
            arrows.append(-grad(loss, [fake])[0].numpy())
        if t == rounds:
            return toy, np.array(points), np.array(arrows)


watched = {name: watch(n) for name, n in (("1 step of G", 1), ("5 steps of G", 5))}
for name, (toy, points, arrows) in watched.items():
    lengths = np.linalg.norm(arrows, axis=2).mean(axis=1)
    parallel = np.median(np.linalg.norm(arrows.mean(axis=1), axis=1) / lengths)
    path = np.linalg.norm(np.diff(points.mean(axis=1), axis=0), axis=1).sum()
    print(f"{name:12} {modes(toy.samples(), mixture).above_noise} of 8 modes; arrows: length "
          f"{lengths.mean():.2f}, parallel {parallel:.2f}; center moved {path:.0f}")  # fmt: skip


# %% [markdown]
# With five steps of $G$, at most a mode or two are left. But the gradient is *not* 0. The arrows
# are shorter, but much more parallel: a step moves all samples in nearly the same direction. So
# they move together; $D$ then learns to reject the new place, and they move on. Their center
# travels many times the radius of the ring. In the balanced game the center hardly moves, and
# each sample has a direction of its own.
#
# ## Remedies
#
# $D$ sees one sample at a time. Each collapsed sample alone may look real: that all are alike
# cannot be seen in one of them. *Packing* gives $D$ two samples at once. *Minibatch
# discrimination* is a layer that measures how close each row $M_i$ is to all rows of its minibatch:
#
# $$o_i = \sum_j \exp\left(-|M_i - M_j|\right)$$
#
# Here $|\cdot|$ is the sum of absolute values. $o_i$ is large if all rows are alike, and $D$ learns
# that real minibatches are not. The function computes several such measures $b$ at once. Below it
# is a game with packing and five steps of $G$.
# %%
def closeness(m):
    """o (N, B) of m (N, B, C): for each example i and measure b, the sum over j."""
    distances = abs(m[:, None] - m[None, :]).sum(axis=3)  # (N, N, B)
    return np.exp(-distances).sum(axis=1)


rng = np.random.default_rng(0)
for name, batch in {"real": mixture.sample(100, rng=rng), "G, collapsed": points[-1]}.items():
    print(f"closeness in a minibatch, {name:12}: {closeness(batch[:, None]).mean():.0f} of 100")
layer, x = nn.MinibatchDiscrimination(5, 4, 3, rng=rng), rng.normal(size=(8, 5)).astype("f4")
theirs = layer(Tensor(x)).numpy()[:, 5:]
ours = closeness(layer.T(Tensor(x)).numpy().reshape(8, 4, 3))
np.testing.assert_allclose(ours, theirs, rtol=1e-4)
packed = toy_game(mixture, ["packing"], seed=0)
for t, _ in enumerate(extra_g_steps(gan.non_saturating, packed, 5), 1):
    if t == 400:
        break
print("with packing:", modes(packed.samples(), mixture).above_noise, "of 8 modes")
# %%
figure = Figure(figsize=(11, 3.9), layout="constrained")
left, middle, right = figure.subplots(1, 3)
for name, values in norms.items():
    left.loglog(steps, values, marker="o", label=name)
left.set(title="Saturation: D is trained alone")
left.set(xlabel="steps of D", ylabel="norm of G's gradient")
left.legend()
middle.plot(*points.mean(axis=1).T, color="lightgray", label="center, rounds 210 to 400")
for k, color in ((9, "tab:blue"), (14, "tab:orange"), (19, "tab:green")):
    xy = np.array([points[k][:25], arrows[k][:25] * 0.5 / np.linalg.norm(arrows[k], axis=1).mean()])
    middle.quiver(*xy[0].T, *xy[1].T, color=color, angles="xy", scale_units="xy", scale=1,
                  width=0.004, label=f"samples, round {210 + 10 * k}")  # fmt: skip
right.scatter(*packed.samples(500).T, s=3, color="tab:purple", label="samples")
middle.set(title="Collapse: 5 steps of G for one of D")
right.set(title="The same, with packing")
for axes in (middle, right):
    axes.scatter(*mixture.means.T, s=150, fc="none", ec="gray", label="modes of the data")
    axes.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), aspect="equal", xlabel="x", ylabel="y")
    axes.legend(fontsize=6, loc="lower right", markerscale=0.5)
chapter.save(figure, ko={
    "minimax": "미니맥스", "non-saturating": "비포화", "steps of D": "D의 걸음 수",
    "Saturation: D is trained alone": "포화: D만 학습",
    "norm of G's gradient": "G의 기울기의 크기",
    "center, rounds 210 to 400": "중심, 라운드 210~400",
    "samples, round 300": "표본, 라운드 300", "samples, round 350": "표본, 라운드 350",
    "samples, round 400": "표본, 라운드 400", "samples": "표본",
    "Collapse: 5 steps of G for one of D": "붕괴: D 한 걸음마다 G 다섯 걸음",
    "The same, with packing": "같은 게임에 패킹을 더함", "modes of the data": "데이터의 모드",
})  # fmt: skip
# %% [markdown]
# The arrows of each round are drawn with one mean length.
#
# ## The package's own files
#
# The two losses are in [games.py](../../tinygan/gan/games.py), the layer in
# [minibatch_discrimination.py](../../tinygan/nn/minibatch_discrimination.py), and packing in
# [packing.py](../../tinygan/gan/variants/packing.py). In
# [collapse_and_saturation.py](../collapse_and_saturation.py), seven remedies are compared over many
# seeds: label noise and label flips help against saturation, minibatch discrimination and packing
# against collapse.
#
# ## Exercises
#
# **10.1** Write `generator_slopes(logits)`: the derivatives of the minimax loss and of the
# non-saturating loss of $G$ with respect to each logit, two arrays: `tinygan check 10.1 FILE`.
#
# **10.2** Write `closeness(m)` for `m` of the shape $(N, B, C)$, and return $(N, B)$:
# `tinygan check 10.2 FILE`.
