"""SRGAN: super-resolution from 7x7 pixels to 28x28, with an adversarial loss for detail.

    the loss of G   E[(G(y) - x)^2] + weight * E[-log D(G(y))]       y: the means of blocks of x

Ledig et al. 2017, "Photo-realistic single image super-resolution using a generative adversarial
network". G computes at 7x7, which is cheap, and enlarges the image only at the end, by pixel
shuffle: r^2 channels become r x r pixels. Many digits have the same block means. The squared error
is minimal at their mean, which has the highest possible PSNR and is blurred; D accepts only single
digits. So with D the PSNR should fall and the images should be closer to real ones. (Their distance
in features of VGG is left out, because VGG is trained on other data.)
"""

# %% Pairs of the means of 4x4 blocks and the digit
import numpy as np
from PIL import Image

from tinygan import Tensor, gan, losses, models, nn, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.gan.variants.pix2pix import play_pix2pix
from tinygan.metrics.classifier import Classifier
from tinygan.metrics.classifier_scores import glance
from tinygan.metrics.pixels import psnr
from tinygan.models.pair import scaled

run = Example("srgan", __doc__, steps=300, full=10_000)
learned, test = run.load_digits()


def shrunk(x):
    """The block means (N, 1, 7, 7) of images (N, 1, 28, 28), tensors or arrays."""
    return x.reshape(len(x), 1, 7, 4, 7, 4).mean(axis=(3, 5))


_, test_labels = test.labeled()
digits = test.images.astype(np.float32) / 255
small = shrunk(digits)


# %% Residual blocks at 7x7, then twice a convolution to 4c channels and a pixel shuffle
def networks(rng):
    """G as in their figure 4, with 2 blocks instead of 16; D is DCGAN's."""
    c, c2 = scaled(32, run.width), scaled(16, run.width)
    conv = lambda a, b: nn.Conv2d(a, b, 3, 1, 1, rng=rng)  # noqa: E731
    normed = lambda: (conv(c, c), nn.BatchNorm2d(c))  # noqa: E731
    blocks = [nn.Residual(*normed(), nn.ReLU(), *normed()) for _ in range(2)]
    grow = [conv(c, 4 * c), nn.PixelShuffle(2), nn.ReLU(),
            conv(c, 4 * c2), nn.PixelShuffle(2), nn.ReLU()]  # fmt: skip
    G = nn.Sequential(
        conv(1, c), nn.ReLU(), nn.Residual(*blocks, *normed()), *grow, conv(c2, 1), nn.Tanh()
    )
    return models.build("dcgan28-slim", (1, 28, 28), rng=rng, width=run.width)._replace(G=G)


# %% The same G without and with D
def trained(weight):
    """Train; return G of the small test images, in [0, 1]."""
    rng = np.random.default_rng(run.seed)
    pair = networks(rng).to(run.backend)
    data = Minibatches(learned.images, rng=rng, backend=run.backend)

    def pairs(m):
        x = data(m)
        return shrunk(x), x

    players = gan.non_saturating, pair.G, pair.D, pairs, *pair.optimizers()
    how = {"weight": weight, "distance": losses.mse, "paired": False}
    G = run.averaged(pair.G, lambda: play_pix2pix(*players, **how))
    return models.pixels(G, Tensor(small * 2 - 1).to(run.backend))


def resized(images, how):
    """Images (N, 1, 7, 7) enlarged by Pillow to (N, 1, 28, 28)."""
    large = [np.asarray(Image.fromarray(x).resize((28, 28), how)) for x in images[:, 0]]
    return np.stack(large)[:, None].clip(0, 1)


ways = {
    "nearest": resized(small, Image.Resampling.NEAREST),
    "bicubic": resized(small, Image.Resampling.BICUBIC),
    "G without D": trained(0.0),
    "G with D": trained(0.01),
}
rows = np.stack([*(images[:24] for images in ways.values()), digits[:24]], axis=1)
run.save(
    "pairs",
    plots.grid(rows.reshape(-1, 1, 28, 28), 10, 0),
    "for each digit: nearest, bicubic, G without D, G with D, the digit",
)

# %% The distance to the digit, the accuracy of a classifier, and the distance to real digits
classifier = Classifier.shipped()
near = {name: psnr(images, digits).mean() for name, images in ways.items()}
right = {name: classifier.accuracy(images, test_labels) for name, images in ways.items()}
far = {name: glance(images, digits, classifier).frechet for name, images in ways.items()}
for what, figures, target, holds in (
    ("PSNR, dB", near, "above bicubic", near["G with D"] > near["bicubic"]),
    ("accuracy", right, "above both", right["G with D"] > max(right["nearest"], right["bicubic"])),
    ("Frechet distance", far, "below .8 of G without D",
     far["G with D"] < 0.8 * far["G without D"]),
):  # fmt: skip
    for name, figure in figures.items():
        run.found(f"{what}: {name}", figure, *((target, holds) if name == "G with D" else ()))
lost = near["G without D"] - near["G with D"]
run.found("PSNR without D minus PSNR with D, dB", lost, "at least .1", lost >= 0.1)
run.found("accuracy: real digits", classifier.accuracy(digits, test_labels))
run.end()
