# %% [markdown]
# # 7. Adam
#
# **A belief.** "Where the gradient is large, Adam takes a large step." Gradient descent does. Adam
# divides by the size of the gradient: its step is about the rate, *whatever the size*. This chapter
# measures the step, and shows what `beta1` does in a game.
#
# Gradient descent moves a weight by $-\alpha g$, with the rate $\alpha$. The gradients of a GAN
# change in size all the time, from layer to layer and from round to round: no single rate fits
# them. Adam (Kingma and Ba 2014, algorithm 1) keeps two averages for each weight, of $g$ and of
# $g^2$:
#
# $$m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
# v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2$$
# %%
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, nn, optim
from tinygan.experiments.chapter import Chapter

chapter = Chapter("ch07_adam", "7. Adam")


# %% [markdown]
# ## Averages that begin at 0
#
# Each round, an average keeps the share $\beta$ of what it was. So $g_i$ enters $m_t$ with the
# weight $(1 - \beta_1) \beta_1^{t-i}$: about $1 / (1 - \beta_1)$ rounds count. That is two rounds
# for $\beta_1 = .5$, ten for $.9$, and a thousand for $\beta_2 = .999$.
#
# Both averages begin at 0, so the weights of $g_1, \dots, g_t$ do not sum to 1, but to
# $1 - \beta^t$. Adam divides by this sum:
#
# $$\hat m_t = \frac{m_t}{1 - \beta_1^t}, \qquad \hat v_t = \frac{v_t}{1 - \beta_2^t}, \qquad
# w_t = w_{t-1} - \alpha \frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}$$
#
# The small $\epsilon$ only prevents a division by 0. If all gradients are equal, then
# $\hat m = g$ and $\hat v = g^2$, and the step is $\alpha$ in the direction of $-g$.
# %%
class Adam:
    """Adam for a list of arrays, which it changes in place."""

    def __init__(self, weights, lr=1e-3, betas=(0.5, 0.999), eps=1e-8):
        self.weights, self.lr, self.betas, self.eps, self.t = weights, lr, betas, eps, 0
        self.m, self.v = ([np.zeros_like(w) for w in weights] for _ in range(2))

    def step(self, grads):
        (b1, b2), self.t = self.betas, self.t + 1
        for w, g, m, v in zip(self.weights, grads, self.m, self.v, strict=True):
            m[:] = b1 * m + (1 - b1) * g
            v[:] = b2 * v + (1 - b2) * g * g
            m_hat, v_hat = m / (1 - b1**self.t), v / (1 - b2**self.t)
            w -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)


# %% [markdown]
# ## The size of a step
#
# Gradients of four sizes, the same in all rounds; then gradients of one size whose sign is drawn at
# random. The rate is .01.
# %%
def steps(gradients, lr=0.01, betas=(0.5, 0.999)):
    """The steps that Adam takes for these gradients."""
    w = np.zeros(1)
    optimizer, found = Adam([w], lr, betas), []
    for g in gradients:
        before = w.copy()
        optimizer.step([np.array([g])])
        found.append((w - before)[0])
    return np.array(found)


rng = np.random.default_rng(0)
for size in (1e-4, 1e-2, 1, 1e4):
    print(f"gradient {size:8g}: Adam's step {steps([size] * 20)[-1]:+.4f}, "
          f"gradient descent's {-0.01 * size:+g}")  # fmt: skip
signs = rng.choice([-1.0, 1.0], 2000)
for beta1 in (0.0, 0.5, 0.9):
    size = np.sqrt(np.mean(steps(signs, betas=(beta1, 0.999)) ** 2))
    print(f"random signs, beta1 = {beta1}: steps of about {size:.4f}")
# %% [markdown]
# So the rate is a distance: how far each weight moves in a round, at most about. This is why a rate
# of .01 was too much in chapter 1. If the sign of the gradient is only noise, the average is small
# and so are the steps, the smaller the longer the average.
#
# ## Without the correction
#
# **Another belief.** "Dividing by $1 - \beta^t$ is a detail of the first rounds." The first step
# without it is $(1 - \beta_1) / \sqrt{1 - \beta_2}$ times the rate. With $\beta_1 = .5$ and
# $\beta_2 = .999$ it is sixteen times too long, in each weight, before anything was learned.
# %%
rounds, (b1, b2) = np.arange(1, 3001), (0.5, 0.999)
corrected = -steps(np.ones(3000)) / 0.01
uncorrected = (1 - b1**rounds) / np.sqrt(1 - b2**rounds)  # m / sqrt(v), for g = 1
print(f"first step: {corrected[0]:.1f} times the rate, uncorrected {uncorrected[0]:.1f} times")


