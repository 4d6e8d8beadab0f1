# %% [markdown]
# # 1. Four lines to mend
#
# **A belief.** "The loop has both losses and both optimizers, the losses move, so it trains." Here
# is a loop from a learner's notes. It runs without an error, for as many rounds as you like, and
# never draws a digit. Four of its lines are wrong. This chapter mends them one at a time; the rest
# of the book explains each.
#
# Two networks play. The *generator* $G$ maps noise $z$ to an image $G(z)$, a *fake*. The
# *discriminator* $D$ maps an image to one number, its *logit*: large for real images, small for
# fakes. Each round, $D$ takes a step that makes its loss smaller, then $G$ does:
#
# $$L_D = -\log D(x) - \log(1 - D(G(z))), \qquad L_G = -\log D(G(z))$$
#
# In formulas, $D(x)$ is the probability that $x$ is real, $\sigma(l) = 1 / (1 + e^{-l})$ of the
# logit $l$. In code, `D(x)` is the logit, and `softplus(-D(x))` is $-\log D(x)$ (chapter 6).
# %%
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, data, grad, nn, ops, optim
from tinygan.experiments.chapter import Chapter
from tinygan.metrics.classifier import Classifier
from tinygan.metrics.classifier_scores import classifier_score

chapter = Chapter("ch01_four_lines_to_mend", "1. Four lines to mend")
images = data.load("digits").images  # (10000, 1, 28, 28), bytes
small = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)  # 14x14 pixels
small = small.astype(np.float32) / 127.5 - 1  # in [-1, 1]
noise = lambda rng, m: Tensor(rng.standard_normal((m, 50), dtype=np.float32))  # noqa: E731


# %% [markdown]
# ## The loop of the notes
#
# The notes were written for a library that *adds* each new gradient to a stored one. There, a line
# must set the stored gradients to zero before each step, and the notes lack it for both networks.
# tinygan has no stored gradients, so the sum is written out below. The other two lines are numbers
# of the optimizer, Adam: its `beta1`, .9, and its rate, .01. Each round draws a *minibatch* of
# $m = 32$ images.
# %%
def train(clear_d, clear_g, beta1, lr, rounds=6000, seed=0, m=32):
    """Play all rounds; return 500 samples of G, (500, 1, 14, 14) in [0, 1]."""
    rng = np.random.default_rng(seed)
    G = nn.Sequential(nn.Linear(50, 128, rng=rng), nn.LeakyReLU(0.2),
                      nn.Linear(128, 196, rng=rng), nn.Tanh())  # fmt: skip
    D = nn.Sequential(nn.Linear(196, 128, rng=rng), nn.LeakyReLU(0.2), nn.Linear(128, 1, rng=rng))
    opt_d, opt_g = (optim.Adam(net.parameters(), lr, (beta1, 0.999)) for net in (D, G))
    stored = {opt_d: None, opt_g: None}

    def step(optimizer, loss, clear):
        gradients = [g.numpy() for g in grad(loss, optimizer.parameters)]
        if stored[optimizer] is not None and not clear:
            gradients = [old + g for old, g in zip(stored[optimizer], gradients, strict=True)]
        stored[optimizer] = gradients
        optimizer.step([Tensor(g) for g in gradients])

    for _ in range(rounds):
        x, fake = Tensor(small[rng.integers(len(small), size=m)]), G(noise(rng, m)).detach()
        d_loss = ops.mean(ops.softplus(-D(x))) + ops.mean(ops.softplus(D(fake)))
        step(opt_d, d_loss, clear_d)
        step(opt_g, ops.mean(ops.softplus(-D(G(noise(rng, m))))), clear_g)
    z = noise(np.random.default_rng(1), 500)
    return (G(z).numpy().reshape(-1, 1, 14, 14) + 1) / 2


# %% [markdown]
# ## One line at a time
#
# A look at the losses would not tell us which loop is right, so a classifier of digits looks at the
# samples. Its score is 1 if all samples look like one class or like none, and at most 10, if each
# sample is clearly a digit and all digits occur equally often. Real digits have about 9. A class
# is *found* if at least six of the 500 samples belong to it.
# %%
classifier = Classifier.shipped()


def judged(samples):
    """The score of samples (N, 1, 14, 14), and the number of classes found."""
    big = samples.repeat(2, axis=2).repeat(2, axis=3).astype(np.float32)  # 28x28 again
    p = classifier(big)[1]  # the probability of each class, (N, 10)
    return classifier_score(p), int((np.bincount(p.argmax(axis=1), minlength=10) >= 6).sum())


loops = {
    "as noted": train(False, False, beta1=0.9, lr=1e-2),
    "D's gradients cleared": train(True, False, beta1=0.9, lr=1e-2),
    "G's, too": train(True, True, beta1=0.9, lr=1e-2),
    "beta1 = .5": train(True, True, beta1=0.5, lr=1e-2),
    "rate .001": train(True, True, beta1=0.5, lr=1e-3),
}
real = (small[:500].reshape(-1, 1, 14, 14) + 1) / 2
for name, samples in {**loops, "real digits": real}.items():
    score, found = judged(samples)
    print(f"{name:22} score {score:.2f}, {found:2} classes")
# %%
figure = Figure(figsize=(7, 4.5), layout="constrained")
for axes, (name, samples) in zip(figure.subplots(5), loops.items(), strict=True):
    axes.imshow(np.concatenate(samples[:16, 0], axis=1), cmap="gray", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[])
    axes.set_title(name, loc="left")
    axes.set_title(f"{judged(samples)[0]:.1f}", loc="right")
figure.suptitle("Samples after each line was mended; right: the classifier's score")
chapter.save(figure, ko={
    "as noted": "노트 그대로", "D's gradients cleared": "판별자의 기울기를 비움",
    "G's, too": "생성자의 기울기도 비움", "beta1 = .5": "beta1 = .5", "rate .001": "학습률 .001",
    "Samples after each line was mended; right: the classifier's score":
        "한 줄씩 고친 뒤의 표본. 오른쪽은 분류기의 점수",
})  # fmt: skip
# %% [markdown]
# ## What the four lines do
#
# 1. and 2. **Stored gradients are never cleared.** Each step follows the sum of *all* gradients so
#    far. Old ones, of networks that no longer exist, outweigh the new one, and the step hardly
#    depends on the present. Chapter 3 computes gradients by name instead, so nothing is stored.
# 3. **beta1 = .9** averages over about ten rounds. In a game the right direction turns, because
#    the other player moves; .5 averages over two (chapter 7).
# 4. **A rate of .01** lets each player jump past the other. Chapter 7 shows how far one step of
#    Adam goes: about the rate, whatever the size of the gradient.
#
# **Another belief.** "A GAN needs no repeated work, since it has no Markov chain." The paper of
# GANs (Goodfellow et al. 2014) says that *sampling* needs none: one pass of $G$ draws an image.
# Training took 6000 rounds here, each with a step of $D$ and a step of $G$.
#
# The last loop is Algorithm 1 of the paper, which is [algorithm.py](../../tinygan/gan/algorithm.py)
# in the package: chapter 8 reads it line by line.
#
# ## Exercises
#
# **1.1** Write `gradients_used(gradients, cleared)`: `tinygan check 1.1 FILE`. `gradients` has a
# row for each round, $(T, K)$. Return the rows that the optimizer gets: the same if stored
# gradients are cleared, and the sums of all rows so far if they are not.
#
# **1.2** Write `classes_found(labels, minimum)`: how many of the ten classes have at least
# `minimum` samples. `labels` are the classes of the samples, integers $(N,)$:
# `tinygan check 1.2 FILE`.
