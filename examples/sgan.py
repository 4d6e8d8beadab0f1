"""Semi-supervised GAN: few labels, many unlabeled images, and D as the classifier.

    p(y | x) = softmax of (l_1, ..., l_K, 0), the last class "fake";   D(x) = Z / (Z + 1),
    Z = sum_k exp(l_k)

Odena 2016, "Semi-supervised learning with generative adversarial networks"; Salimans et al. 2016,
"Improved techniques for training GANs", section 5. To distinguish real digits from fakes, D must
learn what real digits have in common, and unlabeled images show that. G can minimize the usual
loss, or match the mean features of real images; the second gives worse images and a better D. The
paper's 0.93 % of errors with 100 labels uses the second, after 300 epochs on MNIST. The recipe is
that of `tinygan reproduce ssl`, with its changes; one is that D also maximizes the mutual
information of unlabeled images and their predicted classes (Springenberg 2016). That also helps a D
without any G, so there is a control for it. --full trains for 30 epochs, with three draws of 100
and of 1000 labels.
"""

# %% 100 labeled images, unlabeled images, and a test set
from typing import Any

import numpy as np

from tinygan import models, plots
from tinygan.experiments.example import Example
from tinygan.experiments.reproduce import ssl

run = Example("sgan", __doc__, steps=600, full=1800)
learned, test = run.load_digits(2000)
images, labels = learned.labeled()
options: dict[str, Any] = {"backend": run.backend, "width": run.width}


def error(D):
    """The share of test images that D misclassifies."""
    return ssl.errors(D, *test.labeled()) / len(test.images)


def trained(matching):
    """A finished training with 100 labels, always the same ones."""
    rng = np.random.default_rng(run.seed)
    few = ssl.chosen(labels, 100, rng)
    players = ssl.training(
        images, labels, few, run.steps, rng=rng, feature_matching=matching, **options
    )
    for _ in run.play(players.start):
        pass
    return players


# %% The same networks with each loss of G
kinds = usual, matching = trained(False), trained(True)
sheets = [plots.grid(models.pixels(k.G, k.noise(50), low=0.0), 5, 0) for k in kinds]
run.save(
    "samples",
    np.concatenate(sheets, axis=1),
    "left: the usual loss of G; right: G matches features",
)
sheet = plots.grid(matching.known(100).numpy(), 10, 0)
run.save("labeled", sheet, "the labeled images")

# %% Controls: the labels alone, and unlabeled images without G
errors = {
    what: error(ssl.without_g(
        matching.known, unlabeled, run.steps, rng=np.random.default_rng(run.seed), **options
    ))
    for what, unlabeled in (("labels alone", None), ("information", matching.unlabeled))
}  # fmt: skip
run.found("the same D on 100 labels alone: test error", errors["labels alone"])
run.found("the same D with mutual information, without G: test error", errors["information"])
for what, players in (("usual loss of G", usual), ("G matches features", matching)):
    found = error(players.average.module)
    run.found(f"{what}: test error", found, "the labels alone", found < errors["labels alone"])

# %% With --full: three draws of 100 and of 1000 labels (an interrupted run continues)
if run.full and learned.name == "mnist":
    for count, maximum in ((100, 0.03), (1000, 0.025)):
        outcomes = run.reproduced("ssl", 3, labels=count)
        mean, alone = np.mean([[f.ours for f in each.findings] for each in outcomes], axis=0) / 1e4
        run.found(f"{count} labels alone, mean of 3 splits: test error", alone)
        what = f"G matches features, {count} labels, mean of 3 splits: test error"
        run.found(what, mean, f"at most {maximum}", mean <= maximum)
run.end()
