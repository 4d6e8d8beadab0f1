"""Semi-supervised GAN: 10 labels a class, many unlabeled images, and D as the classifier.

D has K + 1 outputs, K classes of real images and "fake". With labeled images (x, y), unlabeled
images u and noise z, D minimizes

    - E log p(y | x) - (E log(1 - p(fake | u)) + E log p(fake | G(z))) / 2

(Odena 2016, "Semi-supervised learning with generative adversarial networks"; Salimans et al. 2016,
"Improved techniques for training GANs", section 5, where the logit of "fake" is fixed at 0: a
number added to all logits does not change the softmax.) To distinguish real images from fakes, D
must learn what real images have in common, and unlabeled images show that. G minimizes one of

    usual loss          - E log(1 - p(fake | G(z)))
    feature matching    |E f(u) - E f(G(z))|^2 / |E f(u)|^2     f: the last hidden layer of D
    noise and label     - E log p(y | G(z, y))     G also gets a random label y; D does not get it

In two controls, G does not learn, or D learns from the labels alone. All five have the same labels
and the same initial D, and are repeated over three seeds. --full has 1800 rounds on MNIST, and then
trains `tinygan reproduce ssl`: feature matching for 30 epochs, with 100 and with 1000 labels.
Read next: tinygan/experiments/reproduce/ssl.py
"""

# %% Labeled images to learn from, and test images
from collections import defaultdict
from functools import partial
from itertools import product

import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, models, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.experiments.reproduce.ssl import falling
from tinygan.experiments.results import t_interval
from tinygan.gan.variants.conditional import concat_label, labeled_noise, split_label
from tinygan.gan.variants.semi_supervised import matching_loss, real_logit
from tinygan.losses import cross_entropy
from tinygan.metrics.frechet import frechet_distance
from tinygan.models.sgan import sgan_mlp
from tinygan.ops import log_softmax, mean, sum
from tinygan.optim import EMA, Adam
from tinygan.tensor import no_grad

run = Example("sgan", __doc__, steps=1000, full=1800)
learned, test = run.load_labeled(2000)
(images, labels), (truth, answers), classes = learned.labeled(), test.labeled(), learned.classes
K, M, game = len(classes), 64, gan.non_saturating
ALONE, STILL = "labels alone", "G does not learn"
TRAINED = USUAL, MATCHING, LABEL = "usual loss", "feature matching", "noise and label"


# %% The loss of G, and a round
def logit(l):
    """log((1 - p(fake)) / p(fake)) from logits (N, K + 1)."""
    return real_logit(l[:, :K]) - l[:, K:]


def loss_of_g(kind, D, u, z, fake):
    if kind == MATCHING:
        return matching_loss(D[0], u, fake)
    if kind == LABEL:
        _, y = split_label(z, K)  # (M, K): 1 at the label, 0 elsewhere
        return -mean(sum(log_softmax(D(fake), axis=1)[:, :K] * y, axis=1))
    return game.g_loss(logit(D(fake)))


def rounds(kind, G, D, known, unlabeled, noise, opt_g, opt_d):
    while True:
        (x, y), u = known.labeled(M), unlabeled(M)
        with no_grad():
            fake = G(noise(M))
        logits, *others = gan.discriminate(D, x, u, fake)
        on_real, on_fake = map(logit, others)
        loss = cross_entropy(logits, y)
        if kind != ALONE:
            loss = loss + game.d_loss(on_real, on_fake) / 2
        gan.update(opt_d, loss)
        if kind in TRAINED:
            z = noise(M)
            gan.update(opt_g, loss_of_g(kind, D, unlabeled(M), z, G(z)))
        on_real, on_fake = on_real.detach(), on_fake.detach()  # the curves show the usual losses
        yield gan.Round(game.d_loss(on_real, on_fake), game.g_loss(on_fake), on_real, on_fake)


