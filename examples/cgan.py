"""Conditional GAN: G receives a class, and D sees the class with the image.

    min over G, max over D   E[log D(x | y)] + E[log(1 - D(G(z | y) | y))]

Mirza and Osindero 2014, "Conditional generative adversarial nets", eq. 2. Algorithm 1 does not
change: its minibatches are pairs of an image and a label, and G passes its label on to D. So an
image that does not match its label is a fake, however good it is. (Here G maximizes log D, and the
networks are convolutional; `tinygan reproduce conditional` has the paper's perceptrons and its
figure.)
"""

# %% Pairs of an image and its label, and the networks
import numpy as np

from tinygan import gan
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.models.cgan import cgan28, labeled_players, labeled_samples

run = Example("cgan", __doc__, steps=1700, full=6000)
learned, test = run.load_digits()
images, labels = learned.labeled()
shape, classes = images.shape[1:], 10
pair = cgan28(shape, classes, rng=run.rng, width=run.width / 2).to(run.backend)
data = Minibatches(images, labels=labels, rng=run.rng, backend=run.backend)

# %% Algorithm 1, unchanged
players = labeled_players(pair, data, classes, run.rng)
G = run.averaged(pair.G, lambda: gan.play(gan.non_saturating, *players, m=64), 0.999)

# %% A row for each class; GAN-test for fidelity, GAN-train for diversity
z_rng = np.random.default_rng(1)
draw = lambda n: labeled_samples(pair._replace(G=G), n, shape, classes, rng=z_rng)  # noqa: E731
samples, requested = run.found_classes(draw, test)
run.end()
