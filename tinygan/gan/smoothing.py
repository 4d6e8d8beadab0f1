"""Wrappers of a game: D is told something other than the plain truth about some images.

Where the label "real" is replaced by "fake" with weight u, D pays (1 - u) real(l) + u fake(l).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import checks
from ..backend import Noise, inputs
from ..tensor import Tensor
from .games import Game, LogitLoss, check_game

__all__ = ["label_flips", "label_noise", "label_smoothing", "one_sided_smoothing"]


def one_sided_smoothing(game: Game, epsilon: float = 0.1) -> Game:
    """Real images count as real by 1 - epsilon; fakes stay fakes (Salimans et al. 2016, 3.4)."""
    checks.between(0, 1, "[]", epsilon=epsilon)
    check_game(game)
    return game._replace(
        real=lambda l: (1 - epsilon) * game.real(l) + epsilon * game.fake(l), balance=None
    )


def label_smoothing(game: Game, real: float = 0.1, fake: float = 0.1) -> Game:
    """Real images count as real by 1 - `real`, and fakes as fakes by 1 - `fake`, so that no logit
    pays that is far from 0.

    With `fake` above 0 the best D shows a G that wants to fool it the way to where G is already
    (Salimans et al. 2016, 3.4); a G that matches features does not ask that of it."""
    checks.between(0, 1, "[]", real=real, fake=fake)
    return one_sided_smoothing(game, real)._replace(
        fake=lambda l: (1 - fake) * game.fake(l) + fake * game.real(l)
    )


def label_noise(game: Game, width: float = 0.3, *, rng: Noise) -> Game:
    """Every label is off by its own amount, uniform in [0, width)."""
    checks.between(0, 1, "[]", width=width)
    check_game(game)
    checks.noise(rng)
    return _mixed(game, lambda l: inputs.uniform(rng, l.shape, like=l.data) * float(width))


def label_flips(game: Game, p: float = 0.05, *, rng: Noise) -> Game:
    """Each label is the wrong one with probability p, independently."""
    checks.between(0, 1, "[]", p=p)
    check_game(game)
    checks.noise(rng)
    return _mixed(game, lambda l: inputs.uniform(rng, l.shape, like=l.data) < p)


def _mixed(game: Game, weight: Callable[[Tensor], Any]) -> Game:
    def mix(right: LogitLoss, wrong: LogitLoss) -> LogitLoss:
        def price(l: Tensor) -> Tensor:
            u = Tensor(weight(l)).astype(l.dtype)
            return (1 - u) * right(l) + u * wrong(l)

        return price

    return game._replace(
        real=mix(game.real, game.fake), fake=mix(game.fake, game.real), balance=None
    )
