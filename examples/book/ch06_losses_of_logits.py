# %% [markdown]
# # 6. Losses of logits
#
# **A belief.** "$D$ tells real images from fakes, so it maximizes its accuracy." It is judged by
# accuracy, perhaps. But it maximizes the mean of a *log-probability*, and this chapter shows why
# it must.
#
# $D$ returns a *logit* $l$, any number, and $D(x) = \sigma(l) = 1 / (1 + e^{-l})$ is the
# probability that $x$ is real. Real images and fakes of a minibatch give
#
# $$V = \frac{1}{m} \sum_i \log D(x_i) + \frac{1}{m} \sum_i \log(1 - D(G(z_i)))$$
#
# $D$ maximizes $V$. Its loss is $L_D = -V$.
# %%
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, grad, ops
from tinygan.experiments.chapter import Chapter

chapter = Chapter("ch06_losses_of_logits", "6. Losses of logits")
rng = np.random.default_rng(0)
real, fake = rng.normal((1, 0), 1, (20, 2)), rng.normal((-1, 0), 1, (20, 2))


# %% [markdown]
# ## Accuracy has no gradient
#
# Take a $D$ with two weights, $l = w_1 x_1 + w_2 x_2$, and 20 points of each kind. Move each
# weight by a small $h$ in both directions:
# %%
def accuracy(w):
    return np.mean(np.concatenate([real @ w > 0, fake @ w < 0]))


def loss(w):
    return np.logaddexp(0, -real @ w).mean() + np.logaddexp(0, fake @ w).mean()


w, h = np.array([0.3, 0.5]), 1e-6
for name, function in {"accuracy": accuracy, "loss": loss}.items():
    slopes = [(function(w + h * e) - function(w - h * e)) / (2 * h) for e in np.eye(2)]
    print(f"{name}: {function(w):.3f}, derivatives {slopes[0]:+.4f} and {slopes[1]:+.4f}")
weights = Tensor(w.reshape(2, 1))
logits = [ops.matmul(Tensor(points), weights) for points in (real, fake)]
(by_engine,) = grad(gan.minimax.d_loss(*logits), [weights])
print("the engine, for the loss:", by_engine.numpy().ravel().round(4))
np.testing.assert_allclose(by_engine.numpy().ravel(), slopes, rtol=1e-4, atol=1e-6)
# %% [markdown]
# A small change of a weight moves no point across the boundary, so the number of right answers
# stays the same, and the derivative is 0. An optimizer would stand still, although $D$ is often
# wrong. $V$ changes at once, since each probability does.
#
# ## 0 is the best log-probability
#
# **Another belief.** "$D(x) \to 1$ is the goal for real images, but $\log D(1) = 0$: so there is
# nothing to maximize?" First, the 1 is $D(x)$ and not $x$. Then: a probability is at most 1, so its
# logarithm is at most 0, and 0 is *the maximum*. A $D$ that gives 1/2 to everything has
# $V = 2 \log \frac{1}{2} = -1.386$, and the loss 1.386; if $D$ is right and sure, $V$ is near 0.
# %%
for l in (0.0, 2.0, 5.0, 10.0):
    at = Tensor(l)
    log_d = -ops.softplus(-at)
    (slope,) = grad(log_d, [at])
    print(f"logit {l:4.1f}: D(x) = {np.exp(log_d.item()):.5f}, log D(x) = {log_d.item():+.5f}, "
          f"its derivative {slope.item():.5f}")  # fmt: skip


# %% [markdown]
# The derivative of $\log D(x)$ at the logit is $1 - D(x)$: large while $D$ is wrong, and near 0
# when there is no more to win.
#
# ## No logarithm of a rounded number
#
# Computed as it is written, $\log(1 - D)$ fails. In float32, $\sigma(l)$ is exactly 1 for logits
# above 17, and $\log 0 = -\infty$. Many programs clip $D$ first. Then the loss is finite, but *its
# gradient is 0*, just where $D$ is most wrong. With the logit, nothing is rounded:
#
# $$-\log D = \log(1 + e^{-l}) = \operatorname{softplus}(-l), \qquad
# -\log(1 - D) = \operatorname{softplus}(l)$$
# %%
def clipped(l):
    """The gradient of -log(clip(1 - D)) at the logit, by the chain rule, in float32."""
    d, least = 1 / (1 + np.exp(-l)), np.float32(1e-7)
    inside = (1 - d > least) & (1 - d < 1 - least)
    return np.where(inside, d * (1 - d) / np.maximum(1 - d, least), 0)


ls = np.linspace(-8, 30, 400, dtype=np.float32)
at = Tensor(ls)
(exact,) = grad(ops.sum(ops.softplus(at)), [at])
for l in (0, 10, 20):
    i = int(np.argmin(np.abs(ls - l)))
    print(
        f"a fake with the logit {l}: gradient {exact.numpy()[i]:.2f}, clipped {clipped(ls)[i]:.2f}"
    )
