"""Pairs of multilayer perceptrons for images of any shape, and `perceptron` for points on a line or
in a plane."""

from __future__ import annotations

import math
from itertools import pairwise

from .. import nn
from ..backend import Rng
from ..nn import init
from .pair import Pair, Shape, scaled

__all__ = ["mlp_2014", "mlp_mid", "mlp_small", "perceptron"]


def mlp_small(shape: Shape, *, rng: Rng, width: float = 1) -> Pair:
    """A pair with one hidden layer of 128 each: the smallest that draws digits."""
    pixels, hidden = math.prod(shape), scaled(128, width)
    G = nn.Sequential(
        nn.Linear(100, hidden, rng=rng),
        nn.ReLU(),
        nn.Linear(hidden, pixels, rng=rng),
        nn.Tanh(),
        nn.Unflatten(1, shape),
    )
    D = nn.Sequential(
        nn.Flatten(),
        nn.Linear(pixels, hidden, rng=rng),
        nn.ReLU(),
        nn.Linear(hidden, 1, rng=rng),
    )
    return Pair(G, D)


def mlp_mid(shape: Shape, *, rng: Rng, width: float = 1) -> Pair:
    """A pair with hidden layers 256-512-1024 in G and 512-256 in D."""
    pixels = math.prod(shape)
    a, b, c = (scaled(n, width) for n in (256, 512, 1024))
    G = nn.Sequential(
        nn.Linear(100, a, rng=rng),
        nn.LeakyReLU(0.2),
        nn.Linear(a, b, rng=rng),
        nn.LeakyReLU(0.2),
        nn.Linear(b, c, rng=rng),
        nn.LeakyReLU(0.2),
        nn.Linear(c, pixels, rng=rng),
        nn.Tanh(),
        nn.Unflatten(1, shape),
    )
    D = nn.Sequential(
        nn.Flatten(),
        nn.Linear(pixels, b, rng=rng),
        nn.LeakyReLU(0.2),
        nn.Linear(b, a, rng=rng),
        nn.LeakyReLU(0.2),
        nn.Linear(a, 1, rng=rng),
    )
    return Pair(G, D)


def mlp_2014(shape: Shape, *, rng: Rng, width: float = 1) -> Pair:
    """The MNIST pair of Goodfellow et al. 2014, as in their code (mnist.yaml): maxout and dropout
    in D, pixels in [0, 1], uniform noise, weights U(-.05, .05) in G and U(-.005, .005) in D."""
    pixels, hidden, units = math.prod(shape), scaled(1200, width), scaled(240, width)
    G = nn.Sequential(
        nn.Linear(100, hidden, rng=rng),
        nn.ReLU(),
        nn.Linear(hidden, hidden, rng=rng),
        nn.ReLU(),
        nn.Linear(hidden, pixels, rng=rng),
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


def perceptron(*sizes: int, rng: Rng, width: float = 1) -> nn.Sequential:
    """Linear layers of these sizes with ReLU between them, as in `perceptron(1, 32, 32, 1,
    rng=rng)`; the hidden sizes are multiplied by `width`.

    Raises ValueError for fewer than two sizes."""
    if len(sizes) < 2:
        raise ValueError(f"sizes: expected at least those of input and output, got {sizes}")
    first, *hidden, last = sizes
    layers: list[nn.Module] = []
    for a, b in pairwise((first, *(scaled(n, width) for n in hidden), last)):
        layers += [nn.Linear(a, b, rng=rng), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
