# %% [markdown]
# # 3. The chain rule, once
#
# **A belief.** "The derivative adds up one term for each path through the graph, so a program must
# follow each path." The first half is true. The second would never end: this chapter counts the
# paths, and shows that it is enough to use each *edge* once.
#
# Chapter 2 gave each value its edges. If a value is used twice, two children send a gradient back
# to it, and the chain rule adds them:
#
# $$\frac{\partial L}{\partial p} = \sum_{y \text{ from } p}
# \frac{\partial L}{\partial y} \frac{\partial y}{\partial p}$$
#
# The sum is over the values $y$ that were computed from $p$, its children, and each term is one
# pull. So the gradient at $p$ is complete when *all* its children have
# contributed, and not before.
# %%
import itertools

import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, nn, ops
from tinygan import grad as package_grad
from tinygan.experiments.chapter import Chapter

chapter = Chapter("ch03_the_chain_rule_once", "3. The chain rule, once")


class Value:
    """A number or array with an edge (parent, pull) to each value it was computed from."""

    births = itertools.count()

    def __init__(self, data, *edges):
        self.data, self.edges, self.born = data, edges, next(Value.births)

    def __add__(self, other):
        return Value(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        p, q = self.data, other.data
        return Value(p * q, (self, lambda g: g * q), (other, lambda g: g * p))


# %% [markdown]
# ## Too many paths
#
# Let each value be the sum of the one before it with itself: $x_{k+1} = x_k + x_k$. Each step
# doubles the number of paths back to $x_0$. After 30 steps there are a billion, and a network has
# more steps than that. The first function follows each path, the second counts edges.
# %%
def pulls_by_paths(y):
    """How many pulls run if each path is followed."""
    return sum(1 + pulls_by_paths(parent) for parent, _ in y.edges)


def ancestors(y):
    """All values that y depends on, y too, oldest first."""
    found = [y]
    for value in found:  # the list grows while it is read
        found += {parent for parent, _ in value.edges}.difference(found)
    return sorted(found, key=lambda value: value.born)


steps, by_paths, by_edges = range(1, 15), [], []
y = Value(1.0)
for _ in steps:
    y = y + y
    by_paths.append(pulls_by_paths(y))
    by_edges.append(sum(len(value.edges) for value in ancestors(y)))
print(f"after {steps[-1]} steps: {by_paths[-1]} pulls by paths, {by_edges[-1]} by edges")
# %%
figure = Figure(figsize=(6, 3.5), layout="constrained")
axes = figure.subplots()
axes.plot(steps, by_paths, marker="o", label="each path")
axes.plot(steps, by_edges, marker="s", label="each edge once")
axes.set(title="Pulls for the gradient of x + x, repeated", yscale="log",
         xlabel="number of sums", ylabel="number of pulls")  # fmt: skip
axes.legend()
chapter.save(figure, ko={
    "Pulls for the gradient of x + x, repeated": "x + x를 되풀이할 때 기울기에 드는 풀의 수",
    "number of sums": "덧셈의 수", "number of pulls": "풀의 수",
    "each path": "모든 경로", "each edge once": "간선마다 한 번",
})  # fmt: skip


# %% [markdown]
# ## Children before parents
#
# The remedy: wait. Visit the values so that all children of a value come before it; then its
# gradient is complete when we reach it, and each of its pulls runs once. Which order is that?
# Chapter 2 has the answer: parents are older than their children. So we go **from the youngest to
# the oldest**. No search is needed.
#
# Only values on the way from some `xs` to the loss matter. All others are constants, and their
# pulls are skipped.
# %%
def grad(loss, xs):
    """The gradient of `loss` at each of xs."""
    graph, path = ancestors(loss), set(xs)
    for value in graph:  # parents before children
        if any(parent in path for parent, _ in value.edges):
            path.add(value)
    grads = {loss: np.ones_like(loss.data)}
    for value in reversed(graph):  # children before parents: grads[value] is complete here
        for parent, pull in value.edges:
            if parent in path:
                grads[parent] = grads.get(parent, 0) + pull(grads[value])
    return [grads[x] for x in xs]


x, w = Value(3.0), Value(2.0)
product = x * w
loss = product * product + x  # x is used twice, in two places
dx, dw = grad(loss, [x, w])
print(f"dL/dx = {dx:g}, expected 2 x w^2 + 1 = {2 * 3 * 4 + 1};  dL/dw = {dw:g}, expected 36")
assert (dx, dw) == (25, 36)
# %% [markdown]
# ## Gradients are asked for by name
#
# `grad(loss, xs)` returns the gradients at `xs`, and no others. Nothing was stored in `x` or `w`.
# Asking again gives the same numbers, not their double: the mistake of chapter 1 cannot be made.
# And *what is not asked for does not move*.
#
# **A belief.** "In $G$'s step, $D$ must be frozen, or it would move." $G$'s loss does depend on
# $D$'s weights. But if $G$'s optimizer asks for the gradients at $G$'s weights, only these come
# back. In $D$'s step, `detach` returns the fakes as a constant: the same numbers without edges. It
# is no more than a way to save work, since $D$'s loss then has no edges into $G$.
# %%
rng = np.random.default_rng(0)
G, D = nn.Linear(4, 2, rng=rng), nn.Linear(2, 1, rng=rng)
z = Tensor(rng.normal(size=(8, 4)).astype(np.float32))
g_loss = ops.mean(ops.softplus(-D(G(z))))
d_loss = ops.mean(ops.softplus(D(G(z))))
d_loss_detached = ops.mean(ops.softplus(D(G(z).detach())))
before = [p.numpy().copy() for p in D.parameters()]
for p, g in zip(G.parameters(), package_grad(g_loss, G.parameters()), strict=True):
    p.data = p.data - 0.1 * g.data  # a step of G
print("D moved in G's step:", any((p.numpy() != b).any() for p, b in
                                  zip(D.parameters(), before, strict=True)))  # fmt: skip
print(
    "values in D's graph:", len(ancestors(d_loss)), "- detached:", len(ancestors(d_loss_detached))
)
# %% [markdown]
# ## The package's own `grad`
#
# [autograd.py](../../tinygan/autograd.py) is this function with checks, and its pulls are made of
# tensors, so that gradients have gradients. Both functions give the same numbers:
# %%
a, b = (Tensor(rng.normal(size=(2, 3))) for _ in range(2))
ours = [Value(t.data) for t in (a, b)]
total = ops.sum(a * b * a + b)
mine = ours[0] * ours[1] * ours[0] + ours[1]
for one, other in zip(grad(mine, ours), package_grad(total, [a, b]), strict=True):
    np.testing.assert_allclose(one, other.numpy(), rtol=1e-12)
print("grad equals the package's, for a b a + b")
# %% [markdown]
# In [gan_on_one_page.py](../gan_on_one_page.py), this chapter is the function `grad`, line by line.
#
# ## Exercises
#
# **3.1** Write `grad(loss, xs)` yourself: `tinygan check 3.1 FILE`. Each value has `data`, a
# number; `edges`, pairs of a parent and a pull; and `born`, its number in the order of creation.
# Return a list of numbers, one for each of `xs`.
#
# **3.2** Write `pulls(n)`: for $n$ sums $x_{k+1} = x_k + x_k$, how many pulls run if each edge is
# used once, and how many paths lead from $x_n$ to $x_0$? Return both, in this order:
# `tinygan check 3.2 FILE`.
