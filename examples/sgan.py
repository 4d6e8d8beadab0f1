"""Semi-supervised GAN: 10 labels a class, many unlabeled images, and D as the classifier.

D has K + 1 outputs: K classes of real images, and "fake". With labeled images (x, y), unlabeled
images u and noise z, it minimizes (Odena 2016, "Semi-supervised learning with generative
adversarial networks"; Salimans et al. 2016, "Improved techniques for training GANs", section 5)

    - E log p(y | x) - (E log(1 - p(fake | u)) + E log p(fake | G(z))) / 2

So D learns from u what real images have in common. G minimizes one of

    usual loss          - E log(1 - p(fake | G(z)))
    feature matching    |E f(u) - E f(G(z))|^2 / |E f(u)|^2     f: the last hidden layer of D
    noise and label     - E log p(y | G(z, y))     G also gets a label y, but D does not

In two controls, D minimizes its first term only ("labels alone"), or G stays untrained ("G does not
learn"). All five have the same labels and initial D, and are repeated with three seeds. Feature
matching, the paper's choice, needs longer training: --full has 30 epochs of it. Read next:
tinygan/experiments/reproduce/ssl.py
"""

# %% Labeled images to learn from, and test images
from functools import partial
from itertools import product

import numpy as np

from tinygan import Tensor, gan, models, no_grad, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.experiments.reproduce.ssl import errors, errors_figure, falling
from tinygan.experiments.results import t_interval
from tinygan.gan.variants.semi_supervised import matching_loss, real_logit
from tinygan.losses import cross_entropy
from tinygan.metrics.frechet import frechet_distance
from tinygan.models.sgan import noise_and_labels, sgan_mlp
from tinygan.optim import EMA, Adam

run = Example("sgan", __doc__, steps=900, full=1800)
learned, test = run.load_labeled(2000)
(images, labels), (truth, answers) = learned.labeled(), test.labeled()
classes, shape, game = learned.classes or (), images.shape[1:], gan.non_saturating
K, M, ALONE, STILL = len(classes), 64, "labels alone", "G does not learn"
TRAINED = USUAL, MATCHING, LABEL = "usual loss", "feature matching", "noise and label"


# %% A round: a step of D with labels, unlabeled images and fakes, and a step of G
def logit(outputs):
    """Return log((1 - p(fake)) / p(fake)) from D's outputs (N, K + 1)."""
    return real_logit(outputs[:, :K]) - outputs[:, K:]


def rounds(kind, G, D, known, unlabeled, noise, opt_g, opt_d):
    """Play rounds with the losses of `kind`."""
    while True:
        (x, y), u = known.labeled(M), unlabeled(M)
        with no_grad():
            fake = G(noise(M))
        on_labeled, *others = gan.discriminate(D, x, u, fake)
        on_real, on_fake = map(logit, others)
        loss = cross_entropy(on_labeled, y)
        if kind != ALONE:
            loss = loss + game.d_loss(on_real, on_fake) / 2
        gan.update(opt_d, loss)
        if kind in TRAINED:
            z = noise(M)
            fake = G(z)
            if kind == USUAL:
                loss = game.g_loss(logit(D(fake)))
            elif kind == MATCHING:
                loss = matching_loss(D[0], unlabeled(M), fake)
            else:
                loss = cross_entropy(D(fake), Tensor(z.data[:, -K:].argmax(axis=1)))
            gan.update(opt_g, loss)
        on_real, on_fake = on_real.detach(), on_fake.detach()  # the curves show the usual losses
        yield gan.Round(game.d_loss(on_real, on_fake), game.g_loss(on_fake), on_real, on_fake)


