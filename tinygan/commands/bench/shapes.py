"""Pairs of other shapes than the models have: other widths, kernels, strides and image sizes."""

from functools import partial

from ... import nn
from ...backend import Rng
from ...models import Pair
from ...models.mlp import perceptron
from ...models.pair import Shape, scaled
from ...nn import init


def mlp(shape: Shape, *, rng: Rng, width: float = 1) -> Pair:
    """A pair of perceptrons for 3x32x32: 64-300-3072 in G and 3072-300-1 in D."""
    G = perceptron(64, 300, 3072, rng=rng, width=width)
    D = perceptron(3072, 300, 1, rng=rng, width=width, activation=partial(nn.LeakyReLU, 0.2))
    return Pair(
        nn.Sequential(*G, nn.Tanh(), nn.Unflatten(1, shape)),
        nn.Sequential(nn.Flatten(), *D),
        z_size=64,
    )


class Convolutional:
    """A maker of pairs of convolutional networks, as DCGAN's, with another kernel and stride.

    `channels` are those of G's feature maps, from the smallest map, of `start` x `start`, to the
    largest. D has them in reverse order. `shape` is that of the images, (3, H, W)."""

    def __init__(self, kernel: int, stride: int, channels: tuple[int, ...], start: int) -> None:
        self.kernel, self.stride, self.padding = kernel, stride, (kernel - 1) // 2
        self.channels, self.start = channels, start
        size = start
        for _ in channels:
            size = (size - 1) * stride - 2 * self.padding + kernel
        self.shape: Shape = (3, size, size)

    def __call__(self, shape: Shape, *, rng: Rng, width: float = 1) -> Pair:
        """The pair, with hidden layers `width` times as wide."""
        settings = (self.kernel, self.stride, self.padding)
        widths = [scaled(c, width) for c in self.channels]
        inner = (widths[0], self.start, self.start)
        units = widths[0] * self.start**2
        G: list[nn.Module] = [nn.Linear(100, units, rng=rng), nn.Unflatten(1, inner)]
        D: list[nn.Module] = [nn.Linear(units, 1, rng=rng), nn.Flatten()]  # from its end
        for i, small in enumerate(widths, 1):
            large = [*widths, shape[0]][i]
            up = nn.ConvTranspose2d(small, large, *settings, rng=rng)
            G += [nn.BatchNorm2d(small), nn.ReLU(), up]
            norm = [nn.BatchNorm2d(small)] if i < len(widths) else []  # none at D's input
            D += [nn.LeakyReLU(0.2), *norm, nn.Conv2d(large, small, *settings, rng=rng)]
        pair = Pair(nn.Sequential(*G, nn.Tanh()), nn.Sequential(*D[::-1]))
        for network in (pair.G, pair.D):
            init.dcgan_(network, rng=rng)
        return pair
