"""The players of a game in the lab: networks, data, noise and optimizers from settings.

    players = build(settings)
    rounds = play(rules(settings), *players, m=settings.m, k=settings.k, penalty=penalty(settings))
"""

from typing import NamedTuple

import numpy as np

from .. import nn
from ..backend import Rng
from ..errors import InputError
from ..gan.algorithm import Penalty, Source
from ..gan.games import GAMES, AnyGame, SeparableGame
from ..gan.penalties import PENALTIES
from ..gan.smoothing import label_noise, one_sided_smoothing
from ..optim import Optimizer
from ..optim.rules import OPTIMIZERS, SGD, RMSprop
from ..tensor import Tensor
from .samples import source
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
    """Two untrained networks, real examples, noise, and an optimizer for each network."""
    rng = np.random.default_rng(settings.seed)
    G = generator(settings, rng)
    D = discriminator(settings, rng)
    data = source(settings, rng)
    noise = noise_source(settings, rng)
    return Players(G, D, data, noise, *optimizers(settings, G, D))


def generator(settings: Settings, rng: Rng) -> nn.Sequential:
    """G: noise (m, 2) to points (m, 2), (m, 1) to (m, 1), or (m, 64) to images."""
    inner = [settings.g_width] * settings.g_depth
    sizes = [SIZES[settings.data][0], *inner, SIZES[settings.data][1]]
    layers = hidden(sizes, rng)
    if settings.data == "digits":
        layers += [nn.Tanh(), nn.Unflatten(1, (1, 28, 28))]
    return nn.Sequential(*layers)


def discriminator(settings: Settings, rng: Rng) -> nn.Sequential:
    """D: points or images to one logit for each, (m, 1)."""
    sizes = [SIZES[settings.data][1], *[settings.d_width] * settings.d_depth, 1]
    layers = hidden(sizes, rng, batchnorm=settings.batchnorm == "D")
    if settings.data == "digits":
        layers = [nn.Flatten(), *layers]
    return nn.Sequential(*layers)


def hidden(sizes: list[int], rng: Rng, batchnorm: bool = False) -> list[nn.Module]:
    """Linear layers of these sizes, with a ReLU after each but the last."""
    layers: list[nn.Module] = []
    for before, after in zip(sizes[:-2], sizes[1:-1], strict=True):
        layers += [nn.Linear(before, after, rng=rng)]
        layers += [nn.BatchNorm1d(after)] if batchnorm else []
        layers += [nn.ReLU()]
    return [*layers, nn.Linear(sizes[-2], sizes[-1], rng=rng)]


def noise_source(settings: Settings, rng: Rng) -> Source:
    """The `noise` of `gan.play`: uniform on [-1, 1] for the line, else normal."""
    size = SIZES[settings.data][0]
    if settings.data == "line":
        return lambda m: Tensor(rng.uniform(-1, 1, (m, size)).astype(np.float32))
    return lambda m: Tensor(rng.standard_normal((m, size), dtype=np.float32))


def optimizers(
    settings: Settings, G: nn.Sequential, D: nn.Sequential
) -> tuple[Optimizer, Optimizer]:
    """The optimizers of G and of D. SGD takes beta1 as its momentum, RMSprop beta2 as its alpha."""
    beta1, beta2 = settings.beta1, settings.beta2

    def optimizer(net: nn.Sequential, rate: float) -> Optimizer:
        kind = OPTIMIZERS[settings.optimizer]
        if issubclass(kind, SGD):
            return kind(net.parameters(), rate, beta1)
        if issubclass(kind, RMSprop):
            return kind(net.parameters(), rate, beta2)
        return kind(net.parameters(), rate, (beta1, beta2))  # type: ignore[call-arg]

    return optimizer(G, settings.rate_g), optimizer(D, settings.rate_d)


def rules(settings: Settings) -> AnyGame:
    """The game, with label smoothing and label noise.

    Raises InputError for a game that cannot have them."""
    game = GAMES[settings.game]
    if settings.smoothing or settings.noise:
        if not isinstance(game, SeparableGame):
            raise InputError(
                f"smoothing, noise: expected 0 in the game {settings.game}, which has no labels"
            )
        game = one_sided_smoothing(game, settings.smoothing)
    if settings.noise:
        rng = np.random.default_rng([settings.seed, 1])  # the game's other numbers stay the same
        game = label_noise(game, settings.noise, rng=rng)
    return game


def penalty(settings: Settings) -> Penalty | None:
    """The term that is added to D's loss."""
    return PENALTIES[settings.penalty](np.random.default_rng([settings.seed, 2]))


SIZES = {
    "ring": (2, 2), "grid": (2, 2), "moons": (2, 2), "spiral": (2, 2), "drawn": (2, 2),
    "line": (1, 1), "digits": (64, 784),
}  # of z and of x  # fmt: skip
