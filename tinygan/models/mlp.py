"""Pairs of multilayer perceptrons for images of any shape, and `perceptron` for points on a line or
in a plane."""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise

from .. import nn
from ..backend import Rng
from ..nn import init
from .pair import Pair, Shape, scaled


def mlp_small(shape: Shape, *, rng: Rng, width: float = 1) -> Pair:
    """The smallest pair: one hidden layer of 128 units in G and in D."""
    pixels = math.prod(shape)
    G = perceptron(100, 128, pixels, rng=rng, width=width)
    D = perceptron(pixels, 128, 1, rng=rng, width=width)
    return Pair(
        nn.Sequential(*G, nn.Tanh(), nn.Unflatten(1, shape)), nn.Sequential(nn.Flatten(), *D)
    )


def mlp_mid(shape: Shape, *, rng: Rng, width: float = 1) -> Pair:
    """A pair with hidden layers 256-512-1024 in G and 512-256 in D."""
    pixels, leaky = math.prod(shape), partial(nn.LeakyReLU, 0.2)
    G = perceptron(100, 256, 512, 1024, pixels, rng=rng, width=width, activation=leaky)
    D = perceptron(pixels, 512, 256, 1, rng=rng, width=width, activation=leaky)
    return Pair(
        nn.Sequential(*G, nn.Tanh(), nn.Unflatten(1, shape)), nn.Sequential(nn.Flatten(), *D)
    )


def mlp_2014(shape: Shape, *, rng: Rng, width: float = 1) -> Pair:
    """The MNIST pair of Goodfellow et al. 2014, as in their code (mnist.yaml): maxout and dropout
    in D, pixels in [0, 1], uniform noise, weights U(-.05, .05) in G and U(-.005, .005) in D."""
    pixels, units = math.prod(shape), scaled(240, width)
    G = nn.Sequential(
        *perceptron(100, 1200, 1200, pixels, rng=rng, width=width),
        nn.Sigmoid(),
        nn.Unflatten(1, shape),
    )
    D = nn.Sequential(
        nn.Flatten(),
        nn.Dropout(0.2, rng=rng),
        nn.Maxout(pixels, units, 5, rng=rng),
        nn.Dropout(0.5, rng=rng),
        nn.Maxout(units, units, 5, rng=rng),
        nn.Dropout(0.5, rng=rng),
        nn.Linear(units, 1, rng=rng),
    )
    init.gan_2014_(G, 0.05, rng=rng)
    init.gan_2014_(D, 0.005, rng=rng)
    return Pair(G, D, prior="uniform", low=0.0)


def perceptron(
    *sizes: int, rng: Rng, width: float = 1, activation: Callable[[], nn.Module] = nn.ReLU
) -> nn.Sequential:
    """Linear layers of these sizes, with an activation after each but the last, as in
    `perceptron(1, 32, 32, 1, rng=rng)`. The hidden sizes are multiplied by `width`.

    Raises ValueError for fewer than two sizes."""
    if len(sizes) < 2:
        raise ValueError(f"sizes: expected at least two, of input and output, got {sizes}")
    first, *hidden, last = sizes
    layers: list[nn.Module] = []
    for a, b in pairwise((first, *(scaled(n, width) for n in hidden), last)):
        layers += [nn.Linear(a, b, rng=rng), activation()]
    return nn.Sequential(*layers[:-1])
