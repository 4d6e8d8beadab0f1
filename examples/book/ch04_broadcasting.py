# %% [markdown]
# # 4. Broadcasting
#
# **A belief.** "A bias is added to each image of a minibatch, so its gradient is that of one image,
# or the mean of all." Neither is right. This chapter finds the rule, and lets the engine
# check it.
#
# A layer computes $y = x W^T + b$ for a minibatch: $x W^T$ has the shape $(N, M)$ and $b$ has the
# shape $(M,)$. NumPy *broadcasts* $b$: it behaves as if each of the $N$ rows had its own copy of
# $b$. The copies cost no memory, but they do take part in the derivative.
# %%
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, grad, ops
from tinygan.experiments.chapter import Chapter

chapter = Chapter("ch04_broadcasting", "4. Broadcasting")
rng = np.random.default_rng(0)


# %% [markdown]
# ## One value, many uses
#
# Let $L$ be the loss and $g = \partial L / \partial y$. The entry $b_j$ is used in all rows $i$, so
# the chain rule adds one term for each use:
#
# $$\frac{\partial L}{\partial b_j} = \sum_i \frac{\partial L}{\partial y_{ij}}
# \frac{\partial y_{ij}}{\partial b_j} = \sum_i g_{ij}$$
#
# It is the **sum** over the axis that was broadcast. If $L$ is a mean over the minibatch, the
# factor $1/N$ is already in $g$: the rule itself has no mean.
# %%
def sum_back(g, shape):
    """The gradient at an array of this shape that was broadcast to the shape of g."""
    extra = g.ndim - len(shape)  # axes that broadcasting put in front
    ones = tuple(extra + i for i, n in enumerate(shape) if n == 1)  # axes of size 1
    return g.sum(axis=(*range(extra), *ones)).reshape(shape)


# %% [markdown]
# ## A check without calculus
#
# Move one entry of $b$ by a small $h$ in both directions. The change of $L$, divided by $2h$, is
# the derivative. Here $L = \sum g \, (xW^T + b)$ with random weights $g$, so $g$ is the gradient
# at $y$.
# %%
x, b, g = rng.normal(size=(64, 3)), rng.normal(size=3), rng.normal(size=(64, 3))
h = 1e-6
loss = lambda b: np.sum(g * (x + b))  # noqa: E731
differences = [(loss(b + h * e) - loss(b - h * e)) / (2 * h) for e in np.eye(3)]
print("by differences  ", np.array(differences))
print("sum over axis 0 ", sum_back(g, (3,)))
print("mean over axis 0", g.mean(axis=0))
print("one row         ", g[0])
# %% [markdown]
# The sum agrees; the mean is 64 times too small, and one row is another number altogether. With the
# mean, a bias would learn as if its rate were divided by the size of the minibatch.
#
# ## Two axes at once
#
# Broadcasting aligns shapes from the right. It adds axes in front, and it repeats axes of size 1.
# The rule sums over both kinds, and keeps the axes of size 1. A BatchNorm of images has a scale of
# the shape $(1, C, 1, 1)$: its gradient is a sum over images, rows and columns.
# %%
sizes = [1, 4, 16, 64, 256]
rules = {"mean": lambda g: g.mean(0), "one row": lambda g: g[0], "sum": lambda g: g.sum(0)}
errors = {name: [] for name in rules}
for n in sizes:
    g = rng.normal(1, 1, (n, 3))
    exact = sum_back(g, (3,))
    for name, rule in rules.items():
        errors[name].append(np.linalg.norm(rule(g) - exact) / np.linalg.norm(exact))
figure = Figure(figsize=(6, 3.5), layout="constrained")
axes = figure.subplots()
for name, marker in zip(errors, "os^", strict=True):
    axes.plot(sizes, errors[name], marker=marker, label=name)
axes.set(title="Error of three rules for the gradient of a bias", xscale="log",
         xlabel="images in the minibatch", ylabel="relative error")  # fmt: skip
axes.legend()
chapter.save(figure, ko={
    "Error of three rules for the gradient of a bias": "편향의 기울기를 구하는 세 규칙의 오차",
    "images in the minibatch": "미니배치의 이미지 수", "relative error": "상대 오차",
    "mean": "평균", "one row": "한 행", "sum": "합",
})  # fmt: skip
# %% [markdown]
# ## The package's own rule
#
# tinygan has the rule in one place, [shapes.py](../../tinygan/ops/shapes.py), and each op of two
# arrays uses it. Both must give the same numbers, for every shape.
# %%
for shape in [(3,), (1,), (), (64, 3), (64, 1), (1, 3)]:
    g, b = rng.normal(size=(64, 3)), Tensor(rng.normal(size=shape))
    theirs = grad(ops.sum((Tensor(x) + b) * Tensor(g)), [b])[0].numpy()
    np.testing.assert_allclose(sum_back(g, shape), theirs, rtol=1e-10, atol=1e-12)
print("sum_back equals the package's rule for six shapes")
# %% [markdown]
# ## Exercises
#
# **4.1** Write `sum_back(g, shape)` yourself, without looking: `tinygan check 4.1 FILE`.
#
# **4.2** Write `scale_back(x, scale, g)`, the two gradients of `x * scale`, where `x` has the shape
# $(N, K)$ and `scale` has the shape $(K,)$: `tinygan check 4.2 FILE`.
#
# In [gan_on_one_page.py](../gan_on_one_page.py), this chapter is one line: the bias's edge in
# `linear`, `lambda g: g.sum(axis=0)`.