# %% [markdown]
# ## beta1 in a game
#
# In minimization, a long average helps: it removes noise and keeps the direction. In a game the
# direction turns, since the other player moves, too. The smallest game has two numbers:
#
# $$\min_x \max_y \; x y + \frac{x^2}{20} - \frac{y^2}{20}$$
#
# The equilibrium is $x = y = 0$. Each player's gradient is mostly the *other's* number, so the two
# run in circles. Each round, $x$ takes a step of Adam, then $y$ does.
# %%
def distances(beta1, rounds=1000):
    """The distance from the equilibrium after each round."""
    x, y, found = np.ones(1), np.ones(1), []
    of_x, of_y = (Adam([w], 0.02, (beta1, 0.999)) for w in (x, y))
    for _ in range(rounds):
        of_x.step([y + x / 10])
        of_y.step([-x + y / 10])  # down -V
        found.append(np.hypot(x, y)[0])
    return found


games = {beta1: distances(beta1) for beta1 in (0.0, 0.5, 0.9)}
for beta1, found in games.items():
    print(f"beta1 = {beta1}: distance 1.41 at first, {found[-1]:.2f} after 1000 rounds")
# %%
figure = Figure(figsize=(9, 3.6), layout="constrained")
left, right = figure.subplots(1, 2)
left.plot(rounds, corrected, label="corrected")
left.plot(rounds, uncorrected, label="not corrected")
left.set(title="Adam's step for a constant gradient", xscale="log", ylim=(0, None),
         xlabel="round", ylabel="step / rate")  # fmt: skip
for beta1, found in games.items():
    right.plot(found, label=f"beta1 = {beta1}")
right.set(title="A game of two numbers", xlabel="round", ylabel="distance from the equilibrium")
for axes in (left, right):
    axes.legend()
chapter.save(figure, ko={
    "corrected": "보정함", "not corrected": "보정하지 않음", "round": "라운드",
    "Adam's step for a constant gradient": "기울기가 일정할 때 Adam의 걸음",
    "step / rate": "걸음 / 학습률", "A game of two numbers": "두 수의 게임",
    "distance from the equilibrium": "평형까지의 거리",
})  # fmt: skip
# %% [markdown]
# With .9, the players follow directions that are out of date and circle far from the equilibrium.
# With .5 and 0 they come near. It is one game, and others differ; but .5 is what DCGAN found for
# images (Radford et al. 2015), and what most GANs have used since.
#
# ## The package's own Adam
#
# [rules.py](../../tinygan/optim/rules.py) has the same lines, next to the paper's words,
# and updates all weights as one array. Both give the same weights:
# %%
start = [rng.normal(size=shape).astype(np.float32) for shape in ((4, 3), (4,))]
parameters = [nn.Parameter(w.copy()) for w in start]
ours, theirs = Adam(start, 0.01), optim.Adam(parameters, 0.01, (0.5, 0.999))
for _ in range(20):
    grads = [rng.normal(size=w.shape).astype(np.float32) for w in start]
    ours.step(grads)
    theirs.step([Tensor(g) for g in grads])
for one, other in zip(start, parameters, strict=True):
    np.testing.assert_allclose(one, other.numpy(), rtol=1e-3, atol=1e-5)
print("Adam equals the package's after 20 steps")
# %% [markdown]
# In [gan_on_one_page.py](../gan_on_one_page.py), this chapter is the class `Adam`.
#
# ## Exercises
#
# **7.1** Write `adam_step(w, g, m, v, t, lr, b1, b2, eps)`, step number $t$ for an array of
# weights; the first has $t = 1$. Return the new $w$, $m$ and $v$: `tinygan check 7.1 FILE`.
#
# **7.2** Write `average_weights(t, beta)`: the weights, an array $(t,)$, with which
# $g_1, \dots, g_t$ enter $\hat m_t$: `tinygan check 7.2 FILE`.
