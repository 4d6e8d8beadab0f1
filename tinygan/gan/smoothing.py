"""Label smoothing, label noise and label flips: the same game with other labels for D.

If a real image has the label "fake" with weight u, D's loss for its logit l is
(1 - u) real_loss(l) + u fake_loss(l). Each function here needs a `SeparableGame`.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .. import checks
from ..backend import Noise, inputs
from ..tensor import Tensor
from .games import LogitLoss, SeparableGame, check_separable

__all__ = ["label_flips", "label_noise", "label_smoothing", "one_sided_smoothing"]


def one_sided_smoothing(game: SeparableGame, epsilon: float = 0.1) -> SeparableGame:
    """Give real images the label 1 - epsilon; fakes keep theirs (Salimans et al. 2016, 3.4).

    Raises ValueError for an epsilon outside [0, 1], TypeError for a game of another kind.
    """
    checks.between(0, 1, "[]", epsilon=epsilon)
    check_separable(game)
    return replace(
        game,
        real_loss=lambda l: (1 - epsilon) * game.real_loss(l) + epsilon * game.fake_loss(l),
        d_at_equilibrium=None,
    )


def label_smoothing(game: SeparableGame, real: float = 0.1, fake: float = 0.1) -> SeparableGame:
    """Give real images the label 1 - `real` and fakes the label `fake`, so that the optimal logits
    are finite.

    If fakes are smoothed too, the optimal D also depends on G's density where there is no data, so
    G has no incentive to move such samples (Salimans et al. 2016, 3.4). Feature matching does not
    use D's output and is not affected.

    Raises ValueError for a weight outside [0, 1], TypeError for a game of another kind.
    """
    checks.between(0, 1, "[]", real=real, fake=fake)
    return replace(
        one_sided_smoothing(game, real),
        fake_loss=lambda l: (1 - fake) * game.fake_loss(l) + fake * game.real_loss(l),
    )


def label_noise(game: SeparableGame, width: float = 0.3, *, rng: Noise) -> SeparableGame:
    """Move each label toward the other one, each by a random amount, uniform in [0, width).

    Raises ValueError for a width outside [0, 1], TypeError for a game of another kind.
    """
    checks.between(0, 1, "[]", width=width)
    check_separable(game)
    checks.noise(rng)
    return _mixed(game, lambda l: inputs.uniform(rng, l.shape, like=l.data) * float(width))


def label_flips(game: SeparableGame, p: float = 0.05, *, rng: Noise) -> SeparableGame:
    """Swap each label with probability p, independently.

    Raises ValueError for a p outside [0, 1], TypeError for a game of another kind.
    """
    checks.between(0, 1, "[]", p=p)
    check_separable(game)
    checks.noise(rng)
    return _mixed(game, lambda l: inputs.uniform(rng, l.shape, like=l.data) < p)


def _mixed(game: SeparableGame, weight: Callable[[Tensor], Any]) -> SeparableGame:
    """The game in which each label has a share weight(l) of the other label; l are the logits."""

    def mix(right: LogitLoss, wrong: LogitLoss) -> LogitLoss:
        def loss(l: Tensor) -> Tensor:
            u = Tensor(weight(l)).astype(l.dtype)
            return (1 - u) * right(l) + u * wrong(l)

        return loss

    return replace(
        game,
        real_loss=mix(game.real_loss, game.fake_loss),
        fake_loss=mix(game.fake_loss, game.real_loss),
        d_at_equilibrium=None,
    )
