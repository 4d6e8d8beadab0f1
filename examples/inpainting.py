"""Inpainting: a context encoder, which fills a hole in an image from its surroundings.

    the loss of G   E[(G(y) - x)^2] + weight * E[-log D(G(y))]     y: an image with a hole, x: the
                                                                   missing patch

Pathak et al. 2016, "Context encoders: feature learning by inpainting". G encodes the surroundings
as a short code and draws the patch from it. Many patches are plausible. The squared error is
minimal at their mean, which is gray where they differ; D accepts only black and white ones. D sees
the patch alone: if it saw the surroundings too, it would detect fakes by the seam (their section
3.2).
"""

# %% A hole of 12x12 in the middle, where the digit is
import numpy as np

from tinygan import Tensor, gan, losses, models, nn, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.gan.variants.pix2pix import play_pix2pix
from tinygan.metrics.classifier import Classifier
from tinygan.metrics.classifier_scores import glance, gray_share
from tinygan.metrics.pixels import psnr
from tinygan.models.pair import Pair, scaled

run = Example("inpainting", __doc__, steps=600, full=10_000)
learned, test = run.load_digits()
hole = np.s_[:, :, 8:20, 8:20]
around = np.ones((1, 1, 28, 28), np.float32)
around[hole] = 0
_, test_labels = test.labeled()
digits = test.images.astype(np.float32) / 255
missing = digits[hole]


def filled(patches):
    """The digits with these patches in their holes."""
    images = digits.copy()
    images[hole] = patches
    return images


# %% G: 28 -> 14 -> 7 -> a code -> 3 -> 6 -> 12, and D of 12x12 patches
def networks(rng):
    c, c2, code = (scaled(n, run.width) for n in (32, 64, 200))
    down = lambda a, b: nn.Conv2d(a, b, 4, 2, 1, rng=rng)  # noqa: E731
    up = lambda a, b: nn.ConvTranspose2d(a, b, 4, 2, 1, rng=rng)  # noqa: E731
    G = nn.Sequential(
        *(down(1, c), nn.LeakyReLU(0.2), down(c, c2), nn.BatchNorm2d(c2), nn.LeakyReLU(0.2)),
        *(nn.Flatten(), nn.Linear(c2 * 49, code, rng=rng), nn.BatchNorm1d(code), nn.ReLU()),
        *(nn.Linear(code, c2 * 9, rng=rng), nn.Unflatten(1, (c2, 3, 3)), nn.BatchNorm2d(c2)),
        *(nn.ReLU(), up(c2, c), nn.BatchNorm2d(c), nn.ReLU(), up(c, 1), nn.Tanh()),
    )
    D = nn.Sequential(
        *(down(1, c), nn.LeakyReLU(0.2), down(c, c2), nn.LeakyReLU(0.2)),
        *(nn.Flatten(), nn.Linear(c2 * 9, 1, rng=rng)),
    )
    return Pair(G, D, lr_g=1e-3, lr_d=5e-4)


# %% The same G without and with D
def trained(weight):
    """Train; return the patches of test images in [0, 1]."""
    rng = np.random.default_rng(run.seed)
    pair = networks(rng).to(run.backend)
    data = Minibatches(learned.images, rng=rng, backend=run.backend)
    mask = Tensor(around).to(run.backend)

    def pairs(m):
        x = data(m)
        return (x + 1) * mask - 1, x[hole]

    players = gan.non_saturating, pair.G, pair.D, pairs, *pair.optimizers()
    how = {"weight": weight, "distance": losses.mse, "paired": False}
    G = run.averaged(pair.G, lambda: play_pix2pix(*players, **how))
    return models.pixels(G, Tensor(digits * around * 2 - 1).to(run.backend))


mean = learned.images[hole].mean(axis=0, dtype=np.float64).astype(np.float32) / 255
ways = {
    "mean": np.broadcast_to(mean, missing.shape),  # of each pixel over the training images
    "G without D": trained(0.0),
    "G with D": trained(0.01),
}
images = {name: filled(patches) for name, patches in ways.items()}
rows = np.stack([each[:24] for each in (digits * around, *images.values(), digits)], axis=1)
run.save(
    "holes",
    plots.grid(rows.reshape(-1, 1, 28, 28), 10, 0),
    "for each digit: the hole, the mean, G without D, G with D, the digit",
)

# %% The distance to the missing patch, and the distance to real digits
classifier = Classifier.shipped()
near = {name: psnr(patches, missing).mean() for name, patches in ways.items()}
for name, figure in near.items():
    target = ("3 above the mean", figure >= near["mean"] + 3) if name == "G with D" else ()
    run.found(f"PSNR in the hole, dB: {name}", figure, *target)
for name, each in images.items():
    run.found(f"accuracy of a classifier: {name}", classifier.accuracy(each, test_labels))
far = {name: glance(each, digits, classifier).frechet for name, each in images.items()}
for name, figure in far.items():
    target = ("below .8 of G without D", figure < 0.8 * far["G without D"])
    run.found(f"Frechet distance: {name}", figure, *(target if name == "G with D" else ()))
gray = {name: gray_share(patches) for name, patches in {**ways, "real digits": missing}.items()}
nearer = abs(gray["G with D"] - gray["real digits"]) < abs(
    gray["G without D"] - gray["real digits"]
)
for name, share in gray.items():
    target = ("nearer to real digits", nearer) if name == "G with D" else ()
    run.found(f"share of gray pixels in the hole: {name}", share, *target)
run.end()
