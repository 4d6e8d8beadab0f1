# %% [markdown]
# # 2. A value and its edges
#
# **A belief.** "To differentiate a program, something must know its formula." No: each value only
# has to remember *which values it was computed from*, and how a small change of each would change
# it. This chapter builds such a value in a few lines.
#
# Take the loss of a $D$ with one weight, for one real image of one pixel:
#
# $$l = w x + b, \qquad L = \operatorname{softplus}(-l) = \log(1 + e^{-l}) = -\log D(x)$$
#
# A computer does not see this formula. It multiplies, adds, negates, and takes the softplus: four
# steps, each with a simple derivative.
# %%
import itertools

import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, grad, ops
from tinygan.experiments.chapter import Chapter

chapter = Chapter("ch02_a_value_and_its_edges", "2. A value and its edges")


# %% [markdown]
# ## An edge is a parent and a rule
#
# If $y$ was computed from $p$, a small change of $p$ changes the loss through $y$. So the gradient
# of the loss at $p$ follows from the gradient $g$ at $y$. An *edge* of $y$ is the pair of the
# parent $p$ and this rule. The rule is called a *pull*, since it takes $g$ back from $y$ to $p$:
#
# | value | pull to its parent |
# | --- | --- |
# | $y = -p$ | $g \mapsto -g$ |
# | $y = p + q$ | $g \mapsto g$, for both |
# | $y = p \, q$ | $g \mapsto g \, q$ to $p$, and $g \mapsto g \, p$ to $q$ |
# | $y = \operatorname{softplus}(p)$ | $g \mapsto g \, \sigma(p)$ |
#
# Here $\sigma(p) = 1 / (1 + e^{-p})$ is the sigmoid, the derivative of the softplus.
# %%
class Value:
    """A number with an edge (parent, pull) to each value that it was computed from."""

    births = itertools.count()

    def __init__(self, data, *edges):
        self.data, self.edges, self.born = data, edges, next(Value.births)

    def __neg__(self):
        return Value(-self.data, (self, lambda g: -g))

    def __add__(self, other):
        return Value(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        p, q = self.data, other.data
        return Value(p * q, (self, lambda g: g * q), (other, lambda g: g * p))

    def softplus(self):
        sigmoid = 1 / (1 + np.exp(-self.data))
        return Value(np.logaddexp(0, self.data), (self, lambda g: g * sigmoid))


# %% [markdown]
# Nothing else is stored: no formula, and no gradient. `born` numbers the values in the order in
# which they were made. A value can only be computed from values that exist already, so **parents
# are always older than their children**. Chapter 3 needs no other order.
#
# ## The graph of a loss
#
# Computing the loss makes the graph, one node for each step.
# %%
w, x, b = Value(0.8), Value(1.5), Value(-0.3)
product = w * x
logit = product + b
negative = -logit
loss = negative.softplus()
print(f"loss {loss.data:.4f}, made from {len(loss.edges)} parent")
# %% [markdown]
# ## Backwards, one edge at a time
#
# The gradient of the loss at itself is 1. Each pull takes it one step further back. At the end we
# have the derivatives of $L$ with respect to $w$, $x$ and $b$, without having written them down.
# %%
gradient = {loss: 1.0}
for child in (loss, negative, logit, product):
    for parent, pull in child.edges:
        gradient[parent] = pull(gradient[child])
for name, value in {"w": w, "x": x, "b": b}.items():
    print(f"dL/d{name} = {gradient[value]:+.4f}")


def L(w, x, b):
    return np.log(1 + np.exp(-(w * x + b)))


h = 1e-5
change = (L(0.8 + h, 1.5, -0.3) - L(0.8 - h, 1.5, -0.3)) / (2 * h)
print(f"dL/dw = {change:+.4f}, by differences")
np.testing.assert_allclose(gradient[w], change, rtol=1e-6)
# %%
figure = Figure(figsize=(8, 3.4), layout="constrained")
axes = figure.subplots()
axes.set_title("The graph of a loss: each value, and the gradient of the loss there")
axes.set(xlim=(-0.6, 4.6), ylim=(-0.6, 2.5), xticks=[], yticks=[])
nodes = {"w": (w, 0, 2), "x": (x, 0, 1), "b": (b, 1, 0), "w x": (product, 1, 1.5),
         "l": (logit, 2, 1), "-l": (negative, 3, 1), "L": (loss, 4, 1)}  # fmt: skip
places = {value: (across, up) for value, across, up in nodes.values()}
for name, (value, *place) in nodes.items():
    text = f"{name} = {value.data:.2f}\n{gradient[value]:+.2f}"
    axes.text(*place, text, ha="center", va="center", bbox={"boxstyle": "round", "fc": "white"})
    for parent, _ in value.edges:
        axes.annotate("", places[parent], place, arrowprops={"arrowstyle": "->", "shrinkA": 24,
                      "shrinkB": 24, "color": "tab:blue"})  # fmt: skip
axes.text(2, 2.2, "an arrow: an edge, from a value to a parent", color="tab:blue", ha="center")
chapter.save(figure, ko={
    "The graph of a loss: each value, and the gradient of the loss there":
        "손실의 그래프: 값, 그리고 그곳에서 손실의 기울기",
    "an arrow: an edge, from a value to a parent": "화살표: 값에서 부모로 가는 간선",
})  # fmt: skip
# %% [markdown]
# ## The package's own value
#
# tinygan's [Tensor](../../tinygan/tensor.py) is the same with arrays in place of numbers: `data`,
# `edges` and `born`. Each op stands next to its pull, in
# [pointwise.py](../../tinygan/ops/pointwise.py). The same loss has the same gradients there:
# %%
tensors = [Tensor(np.float64(value.data)) for value in (w, x, b)]
theirs = grad(ops.softplus(-(tensors[0] * tensors[1] + tensors[2])), tensors)
ours = [gradient[value] for value in (w, x, b)]
np.testing.assert_allclose(ours, [g.item() for g in theirs], rtol=1e-12)
print("equal to the package's gradients:", ", ".join(f"{g.item():+.4f}" for g in theirs))
# %% [markdown]
# In [gan_on_one_page.py](../gan_on_one_page.py), this chapter is the class `Tensor` with `__neg__`,
# `__add__` and `softplus`.
#
# ## Exercises
#
# **2.1** Write the pull of the softplus, `softplus_pull(p, g)`. Both are arrays of the same
# shape: `tinygan check 2.1 FILE`.
#
# **2.2** The leaky ReLU is $y = p$ where $p > 0$, and $y = s \, p$ elsewhere, with a small slope
# $s$. Write its pull, `leaky_relu_pull(p, g, slope)`: `tinygan check 2.2 FILE`.
