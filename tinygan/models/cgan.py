"""Class-conditional pairs. As in `gan.variants.conditional`, G maps rows [z, y] to rows [x, y], and
D maps rows [x, y] to logits; y is a one-hot label."""

import math
from typing import Any

import numpy as np

from .. import checks, nn
from ..backend import Rng, place
from ..gan.variants.conditional import (
    ACGANDiscriminator,
    ConditionalDiscriminator,
    ConditionalGenerator,
    concat_label,
    labeled_data,
    labeled_noise,
    one_hot,
    split_label,
)
from ..nn import init
from ..ops import concatenate
from ..tensor import Tensor
from .dcgan import dcgan28
from .pair import Pair, Shape, pixels


class Branches(nn.Module):
    """A network with two branches: it maps rows [x, y], where y is the last k numbers, to
    rest([first(x), second(y)])."""

    def __init__(self, first: nn.Module, second: nn.Module, rest: nn.Module, k: int) -> None:
        super().__init__()
        checks.modules(first=first, second=second, rest=rest)
        (k,) = checks.sizes(k=k)
        self.first, self.second, self.rest, self.k = first, second, rest, k

    def forward(self, row: Tensor) -> Tensor:
        x, y = split_label(row, self.k)
        return self.rest(concatenate([self.first(x), self.second(y)], axis=1))


def cgan_mlp(shape: Shape, classes: int, *, rng: Rng) -> Pair:
    """The MNIST pair of Mirza and Osindero 2014, section 4.1. G: ReLU layers of 200 units for z,
    1000 for y, then 1200 for both. D: maxout layers of 240 units with 5 pieces for x, 50 with 5 for
    y, then 240 with 4 for both. The noise is uniform.

    The paper has dropout with p = 1/2 in G and D. Here D has it, and p = .2 on x as in `mlp_2014`.
    G has BatchNorm instead: without it, G collapsed to one image, or to one image for each class
    (see benchmarks/README.md)."""
    _check(shape, classes)
    pixels = math.prod(shape)
    G = Branches(
        nn.Sequential(nn.Linear(100, 200, rng=rng), nn.BatchNorm1d(200), nn.ReLU()),
        nn.Sequential(nn.Linear(classes, 1000, rng=rng), nn.ReLU()),
        nn.Sequential(
            nn.Linear(1200, 1200, rng=rng),
            nn.BatchNorm1d(1200),
            nn.ReLU(),
            nn.Linear(1200, pixels, rng=rng),
            nn.Sigmoid(),
        ),
        classes,
    )
    x_branch = nn.Sequential(nn.Dropout(0.2, rng=rng), nn.Maxout(pixels, 240, 5, rng=rng))
    rest = nn.Sequential(
        nn.Dropout(0.5, rng=rng),
        nn.Maxout(290, 240, 4, rng=rng),
        nn.Dropout(0.5, rng=rng),
        nn.Linear(240, 1, rng=rng),
    )
    # The branch of y keeps its default weights: with smaller ones, the 10 numbers of y would have
    # little effect compared with the 784 pixels.
    for part in (x_branch, rest):
        init.gan_2014_(part, 0.005, rng=rng)
    D = Branches(x_branch, nn.Maxout(classes, 50, 5, rng=rng), rest, classes)
    return Pair(ConditionalGenerator(G, classes), D, prior="uniform", low=0.0)


def cgan28(shape: Shape, classes: int, *, rng: Rng, width: float = 0.5) -> Pair:
    """A conditional DCGAN for 28x28. D's input has an extra channel for each class: it is 1 for the
    label, else 0."""
    _check(shape, classes)
    net = dcgan28(shape, rng=rng, width=width, inputs=100 + classes, planes=classes)
    G, D = ConditionalGenerator(net.G, classes), ConditionalDiscriminator(net.D, shape)
    return Pair(G, D, lr_d=5e-4, lr_g=1e-3)


def acgan28(shape: Shape, classes: int, *, rng: Rng, width: float = 0.5) -> Pair:
    """An AC-GAN (Odena et al. 2017) for 28x28. D also predicts the class: use it with the game
    `gan.variants.conditional.auxiliary_classifier`."""
    _check(shape, classes)
    net = dcgan28(shape, rng=rng, width=width, inputs=100 + classes, logits=1 + classes)
    G, D = ConditionalGenerator(net.G, classes), ACGANDiscriminator(net.D, shape)
    return Pair(G, D, lr_d=5e-4, lr_g=1e-3)


def _check(shape: Shape, classes: int) -> None:
    checks.image_shape(shape)
    checks.sizes(classes=classes)


def _check_pair(pair: Any) -> None:
    if not isinstance(pair, Pair):
        raise TypeError(f"pair: expected a Pair, got {type(pair).__name__}")


def labeled_players(pair: Pair, data: Any, classes: int, rng: Rng) -> tuple[Any, ...]:
    """The arguments of `gan.play` after the game, for a conditional pair: G, D, sources of rows
    [x, y] and [z, y], and the optimizers. `data` are Minibatches with labels."""
    _check_pair(pair)
    sources = labeled_data(data, classes), labeled_noise(pair.noise(rng), classes, rng=rng)
    return pair.G, pair.D, *sources, *pair.optimizers()


def labeled_samples(
    pair: Pair, n: int, shape: Shape, classes: int, *, rng: Rng
) -> tuple[np.ndarray, np.ndarray]:
    """n samples of a conditional pair in evaluation mode: images (n, C, H, W) in [0, 1], and their
    labels (n,), sorted. The numbers of samples of two classes differ by at most one."""
    _check_pair(pair)
    _check(shape, classes)
    checks.sizes(n=n)
    labels = np.arange(n) * classes // n
    z = pair.noise(rng)(n)
    rows = concat_label(z, one_hot(Tensor(place(labels, z.data)), classes))
    images = pixels(pair.G, rows, pair.low)[:, : math.prod(shape)]
    return images.reshape(n, *shape), labels
