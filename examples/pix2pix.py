"""Pix2pix: image-to-image translation from pairs, here from an outline to a digit in chalk.

    loss of G   E|x - G(y, z)| + weight * E[-log D(y, G(y, z))]           y: an outline, x: chalk
    loss of D   E[-log D(y, x)] + E[-log(1 - D(y, G(y, z)))]              z: noise

Isola et al. 2017, "Image-to-image translation with conditional adversarial networks". G is a U-Net:
its downsampling layers are concatenated with the upsampling ones, so that lines need not pass the
narrow middle. D is a convolution, and each of its logits classifies a patch. The chalk leaves dark
grains at random places, and the outline does not say where. L1 is minimal at the median of all x
that fit y, and the median has no grains. D can detect that they are missing, so G draws some.
Their lambda is 1 / weight. Their noise is dropout; here it is another input channel.

Read next: inpainting.py
"""

# %% Pairs: the pixels next to the ink, and the ink with dark grains at random places
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, models, nn, ops, optim, plots
from tinygan.backend import inputs
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.gan.variants.pix2pix import play_pix2pix
from tinygan.models.pair import Pair, scaled

run = Example("pix2pix", __doc__, steps=1500, full=10_000)
learned, test = run.load_labeled()


def outlined(images):
    """The outlines of images (N, 1, 28, 28): white next to ink, black elsewhere."""
    ink = np.pad(images > 127, ((0, 0), (0, 0), (1, 1), (1, 1)))
    inside = ink[:, :, 1:-1, 1:-1]
    around = ink[:, :, :-2, 1:-1] | ink[:, :, 2:, 1:-1] | ink[:, :, 1:-1, :-2] | ink[:, :, 1:-1, 2:]
    return np.uint8(255) * (around & ~inside)


def chalk(images, rng):
    """The images, with three of ten squares of 2x2 pixels dimmed to a fifth, at random."""
    n, _, h, w = images.shape
    grains = rng.random((n, 1, h // 2, w // 2)) < 0.3
    return np.where(grains.repeat(2, axis=2).repeat(2, axis=3), images // 5, images)


both = np.concatenate([outlined(learned.images), chalk(learned.images, run.rng)], axis=1)
outlines, truth = (a.astype(np.float32) / 255 for a in (outlined(test.images), chalk(test.images, run.rng)))
ink = test.images > 229  # the pixels that are white without grains


# %% A U-Net with noise, and a D of 18x18 patches
class Noise(nn.Module):
    """Concatenate x (N, C, H, W) and a channel of noise in squares of 2x2 pixels."""

    def __init__(self, rng):
        super().__init__()
        self.rng = rng

    def forward(self, x):
        n, _, h, w = x.shape
        z = inputs.normal(self.rng, (n, 1, h // 2, w // 2), x.data)
        return ops.concatenate([x, Tensor(z.repeat(2, axis=2).repeat(2, axis=3))], axis=1)


class Skip(nn.Module):
    """Concatenate x and net(x) along the channels."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return ops.concatenate([x, self.net(x)], axis=1)


def networks(rng):
    """G: 28 -> 14 -> 7 -> 14 -> 28. D: an outline and an image (N, 2, 28, 28) to (N, 1, 7, 7)."""
    c, c2 = scaled(16, run.width), scaled(32, run.width)
    down = lambda a, b: nn.Conv2d(a, b, 4, 2, 1, rng=rng)  # noqa: E731
    up = lambda a, b: nn.ConvTranspose2d(a, b, 4, 2, 1, rng=rng)  # noqa: E731
    middle = down(c, c2), nn.BatchNorm2d(c2), nn.ReLU(), up(c2, c), nn.BatchNorm2d(c)
    skip = Skip(nn.Sequential(*middle))
    G = nn.Sequential(Noise(rng), down(2, c), nn.LeakyReLU(0.2), skip, nn.ReLU(), up(2 * c, 1), nn.Tanh())
    D = nn.Sequential(
        *(down(2, c), nn.LeakyReLU(0.2), down(c, c2), nn.InstanceNorm2d(c2), nn.LeakyReLU(0.2)),
        nn.Conv2d(c2, 1, 3, 1, 1, rng=rng),
    )
    return Pair(G, D, lr_g=2e-3, lr_d=1e-3)


# %% The same G without and with D
snapshots = {}
def drawn(G, outlines=outlines):
    return models.pixels(G, Tensor(outlines * 2 - 1).to(run.backend))

def trained(weight):
    """Train; return G of the test outlines, in [0, 1]."""
    rng = np.random.default_rng(run.seed)
    pair = networks(rng).to(run.backend)
    data = Minibatches(both, rng=rng, backend=run.backend)

    def pairs(m):
        two = data(m)
        return two[:, :1], two[:, 1:]

    curve = run.curve(gan.non_saturating, "L1 and D" if weight else "L1 alone: D only watches")
    average = optim.EMA(pair.G, 0.9)
    players = gan.non_saturating, pair.G, pair.D, pairs, *pair.optimizers()
    for step, result in run.play(lambda: play_pix2pix(*players, m=16, weight=weight)):
        average.update()
        curve.add(step, result)
        if weight and step in run.snapshots:
            snapshots[step] = drawn(average.module, outlines[:12])
    return average.module


makers = {"untrained": networks(run.rng).to(run.backend).G, "L1 alone": trained(0.0), "L1 and D": trained(0.5)}
made = {name: drawn(G) for name, G in makers.items()}
