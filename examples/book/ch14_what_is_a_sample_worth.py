# %% [markdown]
# # 14. What is a sample worth
#
# **A belief.** "A VAE blurs because not all $z$ are Gaussian." A variational autoencoder (VAE)
# learns an encoder and a decoder, and asks that codes look like Gaussian noise. Its images are
# blurred. If the Gaussian were the cause, an autoencoder that asks nothing of its codes would be
# sharp. Let us train both, and measure. Then a second question: would a *number* have shown it?
# %%
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, data, losses, nn, no_grad, ops, optim
from tinygan.experiments.chapter import Chapter
from tinygan.metrics.classifier import Classifier
from tinygan.metrics.classifier_scores import gray_share
from tinygan.metrics.frechet import gaussian_distance
from tinygan.metrics.kmeans import kmeans
from tinygan.metrics.memorization import copying
from tinygan.metrics.parzen import log_likelihoods
from tinygan.models.vae import VAE
from tinygan.optim.minimize import minimize

chapter = Chapter("ch14_what_is_a_sample_worth", "14. What is a sample worth")
rng = np.random.default_rng(0)
digits = rng.permutation(data.load("digits").images.reshape(-1, 784)).astype(np.float32) / 255
known, new, held = digits[:4000], digits[4000:4500], digits[4500:5000]
# %% [markdown]
# ## Why it blurs
#
# The decoder is paid pixel by pixel: $-\log p(x \mid z)$ is a sum over pixels. Say that $z$ does
# not tell whether a pixel is black or white, and it is white with probability $p$. The decoder
# must answer one number $q$, and the expected loss
#
# $$-p \log q - (1 - p) \log(1 - q)$$
#
# is smallest at $q = p$: **gray**, the mean of what $z$ cannot tell apart. So the blur should
# depend on how much the code tells. `gray_share` is the share of pixels between .1 and .9.
# %%
q = np.linspace(0.01, 0.99, 99)
print("p = .4: the loss is smallest at q =", q[np.argmin(-0.4 * np.log(q) - 0.6 * np.log(1 - q))])


def fit(loss, *nets):
    opt = optim.Adam([p for net in nets for p in net.parameters()], 2e-3)
    step = lambda: loss(Tensor(known[rng.integers(len(known), size=100)])) / 100  # noqa: E731
    for _ in zip(range(400), minimize(step, opt), strict=False):
        pass


def mlp(*sizes):
    a, b, c = sizes
    return nn.Sequential(nn.Linear(a, b, rng=rng), nn.ReLU(), nn.Linear(b, c, rng=rng))


vae = VAE(2, 128, rng=rng)
fit(vae.loss, vae)  # the reconstruction, plus the KL to a Gaussian
images = {"real": held, "VAE, 2 numbers": vae.decoder(vae.encode(Tensor(held))[0])}
for numbers in (2, 32):
    encoder, decoder = mlp(784, 128, numbers), mlp(numbers, 128, 784)
    fit(lambda x, e=encoder, d=decoder: losses.bce_with_logits(d(e(x)), x, "sum"), encoder, decoder)
    images[f"no Gaussian, {numbers} numbers"] = decoder(encoder(Tensor(held)))
for name, shown in images.items():
    images[name] = shown = shown if name == "real" else ops.sigmoid(shown).numpy()
    print(f"{name:24} gray pixels {gray_share(shown):.2f}")


# %% [markdown]
# Without any Gaussian, the autoencoder with two numbers is as gray as the VAE. With 32 numbers it
# is sharper: the code tells more, and less is averaged. A GAN has no loss by pixels: $D$ sees that
# no real image is gray there, and rejects it.
#
# ## A likelihood from samples
#
# The 2014 paper compared models by a *Parzen window*: put a small Gaussian on each of $N$ samples
# $\mu_j$, with $D$ pixels, and ask how likely held-out images are:
#
# $$\log p(x) = \log \frac{1}{N} \sum_j e^{-|x - \mu_j|^2 / 2\sigma^2}
# - D \log(\sigma \sqrt{2 \pi})$$
#
# **Another belief.** "A higher likelihood means better samples."
#
# ## A distance between features
#
# The *Frechet distance* (Heusel et al. 2017) fits a Gaussian to the features that a classifier
# sees in real images, and one to those of the samples:
#
# $$|m_1 - m_2|^2 + \operatorname{tr}(S_1 + S_2 - 2 (S_1 S_2)^{1/2})$$
# %%
def parzen(x, samples, sigma=0.2):
    """The mean of log p(x) over the rows of x."""
    squares = (x**2).sum(1)[:, None] + (samples**2).sum(1) - 2 * x @ samples.T
    a = -squares / (2 * sigma**2)
    top = a.max(axis=1)  # taken out of the sum, so that exp does not become 0
    log_mean = top + np.log(np.exp(a - top[:, None]).mean(axis=1))
    return np.mean(log_mean - x.shape[1] * np.log(sigma * np.sqrt(2 * np.pi)))


