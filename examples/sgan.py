"""Semi-supervised GAN: a handful of labels, many images without, and D as the classifier.

    p(y | x) = softmax of (l_1, ..., l_K, 0), the last class "fake";   D(x) = Z / (Z + 1),
    Z = sum_k exp(l_k)

Odena 2016, "Semi-supervised learning with generative adversarial networks"; Salimans et al. 2016,
"Improved techniques for training GANs", section 5. To tell real digits from fakes D must learn what
real ones have in common, and images without labels show it that. G may fool D, as ever, or match
the mean features of real images: the second makes worse pictures and a better D. Their figure for
100 labels, .93 % of error, is by the second, after 300 epochs on MNIST. The recipe is that of
`tinygan reproduce ssl`; --full plays it, 30 epochs for three drawings of 100 and of 1000 labels.
"""

# %% A hundred labels, the other images without, and a test set that neither player sees
import numpy as np

from tinygan import models, plots
from tinygan.example import Example
from tinygan.reproduce import ssl

run = Example("sgan", __doc__, steps=600, full=1800)
images, labels = run.load().labelled()
if run.has_test:
    test = run.load("test").labelled()
else:
    kept = len(images) - run.many(2000)
    test = images[kept:], labels[kept:]
    images, labels = images[:kept], labels[:kept]


def error(D):
    """The share of the test images that D takes for another digit."""
    return ssl.errors(D, *test) / len(test[0])


def played(count, seed, matching=True):
    """A training with so many labels: it, and the errors of its D and of D on the labels alone."""
    rng = np.random.default_rng(seed)
    few, options = ssl.chosen(labels, count, rng), {"where": run.where, "width": run.width}
    players = ssl.training(
        images, labels, few, run.steps, rng=rng, feature_matching=matching, **options
    )
    for _ in run.play(players.start):
        pass
    alone = ssl.labels_alone(players.known, run.where, rng, min(run.steps, 2000), run.width)
    return players, error(players.average.module), error(alone)


# %% The same networks, once with each price of G's
sheets, found = [], {}
for matching in (False, True):
    players, found[matching], alone = played(100, run.seed, matching)
    sheets.append(plots.grid(models.pixels(players.G, players.noise(50), low=0.0), 5, 0))

run.save("samples", np.concatenate(sheets, axis=1), "left: G fools D; right: G matches features")
run.save(
    "labelled",
    plots.grid(players.known(100).numpy(), 10, 0),
    "the images that D is told the class of",
)

# %% Was it the images without labels?
run.found("the same D on 100 labels alone: test error", alone)
run.found("G fools D: test error", found[False], "the labels alone", found[False] < alone)
run.found("G matches features: test error", found[True], "the labels alone", found[True] < alone)

# %% For long: three drawings of the labels, a hundred and a thousand (a stopped run goes on)
if run.full:
    for count, most in ((100, 0.03), (1000, 0.025)):
        outcomes = run.reproduced("ssl", 3, labels=count)
        mean, alone = np.mean([[f.ours for f in each.findings] for each in outcomes], axis=0) / 1e4
        run.found(f"{count} labels alone, mean of 3 splits: test error", alone)
        what = f"G matches features, {count} labels, mean of 3 splits: test error"
        run.found(what, mean, f"at most {most}", mean <= most)
run.end()
