"""The networks of semi-supervised learning on digits (Salimans et al. 2016; openai/improved-gan,
train_mnist_feature_matching.py): multilayer perceptrons with weight normalization in all layers of
D and in the last layer of G.

D = 784-1000-500-250-250-250-10 with ReLU, and with Gaussian noise of standard deviation .3 on the
image and .5 before each later layer. G = 100-500-500-784 with BatchNorm, softplus and at the end a
sigmoid; its noise is uniform in [0, 1).
"""

from itertools import pairwise

import numpy as np

from .. import checks, nn
from ..backend import Rng
from ..backend.inputs import uniform
from ..gan import Source
from ..nn import init
from ..nn.reparametrize import data_dependent_init
from ..plain_array import plain_array
from ..tensor import Tensor
from .pair import scaled


def improved_gan(
    images: np.ndarray, *, rng: Rng, width: float = 1
) -> tuple[nn.Sequential, nn.Sequential]:
    """G, and D = Sequential(body, head), with data-dependent initialization of D from `images`,
    uint8 (N, 1, 28, 28). The body gives the features; the head is the last noise and the last
    layer. The hidden layers of D are `width` times the default width.

    Raises ValueError or TypeError for other images."""
    images = plain_array("images", images)
    if images.dtype != np.uint8 or images.shape[1:] != (1, 28, 28) or len(images) < 2:
        raise ValueError(
            f"images: expected uint8 (N, 1, 28, 28) with N >= 2, got {images.dtype} {images.shape}"
        )
    layers: list[nn.Module] = [
        nn.Linear(100, 500, rng=rng), nn.BatchNorm1d(500), nn.Softplus(),
        nn.Linear(500, 500, rng=rng), nn.BatchNorm1d(500), nn.Softplus(),
        nn.WeightNorm(nn.Linear(500, 784, rng=rng)), nn.Sigmoid(),
    ]  # fmt: skip
    G = nn.Sequential(*layers, nn.Unflatten(1, (1, 28, 28)))
    widths = 784, *(scaled(n, width) for n in (1000, 500, 250, 250, 250))
    body: list[nn.Module] = [nn.Flatten()]
    for i, (a, b) in enumerate(pairwise(widths)):
        body += [
            nn.GaussianNoise(0.5 if i else 0.3, rng=rng),
            normalized(a, b, rng, learned_scale=False),
            nn.ReLU(),
        ]
    head = nn.GaussianNoise(0.5, rng=rng), normalized(widths[-1], 10, rng, learned_scale=True)
    D = nn.Sequential(nn.Sequential(*body), nn.Sequential(*head))
    data_dependent_init(D, Tensor(images.astype(np.float32) / 255))
    return G, D


def normalized(inputs: int, outputs: int, rng: Rng, *, learned_scale: bool) -> nn.WeightNorm:
    """A weight-normalized linear layer of D. The direction of its weights is that of numbers from
    N(0, .1^2)."""
    layer = nn.Linear(inputs, outputs, rng=rng)
    init.normal_(layer.weight, 0.0, 0.1, rng=rng)
    return nn.WeightNorm(layer, learned_scale=learned_scale)


def unit_noise(G: nn.Module, rng: Rng) -> Source:
    """A source of noise for `gan.play`: uniform in [0, 1), (m, 100), on G's backend."""
    checks.modules(G=G)
    checks.noise(rng)
    like = G.parameters()[0].data
    return lambda m: Tensor(uniform(rng, (m, 100), like))
