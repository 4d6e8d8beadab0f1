"""Games: the losses of D and of G, as functions of D's logits.

D returns a logit l. The paper's D(x) is sigmoid(l), so log D(x) = -softplus(-l) and
log(1 - D(x)) = -softplus(l), accurate for all l.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from .. import checks
from ..backend.inputs import minibatch_comm
from ..ops import mean, relu, softplus
from ..ops.reductions import mean_over_ranks
from ..tensor import Tensor

__all__ = [
    "GAMES",
    "AnyGame",
    "Game",
    "LogitLoss",
    "SeparableGame",
    "check_game",
    "check_separable",
    "hinge",
    "least_squares",
    "minimax",
    "non_saturating",
    "relativistic_average",
    "relativistic_pairing",
    "wasserstein",
]

LogitLoss = Callable[[Tensor], Tensor]  # the loss of each logit, of the logits' shape


@dataclass(frozen=True)
class Game:
    """The losses of both players, from D's logits on real images and on fakes, each (m, 1).

    `d_loss(real, fake)` and `g_loss(fake, real)` return a scalar tensor. `d_at_equilibrium` is D(x)
    of the optimal D when the distribution of G is that of the data, or None if there is no such
    value. D(x) is the sigmoid of the logit if `probability` is true, else the logit.
    """

    d_loss: Callable[[Tensor, Tensor], Tensor]
    g_loss: Callable[[Tensor, Any], Tensor]
    d_at_equilibrium: float | None = None
    probability: bool = False
    g_uses_real: ClassVar[bool] = True


@dataclass(frozen=True)
class SeparableGame:
    """A game whose losses are means over single logits: D's loss of a real image, D's loss of a
    fake, and G's loss of a fake.

    Label smoothing, label noise, AC-GAN and text-to-image change single terms, so they need a
    SeparableGame. `d_at_equilibrium` and `probability` are as in `Game`.
    """

    real_loss: LogitLoss
    fake_loss: LogitLoss
    generator_loss: LogitLoss
    d_at_equilibrium: float | None = None
    probability: bool = False
    g_uses_real: ClassVar[bool] = False

    def d_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """D's loss, from its logits on real images and on fakes."""
        checks.tensors(real=real, fake=fake)
        return mean(self.real_loss(real)) + mean(self.fake_loss(fake))

    def g_loss(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """G's loss, from D's logits on fakes; those on real images are not used."""
        checks.tensors(fake=fake)
        return mean(self.generator_loss(fake))


AnyGame = Game | SeparableGame

minimax = SeparableGame(
    real_loss=lambda l: softplus(-l),  # -log D(x)
    fake_loss=lambda l: softplus(l),  # -log(1 - D(G(z)))
    generator_loss=lambda l: -softplus(l),  # log(1 - D(G(z))): no gradient where D rejects G(z)
    d_at_equilibrium=0.5,
    probability=True,
)
# The same equilibrium, but G maximizes log D(G(z)): a large gradient where D rejects G(z), early in
# training (section 3).
non_saturating = replace(minimax, generator_loss=lambda l: softplus(-l))
# Lim and Ye 2017; Miyato et al. 2018.
hinge = SeparableGame(
    real_loss=lambda l: relu(1 - l), fake_loss=lambda l: relu(1 + l), generator_loss=lambda l: -l
)
# Arjovsky et al. 2017. D must be kept Lipschitz: by `wgan_gp` or by spectral normalization.
wasserstein = SeparableGame(
    real_loss=lambda l: -l, fake_loss=lambda l: l, generator_loss=lambda l: -l
)


def least_squares(a: float = 0.0, b: float = 1.0, c: float = 1.0) -> SeparableGame:
    """LSGAN (Mao et al. 2017, eq. 2): D's targets are a for fakes and b for real, G's is c.

    With (-1, 1, 0), G minimizes half a Pearson chi-square divergence (their theorem 1). With
    (0, 1, 1), the usual targets, G minimizes 1/4 + chi2 / 8: see
    `gan.theory.least_squares_criterion`.

    Raises ValueError for a target that is not finite.
    """
    checks.between(-math.inf, math.inf, "()", a=a, b=b, c=c)
    return SeparableGame(
        real_loss=lambda l: (l - b) ** 2 / 2,
        fake_loss=lambda l: (l - a) ** 2 / 2,
        generator_loss=lambda l: (l - c) ** 2 / 2,
        d_at_equilibrium=(a + b) / 2,
    )


# RpGAN (Jolicoeur-Martineau 2018, section 4.1): D compares each real image with one fake. With the
# penalty `r1_r2` it is the loss of R3GAN (Huang et al. 2024, eq. 2).
relativistic_pairing = Game(
    d_loss=lambda real, fake: mean(softplus(_minus(fake, real))),
    g_loss=lambda fake, real: mean(softplus(_minus(real, fake))),
)


def relativistic_average(game: SeparableGame) -> Game:
    """RaGAN of a game (Jolicoeur-Martineau 2018, eq. 10 and 11): each logit is compared with the
    mean of the logits on the other kind of images. RaSGAN is `relativistic_average(minimax)`, and
    RaLSGAN is `relativistic_average(least_squares(-1, 1))`.

    Raises TypeError for a game that is not a SeparableGame.
    """
    check_separable(game)
    return Game(
        d_loss=lambda real, fake: game.d_loss(real - _average(fake), fake - _average(real)),
        g_loss=lambda fake, real: game.d_loss(fake - _average(real), real - _average(fake)),
    )


def _average(logits: Tensor) -> Tensor:
    """The mean logit of the whole minibatch, also if several ranks share it."""
    return mean_over_ranks(mean(logits), minibatch_comm())


def _minus(a: Tensor, b: Tensor) -> Tensor:
    """a - b, the logits in pairs. Raises ValueError if the shapes differ."""
    if a.shape != b.shape:
        raise ValueError(
            f"relativistic_pairing: expected pairs of logits, got {a.shape}, {b.shape}"
        )
    return a - b


def check_game(game: Any) -> None:
    """Raise TypeError unless `game` is a Game or a SeparableGame."""
    if not isinstance(game, (Game, SeparableGame)):
        raise TypeError(f"game: expected a game, such as gan.minimax, got {game!r}")


def check_separable(game: Any) -> None:
    """Raise TypeError unless `game` is a SeparableGame."""
    if not isinstance(game, SeparableGame):
        raise TypeError(f"game: expected a SeparableGame, such as gan.minimax, got {game!r}")


GAMES: dict[str, AnyGame] = {
    "minimax": minimax,
    "non-saturating": non_saturating,
    "least-squares": least_squares(),
    "hinge": hinge,
    "wasserstein": wasserstein,
    "relativistic-pairing": relativistic_pairing,
    "relativistic-average": relativistic_average(minimax),
}
