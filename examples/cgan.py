"""Conditional GAN: the class is asked for, and D sees what was asked.

    min over G, max over D   E[log D(x | y)] + E[log(1 - D(G(z | y) | y))]

Mirza and Osindero 2014, "Conditional generative adversarial nets", eq. 2. Nothing of Algorithm 1
changes: its minibatches are pairs of an image and a label, and G hands on the label that it got. So
an image that does not go with its label is a fake, however good it is. (Here with convolutions; the
perceptrons of the paper, and its figure: `tinygan reproduce conditional`.)
"""

# %% Pairs of an image and its label, and networks for them
import numpy as np

from tinygan import gan, optim, plots
from tinygan.data import Minibatches
from tinygan.example import Example
from tinygan.models.conditional import cgan28, labelled_players, labelled_samples

run = Example("cgan", __doc__, steps=2000, full=10_000)
learned, test = run.load_digits()
images, labels = learned.labelled()
shape, classes = images.shape[1:], 10
pair = cgan28(shape, classes, rng=run.rng, width=run.width / 2).to(run.where)
data = Minibatches(images, labels=labels, rng=run.rng, where=run.where)

# %% Algorithm 1 as it is
average = optim.EMA(pair.G, 0.999)
players = labelled_players(pair, data, classes, run.rng)
for _ in run.play(lambda: gan.play(gan.non_saturating, *players, m=64)):
    average.update()

# %% A row for each class
trained, look = pair._replace(G=average.module), np.random.default_rng(1)
draw = lambda n: labelled_samples(trained, n, shape, classes, rng=look)  # noqa: E731
samples, asked = draw(100)
run.save("classes", plots.grid(samples, 10, 0))

# %% Is it what was asked for? And is it all there is?
run.found_shares(draw, test)
run.end()
