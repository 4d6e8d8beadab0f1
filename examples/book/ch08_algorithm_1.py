# %% [markdown]
# # 8. Algorithm 1, line by line
#
# **A belief.** "$E$ is the mean over the data, so each step must go through all images, one by
# one." The paper's equation 1 is
#
# $$\min_G \max_D \; E_{x}[\log D(x)] + E_{z}[\log(1 - D(G(z)))]$$
#
# where $E$ is the expected value: a mean over all data, or over all noise. But the paper's
# Algorithm 1 never computes an $E$. It draws a *minibatch* of $m$ images and $m$ noise samples, and
# takes their mean. This chapter writes the algorithm down, runs the page that chapters 2 to 8 have
# built, and measures how well a minibatch estimates $E$.
# %%
import itertools
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tinygan
from tinygan import Tensor, data, gan, grad, nn, ops, optim
from tinygan.errors import InputError
from tinygan.experiments.chapter import Chapter

chapter = Chapter("ch08_algorithm_1", "8. Algorithm 1, line by line")
images = data.load("digits").images.reshape(-1, 784).astype(np.float32) / 127.5 - 1  # (10000, 784)


# %% [markdown]
# ## The algorithm
#
# | the paper | here |
# | --- | --- |
# | "for number of training iterations do" | a *round* |
# | "for $k$ steps do" | the inner loop, $k = 1$ |
# | "sample minibatch of $m$ noise samples" | `noise(m)` |
# | "sample minibatch of $m$ examples" | `digits(m)` |
# | "update the discriminator by ascending its stochastic gradient" | a step down $L_D$ |
# | "sample minibatch of $m$ noise samples" | `noise(m)`, new |
# | "update the generator by descending its stochastic gradient" | a step down $L_G$ |
#
# $L_D$ and $L_G$ are the losses of chapter 6. So $G$ descends the mean of $-\log D(G(z))$, in place
# of equation 1's $\log(1 - D(G(z)))$. Three lines are easy to get wrong:
#
# - $D$'s step moves $D$ alone, $G$'s moves $G$ alone. `detach` makes a fake a constant in $D$'s
#   step. Gradients are asked for by name, so $G$ would not move without it, but work is saved
#   (chapter 3).
# - $G$'s step passes *through* $D$. A `detach` there would leave $G$ without a gradient.
# - $G$'s step draws new noise, and asks the $D$ that has just learned.
# %%
def play(G, D, digits, noise, opt_g, opt_d, m=64, k=1):
    """Algorithm 1; each `next` plays a round and returns both losses."""
    while True:
        for _ in range(k):
            z = noise(m)
            x = digits(m)
            fake = G(z).detach()
            d_loss = ops.mean(ops.softplus(-D(x))) + ops.mean(ops.softplus(D(fake)))
            opt_d.step(grad(d_loss, opt_d.parameters))
        z = noise(m)
        g_loss = ops.mean(ops.softplus(-D(G(z))))
        opt_g.step(grad(g_loss, opt_g.parameters))
        yield d_loss.item(), g_loss.item()


# %% [markdown]
# ## The package's own loop
#
# [algorithm.py](../../tinygan/gan/algorithm.py) has the same lines, with the game as an argument.
# From the same seed, both give the same losses, round by round:
# %%
def losses(loop, *game):
    """Both losses of each of 10 rounds of a loop, from seed 0."""
    rng = np.random.default_rng(0)
    G = nn.Sequential(nn.Linear(100, 128, rng=rng), nn.LeakyReLU(0.2),
                      nn.Linear(128, 784, rng=rng), nn.Tanh())  # fmt: skip
    D = nn.Sequential(nn.Linear(784, 128, rng=rng), nn.LeakyReLU(0.2), nn.Linear(128, 1, rng=rng))
    digits = lambda m: Tensor(rng.choice(images, m))  # noqa: E731
    noise = lambda m: Tensor(rng.standard_normal((m, 100), dtype=np.float32))  # noqa: E731
    opt_g, opt_d = (optim.Adam(net.parameters(), 1e-3, (0.5, 0.999)) for net in (G, D))
    rounds = loop(*game, G, D, digits, noise, opt_g, opt_d)
    return [[float(each) for each in both] for both in itertools.islice(rounds, 10)]


def package(*game):
    return ((each.d_loss.item(), each.g_loss.item()) for each in gan.play(*game))


np.testing.assert_allclose(losses(play), losses(package, gan.non_saturating), rtol=1e-3)
print("ten rounds of both loops have the same losses")
# %% [markdown]
# ## The page
#
# [gan_on_one_page.py](../gan_on_one_page.py) is a whole GAN in NumPy alone. **Chapters 2 to 8
# together are that file**:
#
# | chapter | built there |
# | --- | --- |
# | 2 | `Tensor`, its edges, `__neg__`, `__add__`, `softplus` |
# | 3 | `grad` |
# | 4 | the pull of a bias, in `linear` |
# | 5 | `linear`, `leaky_relu`, `tanh`, `MLP` |
# | 6 | `mean`, `d_loss`, `g_loss` |
# | 7 | `Adam` |
# | 8 | `train` |
#
# The rest of the page, `save_png` and `main`, reads the digits and writes a picture. We run
# `train` for 1000 rounds; the page itself plays 20,000, in about a minute.
# %%
clone = Path(tinygan.__file__).parents[1] / "examples/book"  # if the package is a clone's
for folder in (Path(sys.path[0]), Path.cwd(), clone):
    sys.path.append(str(folder.resolve().parent))  # examples/, where the page is
