# %% [markdown]
# # 13. Labels: three games side by side
#
# **A belief.** "The generator of an SGAN is given a label." SGAN is the *semi-supervised* GAN
# (Odena 2016). Its labels go to $D$, and $G$ gets noise alone. In two other games $G$ gets a label.
# This chapter plays all three on the same points, and then asks each generator for a class.
#
# | game | input of $G$ | input of $D$ | output of $D$ |
# | --- | --- | --- | --- |
# | conditional GAN | $z, y$ | $x, y$ | one logit |
# | AC-GAN | $z, y$ | $x$ | a logit and $K$ class logits |
# | semi-supervised | $z$ | $x$ | $K$ class logits |
#
# The data: eight blobs on a circle. Each class has two of them, so $G$ needs the label $y$ and the
# noise $z$.
# %%
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, nn, no_grad, optim
from tinygan.data.mixtures import ring
from tinygan.experiments.chapter import Chapter
from tinygan.gan.variants import conditional
from tinygan.gan.variants.conditional import concat_label, one_hot
from tinygan.gan.variants.semi_supervised import play_semi_supervised, real_logit

chapter = Chapter("ch13_labels", "13. Labels: three games side by side")
rng = np.random.default_rng(0)
K, SHAPE, blobs = 4, (2, 1, 1), ring(8, sd=0.1)  # a point is an image of two channels, one pixel


def points(n, blob=None):
    """n points (n, 2), and their classes (n,)."""
    blob = rng.integers(8, size=n) if blob is None else blob
    x = blobs.means[blob] + blobs.sd * rng.standard_normal((n, 2))
    return x.astype(np.float32), blob // 2


def mlp(inputs, outputs):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, 32, rng=rng), nn.LeakyReLU(0.2),
        nn.Linear(32, 32, rng=rng), nn.LeakyReLU(0.2), nn.Linear(32, outputs, rng=rng),
    )  # fmt: skip


def noise(m):
    return Tensor(rng.standard_normal((m, 4), dtype=np.float32))


def rows(m):
    """Real rows [x, y]: points and their labels as one-hot rows."""
    x, y = points(m)
    return concat_label(Tensor(x), one_hot(Tensor(y), K))


def play(game, rounds=1000):
    for _ in zip(range(rounds), game, strict=False):
        pass


adam = lambda net: optim.Adam(net.parameters(), 2e-3, (0.5, 0.999))  # noqa: E731
# %% [markdown]
# ## 1. Conditional: D sees the label
#
# Mirza and Osindero 2014 give $y$ to both players. $D$ classifies the *pair*: a realistic point
# with the wrong label is a fake, too. The game itself does not change:
#
# $$V = \mathbb{E} \log D(x, y) + \mathbb{E} \log(1 - D(G(z, y), y))$$
# %%
noise_and_label = conditional.labeled_noise(noise, K, rng=rng)  # rows [z, y]
G1 = conditional.ConditionalGenerator(mlp(4 + K, 2), K)  # returns [G(z, y), y]
D1 = conditional.ConditionalDiscriminator(mlp(2 + K, 1), SHAPE)
play(gan.play(gan.non_saturating, G1, D1, rows, noise_and_label, adam(G1), adam(D1)))
# %% [markdown]
# ## 2. AC-GAN: D names the label
#
# Odena et al. 2017 do not show $y$ to $D$: it must *predict* it. Both players add the same term to
# their loss, $-\log p(y \mid x)$ with the softmax of the class logits. $D$ learns to name the class
# of an image, and $G$ makes images whose class $D$ names. About this term they agree.
# %%
game = conditional.auxiliary_classifier(gan.non_saturating)
G2 = conditional.ConditionalGenerator(mlp(4 + K, 2), K)
D2 = conditional.ACGANDiscriminator(mlp(2, 1 + K), SHAPE)
play(gan.play(game, G2, D2, rows, noise_and_label, adam(G2), adam(D2)))
# %% [markdown]
# ## 3. Semi-supervised: few labels, and all of them for D
#
# Here the aim is a *classifier*, and $G$ helps to train it. $D$ has $K$ class logits $l_k$, and a
# further class, "fake", whose logit is 0. Then the softmax over all $K + 1$ says that $x$ is real
# with probability
#
# $$D(x) = \frac{Z}{Z + 1}, \qquad Z = \sum_k e^{l_k}$$
#
# so $\log Z$ is the logit of being real. Labeled points train the classes; points without labels
# need only be real. Eight points have labels here, one of each blob.
# %%
few, few_labels = points(8, blob=np.arange(8))
as_images = lambda x: Tensor(x.reshape(-1, *SHAPE))  # noqa: E731
labeled = lambda m: (as_images(few[(i := rng.integers(8, size=m))]), Tensor(few_labels[i]))  # noqa: E731
*body, head = mlp(2, K)
G3, D3 = nn.Sequential(mlp(4, 2), nn.Unflatten(1, SHAPE)), nn.Sequential(nn.Sequential(*body), head)
play(play_semi_supervised(G3, D3, labeled, lambda m: as_images(points(m)[0]), noise, adam(G3),
                          adam(D3), m=64, feature_matching=False))  # fmt: skip
