"""The players of a game in the lab: networks, data, noise and optimizers from settings.

    players = build(settings)
    rounds = play(rules(settings), *players, m=settings.m, k=settings.k, penalty=penalty(settings))

The settings `data`, `g_width` and so on are in `settings.py`.
"""

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import nn
from ..backend import Rng
from ..data.minibatches import Minibatches
from ..gan.algorithm import Penalty, Source
from ..gan.games import GAMES, AnyGame, SeparableGame
from ..gan.penalties import PENALTIES
from ..gan.smoothing import label_noise, one_sided_smoothing
from ..models.mlp import perceptron
from ..optim import Optimizer
from ..optim.rules import OPTIMIZERS
from ..tensor import Tensor
from .samples import images, sampler
from .settings import Settings


class Players(NamedTuple):
    """The arguments of `gan.play` after the game."""

    G: nn.Sequential
    D: nn.Sequential
    data: Source
    noise: Source
    opt_g: Optimizer
    opt_d: Optimizer


def build(settings: Settings) -> Players:
    """Two untrained networks, sources of real examples and of noise, and two optimizers."""
    rng = np.random.default_rng(settings.seed)
    G = generator(settings, rng)
    D = discriminator(settings, rng)
    data = real_source(settings, rng)
    noise = noise_source(settings, rng)
    opt_g, opt_d = optimizers(settings, G, D)
    return Players(G, D, data, noise, opt_g, opt_d)


def generator(settings: Settings, rng: Rng) -> nn.Sequential:
    """G: noise (m, z_size) to points (m, x_size) or to images (m, 1, 28, 28)."""
    hidden = [settings.g_width] * settings.g_depth
    layers = perceptron(z_size(settings), *hidden, x_size(settings), rng=rng)
    if settings.data == "digits":
        return nn.Sequential(*layers, nn.Tanh(), nn.Unflatten(1, (1, 28, 28)))
    return layers


def discriminator(settings: Settings, rng: Rng) -> nn.Sequential:
    """D: points or images to a logit for each, (m, 1)."""
    hidden = [settings.d_width] * settings.d_depth
    leaky = partial(nn.LeakyReLU, 0.2)
    layers: list[nn.Module] = [nn.Flatten()]
    for layer in perceptron(x_size(settings), *hidden, 1, rng=rng, activation=leaky):
        if isinstance(layer, nn.LeakyReLU) and settings.batchnorm == "D":
            layers.append(nn.BatchNorm1d(settings.d_width))
        layers.append(layer)
    return nn.Sequential(*layers)


def z_size(settings: Settings) -> int:
    """The number of noise variables of an example."""
    return {"line": 1, "digits": 64}.get(settings.data, 2)


def x_size(settings: Settings) -> int:
    """The number of coordinates of a point, or of pixels of an image."""
    return {"line": 1, "digits": 784}.get(settings.data, 2)


def real_source(settings: Settings, rng: Rng) -> Source:
    """The `data` of `gan.play`: data(m) is m real examples. White pixels are 1."""
    if settings.data == "digits":
        return Minibatches(images(), rng=rng, low=-1.0)
    draw = sampler(settings)
    return lambda m: Tensor(draw(m, rng=rng))


def noise_source(settings: Settings, rng: Rng) -> Source:
    """The `noise` of `gan.play`: normal, but uniform on [-1, 1] for the line."""
    shape = (z_size(settings),)
    if settings.data == "line":
        return lambda m: Tensor(rng.uniform(-1, 1, (m, *shape)).astype(np.float32))
    return lambda m: Tensor(rng.standard_normal((m, *shape), dtype=np.float32))


def optimizers(
    settings: Settings, G: nn.Sequential, D: nn.Sequential
) -> tuple[Optimizer, Optimizer]:
    """The optimizers of G and of D. SGD has the momentum beta1, RMSprop the alpha beta2."""
    make = OPTIMIZERS[settings.optimizer]
    betas = settings.beta1, settings.beta2
    known: dict[str, dict[str, Any]] = {
        "adam": {"betas": betas},
        "sgd": {"momentum": settings.beta1},
        "rmsprop": {"alpha": settings.beta2},
    }
    options = known[settings.optimizer]
    opt_g = make(G.parameters(), settings.rate_g, **options)
    opt_d = make(D.parameters(), settings.rate_d, **options)
    return opt_g, opt_d


def rules(settings: Settings) -> AnyGame:
    """The game, with label smoothing and label noise if it has labels."""
    game = GAMES[settings.game]
    if not isinstance(game, SeparableGame):
        return game
    if settings.smoothing:
        game = one_sided_smoothing(game, settings.smoothing)
    if settings.noise:
        game = label_noise(game, settings.noise, rng=np.random.default_rng([settings.seed, 1]))
    return game


def penalty(settings: Settings) -> Penalty | None:
    """The term that is added to D's loss, or None."""
    return PENALTIES[settings.penalty](np.random.default_rng([settings.seed, 2]))
