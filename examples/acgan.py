"""AC-GAN: D must predict the class instead of receiving it.

    D maximizes  L_S + L_C
    G maximizes  L_C - L_S

    L_S = E[log P(real | x)] + E[log P(fake | G(z, y))]      the source: real or fake
    L_C = E[log P(y | x)]    + E[log P(y | G(z, y))]         the class y

Odena, Olah and Shlens 2017, "Conditional image synthesis with auxiliary classifier GANs", eq. 2 and
3. D has two outputs, P(real | x) and P(y | x). Here the loss of G is the non-saturating one,
-E[log P(real | G(z, y))] - E[log P(y | G(z, y))]. Both players want images whose class is easy to
recognize, so G prefers typical images to those between two classes. G learns from D's predictions,
so these are no fair metric: here a classifier that took no part in the training measures the
samples. cgan.py explains the two accuracies, GAN-test and GAN-train.

Read next: sgan.py, where most images have no label.
"""

# %% Pairs of an image and its label, and the networks (tinygan/models/cgan.py)
from functools import partial

import numpy as np

from tinygan import gan, optim
from tinygan.data import Minibatches
from tinygan.experiments.class_report import report_classes, save_classes
from tinygan.experiments.example import Example
from tinygan.gan.variants import conditional
from tinygan.models.cgan import acgan28, labeled_players, labeled_samples

run = Example("acgan", __doc__, steps=1400, full=6000)
train, test = run.load_labeled(shape=(1, 28, 28))
images, labels = train.labeled()
names = train.classes or ()
pair = acgan28((1, 28, 28), len(names), rng=run.rng, width=run.width / 2).to(run.backend)
data = Minibatches(images, labels=labels, rng=run.rng, backend=run.backend)
average = optim.EMA(pair.G, 0.998)  # samples are drawn from the average of G's weights


def draw(n, G=average.module):
    """n samples of G in [0, 1] and their labels: equally many of each class, sorted."""
    rng = np.random.default_rng(1)  # the same noise in each call
    return labeled_samples(pair._replace(G=G), n, (1, 28, 28), len(names), rng=rng)


# %% Algorithm 1; the loss of the class is added to the losses of both players
game = conditional.auxiliary_classifier(gan.non_saturating)
players = labeled_players(pair, data, len(names), run.rng)
untrained = partial(draw, G=pair.G.copy())  # a control
title = "AC-GAN: losses with -log P(y | x); dashed: for a D that is certain of the class"
snapshots, curve = {}, run.curve(gan.non_saturating, title)
for step, result in run.play(lambda: gan.play(game, *players, m=64)):
    average.update()
    # The curve shows D's first output, P(real | x), and not its second, log P(y | x).
    curve.add(step, result._replace(real=result.real[:, :1], fake=result.fake[:, :1]))
    if step in run.snapshots:
        snapshots[f"round {step}"] = draw(len(names))[0]

# %% Samples of each class next to real images; GAN-test and GAN-train with their controls
save_classes(run, "AC-GAN", snapshots, draw, test)
run.save_curves()
run.end(*report_classes(run, untrained, draw, train, test))
