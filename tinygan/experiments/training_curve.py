"""The losses, D(x) and D(G(z)) of a game, recorded over its rounds."""

import numpy as np

from ..gan import AnyGame, Round
from ..plots import Curve
from ..training.readings import NAMES, equilibrium, readings

POINTS = 500  # about the number of recorded rounds


class TrainingCurve:
    """A record of a training of `steps` rounds with `game`, for `plots.curves`."""

    def __init__(self, game: AnyGame, steps: int, penalty: str = "none") -> None:
        self.game, self.penalty = game, penalty
        self.every = max(1, steps // POINTS)
        self.log: dict[str, list[float]] = {name: [] for name in ("step", *NAMES)}

    def add(self, step: int, result: Round) -> None:
        """Record the round with number `step` if it is a multiple of `every`, and not each round,
        because on a GPU, reading its numbers waits for all queued work."""
        if step % self.every == 0:
            for name, value in {"step": step, **readings(self.game, result)}.items():
                self.log[name].append(value)

    def curve(self) -> Curve:
        """The recorded numbers, and their values at the game's equilibrium."""
        log = {name: np.array(values) for name, values in self.log.items()}
        penalized = self.penalty != "none"
        return Curve(log, equilibrium(self.game, self.penalty), self.game.probability, penalized)
