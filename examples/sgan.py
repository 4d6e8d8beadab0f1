"""Semi-supervised GAN: a handful of labels, many images without, and D as the classifier.

    p(y | x) = softmax of (l_1, ..., l_K, 0), the last class "fake";   D(x) = Z / (Z + 1),
    Z = sum_k exp(l_k)

Odena 2016, "Semi-supervised learning with generative adversarial networks"; Salimans et al. 2016,
"Improved techniques for training GANs", section 5. To tell real digits from fakes D must learn what
real ones have in common, and images without labels show it that. G may fool D, as ever, or match
the mean features of real images: the second makes worse pictures and a better D. Their figure for
100 labels, .93 % of error, is by the second, after 300 epochs on MNIST: `tinygan reproduce ssl`.
"""

# %% A hundred labels, the other images without, and a test set that neither player sees
import numpy as np

from tinygan import models, optim, plots
from tinygan.data import Minibatches
from tinygan.example import Example
from tinygan.models.semi_supervised import improved_gan, unit_noise
from tinygan.reproduce import ssl
from tinygan.semi_supervised import play_semi_supervised

run = Example("sgan", __doc__, steps=900, full=18_000)
images, labels = run.load().labelled()
if run.has_test:
    test = run.load("test").labelled()
else:
    kept = len(images) - run.many(2000)
    test = images[kept:], labels[kept:]
    images, labels = images[:kept], labels[:kept]
few = ssl.chosen(labels, 100, run.rng)
run.save("labelled", plots.grid(images[few], 10))


def error(D):
    """The share of the test images that D takes for another digit."""
    return ssl.errors(D, *test) / len(test[0])


# %% The same networks, once with each price of G's
sheets, found = [], {}
for matching in (False, True):
    rng = np.random.default_rng(run.seed)
    G, D = improved_gan(images[:500], rng=rng, width=run.width)
    G.to(run.where), D.to(run.where)
    known = Minibatches(images[few], labels=labels[few], rng=rng, low=0.0, where=run.where)
    unknown = Minibatches(images, rng=rng, low=0.0, where=run.where)
    opt_g, opt_d = (optim.Adam(net.parameters(), 3e-3, (0.5, 0.999)) for net in (G, D))
    noise, average = unit_noise(G, rng), optim.EMA(D, 0.99)
    players = G, D, known.labelled, unknown, noise, opt_g, opt_d

    def start(players=players, matching=matching):
        return play_semi_supervised(*players, feature_matching=matching)

    for _ in run.play(start):
        average.update()
    found[matching] = error(average.module)
    sheets.append(plots.grid(models.pixels(G, noise(50), low=0.0), 5, 0))

run.save("samples", np.concatenate(sheets, axis=1))  # left: G fools D; right: it matches features

# %% Was it the images without labels?
alone = error(ssl.labels_alone(known, run.where, run.rng, run.steps, run.width))
run.found("the same D on 100 labels alone: test error", alone)
run.found("G fools D: test error", found[False], "the labels alone", found[False] < alone)
run.found("G matches features: test error", found[True], "the labels alone", found[True] < alone)
run.end()
