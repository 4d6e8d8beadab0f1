"""Semi-supervised GAN: a handful of labels, many images without, and D as the classifier.

    p(y | x) = softmax of (l_1, ..., l_K, 0), the last class "fake";   D(x) = Z / (Z + 1),
    Z = sum_k exp(l_k)

Odena 2016, "Semi-supervised learning with generative adversarial networks"; Salimans et al. 2016,
"Improved techniques for training GANs", section 5. To tell real digits from fakes D must learn what
real ones have in common, and images without labels show it that. G may fool D, as ever, or match
the mean features of real images: the second makes worse pictures and a better D. Their figure for
100 labels, .93 % of error, is by the second, after 300 epochs on MNIST. The recipe is that of
`tinygan reproduce ssl`, with three changes that its text tells: D is also paid for what its classes
tell of images without labels (Springenberg 2016), which a D without any G can learn from, too.
--full plays it for 30 epochs, by three drawings of 100 and of 1000 labels.
"""

# %% A hundred labels, the other images without, and a test set that neither player sees
import numpy as np

from tinygan import models, plots
from tinygan.experiments.example import Example
from tinygan.experiments.reproduce import ssl

run = Example("sgan", __doc__, steps=600, full=1800)
learned, test = run.load_digits(2000)
images, labels = learned.labeled()
options = {"backend": run.backend, "width": run.width}


def error(D):
    """The share of the test images that D takes for another digit."""
    return ssl.errors(D, *test.labeled()) / len(test.images)


def trained(matching):
    """A training by 100 labels, always the same."""
    rng = np.random.default_rng(run.seed)
    few, kind = ssl.chosen(labels, 100, rng), {"feature_matching": matching}
    players = ssl.training(images, labels, few, run.steps, rng=rng, **kind, **options)
    for _ in run.play(players.start):
        pass
    return players


# %% The same networks, once with each price of G's
kinds = fooling, matching = trained(False), trained(True)
sheets = [plots.grid(models.pixels(k.G, k.noise(50), low=0.0), 5, 0) for k in kinds]
run.save("samples", np.concatenate(sheets, axis=1), "left: G fools D; right: G matches features")
sheet = plots.grid(matching.known(100).numpy(), 10, 0)
run.save("labeled", sheet, "the images that D is told the class of")

# %% Was it the images without labels? Was it G?
errors = {
    what: error(ssl.without_g(
        matching.known, unlabeled, run.steps, rng=np.random.default_rng(run.seed), **options
    ))
    for what, unlabeled in (("labels alone", None), ("information", matching.unlabeled))
}  # fmt: skip
run.found("the same D on 100 labels alone: test error", errors["labels alone"])
run.found("the same D, paid for information, without G: test error", errors["information"])
for what, players in (("G fools D", fooling), ("G matches features", matching)):
    found = error(players.average.module)
    run.found(f"{what}: test error", found, "the labels alone", found < errors["labels alone"])

# %% For long: three drawings of the labels, a hundred and a thousand (a stopped run goes on)
if run.full and learned.name == "mnist":
    for count, most in ((100, 0.03), (1000, 0.025)):
        outcomes = run.reproduced("ssl", 3, labels=count)
        mean, alone = np.mean([[f.ours for f in each.findings] for each in outcomes], axis=0) / 1e4
        run.found(f"{count} labels alone, mean of 3 splits: test error", alone)
        what = f"G matches features, {count} labels, mean of 3 splits: test error"
        run.found(what, mean, f"at most {most}", mean <= most)
run.end()
