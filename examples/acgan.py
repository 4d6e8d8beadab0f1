"""AC-GAN: D must predict the class instead of receiving it.

    L_S = E[log P(real | x)] + E[log P(fake | G(z, y))]      the source
    L_C = E[log P(y | x)] + E[log P(y | G(z, y))]            the class

D maximizes L_C + L_S, and G maximizes L_C - L_S (here with the non-saturating loss for L_S). Odena,
Olah and Shlens 2017, "Conditional image synthesis with auxiliary classifier GANs", eq. 2 and 3.
Both players want images whose class is easy to recognize, so G prefers typical images to those
between two classes. D's own class predictions are therefore no fair metric: the samples are
measured with a classifier that took no part in the training.
"""

# %% As in cgan.py, with other networks
import numpy as np

from tinygan import gan
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.gan.variants import conditional
from tinygan.models.cgan import acgan28, labeled_players, labeled_samples

run = Example("acgan", __doc__, steps=2000, full=6000)
learned, test = run.load_digits()
images, labels = learned.labeled()
shape, classes = images.shape[1:], 10
pair = acgan28(shape, classes, rng=run.rng, width=run.width / 2).to(run.backend)
data = Minibatches(images, labels=labels, rng=run.rng, backend=run.backend)

# %% The game, with the classification loss of both players
game = conditional.auxiliary_classifier(gan.non_saturating)
players = labeled_players(pair, data, classes, run.rng)
G = run.averaged(pair.G, lambda: gan.play(game, *players, m=64), 0.999)

# %% A row for each class, and the metrics of an independent classifier
z_rng = np.random.default_rng(1)
draw = lambda n: labeled_samples(pair._replace(G=G), n, shape, classes, rng=z_rng)  # noqa: E731
samples, requested = run.found_classes(draw, test)
run.end()
