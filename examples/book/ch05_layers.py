# %% [markdown]
# # 5. Layers, and how weights begin
#
# **A belief.** "A generator keeps points that it has learned, and a new sample is one of them with
# noise added." No: the noise is the *input*. A sample is $x = G(z)$, and nothing is added to it
# later. But there is a $G$ of which the belief is true: one that lacks a single kind of layer.
#
# A network is a chain of two kinds of layers: *linear* ones, which have the weights, and
# *activations*, which have none.
# %%
import itertools

import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, grad, nn, ops, optim
from tinygan.experiments.chapter import Chapter
from tinygan.models.mlp import perceptron

chapter = Chapter("ch05_layers", "5. Layers, and how weights begin")


# %% [markdown]
# ## Linear
#
# A minibatch $x$ has the shape $(N, K)$, a row for each example. The weight $W$ has the shape
# $(M, K)$, a row for each output:
#
# $$y = x W^T + b, \qquad y_{ij} = \sum_k x_{ik} W_{jk} + b_j$$
#
# Let $g$ be the gradient of the loss at $y$. The entry $x_{ik}$ is used in all outputs $j$, and
# $W_{jk}$ in all examples $i$. The chain rule sums over the uses, as in chapter 4:
#
# $$\frac{\partial L}{\partial x_{ik}} = \sum_j g_{ij} W_{jk}, \qquad
# \frac{\partial L}{\partial W_{jk}} = \sum_i g_{ij} x_{ik}, \qquad
# \frac{\partial L}{\partial b_j} = \sum_i g_{ij}$$
#
# The first two are matrix products. The shapes leave no other choice: $g$ is $(N, M)$, so only
# $g W$ has the shape of $x$, and only $g^T x$ has that of $W$. A value and its pulls:
# %%
def linear(x, w, b):  # (N, K), (M, K), (M,) -> (N, M)
    return x @ w.T + b, lambda g: g @ w, lambda g: g.T @ x, lambda g: g.sum(axis=0)


def leaky_relu(x, slope=0.2):
    return np.maximum(x, slope * x), lambda g: np.where(x > 0, g, slope * g)


def tanh(x):
    y = np.tanh(x)
    return y, lambda g: g * (1 - y**2)


# %% [markdown]
# The package's ops must give the same values and gradients:
# %%
rng = np.random.default_rng(0)
x, w, b, g = (rng.normal(size=shape) for shape in ((5, 3), (4, 3), (4,), (5, 4)))
for function, *arguments in ((linear, x, w, b), (leaky_relu, g), (tanh, g)):
    y, *pulls = function(*arguments)
    tensors = [Tensor(each) for each in arguments]
    slope = [0.2] if function is leaky_relu else []
    theirs = getattr(ops, function.__name__)(*tensors, *slope)
    np.testing.assert_allclose(y, theirs.numpy(), rtol=1e-12)
    for pull, at in zip(pulls, grad(ops.sum(theirs * Tensor(g)), tensors), strict=True):
        np.testing.assert_allclose(pull(g), at.numpy(), rtol=1e-12)
    print(f"{function.__name__}: {len(pulls)} pull{'s' * (len(pulls) > 1)}, equal to the package's")


# %% [markdown]
# ## With and without a ReLU
#
# Two linear layers in a row are one: $(x W_1^T) W_2^T = x (W_2 W_1)^T$. Without activations, $G$ is
# $G(z) = c + A z$, however many layers it has: a point $c$ with stretched noise added. This is the
# belief. A *leaky ReLU*, $\max(x, s x)$, bends the map at 0, and many bends make any curve.
#
# To see it, two generators learn points on a circle, in the game of chapter 8. Both have three
# linear layers, and noise $z$ of two numbers.
# %%
def circle(m):
    angle = rng.uniform(0, 2 * np.pi, m)
    points = rng.normal(1, 0.05, (m, 1)) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Tensor(points.astype(np.float32))


def noise(m):
    return Tensor(rng.standard_normal((m, 2), dtype=np.float32))


def trained(slope, rounds=1000):
    """A generator, trained on the circle. With a slope of 1, its activations do nothing."""
    G = perceptron(2, 64, 64, 2, rng=rng, activation=lambda: nn.LeakyReLU(slope))
    D = perceptron(2, 64, 64, 1, rng=rng, activation=lambda: nn.LeakyReLU(0.2))
    optimizers = [optim.Adam(net.parameters(), 2e-3, (0.5, 0.999)) for net in (G, D)]
    game = gan.play(gan.non_saturating, G, D, circle, noise, *optimizers)
    for _ in itertools.islice(game, rounds):
        pass
    return G


