"""SRGAN: from 7x7 pixels to 28x28, with an adversary that asks for detail.

    G pays   E[(G(y) - x)^2] + weight * E[-log D(G(y))]       y the means of blocks of x

Ledig et al. 2017, "Photo-realistic single image super-resolution using a generative adversarial
network". G works at 7x7, where it is cheap, and grows only at the end, by pixel shuffle: r^2
channels become r x r pixels. Many digits have the same means of blocks. The squared error asks for
the mean of them all, which has the highest PSNR that can be had and is a blur; D asks for one of
them. So PSNR falls, and the images come nearer to real ones: that is the claim, and it is measured.
(Their features of VGG, as a distance, are left out: it is a network that was trained elsewhere.)
"""

# %% Pairs: the means of blocks of 4x4, and the digit
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
    """Images (N, 1, 28, 28), tensors or arrays, to the means of their blocks, (N, 1, 7, 7)."""
    return x.reshape(len(x), 1, 7, 4, 7, 4).mean(axis=(3, 5))


digits = test.images.astype(np.float32) / 255
small = shrunk(digits)


# %% Residual blocks at 7x7, then twice: four times the channels, shuffled into pixels
def networks(rng):
    """G as in their figure 4, with 2 blocks for 16; D is DCGAN's."""
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


# %% The same net by the distance alone, and with D
def trained(weight):
    """What it makes of the small images that it has not seen, in [0, 1]."""
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
    """The same without learning: (N, 1, 7, 7) as Pillow enlarges it."""
    large = [Image.fromarray(image).resize((28, 28), how) for image in images[:, 0]]
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
    "of each digit: nearest, bicubic, G without D, G with D, the digit",
)

# %% Near to the digit? Named right? And like real digits?
classifier = Classifier.shipped()
near = {name: psnr(images, digits).mean() for name, images in ways.items()}
right = {name: classifier.accuracy(images, test.labels) for name, images in ways.items()}
far = {name: glance(images, digits, classifier).frechet for name, images in ways.items()}
for what, figures, beside, holds in (
    ("PSNR, dB", near, "above bicubic", near["G with D"] > near["bicubic"]),
    (
        "named right",
        right,
        "above both",
        right["G with D"] > max(right["nearest"], right["bicubic"]),
    ),
    (
        "Frechet distance",
        far,
        "below .8 of G without D",
        far["G with D"] < 0.8 * far["G without D"],
    ),
):
    for name, figure in figures.items():
        run.found(f"{what}: {name}", figure, *((beside, holds) if name == "G with D" else ()))
lost = near["G without D"] - near["G with D"]
run.found("PSNR that D's detail costs, dB", lost, "at least .1", lost >= 0.1)
run.found("named right: real digits", classifier.accuracy(digits, test.labels))
run.end()
