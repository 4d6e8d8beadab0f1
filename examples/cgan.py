"""Conditional GAN: the class is asked for, and D sees what was asked.

    min over G, max over D   E[log D(x | y)] + E[log(1 - D(G(z | y) | y))]

Mirza and Osindero 2014, "Conditional generative adversarial nets", eq. 2. Nothing of Algorithm 1
changes: its minibatches are pairs of an image and a label, and G hands on the label that it got, so
an image that does not go with its label is a fake, however good. (Here with convolutions; --full
also trains the perceptrons of the paper.)
"""

# %% Pairs of an image and its label
import numpy as np

from tinygan import gan, joint, optim, plots
from tinygan.data import Minibatches
from tinygan.example import Example
from tinygan.metrics.classifier import Classifier
from tinygan.metrics.labelled import gan_test, gan_train
from tinygan.models.conditional import cgan28, labelled_samples

run = Example("cgan", __doc__, steps=2000, full=10_000)
images, labels = run.load().labelled()
shape, classes = images.shape[1:], 10
pair = cgan28(shape, classes, rng=run.rng, width=run.width / 2).to(run.where)
data = Minibatches(images, labels=labels, rng=run.rng, where=run.where)
opt_g = optim.Adam(pair.G.parameters(), pair.lr_g, (0.5, 0.999))
opt_d = optim.Adam(pair.D.parameters(), pair.lr_d, (0.5, 0.999))
sources = (
    joint.labelled_data(data, classes),
    joint.labelled_noise(pair.noise(run.rng), classes, rng=run.rng),
)
average = optim.EMA(pair.G, 0.999)

# %% Algorithm 1 as it is
players = pair.G, pair.D, *sources, opt_g, opt_d
for _ in run.play(lambda: gan.play(gan.non_saturating, *players, m=64)):
    average.update()

# %% A row for each class
trained = pair._replace(G=average.module)
look = np.random.default_rng(1)
samples, asked = labelled_samples(trained, 100, shape, classes, rng=look)
run.save("classes", plots.grid(samples, 10, 0))

# %% Is it what was asked for? And is it all there is?
judge, many = Classifier.shipped(), 60_000 if run.full else 5000
test = run.load("test").labelled() if run.full else (images[:2000], labels[:2000])
test = test[0].astype(np.float32) / 255, test[1]
found = gan_test(judge, *labelled_samples(trained, 5000, shape, classes, rng=look))
run.found(
    "GAN-test",
    found,
    f"at least {0.95 if run.full else 0.85}",
    found >= (0.95 if run.full else 0.85),
)
pairs = labelled_samples(trained, many, shape, classes, rng=look)
found = gan_train(*pairs, *test, rng=look)
run.found(
    "GAN-train", found, "at least 0.9" if run.full else "", found >= 0.9 if run.full else None
)
run.found("the same classifier of GAN-test on real digits", gan_test(judge, *test))
run.end()