# %%
figure = Figure(figsize=(10, 3.6), layout="constrained")
left, middle, right = figure.subplots(1, 3)
across = np.linspace(-1, 3, 400)
moved = [np.array([a, 0.5]) for a in across]
left.plot(across, [accuracy(v) for v in moved], label="accuracy")
left.plot(across, [loss(v) for v in moved], label="loss")
left.set(title="D with one weight moved", xlabel="weight", ylabel="accuracy, loss")
middle.plot(ls[ls < 9], -np.logaddexp(0, -ls[ls < 9]), label="log D(x)")
middle.axhline(0, color="gray", linestyle=":", label="maximum")
middle.set(title="A real image", xlabel="logit", ylabel="log D(x)")
right.plot(ls, exact.numpy(), label="softplus of the logit")
right.plot(ls, clipped(ls), "--", label="log of a clipped D")
right.set(title="A fake", xlabel="logit", ylabel="gradient of the loss")
for axes in (left, middle, right):
    axes.legend(fontsize=8)
chapter.save(figure, ko={
    "D with one weight moved": "가중치 하나를 움직일 때의 판별자", "weight": "가중치",
    "accuracy, loss": "정확도, 손실", "accuracy": "정확도", "loss": "손실",
    "A real image": "진짜 이미지", "logit": "로짓", "maximum": "최댓값", "A fake": "가짜",
    "softplus of the logit": "로짓의 소프트플러스", "log of a clipped D": "잘라 낸 D의 로그",
    "gradient of the loss": "손실의 기울기",
})  # fmt: skip


# %% [markdown]
# ## Both losses
#
# `softplus` and its pull are from chapter 2. The pull of a mean gives each of its $n$ elements the
# share $g / n$. Together they give $D$'s loss, and its gradients at the logits:
#
# $$\frac{\partial L_D}{\partial l_i} = \frac{D(x_i) - 1}{m} \text{ for real images}, \qquad
# \frac{D(G(z_i))}{m} \text{ for fakes}$$
#
# $G$ wants $D$ to be wrong about fakes. The paper's practical loss is $L_G = -\log D(G(z))$, the
# term of a real image, computed from a fake. Chapter 10 shows what is wrong with
# $\log(1 - D(G(z)))$.
# %%
def softplus(l):
    return np.logaddexp(0, l), lambda g: g * (1 + np.tanh(l / 2)) / 2


def mean(y):  # (N, 1) -> ()
    return y.mean(), lambda g: np.full_like(y, g / y.size)


def mean_softplus(logits, sign):
    """The mean of softplus(sign * logit), and its gradient at the logits."""
    each, to_logits = softplus(sign * logits)
    value, to_each = mean(each)
    return value, sign * to_logits(to_each(1.0))


def d_loss(real, fake):
    (one, at_real), (other, at_fake) = mean_softplus(real, -1), mean_softplus(fake, 1)
    return one + other, at_real, at_fake


def g_loss(fake):
    return mean_softplus(fake, -1)


# %% [markdown]
# ## The package's own losses
#
# In [games.py](../../tinygan/gan/games.py) a game is these two losses, as functions of logits.
# Values and gradients are equal, even at logits of 1000:
# %%
game = gan.non_saturating
r, f = (Tensor(rng.normal(0, scale, (8, 1))) for scale in (1, 1000))
theirs = game.d_loss(r, f)
np.testing.assert_allclose(d_loss(r.numpy(), f.numpy())[0], theirs.item(), rtol=1e-10)
for one, other in zip(d_loss(r.numpy(), f.numpy())[1:], grad(theirs, [r, f]), strict=True):
    np.testing.assert_allclose(one, other.numpy(), rtol=1e-10, atol=1e-15)
value, at_fake = g_loss(f.numpy())
np.testing.assert_allclose(value, game.g_loss(f).item(), rtol=1e-10)
np.testing.assert_allclose(at_fake, grad(game.g_loss(f), [f])[0].numpy(), rtol=1e-10, atol=1e-15)
zero = np.zeros((8, 1))
print(f"both losses equal the package's; at logits of 0: {d_loss(zero, zero)[0]:.3f} for D, "
      f"{g_loss(zero)[0]:.3f} for G")  # fmt: skip
# %% [markdown]
# Logits of 0 give $2 \log 2$ and $\log 2$. An untrained $D$ has about these losses, and so has the
# end of the game: chapter 9.
#
# In [gan_on_one_page.py](../gan_on_one_page.py), this chapter is `softplus` again, `mean`, `d_loss`
# and `g_loss`.
#
# ## Exercises
#
# **6.1** Write `d_loss_back(real, fake)`, the gradients of $L_D$ at the logits on real images and
# at those on fakes: `tinygan check 6.1 FILE`.
#
# **6.2** Write `log_d(l)`, the logarithm of $\sigma(l)$, right for logits of any size:
# `tinygan check 6.2 FILE`.