def frechet(m1, s1, m2, s2):
    """The trace of a root is the sum of the roots of the eigenvalues."""
    roots = np.sqrt(np.linalg.eigvals(s1 @ s2).astype(complex)).real
    return np.sum((m1 - m2) ** 2) + np.trace(s1) + np.trace(s2) - 2 * roots.sum()


def gaussian(rows):
    features = Classifier.shipped().features(rows.reshape(-1, 1, 28, 28)).astype(np.float64)
    return features.mean(axis=0), np.cov(features.T)


with no_grad():
    drawn = ops.sigmoid(vae.decoder(Tensor(rng.standard_normal((500, 2), dtype=np.float32))))
sets = {"new digits": new, "copies": known[:500], "averages": kmeans(known, 500, rng=rng)[0],
        "VAE": drawn.numpy()}  # fmt: skip
table = {name: (parzen(held, s), frechet(*gaussian(held), *gaussian(s)),
                copying(s, known, held).copies) for name, s in sets.items()}  # fmt: skip
for name, (likelihood, distance, copies) in table.items():
    print(f"{name:10} Parzen {likelihood:4.0f}, Frechet {distance:4.0f}, copies {copies:.2f}")
# %%
figure = Figure(figsize=(8, 6), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=[1.4, 1])
top.suptitle("Held-out digits, and what three decoders make of their codes")
for axes, (name, shown) in zip(top.subplots(4), images.items(), strict=True):
    axes.imshow(np.concatenate(shown[:14].reshape(-1, 28, 28), axis=1), cmap="gray")
    axes.set(xticks=[], yticks=[])
    axes.set_title(name, loc="left", fontsize=9)
titles = "Parzen, nats (more is better?)", "Frechet distance (less is better)", "share of copies"
for k, (axes, title) in enumerate(zip(bottom.subplots(1, 3), titles, strict=True)):
    for name, values in table.items():
        axes.bar(name, values[k], label=name)
    axes.set_title(title, fontsize=9)
    axes.set(xticks=[], yscale="log" if k == 1 else "linear")
bottom.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
chapter.save(figure, ko={
    "Held-out digits, and what three decoders make of their codes":
        "학습에 쓰지 않은 숫자와, 그 코드로 세 디코더가 만든 이미지",
    "real": "진짜", "VAE, 2 numbers": "VAE, 수 2개",
    "no Gaussian, 2 numbers": "가우스 없음, 수 2개",
    "no Gaussian, 32 numbers": "가우스 없음, 수 32개",
    titles[0]: "파르젠 창, 내트 (클수록 좋다?)", titles[1]: "프레셰 거리 (작을수록 좋다)",
    titles[2]: "복사본의 비율", "new digits": "새 숫자", "copies": "복사본",
    "averages": "평균 이미지",
})  # fmt: skip
# %% [markdown]
# - **Parzen** prefers averages of digits (k-means) to *real, new digits*. It rewards a small
#   distance to the nearest sample, and a blurred image is near to many. Use it to reproduce old
#   tables only.
# - **Frechet** puts averages far from real digits. But copies of the training images get about as
#   good a value as new digits.
# - **Copies** are found by another number: a sample that is at most half as far from its nearest
#   training image as from the next. It does not say whether samples are good.
#
# No single number is enough. Look at three, compare with real images at the same $N$, and look at
# the samples.
#
# ## The package's own
#
# [parzen.py](../../tinygan/metrics/parzen.py), [frechet.py](../../tinygan/metrics/frechet.py),
# [memorization.py](../../tinygan/metrics/memorization.py). Both functions equal the package's:
# %%
theirs = log_likelihoods(known[:500], held, [0.2]).mean()
np.testing.assert_allclose(table["copies"][0], theirs, rtol=1e-3)
theirs = gaussian_distance(*gaussian(held), *gaussian(sets["averages"]))
np.testing.assert_allclose(table["averages"][1], theirs, rtol=1e-3)
print("equal")
# %% [markdown]
# The two models are [vae.py](../vae.py) and [autoencoder.py](../autoencoder.py) of the examples.
#
# ## Exercises
#
# **14.1** Write `parzen_ll(x, samples, sigma)`: $\log p(x)$ of one image $x$, $(D,)$, from samples
# $(N, D)$, a number: `tinygan check 14.1 FILE`.
#
# **14.2** Write `frechet(m1, v1, m2, v2)` for Gaussians whose features are independent: means and
# *variances*, each $(D,)$. The matrices are then diagonal: `tinygan check 14.2 FILE`.
