# %% [markdown]
# # 9. What is optimal
#
# **A belief.** "The ideal value of the objective is .5, and training is done when the loss gets
# there." The .5 is $D(x)$, not the objective. And *no* value of a loss says that training is done:
# an untrained $D$ has the ideal loss, too. This chapter computes all the ideal values, and then
# plays a game to see them.
#
# The objective is $V$. $D$ makes it large, $G$ makes it small:
#
# $$V(D, G) = E_{x \sim p}[\log D(x)] + E_{x \sim q}[\log(1 - D(x))]$$
#
# Here $p$ is the density of the data, and $q$ is the density of $x = G(z)$. An expectation is a
# sum over all $x$, weighted by the density. On a line, NumPy can compute it.
# %%
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, grad, nn, ops, optim
from tinygan.experiments.chapter import Chapter
from tinygan.gan import single_player, theory
from tinygan.gan.theory import normal_density

chapter = Chapter("ch09_what_is_optimal", "9. What is optimal")
x = np.linspace(-5, 5, 501)
dx = x[1] - x[0]
p, q = normal_density(x), normal_density(x, 1.5, 0.7)


# %% [markdown]
# ## The best D
#
# Fix $G$. $V$ has one term for each $x$, and $D$ may choose each $D(x)$ freely. So we maximize
# $p \log D + q \log(1 - D)$ for one $x$. The derivative is 0 at the maximum:
#
# $$\frac{p}{D} - \frac{q}{1 - D} = 0 \quad\Rightarrow\quad D^*(x) = \frac{p(x)}{p(x) + q(x)}$$
#
# The logit of $D^*$ is $\log p - \log q$. We let the engine differentiate $V$ there.
# %%
def V(logit):
    """The objective; log D = -softplus(-l), and log(1 - D) = -softplus(l)."""
    return ops.sum(-Tensor(p) * ops.softplus(-logit) - Tensor(q) * ops.softplus(logit)) * dx


best = Tensor(np.log(p) - np.log(q))
(slope,) = grad(V(best), [best])
print(f"at D*: V = {V(best).item():.4f}, its largest derivative {abs(slope.numpy()).max():.0e}")
for shift in (-1.0, -0.1, 0.1, 1.0):
    print(f"logits moved by {shift:+.1f}: V = {V(best + shift).item():.4f}")
np.testing.assert_allclose(p / (p + q), theory.optimal_discriminator(p, q), rtol=1e-12)


# %% [markdown]
# ## The best G
#
# Put $D^*$ into $V$. The result depends on $q$ alone. With the mean density $m = (p + q) / 2$,
# $D^* = p / 2m$, and a $\log \frac{1}{2}$ comes out of each expectation:
#
# $$V(D^*, G) = -\log 4 + \mathrm{KL}(p \,\|\, m) + \mathrm{KL}(q \,\|\, m)
# = -\log 4 + 2 \, \mathrm{JSD}(p, q)$$
#
# $\mathrm{KL}(p \,\|\, q) = E_p[\log (p / q)]$ is the Kullback-Leibler divergence. The
# Jensen-Shannon divergence $\mathrm{JSD}$ is the mean of the two KL to $m$. It is 0 if $p = q$ and
# positive otherwise. So the best $G$ has $q = p$, and then $V = -\log 4$.
# %%
def kl(p, q):
    return np.sum(p * np.log(p / q)) * dx


def jsd(p, q):
    m = (p + q) / 2
    return (kl(p, m) + kl(q, m)) / 2


print(f"V(D*) = {V(best).item():.4f}, and -log 4 + 2 JSD = {-np.log(4) + 2 * jsd(p, q):.4f}")
print(f"if q = p: D* = 1/2, V = -log 4 = {-np.log(4):.4f}")
print(f"  D's loss is -V = {np.log(4):.4f}, and G's loss -log D = log 2 = {np.log(2):.4f}")
np.testing.assert_allclose(jsd(p, q), theory.divergence("js", p, q, dx), rtol=1e-9)
np.testing.assert_allclose(V(best).item(), theory.criterion(p, q, dx), rtol=1e-9)