# %% Train each kind with each seed
n, classifier = min(run.many(2000), len(truth)), run.classifier(learned)
features = [classifier.features(part[:n].astype(np.float32) / 255) for part in (truth, images)]
source = partial(Minibatches, low=0.0, backend=run.backend)
kinds, every, shown = (ALONE, STILL, *TRAINED), max(1, run.steps // 20), {}
curves: dict[str, list[list[float]]] = {kind: [] for kind in kinds}
distances: dict[str, list[float]] = {kind: [] for kind in kinds}
for seed, kind in product(range(3), kinds):
    rng = np.random.default_rng((run.seed, seed))
    few = np.concatenate([rng.permutation(np.flatnonzero(labels == k))[:10] for k in range(K)])
    net = sgan_mlp(shape, K, labels=K * (kind == LABEL), rng=rng, width=run.width).to(run.backend)
    known, unlabeled = source(images[few], labels=labels[few], rng=rng), source(images, rng=rng)
    noise = noise_and_labels(net.noise(rng), K) if kind == LABEL else net.noise(rng)
    fixed = noise(K)  # for the snapshots, with the labels in order
    opt_g = Adam(net.G.parameters(), falling(net.lr_g, run.steps), (0.5, 0.999))
    opt_d = Adam(net.D.parameters(), falling(net.lr_d, run.steps), (0.5, 0.999))
    average, first = EMA(net.D, 0.99), seed == 0 and kind in TRAINED
    curve = run.curve(game, f"trained with: {kind}; shown: usual losses") if first else None
    curves[kind].append([])
    players = kind, net.G, net.D, known, unlabeled, noise, opt_g, opt_d
    for step, result in run.play(partial(rounds, *players), kind):
        average.update()
        if step % every == 0:
            curves[kind][-1].append(errors(average.module, truth, answers, K) / len(truth))
        if curve:
            curve.add(step, result)
        if curve and step in run.snapshots:
            shown[f"{kind}, round {step}"] = models.pixels(net.G, fixed, 0.0)
    samples = classifier.features(models.pixels(net.G, noise(n), 0.0))
    distances[kind].append(frechet_distance(features[0], samples))
run.save_curves()
real = images[[int(np.argmax(labels == k)) for k in range(K)]]
title = f"Samples of each G. Real images and those of {LABEL!r} have a column for each class."
run.save("samples", plots.rows({"real images": real / 255.0, **shown}, K, 0.0, title=title), title)
title = "All labeled images that D sees with the last of the seeds: 10 of each class"
run.save("labeled", plots.grid(images[few], 10, title=title, row_labels=classes), title)
figure = errors_figure(curves, {kind: distances[kind] for kind in TRAINED}, every)
figure.suptitle("The test error of D, trained with 10 labels a class")
run.save("errors", figure, "test errors of D, and samples of G")

# %% Figures
last = {kind: np.array(runs)[:, -1] for kind, runs in curves.items()}
error = {kind: runs.mean() for kind, runs in last.items()}
frechet = {kind: float(np.mean(runs)) for kind, runs in distances.items()}
mean_image = np.broadcast_to(images.mean(axis=0) / 255, (n, *shape))
mean = frechet_distance(features[0], classifier.features(mean_image))
pictures = {"real images": frechet_distance(*features), STILL: frechet[STILL], "mean image": mean}
controls = {kind: error[kind] for kind in (ALONE, STILL)}
below, near = {USUAL: 0.88 * min(controls.values())}, {USUAL: 0.6 * mean, LABEL: 0.3 * mean}
for kind, each in {kind: frechet[kind] for kind in TRAINED}.items():
    run.found(f"{kind}: test error", error[kind], at_most=below.get(kind), compare=controls)
    run.found(f"{kind}: Frechet distance", each, at_most=near.get(kind), compare=pictures)
if run.full and learned.name == "mnist":  # an interrupted run continues
    for count, most in ((100, 0.03), (1000, 0.025)):
        outcomes = run.reproduced("ssl", 3, labels=count)
        ours, alone = np.mean([[f.ours for f in each.findings] for each in outcomes], axis=0) / 1e4
        run.found(f"30 epochs, {count} labels: error", ours, at_most=most, compare={ALONE: alone})


def effect(kind):
    """Compare the error with that of the same labels alone, in words."""
    by, half = t_interval(last[ALONE] - last[kind])
    verb = "lowers" if by > half else "raises" if by < -half else "does not measurably change"
    return f"{verb} the error (by {abs(by):.3f} +- {half:.3f}; 3 seeds, 95 % interval)"


better = "better" if frechet[LABEL] < frechet[USUAL] else "worse"
run.end(
    f"The test error of D is {error[ALONE]:.3f} with labels alone. The usual loss {effect(USUAL)}.",
    f"A G that does not learn {effect(STILL)}. Feature matching {effect(MATCHING)}.",
    f"A G with a label draws {better} pictures than with the usual loss (Frechet distance "
    f"{frechet[LABEL]:.0f}, not {frechet[USUAL]:.0f}); its D has an error of {error[LABEL]:.3f}.",
)
