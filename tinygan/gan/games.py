"""Games: what D and G pay for the logits they get.

D(x) is here a logit; the paper's D(x) is its sigmoid.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from .. import checks
from ..ops import mean, relu, softplus
from ..tensor import Tensor

__all__ = [
    "GAMES",
    "Game",
    "LogitLoss",
    "check_game",
    "hinge",
    "least_squares",
    "minimax",
    "non_saturating",
    "wasserstein",
]

LogitLoss = Callable[[Tensor], Tensor]


class Game(NamedTuple):
    """What the players pay, for each logit: D for one on a real image and for one on a fake, and G
    for one on a fake of its own.

    `balance` is the D(x) of the best D once G is perfect, if the game has such a point. D(x) is
    the sigmoid of the logit where `probability` is true, else the logit itself (a score).
    """

    real: LogitLoss
    fake: LogitLoss
    fool: LogitLoss
    balance: float | None = None
    probability: bool = False

    def d_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """What D minimises, from its logits on real images and on fakes."""
        checks.tensors(real=real, fake=fake)
        return mean(self.real(real)) + mean(self.fake(fake))

    def g_loss(self, fake: Tensor) -> Tensor:
        """What G minimises, from D's logits on its fakes."""
        checks.tensors(fake=fake)
        return mean(self.fool(fake))


# With D(x) = sigmoid(l): log D(x) = -softplus(-l) and log(1 - D(x)) = -softplus(l).
minimax = Game(
    real=lambda l: softplus(-l),  # -log D(x)
    fake=lambda l: softplus(l),  # -log(1 - D(G(z)))
    fool=lambda l: -softplus(l),  # log(1 - D(G(z))): no gradient where D is sure of a fake
    balance=0.5,
    probability=True,
)
# The same equilibrium, but G maximises log D(G(z)): a gradient where it is needed (section 3).
non_saturating = minimax._replace(fool=lambda l: softplus(-l))
# Lim and Ye 2017; Miyato et al. 2018.
hinge = Game(real=lambda l: relu(1 - l), fake=lambda l: relu(1 + l), fool=lambda l: -l)
# Arjovsky et al. 2017. D must be kept Lipschitz: by `wgan_gp` or by spectral normalisation.
wasserstein = Game(real=lambda l: -l, fake=lambda l: l, fool=lambda l: -l)


def least_squares(a: float = 0.0, b: float = 1.0, c: float = 1.0) -> Game:
    """LSGAN (Mao et al. 2017, eq. 2): D's targets are a for fakes and b for real, G's is c.

    (-1, 1, 0) makes G minimise a Pearson chi-square divergence (their theorem 1); with (0, 1, 1),
    the usual coding, it is 1/4 and an eighth of that: see `metrics.theory.least_squares_criterion`.
    """
    checks.between(-math.inf, math.inf, "()", a=a, b=b, c=c)
    return Game(
        real=lambda l: (l - b) ** 2 / 2,
        fake=lambda l: (l - a) ** 2 / 2,
        fool=lambda l: (l - c) ** 2 / 2,
        balance=(a + b) / 2,
    )


GAMES: dict[str, Game] = {
    "minimax": minimax,
    "non-saturating": non_saturating,
    "least-squares": least_squares(),
    "hinge": hinge,
    "wasserstein": wasserstein,
}


def check_game(game: Any) -> None:
    """Raise TypeError for what is no game."""
    if not (hasattr(game, "d_loss") and hasattr(game, "g_loss")):
        raise TypeError(f"game: expected a game, as gan.minimax is one, got {game!r}")