# %% [markdown]
# ## Ask for a class
#
# For each game, draw 1000 samples with a request: a random class. How many samples belong to the
# class that was asked for? The third $G$ has no input for the request.
# %%
test, classes = points(1000)
with no_grad():
    both = [G(noise_and_label(1000)).numpy() for G in (G1, G2)]
    samples = {name: (row[:, :2], row[:, 2:].argmax(axis=1))
               for name, row in zip(("conditional", "AC-GAN"), both, strict=True)}  # fmt: skip
    samples["semi-supervised"] = (
        G3(noise(1000)).numpy().reshape(-1, 2),
        rng.integers(K, size=1000),
    )
    named = D3(as_images(test)).numpy().argmax(axis=1)
for name, (x, asked) in samples.items():
    nearest = np.linalg.norm(x[:, None] - blobs.means, axis=2).argmin(axis=1) // 2
    print(f"{name:16} {np.mean(nearest == asked):.2f} of the samples are of the class asked for")
print(
    f"semi-supervised: D names {np.mean(named == classes):.2f} of new points rightly, by 8 labels"
)
# %%
figure = Figure(figsize=(8.4, 3.8), layout="constrained")
figure.suptitle("Samples of the three generators; color: the class that was asked for")
panels = figure.subplots(1, 3, sharex=True, sharey=True)
for axes, (name, (x, asked)) in zip(panels, samples.items(), strict=True):
    axes.scatter(*blobs.means.T, s=400, facecolors="none", edgecolors="gray", label="data")
    for c in range(K):
        axes.scatter(*x[asked == c][:100].T, s=4, label=f"y = {c}")
    axes.set(title=name, xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), xlabel="x[0]")
panels[0].set_ylabel("x[1]")
figure.legend(
    *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=K + 1, markerscale=0.6
)
chapter.save(figure, ko={
    "Samples of the three generators; color: the class that was asked for":
        "세 생성자의 표본. 색은 요청한 클래스",
    "conditional": "조건부 GAN", "semi-supervised": "준지도 GAN", "data": "데이터",
})  # fmt: skip
# %% [markdown]
# The first two generators give what was asked. With the third, a request is met only by chance, a
# quarter of the time: the colors are mixed in each blob. Its result is $D$, which names new points
# rightly. (On points as easy as these, a classifier of the eight labels alone is nearly as good.)
#
# A label does not repair a game: both conditional generators can still lose one of the two blobs
# of a class. This is mode collapse *within* a class, and the share above does not see it.
#
# ## The package's own
#
# The first two are [conditional.py](../../tinygan/gan/variants/conditional.py), the third is
# [semi_supervised.py](../../tinygan/gan/variants/semi_supervised.py). The two formulas in NumPy,
# and the package's:
# %%
real, class_logits, y = rng.normal(size=(5, 1)), rng.normal(size=(5, K)), np.array([0, 3, 1, 1, 2])
p = np.exp(class_logits) / np.exp(class_logits).sum(axis=1, keepdims=True)
log_p = np.log(p[np.arange(5), y])
ours = np.mean(np.logaddexp(0, -real[:, 0]) - log_p)  # -log D(x) - log p(y | x)
theirs = game.g_loss(Tensor(np.concatenate([real, log_p[:, None]], axis=1)))
np.testing.assert_allclose(ours, theirs.item(), rtol=1e-12)
Z = np.exp(class_logits).sum(axis=1)
d = 1 / (1 + np.exp(-real_logit(Tensor(class_logits)).numpy()[:, 0]))
np.testing.assert_allclose(Z / (Z + 1), d, rtol=1e-12)
print("both equal the package's")
# %% [markdown]
# On digits: [cgan.py](../cgan.py), [acgan.py](../acgan.py) and [sgan.py](../sgan.py).
#
# ## Exercises
#
# **13.1** Write `real_probability(logits)`: $D(x)$ of the semi-supervised game, from class logits
# $(N, K)$, an array $(N,)$: `tinygan check 13.1 FILE`.
#
# **13.2** Write `acgan_g_loss(real_logits, class_logits, labels)`: the non-saturating loss of $G$
# in an AC-GAN, a number: `tinygan check 13.2 FILE`. The logits are those of fakes, $(N,)$ and
# $(N, K)$, and `labels` $(N,)$ are the classes that $G$ was given.