try:
    import gan_on_one_page as page
except ModuleNotFoundError:
    raise InputError("gan_on_one_page.py: expected in the folder above this chapter's") from None

rng = np.random.default_rng(0)
G, D = page.MLP(100, 128, 784, rng=rng), page.MLP(784, 128, 1, rng=rng)
page.train(G, D, images, 1000, rng)
z, x = page.Tensor(rng.standard_normal((64, 100))), page.Tensor(images[:64])
samples = G(z).tanh()
print(f"after 1000 rounds: loss of D {page.d_loss(D, x, samples).data:.2f}, "
      f"loss of G {page.g_loss(D, samples).data:.2f}")  # fmt: skip


# %% [markdown]
# ## How well a minibatch estimates E
#
# Now the belief. $E_x[-\log D(x)]$ over all 10,000 digits is one number, and its gradient at $D$'s
# first weight one array. Minibatches of $m$ images, drawn at random, estimate both. The estimate is
# *unbiased*: its mean is the value for all data, for every $m$. Its noise is proportional to
# $1 / \sqrt{m}$: four times as many images for half of the noise.
# %%
def of_real(x):
    """The mean of -log D(x) on images, and its gradient at D's first weight."""
    loss = (-D(page.Tensor(x))).softplus().mean()
    return float(loss.data), page.grad(loss, D.parameters[:1])[0]


all_loss, all_gradient = of_real(images)
sizes, drawn, errors = [4, 16, 64, 256, 1024], [], []
for m in sizes:
    estimates = [of_real(rng.choice(images, m)) for _ in range(30)]
    drawn.append([loss for loss, _ in estimates])
    norms = [np.linalg.norm(g - all_gradient) / np.linalg.norm(all_gradient) for _, g in estimates]
    errors.append(np.mean(norms))
    print(f"m = {m:4}: mean of 30 estimates {np.mean(drawn[-1]):.3f}, spread "
          f"{np.std(drawn[-1]):.3f}; all data {all_loss:.3f}")  # fmt: skip
# %%
figure = Figure(figsize=(10, 3.6), layout="constrained")
left, middle, right = figure.subplots(1, 3)
left.plot(np.repeat(sizes, 30), np.ravel(drawn), ".", alpha=0.5, label="a minibatch")
left.axhline(all_loss, color="black", label="all data")
left.set(title="Estimates of E[-log D(x)]", xscale="log", xlabel="m", ylabel="loss")
middle.plot(sizes, errors, marker="o", label="measured")
middle.plot(sizes, errors[2] * (64 / np.array(sizes)) ** 0.5, ":", label="1 / sqrt(m)")
middle.set(title="Noise of the gradient", xscale="log", yscale="log", xlabel="m",
           ylabel="relative error")  # fmt: skip
sheet = samples.data[:16].reshape(4, 4, 28, 28).swapaxes(1, 2).reshape(112, 112)
right.imshow(sheet, cmap="gray", vmin=-1, vmax=1)
right.set(title="G after 1000 rounds of the page", xticks=[], yticks=[])
for axes in (left, middle):
    axes.legend()
chapter.save(figure, ko={
    "a minibatch": "미니배치", "all data": "모든 데이터", "loss": "손실", "measured": "잰 값",
    "Estimates of E[-log D(x)]": "E[-log D(x)]의 추정값", "relative error": "상대 오차",
    "Noise of the gradient": "기울기의 잡음",
    "G after 1000 rounds of the page": "1000라운드 뒤의 생성자",
})  # fmt: skip
# %% [markdown]
# A step with $m = 64$ costs less than a hundredth of a step with all data, and its direction is
# right on average. Thousands of such steps go further than a few exact ones. Nor would exact ones
# be exact: the 10,000 digits are themselves a sample of $p_{data}$, the distribution of all digits,
# and for $z$ there is no "all data".
#
# ## Exercises
#
# **8.1** Write `drawn(rounds, m, k)`: how many real images and how many noise samples Algorithm 1
# draws, with $k$ steps of $D$ in each round. Return both, in this order: `tinygan check 8.1 FILE`.
#
# **8.2** Write `one_round(x, z_d, z_g, theta, w, lr)`, a whole round where each image is one
# number: $G(z) = z + \theta$, and $D$'s logit is $w x$. `x`, `z_d` and `z_g` are minibatches,
# arrays $(m,)$, and the losses are means over them. First $D$ steps with `x` and `z_d`, then $G$
# with `z_g`, by gradient descent on $L_D$ and $L_G$ with the rate `lr`. Return the new $\theta$ and
# $w$, two numbers: `tinygan check 8.2 FILE`.
