"""Conditional GAN: G receives a class, and D sees the class with the image.

    loss of D   -E[log D(x, y)] - E[log(1 - D(G(z, y), y))]
    loss of G   -E[log D(G(z, y), y)]

Mirza and Osindero 2014, "Conditional generative adversarial nets", eq. 2, here with the
non-saturating loss of G and convolutional networks. Algorithm 1 does not change: its minibatches
are pairs of an image and a label, and G passes its label on to D. So an image that does not match
its label is a fake, however good it is. Two accuracies measure the result (Shmelkov et al. 2018):

    GAN-test     of a classifier of real images, on samples: are they what was requested?
    GAN-train    on real images, of a classifier trained on samples: do they have all variants?

Read next: acgan.py, where D predicts the class instead of seeing it.
"""

# %% Pairs of an image and its label, and the networks (models/cgan.py)
from functools import partial

import numpy as np

from tinygan import gan, optim, plots
from tinygan.data import Minibatches
from tinygan.experiments.class_report import report_classes
from tinygan.experiments.example import DIGIT, Example
from tinygan.models.cgan import cgan28, labeled_players, labeled_samples

run = Example("cgan", __doc__, steps=1400, full=6000)
learned, test = run.load_labeled(shape=DIGIT)
images, labels = learned.labeled()
names = learned.classes or ()
pair = cgan28(DIGIT, len(names), rng=run.rng, width=run.width / 2).to(run.backend)
data = Minibatches(images, labels=labels, rng=run.rng, backend=run.backend)
average = optim.EMA(pair.G, 0.998)


def draw(n, G=average.module):
    """n samples of G in [0, 1], and their labels: equally many of each class."""
    rng = np.random.default_rng(1)
    return labeled_samples(pair._replace(G=G), n, DIGIT, len(names), rng=rng)


# %% Algorithm 1, unchanged
game = gan.non_saturating
players = labeled_players(pair, data, len(names), run.rng)
untrained = partial(draw, G=pair.G.copy())
snapshots, curve = {}, run.curve(game)
for step, result in run.play(lambda: gan.play(game, *players, m=64)):
    average.update()
    curve.add(step, result)
    if step in run.snapshots:
        snapshots[f"round {step}"] = draw(len(names))[0]

# %% Samples of each class next to real images
real_images, real_labels = test.images.astype(np.float32) / 255, test.labeled()[1]
samples, requested = draw(10 * len(names))
sheets = {name: samples[requested == k] for k, name in enumerate(names)}
title = "Generated images: ten of each class, which stands at the left"
run.save("classes", plots.rows(sheets, 10, 0, title=title), "samples of each class")
one = [np.flatnonzero(real_labels == k)[0] for k in range(len(names))]
rows = {**snapshots, "real images": real_images[one]}
title = "The same noise for each class, through the training"
picture = plots.rows(rows, len(names), 0, title=title, column_labels=names)
run.save("training", picture, "samples at four rounds of the training, and real images")
run.save_curves()

# %% GAN-test and GAN-train, with their controls
run.end(*report_classes(run, untrained, draw, learned, test))
