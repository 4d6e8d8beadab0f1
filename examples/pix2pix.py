"""Pix2pix: image-to-image translation from pairs, here from an outline to its digit.

    the loss of G   E|x - G(y)| + weight * E[-log D(y, G(y))]        y: an outline, x: the digit

Isola et al. 2017, "Image-to-image translation with conditional adversarial networks". G is a U-Net:
its downsampling layers are concatenated with the upsampling ones, so that lines need not pass the
narrow middle. D is a convolution, and each of its logits classifies a patch. L1 alone recovers the
digit from its outline. But L1 is minimal at the median, which is black or white at an edge more
often than real pixels are; D can detect that grays are missing (colors in their section 4.2). Their
lambda is 1 / weight. Their noise is dropout; it is left out, because it hardly changed the output.
"""

# %% Outlines: pixels next to the ink
import numpy as np

from tinygan import Tensor, gan, models, nn, ops, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.gan.variants.pix2pix import play_pix2pix
from tinygan.metrics.classifier import Classifier
from tinygan.metrics.classifier_scores import gray_share
from tinygan.models.pair import Pair, scaled

run = Example("pix2pix", __doc__, steps=600, full=10_000)
learned, test = run.load_digits()


def outlined(images):
    """The outlines of digits (N, 1, 28, 28): white next to ink, black elsewhere."""
    ink = np.pad(images > 127, ((0, 0), (0, 0), (1, 1), (1, 1)))
    inside = ink[:, :, 1:-1, 1:-1]
    around = ink[:, :, :-2, 1:-1] | ink[:, :, 2:, 1:-1] | ink[:, :, 1:-1, :-2] | ink[:, :, 1:-1, 2:]
    return np.uint8(255) * (around & ~inside)


both = np.concatenate([outlined(learned.images), learned.images], axis=1)
outlines, digits = (a.astype(np.float32) / 255 for a in (outlined(test.images), test.images))
_, test_labels = test.labeled()


# %% A U-Net, and a D of 18x18 patches
class Skip(nn.Module):
    """Concatenate x and net(x) along the channels."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return ops.concatenate([x, self.net(x)], axis=1)


def networks(rng):
    """G: 28 -> 14 -> 7 -> 14 -> 28. D: an outline and an image (N, 2, 28, 28) to (N, 1, 7, 7)."""
    c, c2 = scaled(32, run.width), scaled(64, run.width)
    down = lambda a, b: nn.Conv2d(a, b, 4, 2, 1, rng=rng)  # noqa: E731
    up = lambda a, b: nn.ConvTranspose2d(a, b, 4, 2, 1, rng=rng)  # noqa: E731
    middle = down(c, c2), nn.BatchNorm2d(c2), nn.ReLU(), up(c2, c), nn.BatchNorm2d(c)
    skip = Skip(nn.Sequential(*middle))
    G = nn.Sequential(down(1, c), nn.LeakyReLU(0.2), skip, nn.ReLU(), up(2 * c, 1), nn.Tanh())
    D = nn.Sequential(
        *(down(2, c), nn.LeakyReLU(0.2), down(c, c2), nn.InstanceNorm2d(c2), nn.LeakyReLU(0.2)),
        nn.Conv2d(c2, 1, 3, 1, 1, rng=rng),
    )
    return Pair(G, D, lr_g=2e-3, lr_d=5e-4)


# %% The same G without and with D
def trained(weight):
    """Train; return G of the test outlines, in [0, 1]."""
    rng = np.random.default_rng(run.seed)
    pair = networks(rng).to(run.backend)
    data = Minibatches(both, rng=rng, backend=run.backend)

    def pairs(m):
        two = data(m)
        return two[:, :1], two[:, 1:]

    players = gan.non_saturating, pair.G, pair.D, pairs, *pair.optimizers()
    G = run.averaged(pair.G, lambda: play_pix2pix(*players, weight=weight))
    return models.pixels(G, Tensor(outlines * 2 - 1).to(run.backend))


ways = {
    "outlines": outlines,
    "L1 alone": trained(0.0),
    "L1 and D": trained(0.1),
    "real digits": digits,
}
rows = np.stack([images[:24] for images in ways.values()], axis=1)  # in that order
run.save(
    "pairs",
    plots.grid(rows.reshape(-1, 1, 28, 28), 8, 0),
    "for each digit: its outline, L1 alone, L1 and D, the digit",
)

# %% The accuracy of a classifier, and the share of gray pixels
classifier = Classifier.shipped()
for name, images in ways.items():
    right = classifier.accuracy(images, test_labels)
    target = ("at least 0.9", right >= 0.9) if name == "L1 and D" else ()
    run.found(f"accuracy of a classifier: {name}", right, *target)
for name in ("L1 alone", "L1 and D"):
    run.found(f"L1 to the digit: {name}", abs(ways[name] - digits).mean())
gray = {name: gray_share(images) for name, images in ways.items()}
missing = {name: abs(share - gray["real digits"]) for name, share in gray.items()}
nearer = missing["L1 and D"] < missing["L1 alone"]
for name in ("L1 alone", "L1 and D", "real digits"):
    target = ("nearer to real digits", nearer) if name == "L1 and D" else ()
    run.found(f"share of gray pixels: {name}", gray[name], *target)
run.end()