# %% [markdown]
# ## Figure 1 of the paper, played
#
# A small game on the line: the data are $N(0, 1)$, and $G(z) = a z + b$ has two numbers. So $q$ is
# the density of $N(b, a^2)$, in closed form. $D$'s logit is $w_1 x + w_2 x^2 + c$. It begins with
# zeros: $D$ is $1/2$ for all $x$ and knows nothing.
#
# After ten rounds we stop, and train $D$ alone while $G$ is fixed. Then the game goes on.
# %%
class Quadratic(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(2, 1, rng=np.random.default_rng(0))
        self.last.weight.data[...], self.last.bias.data[...] = 0, 0

    def forward(self, x):
        return self.last(ops.concatenate([x, x * x], axis=1))


rng, rounds, alone = np.random.default_rng(0), 1500, 300
D, G = Quadratic(), nn.Linear(1, 1, rng=rng)
G.weight.data[...], G.bias.data[...] = 0.6, 2.0
normal = lambda m: Tensor(rng.standard_normal((m, 1), dtype=np.float32))  # noqa: E731
opt_g = optim.Adam(G.parameters(), optim.cosine_decay(0.01, rounds), (0.5, 0.999))
opt_d = optim.Adam(D.parameters(), optim.cosine_decay(0.05, rounds + alone), (0.5, 0.999))
players, panels, curve = (G, D, normal, normal, opt_g, opt_d), {}, []


def now():
    """D and the density q, at all x."""
    logits = D(Tensor(x.astype(np.float32)[:, None])).numpy()[:, 0]
    return 1 / (1 + np.exp(-logits)), normal_density(x, G.bias.item(), abs(G.weight.item()))


for t, result in enumerate(gan.play(gan.non_saturating, *players, m=128), 1):
    curve.append((result.d_loss.item(), result.g_loss.item()))
    if t == 10:
        panels["(a) round 10"] = now()
        steps_of_d = single_player.train_d(gan.non_saturating, *players, m=128)
        for _ in range(alone):
            next(steps_of_d)
        panels["(b) G fixed, D trained"] = now()
    if t == 250:
        panels["(c) round 250"] = now()
    if t == rounds:
        panels["(d) round 1500"] = now()
        break
for name, (d, q_now) in panels.items():
    gap = np.sum(abs(d - theory.optimal_discriminator(p, q_now)) * p) * dx
    print(f"{name:24} mean |D - D*| {gap:.2f}, JSD {jsd(p, np.maximum(q_now, 1e-300)):.3f}")
(first, _), last = curve[0], np.mean(curve[-100:], axis=0)
print(f"D's loss: {first:.3f} in the first round, {last[0]:.3f} in the last; G's {last[1]:.3f}")
# %% [markdown]
# In (b) $D$ is almost $D^*$ wherever there are samples; it has learned from samples alone. In (d)
# $q$ is almost $p$, and $D$ almost $1/2$. Now look at the losses in the figure. $D$'s loss is
# $\log 4$ at the end, when $D$ *cannot* tell data and samples apart. It was $\log 4$ in the first
# round as well, when $D$ had learned nothing and $q$ was far away. The number alone does not tell
# these two cases apart: look at samples, or measure a distance (chapter 14).
#
# ## KL is not symmetric
#
# JSD is one way to compare densities. $\mathrm{KL}(p \,\|\, q)$ is an average over the *data*: it
# is huge if $q$ misses some of them. $\mathrm{KL}(q \,\|\, p)$ is an average over *samples of G*:
# it is huge if some of them lie where no data are. Let $p$ have two *modes*, peaks of its density,
# and let $q$ be the one Gaussian that is best by each measure, found by trying many.
# %%
two = (normal_density(x, -1.6, 0.5) + normal_density(x, 1.6, 0.5)) / 2
candidates = [(mean, sd) for mean in np.linspace(0, 2, 21) for sd in np.linspace(0.3, 2.5, 45)]
fits = {}
for name in ("kl", "reverse-kl"):
    score = lambda c, name=name: theory.divergence(name, two, normal_density(x, *c), dx)  # noqa: E731
    fits[name] = min(candidates, key=score)
    print(f"{name:10} best: mean {fits[name][0]:+.1f}, standard deviation {fits[name][1]:.1f}")
figure = Figure(figsize=(11, 6), layout="constrained")
*moments, losses, fitted = figure.subplots(2, 3).flat
for axes, (name, (d, q_now)) in zip(moments, panels.items(), strict=True):
    axes.plot(x, theory.optimal_discriminator(p, q_now), "lightsteelblue", lw=5, label="best D")
    axes.plot(x, d, "b--", label="D")
    axes.plot(x, p, "k:", label="data p")
    axes.plot(x, q_now, "tab:green", label="samples of G, q")
    axes.set(title=name, xlabel="x", ylabel="density, or D", ylim=(0, 1.05))
for i, (name, color) in enumerate((("D", "b"), ("G", "r"))):
    losses.plot([pair[i] for pair in curve], color=color, lw=0.6, label=f"loss of {name}")
    losses.axhline(np.log(4 - 2 * i), color=color, ls="--", label=f"log {4 - 2 * i}")
losses.set(title="The losses of this game", xlabel="round", ylabel="loss")
fitted.plot(x, two, "k:", label="data p")
for fit, label in zip(fits.values(), ("least KL(p, q)", "least KL(q, p)"), strict=True):
    fitted.plot(x, normal_density(x, *fit), label=label)
fitted.set(title="One Gaussian for two modes", xlabel="x", ylabel="density")
for axes in (moments[2], losses, fitted):
    axes.legend(fontsize=7)
chapter.save(figure, ko={
    "(a) round 10": "(a) 라운드 10", "(b) G fixed, D trained": "(b) G를 고정하고 D를 학습",
    "(c) round 250": "(c) 라운드 250", "(d) round 1500": "(d) 라운드 1500",
    "best D": "가장 좋은 D", "data p": "데이터 p", "samples of G, q": "G의 표본 q",
    "density, or D": "밀도 또는 D", "density": "밀도", "loss of D": "D의 손실",
    "loss of G": "G의 손실", "The losses of this game": "이 게임의 손실", "round": "라운드",
    "loss": "손실", "One Gaussian for two modes": "두 모드에 가우시안 하나",
    "least KL(p, q)": "KL(p, q)가 최소", "least KL(q, p)": "KL(q, p)가 최소",
})  # fmt: skip
# %% [markdown]
# The first Gaussian covers both modes, and many of its samples lie between them. The second covers
# one mode and forgets the other. JSD has neither extreme; chapter 10 shows that $G$ can still lose
# modes.
#
# ## The package's own theory
#
# [theory.py](../../tinygan/gan/theory.py) has these formulas for tables of numbers, also where a
# density is 0. [figure1.py](../figure1.py) is this figure with networks of two hidden layers.
#
# ## Exercises
#
# **9.1** Write `best_discriminator(p, q)` for probabilities $(K,)$ of $K$ states, none of them 0.
# Return $D^*$, $(K,)$, and the number $V(D^*)$: `tinygan check 9.1 FILE`.
#
# **9.2** Write `jsd(p, q)` for probabilities $(K,)$, where some of $p$ or $q$ may be 0. A term
# $0 \log 0$ is 0: `tinygan check 9.2 FILE`.