z, samples = noise(1000), {}
for name, slope in {"without a ReLU": 1, "with a leaky ReLU": 0.2}.items():
    G = trained(slope)
    samples[name] = G(z).numpy()
    fit = np.linalg.lstsq(np.c_[z.numpy(), np.ones(1000)], samples[name], rcond=None)[0]
    rest = np.abs(samples[name] - np.c_[z.numpy(), np.ones(1000)] @ fit).max()
    print(f"{name}: distance to the best c + A z {rest:.1f}", end=", ")
    print("the same z gives the same x:", np.array_equal(G(z).numpy(), samples[name]))
# %% [markdown]
# Without a ReLU, nothing is left beyond $c + A z$. With it, the same noise is bent into the circle.
# In both, the same $z$ gives the same $x$: no noise is added anywhere.
#
# ## How weights begin
#
# If all weights are 0, the gradient at the first layer is $g W_2 = 0$, and it never moves. If all
# are equal, all units of a layer get equal gradients and stay equal. So weights begin at random.
# But how large? If $x_k$ and $W_{jk}$ are independent and $W_{jk}$ has mean 0, then
#
# $$E[y_j^2] = K \operatorname{Var}(W) \, E[x^2]$$
#
# and a leaky ReLU multiplies the mean square of values that are symmetric around 0 by
# $(1 + s^2) / 2$. It stays the same from layer to layer if
# $\operatorname{Var}(W) = 2 / ((1 + s^2) K)$ (He et al. 2015). Numbers from the uniform
# distribution $U(-r, r)$ have the variance $r^2 / 3$.
# %%
K, s = 256, 0.2
bounds = {"r = .01": 0.01, "r = 1 / sqrt(K)": K**-0.5,
          "r = sqrt(6 / ((1 + s^2) K))": (6 / ((1 + s * s) * K)) ** 0.5, "r = .3": 0.3}  # fmt: skip
sizes = {name: [1.0] for name in bounds}
for name, r in bounds.items():
    x = rng.normal(size=(64, K))
    for _ in range(10):
        x, _ = leaky_relu(linear(x, rng.uniform(-r, r, (K, K)), 0)[0])
        sizes[name].append(np.sqrt(np.mean(x**2)))
    print(f"{name}: after ten layers {sizes[name][-1]:.0e} times as large")
# %%
figure = Figure(figsize=(10, 3.6), layout="constrained")
*places, right = figure.subplots(1, 3)
for axes, (name, points) in zip(places, samples.items(), strict=True):
    axes.plot(*circle(300).numpy().T, ".", color="silver", label="real")
    axes.plot(*points[:300].T, ".", color="tab:orange", label="G(z)")
    axes.set(title=name, xlim=(-2, 2), ylim=(-2, 2), xlabel="x1", ylabel="x2")
    axes.legend(loc="upper right")
for name, values in sizes.items():
    right.plot(values, label=name)
right.set(title="Size of values, layer by layer", yscale="log", ylim=(1e-12, 1e12),
          xlabel="layer", ylabel="root mean square")  # fmt: skip
right.legend(fontsize=7)
chapter.save(figure, ko={
    "without a ReLU": "렐루가 없을 때", "with a leaky ReLU": "리키 렐루가 있을 때",
    "real": "진짜", "Size of values, layer by layer": "층을 지날 때마다 값의 크기",
    "layer": "층", "root mean square": "제곱 평균 제곱근",
})  # fmt: skip


# %% [markdown]
# ## The page's network
#
# `MLP` in [gan_on_one_page.py](../gan_on_one_page.py) draws its weights with $r = 1 / \sqrt{K}$, as
# PyTorch and the package's [layers.py](../../tinygan/nn/layers.py) do. It is smaller than the rule
# says, which does no harm in two layers. In ten, little is left of the input. The same draws make
# the same weights:
# %%
def weights(*sizes, rng):
    """Weight (M, K) and bias (M,) of each layer."""
    return [rng.uniform(-1, 1, shape) / k**0.5
            for k, m in itertools.pairwise(sizes) for shape in ((m, k), (m,))]  # fmt: skip


ours = weights(100, 128, 784, rng=np.random.default_rng(1))
theirs = perceptron(100, 128, 784, rng=np.random.default_rng(1)).parameters()
for one, other in zip(ours, theirs, strict=True):
    np.testing.assert_allclose(one, other.numpy(), rtol=1e-4, atol=1e-7)
print("weights equal the package's:", [one.shape for one in ours])
# %% [markdown]
# In [gan_on_one_page.py](../gan_on_one_page.py), this chapter is `linear`, `leaky_relu`, `tanh` and
# the class `MLP`. Other ways to begin are in [init.py](../../tinygan/nn/init.py).
#
# ## Exercises
#
# **5.1** Write `linear_back(x, w, g)`, the gradients at $x$, $W$ and $b$, for $g$ at
# $y = x W^T + b$: `tinygan check 5.1 FILE`.
#
# **5.2** Write `bound(fan_in, slope)`: the $r$ for which weights from $U(-r, r)$ keep the mean
# square through a linear layer with `fan_in` inputs and a leaky ReLU:
# `tinygan check 5.2 FILE`.
