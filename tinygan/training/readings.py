"""The logged numbers of a round, and their values at the game's equilibrium."""

import math

import numpy as np

from ..gan import AnyGame, Round
from ..ops import mean, sigmoid
from ..tensor import Tensor, no_grad

NAMES = "d_loss", "g_loss", "d_real", "d_fake"


def readings(game: AnyGame, result: Round) -> dict[str, float]:
    """The losses of a round, and the means of D(x) and D(G(z)), which are probabilities if the game
    has them, else logits."""
    with no_grad():
        outputs = [mean(sigmoid(l) if game.probability else l) for l in result[2:]]
    return dict(zip(NAMES, map(float, (result.d_loss, result.g_loss, *outputs)), strict=True))


def equilibrium(game: AnyGame, penalty: str = "none") -> dict[str, float]:
    """The readings at the equilibrium, where G is perfect and D is optimal, or {} if unknown.

    The penalty R1 is 0 there. WGAN-GP asks for slope 1 everywhere, so it has another equilibrium.
    """
    if game.d_at_equilibrium is None or penalty == "wgan-gp":
        return {}
    output = game.d_at_equilibrium
    l = Tensor(np.array(math.log(output / (1 - output)) if game.probability else output))
    values = game.d_loss(l, l).item(), game.g_loss(l, l).item(), output, output
    return dict(zip(NAMES, values, strict=True))
