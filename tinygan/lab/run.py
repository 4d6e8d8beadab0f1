"""A game in the lab: rounds, curves, and diagnoses on the way."""

import math
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from ..errors import first_line
from ..gan import Round
from ..tensor import Tensor
from .settings import Settings

MODULES = (
    "tinygan.gan.algorithm",
    "tinygan.gan.games",
    "tinygan.gan.penalties",
    "tinygan.optim.rules",
    "tinygan.lab.players",
)
CURVES = "d_loss", "g_loss", "d_real", "d_fake", "jsd"
Code = Mapping[str, Mapping[str, Any]]  # of each module, its names


def unchanged() -> Code:
    """The names of each module as they stand in the files."""
    return {name: vars(import_module(name)) for name in MODULES}


class Run:
    """A game with these settings, played by this code.

    `stopped` says why no further round can be played; it is "" if one can.
    """

    def __init__(self, settings: Settings, code: Code) -> None:
        self.settings, self.code = settings, code
        self.players = code["tinygan.lab.players"]["build"](settings)
        self.round, self.stopped = 0, ""
        self.curves: dict[str, list[float | None]] = {name: [] for name in CURVES}
        self.diagnoses: list[dict[str, Any]] = []
        self._begin()

    def _begin(self) -> None:
        """Begin the loop with the present players and settings."""
        names, settings = self.code["tinygan.lab.players"], self.settings
        self.base = names["GAMES"][settings.game]
        self.game, self.penalty = names["rules"](settings), names["penalty"](settings)
        self.rounds: Iterator[Round] = self.code["tinygan.gan.algorithm"]["play"](
            self.game, *self.players, m=settings.m, k=settings.k, penalty=self.penalty
        )

    def change(self, settings: Settings) -> None:
        """Go on with other live settings."""
        self.settings = settings
        names, before = self.code["tinygan.lab.players"], self.players
        optimizers = names["optimizers"](settings, before.G, before.D)
        for new, old in zip(optimizers, before[4:], strict=True):
            new.state, new.t = old.state, old.t
        self.players = before._replace(opt_g=optimizers[0], opt_d=optimizers[1])
        self._begin()

    def play(self, rounds: int) -> None:
        """Play rounds, until one of them stops the run."""
        for _ in range(rounds):
            if self.stopped:
                return
            self.play_one()

    def play_one(self) -> None:
        """Play a round. If it raises an exception or a loss is not finite, the run has stopped."""
        try:
            with np.errstate(all="ignore"):
                result = next(self.rounds)
        except Exception as problem:
            self.stopped = f"round {self.round + 1}: {type(problem).__name__}: {first_line(problem)}"
            return
        self.round += 1
        self._note(result)

    def _note(self, result: Round) -> None:
        losses = result.d_loss.item(), result.g_loss.item()
        with np.errstate(all="ignore"):
            real, fake = (probability(self.base, l.numpy()) for l in (result.real, result.fake))
            jsd = math.nan
            if self.base.probability:
                jsd = math.log(2) + float(np.log(real).mean() + np.log1p(-fake).mean()) / 2
        values = (*losses, float(real.mean()), float(fake.mean()), jsd)
        for name, value in zip(CURVES, values, strict=True):
            self.curves[name].append(value if math.isfinite(value) else None)
        for player, loss in zip("DG", losses, strict=True):
            if not math.isfinite(loss):
                self.stopped = f"round {self.round}: {player}'s loss is {loss}"

    def take_curves(self) -> dict[str, list[float | None]]:
        """The values of each round since the last call."""
        taken, self.curves = self.curves, {name: [] for name in CURVES}
        return taken


def probability(game: Any, logits: np.ndarray) -> np.ndarray:
    """D(x) of logits: their sigmoid if the game has probabilities, else the logits."""
    l = logits.astype(np.float64)
    return 1 / (1 + np.exp(-l)) if game.probability else l


def tensor(x: np.ndarray) -> Tensor:
    """A tensor of float32."""
    return Tensor(x.astype(np.float32))