# %% Train each kind with each seed
n, classifier = min(run.many(2000), len(truth)), run.classifier(learned)
features = [classifier.features(part[:n].astype(np.float32) / 255) for part in (truth, images)]
source = partial(Minibatches, low=0.0, backend=run.backend)
held, every = source(truth, rng=run.rng).at(np.arange(len(truth))), max(1, run.steps // 20)
curves, distances, shown = defaultdict(list), defaultdict(list), {}
for seed, kind in product(range(3), (ALONE, STILL, *TRAINED)):
    rng, first = np.random.default_rng((run.seed, seed)), seed == 0 and kind in TRAINED
    few = np.concatenate([rng.permutation(np.flatnonzero(labels == k))[:10] for k in range(K)])
    net = sgan_mlp(images.shape[1:], K, labels=K * (kind == LABEL), rng=rng, width=run.width)
    net.to(run.backend)
    known, unlabeled = source(images[few], labels=labels[few], rng=rng), source(images, rng=rng)
    noise = net.noise(rng)
    fixed = noise(K)
    if kind == LABEL:
        fixed = concat_label(fixed, Tensor(fixed.xp.eye(K, dtype=fixed.dtype)))
        noise = labeled_noise(noise, K, rng=rng)
    opt_g = Adam(net.G.parameters(), falling(net.lr_g, run.steps), (0.5, 0.999))
    opt_d = Adam(net.D.parameters(), falling(net.lr_d, run.steps), (0.5, 0.999))
    average, errors = EMA(net.D, 0.99), []
    curve = run.curve(game, kind) if first else None
    players = kind, net.G, net.D, known, unlabeled, noise, opt_g, opt_d
    for step, result in run.play(partial(rounds, *players)):
        average.update()
        if step % every == 0:  # the test error; "fake" is no answer here
            with no_grad():
                answer = average.module(held).numpy()[:, :K].argmax(axis=1)
            errors.append((answer != answers).mean())
        if curve:
            curve.add(step, result)
            if step in run.snapshots:
                shown[f"{kind}, round {step}"] = models.pixels(net.G, fixed, 0.0)
    curves[kind].append(errors)
    samples = models.pixels(net.G, noise(n), 0.0)
    distances[kind].append(frechet_distance(features[0], classifier.features(samples)))
run.save_curves()

# %% Pictures
real = images[[int(np.argmax(labels == k)) for k in range(K)]]
title = "Samples of each G during training; one column for each class in the first and last rows"
run.save("samples", plots.rows({"real images": real / 255.0, **shown}, K, 0.0, title=title), title)
title = "The labeled images of the last seed: 10 of each class"
run.save("labeled", plots.grid(images[few], 10, title=title, row_labels=classes), title)
figure = Figure(figsize=(11, 4.5), layout="constrained")
left, right = figure.subplots(1, 2)
for i, (kind, runs) in enumerate(curves.items()):
    at, points = every * np.arange(1, len(runs[0]) + 1), np.array(runs)
    left.plot(at, points.mean(axis=0), f"C{i}", label=kind)
    left.fill_between(at, points.min(axis=0), points.max(axis=0), color=f"C{i}", alpha=0.12)
    if kind != ALONE:
        right.semilogx(distances[kind], points[:, -1], f"C{i}o", label=kind)
left.set(title="mean of 3 seeds; shaded: minimum to maximum", xlabel="round", ylabel="test error of D")
right.set(title="a point for each seed", xlabel="Frechet distance of samples (lower: better pictures)",
          ylabel="test error of D")  # fmt: skip
for axes in (left, right):
    axes.legend()
run.save("errors", figure, "test error of D during training, and against the samples of its G")

# %% Figures
last = {kind: np.array(runs)[:, -1] for kind, runs in curves.items()}
error = {kind: e.mean() for kind, e in last.items()}
frechet = {kind: np.mean(d) for kind, d in distances.items()}
controls = {kind: error[kind] for kind in (ALONE, STILL)}
gain, spread = t_interval(last[STILL] - last[USUAL])
run.found("usual loss: test error", error[USUAL], at_most=0.85 * error[ALONE], compare=controls)
run.found("errors avoided by G, usual loss: smallest of 3 seeds", (last[STILL] - last[USUAL]).min(),
          at_least=0.02, compare={"mean": gain, "half of its 95 % interval": spread})  # fmt: skip
for kind in (MATCHING, LABEL):
    run.found(f"{kind}: test error", error[kind], compare=controls)
