"""Training of one player while the other is fixed: half a round of Algorithm 1, repeated.

    train_d    D approaches its optimum for the fixed G, D* of Proposition 1
    train_g    G minimizes its loss for the fixed D; its fakes need not resemble the data

The arguments are those of `gan.play`. Each step yields a `Step` of `optim.minimize`.
"""

from collections.abc import Iterator

from .. import checks
from ..nn.module import Module
from ..optim import Optimizer
from ..optim.minimize import Step, minimize
from ..tensor import Tensor, no_grad
from . import AnyGame, Source, discriminate
from .algorithm import check_players


def train_d(
    game: AnyGame,
    G: Module,
    D: Module,
    data: Source,
    noise: Source,
    opt_g: Optimizer,
    opt_d: Optimizer,
    *,
    m: int = 64,
) -> Iterator[Step]:
    """Steps of D while G is fixed."""
    checks.sizes(m=m)
    check_players(game, {"G": G}, {"D": D}, opt_g, opt_d, data=data, noise=noise)

    def loss() -> Tensor:
        x = data(m)
        with no_grad():
            fake = G(noise(m))
        return game.d_loss(*discriminate(D, x, fake))

    return minimize(loss, opt_d)


def train_g(
    game: AnyGame,
    G: Module,
    D: Module,
    data: Source,
    noise: Source,
    opt_g: Optimizer,
    opt_d: Optimizer,
    *,
    m: int = 64,
) -> Iterator[Step]:
    """Steps of G while D is fixed."""
    checks.sizes(m=m)
    check_players(game, {"G": G}, {"D": D}, opt_g, opt_d, data=data, noise=noise)

    def loss() -> Tensor:
        fake = G(noise(m))
        return game.g_loss(D(fake), D(data(m)) if game.g_uses_real else None)

    return minimize(loss, opt_g)
