"""The training recipe of Goodfellow et al. 2014, from their code (goodfeli/adversarial,
mnist.yaml; pylearn2).

SGD with simultaneous steps of both players (their Algorithm 1 has alternating steps, their code
does not) and half of D's loss. The learning rate is .1 / 1.000004^t after t updates, at least 1e-6.
Momentum rises from .5 to .7 from the first to the 250th epoch. A minibatch has 100 images, and G
starts at the mean image.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from ... import gan
from ...nn import Linear, Module
from ...ops import softplus
from ...optim import SGD, exponential_decay, linear

BATCH = 100


def players(
    G: Module, D: Module, data: gan.Source, noise: gan.Source, epoch: int
) -> tuple[Any, ...]:
    """The arguments of `gan.play_simultaneously`; an epoch has `epoch` updates. Call it after the
    networks have moved to their backend."""
    rise = linear(0.5, 0.7, 249)
    rate = exponential_decay(0.1, 1.000004, 1e-6)
    opt_g, opt_d = (SGD(net.parameters(), rate, lambda t: rise(t // epoch)) for net in (G, D))
    return halved(), G, D, data, noise, opt_g, opt_d


def halved() -> gan.SeparableGame:
    """The non-saturating game with half of D's loss, as in the code's cost."""
    return replace(
        gan.non_saturating,
        real_loss=lambda l: softplus(-l) / 2,
        fake_loss=lambda l: softplus(l) / 2,
    )


def start_at_mean(G: Module, pixels: np.ndarray) -> None:
    """Set G's last bias to the logit of each pixel's mean over `pixels` (N, D) in [0, 1]."""
    mean = np.clip(pixels.mean(axis=0), 1e-7, 1 - 1e-7)
    last = [layer for layer in G.modules() if isinstance(layer, Linear)][-1]
    assert last.bias is not None
    last.bias.data[...] = np.log(mean / (1 - mean)).astype(np.float32)


def flat(images: np.ndarray) -> np.ndarray:
    """uint8 images (N, ...) as float32 rows (N, D) in [0, 1]."""
    return images.reshape(len(images), -1).astype(np.float32) / 255
