"""Small multilayer perceptrons for semi-supervised learning: D has an output for each class and
one for "fake" (Odena 2016). Gaussian noise on the input of each layer of D is the regularizer of
Salimans et al. 2016."""

import math

from .. import checks, nn
from ..backend import Rng
from ..gan import Source
from ..gan.variants.conditional import concat_label, one_hot
from ..tensor import Tensor
from .pair import Pair, Shape, scaled

Z_SIZE = 50


def sgan_mlp(shape: Shape, classes: int, *, rng: Rng, labels: int = 0, width: float = 1) -> Pair:
    """G maps noise and `labels` numbers for a label to images of `shape` in [0, 1].
    D = Sequential(body, head) maps images to classes + 1 logits; the body gives the features. D's
    initial weights do not depend on `labels`. The hidden layers have `width` times 256 or 128
    units."""
    checks.image_shape(shape)
    checks.sizes(classes=classes)
    checks.between(0, math.inf, labels=labels)
    a, b, pixels = scaled(256, width), scaled(128, width), math.prod(shape)
    body = nn.Sequential(
        nn.Flatten(), nn.GaussianNoise(0.3, rng=rng), nn.Linear(pixels, a, rng=rng), nn.ReLU(),
        nn.GaussianNoise(0.3, rng=rng), nn.Linear(a, b, rng=rng), nn.ReLU(),
    )  # fmt: skip
    head = nn.Sequential(nn.GaussianNoise(0.3, rng=rng), nn.Linear(b, classes + 1, rng=rng))
    G = nn.Sequential(
        nn.Linear(Z_SIZE + labels, a, rng=rng), nn.BatchNorm1d(a), nn.ReLU(),
        nn.Linear(a, a, rng=rng), nn.BatchNorm1d(a), nn.ReLU(),
        nn.Linear(a, pixels, rng=rng), nn.Sigmoid(), nn.Unflatten(1, shape),
    )  # fmt: skip
    return Pair(G, nn.Sequential(body, head), Z_SIZE, low=0.0, lr_d=2e-3, lr_g=3e-3)


def noise_and_labels(noise: Source, classes: int) -> Source:
    """A source of rows [z, y] for G: noise, and one-hot labels 0, 1, ..., classes - 1, 0, 1, ..."""
    checks.sources(noise=noise)
    checks.sizes(classes=classes)

    def source(m: int) -> Tensor:
        z = noise(m)
        return concat_label(z, one_hot(Tensor(z.xp.arange(m) % classes), classes, z.dtype))

    return source
