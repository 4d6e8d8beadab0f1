"""AC-GAN: D must predict the class instead of receiving it.

    L_S = E[log P(real | x)] + E[log P(fake | G(z, y))]      the source
    L_C = E[log P(y | x)] + E[log P(y | G(z, y))]            the class

    loss of D   -L_S - L_C
    loss of G   -E[log P(real | G(z, y))] - E[log P(y | G(z, y))]

Odena, Olah and Shlens 2017, "Conditional image synthesis with auxiliary classifier GANs", eq. 2 and
3, here with the non-saturating loss of G. Both players want images whose class is easy to
recognize, so G prefers typical images to those between two classes. D's own predictions are
therefore no fair metric: the samples are measured with a classifier that took no part in the
training. GAN-test and GAN-train are explained in cgan.py.

Read next: sgan.py, where most images have no label.
"""

# %% Pairs of an image and its label, and the networks (models/cgan.py)
from functools import partial

import numpy as np

from tinygan import gan, optim, plots
from tinygan.data import Minibatches
from tinygan.experiments.class_report import report_classes
from tinygan.experiments.example import DIGIT, Example
from tinygan.gan.variants import conditional
from tinygan.models.cgan import acgan28, labeled_players, labeled_samples

run = Example("acgan", __doc__, steps=1400, full=6000)
learned, test = run.load_labeled(shape=DIGIT)
images, labels = learned.labeled()
names = learned.classes or ()
pair = acgan28(DIGIT, len(names), rng=run.rng, width=run.width / 2).to(run.backend)
data = Minibatches(images, labels=labels, rng=run.rng, backend=run.backend)
average = optim.EMA(pair.G, 0.998)


def draw(n, G=average.module):
    """n samples of G in [0, 1], and their labels: equally many of each class."""
    rng = np.random.default_rng(1)
    return labeled_samples(pair._replace(G=G), n, DIGIT, len(names), rng=rng)


# %% The game, with the loss of the class for both players
game = conditional.auxiliary_classifier(gan.non_saturating)
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
