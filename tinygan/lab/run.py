"""A game in the lab: its rounds, the curves of its losses, and the doctor's diagnoses.

    run = Run(settings, load({}))
    run.play(300)
    run.take_curves()["d_loss"]     D's loss in each of these rounds

The doctor's minibatches come from sources of their own, so a probe does not change the game.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..backend import Rng
from ..doctor import EVERY, Probe, UpdateSize, diagnose, probe
from ..gan import Round
from ..gan.algorithm import Source
from ..language import LANGUAGES
from . import density
from .players import Players
from .settings import Settings
from .source import Names, SourceError, fault

CURVES = "d_loss", "g_loss", "d_real", "d_fake", "jsd"
FIRST, LAST = 20, 80  # probes that the doctor keeps

Code = Mapping[str, Names]  # of each module, as `source.load` returns them
Step = Callable[[Iterator[Round]], Round]


class Run:
    """A game with these settings, played by this code.

    `stopped` is None as long as further rounds can be played, or else the reason why not.

    Raises whatever the code raises.
    """

    def __init__(self, settings: Settings, code: Code) -> None:
        self.settings, self.code, self.names = settings, code, code["tinygan.lab.players"]
        self.players: Players = self.names["build"](settings)
        self.round = 0
        self.stopped: SourceError | None = None
        self.diagnoses: list[dict[str, Any]] = []
        self.latest: dict[str, float | None] = dict.fromkeys(CURVES)
        self._probes: list[Probe] = []
        self._curves: dict[str, list[float | None]] = {name: [] for name in CURVES}
        self._begin()

    def change(self, settings: Settings) -> None:
        """Go on with other settings, of which only live ones differ."""
        before, old = self.players, self.settings
        optimizers = self.names["optimizers"](settings, before.G, before.D)
        for new, now in zip(optimizers, (before.opt_g, before.opt_d), strict=True):
            new.state, new.t = now.state, now.t
        data = before.data
        if (settings.data, settings.points) != (old.data, old.points):
            rng = np.random.default_rng([settings.seed, 3, self.round])
            data = self.names["real_source"](settings, rng)
        self.players = Players(before.G, before.D, data, before.noise, *optimizers)
        self.settings = settings
        self._begin()

    def _begin(self) -> None:
        """Begin the loop, with the present players and settings."""
        settings, names = self.settings, self.names
        self.game, self.penalty = names["rules"](settings), names["penalty"](settings)
        self.quiet_game = names["rules"](replace(settings, noise=0.0))  # draws no random numbers
        self.watched = self.sources(np.random.default_rng([settings.seed, 4]))
        self.rounds: Iterator[Round] = self.code["tinygan.gan.algorithm"]["play"](
            self.game, *self.players, m=settings.m, k=settings.k, penalty=self.penalty
        )

    def sources(self, rng: Rng) -> tuple[Source, Source]:
        """Sources of real examples and of noise that are like the game's but independent of it."""
        return tuple(self.names[f"{kind}_source"](self.settings, rng) for kind in ("real", "noise"))

    def arguments(self) -> dict[str, Any]:
        """The arguments of `play` by name."""
        return self.players._asdict() | {"game": self.game, "penalty": self.penalty}

    def play(self, rounds: int) -> None:
        """Play rounds until one of them stops the run."""
        for _ in range(rounds):
            self.play_one()

    def play_one(self, step: Step = next) -> None:
        """Play a round, `step(self.rounds)`, unless the run has stopped. It stops if the round
        raises an exception or a loss is not finite."""
        if self.stopped:
            return
        is_probed = (self.round + 1) % EVERY == 0
        try:
            with np.errstate(all="ignore"):
                update = UpdateSize(*self.players[-2:]) if is_probed else None
                result = step(self.rounds)
                self.round += 1
                self._note(result)
                if update and not self.stopped:
                    self._probe(update.moved())
        except StopIteration:
            self.stopped = SourceError("the loop has ended")
        except Exception as problem:
            self.stopped = fault(problem)

    def _note(self, result: Round) -> None:
        """Append to the curves. On the line the JSD is exact. Otherwise it is log 2 - d_loss / 2, a
        lower bound on average: the best D would have the smallest loss. The logits of a round are
        those before D's step."""
        game, G = self.quiet_game, self.players.G
        real, fake = (l.numpy().astype(np.float64) for l in (result.real, result.fake))
        jsd = math.nan
        if self.settings.data == "line":
            jsd = density.exact_jsd(G)
        elif game.probability:
            d_loss = np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean()
            jsd = math.log(2) - d_loss / 2
        losses = {"d_loss": result.d_loss.item(), "g_loss": result.g_loss.item()}
        values = losses | {
            "d_real": shown(game, real).mean(), "d_fake": shown(game, fake).mean(), "jsd": jsd
        }  # fmt: skip
        for name in CURVES:
            value = float(values[name])
            self.latest[name] = value if math.isfinite(value) else None
            self._curves[name].append(self.latest[name])
        for name, loss in losses.items():
            if not math.isfinite(loss):
                self.stopped = SourceError(f"{name} is {loss} after round {self.round}")

    def _probe(self, moved: Mapping[str, float]) -> None:
        """Let the doctor look at G and D; note each diagnosis once."""
        data, noise = self.watched
        x, z = data(self.settings.m), noise(self.settings.m)
        G, D = self.players.G, self.players.D
        probes = [*self._probes, probe(self.quiet_game, G, D, x, z, step=self.round, moved=moved)]
        self._probes = probes[:FIRST] + probes[FIRST:][-LAST:]
        known = {each["name"] for each in self.diagnoses}
        for found in zip(*(diagnose(self._probes, each) for each in LANGUAGES), strict=True):
            if (name := found[0].name) not in known:
                seen = {lang: each.seen for lang, each in zip(LANGUAGES, found, strict=True)}
                self.diagnoses.append({"name": name, "round": self.round, "seen": seen})

    def take_curves(self) -> dict[str, list[float | None]]:
        """The values of each round since the last call; None where there is no number."""
        taken, self._curves = self._curves, {name: [] for name in CURVES}
        return taken


def shown(game: Any, logits: np.ndarray) -> np.ndarray:
    """D(x) for D's logits: their sigmoid if D is a probability in this game, or the logits."""
    return 1 / (1 + np.exp(-logits)) if game.probability else logits
