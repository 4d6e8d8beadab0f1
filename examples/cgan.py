"""Conditional GAN: G receives a class, and D sees the class with the image.

    loss of D   -E[log D(x | y)] - E[log(1 - D(G(z | y) | y))]       x: an image, y: its class
    loss of G   -E[log D(G(z | y) | y)]

Mirza and Osindero 2014, "Conditional generative adversarial nets", eq. 2, here with the
non-saturating loss of G and convolutional networks. Algorithm 1 does not change: its examples are
pairs of an image and a label, and D gets each fake with the label that G received. So D can reject
a good image with a wrong label. Two accuracies measure the result (Shmelkov et al. 2018):

    GAN-test     Train a classifier on real images and test it on samples.
                 It is high if the samples show the requested class.
    GAN-train    Train a classifier on samples and test it on real images.
                 It is high if the samples also have the variety of a class.

Read next: acgan.py, where D predicts the class instead of seeing it.
"""

# %% Pairs of an image and its label, and the networks (tinygan/models/cgan.py)
from functools import partial

import numpy as np

from tinygan import gan, optim
from tinygan.data import Minibatches
from tinygan.experiments.class_report import report_classes, save_classes
from tinygan.experiments.example import Example
from tinygan.models.cgan import cgan28, labeled_players, labeled_samples

run = Example("cgan", __doc__, steps=1400, full=6000)
train, test = run.load_labeled(shape=(1, 28, 28))
images, labels = train.labeled()
names = train.classes or ()
pair = cgan28((1, 28, 28), len(names), rng=run.rng, width=run.width / 2).to(run.backend)
data = Minibatches(images, labels=labels, rng=run.rng, backend=run.backend)
average = optim.EMA(pair.G, 0.998)  # samples are drawn from the average of G's weights


def draw(n, G=average.module):
    """n samples of G in [0, 1] and their labels: equally many of each class, sorted."""
    rng = np.random.default_rng(1)  # the same noise in each call
    return labeled_samples(pair._replace(G=G), n, (1, 28, 28), len(names), rng=rng)


# %% Algorithm 1; its examples are pairs of an image and a label
game = gan.non_saturating  # the losses above
players = labeled_players(pair, data, len(names), run.rng)
untrained = partial(draw, G=pair.G.copy())  # a control
snapshots, curve = {}, run.curve(game, "Conditional GAN: D is given the class of x and of G(z)")
for step, result in run.play(lambda: gan.play(game, *players, m=64)):
    average.update()
    curve.add(step, result)
    if step in run.snapshots:
        snapshots[f"round {step}"] = draw(len(names))[0]

# %% Samples of each class next to real images; GAN-test and GAN-train with their controls
save_classes(run, "Conditional GAN", snapshots, draw, test)
run.save_curves()
run.end(*report_classes(run, untrained, draw, train, test))
