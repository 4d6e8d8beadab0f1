"""Models by name: `build("dcgan28", (1, 28, 28), rng=rng)` gives a `Pair`.

A pair is a generator and a discriminator, with the size and the prior of the noise, the range of
the pixels, and suitable learning rates.
"""

import math
from collections.abc import Callable

from .. import checks
from ..backend import Rng
from ..errors import choose
from .dcgan import dcgan, dcgan28, dcgan28_slim, dcgan32, stages
from .mlp import mlp_2014, mlp_mid, mlp_small
from .pair import Pair, Shape, pixels

__all__ = ["MODELS", "Pair", "build", "pixels", "suited"]

MODELS: dict[str, Callable[..., Pair]] = {
    "mlp-small": mlp_small,
    "mlp-mid": mlp_mid,
    "mlp-2014": mlp_2014,
    "dcgan": dcgan,
    "dcgan28": dcgan28,
    "dcgan28-slim": dcgan28_slim,
    "dcgan32": dcgan32,
}


def build(name: str, shape: Shape, *, rng: Rng, width: float = 1) -> Pair:
    """The pair called `name` for images of `shape` (C, H, W), initialized from rng, with hidden
    layers `width` times the default width.

    Raises InputError for an unknown name, or a shape that the model does not support; ValueError
    unless `shape` is three sizes and `width` is positive.
    """
    model = MODELS[choose("model", name, MODELS)]
    checks.image_shape(shape)
    checks.between(0, math.inf, "()", width=width)
    return model(shape, rng=rng, width=width)


def suited(shape: Shape) -> str:
    """The name of a model for images of `shape` (C, H, W): dcgan28-slim for 28x28, dcgan for other
    sizes that it makes, else mlp-mid."""
    checks.image_shape(shape)
    if shape[1:] == (28, 28):
        return "dcgan28-slim"
    return "dcgan" if stages(shape) else "mlp-mid"
