"""Pictures of a run: real examples, fakes, D's output and G's map, as arrays.

    head, arrays = Camera(run).take()

    plane     real, fake (n, 2); arrows (n, 2), minus the gradient of G's loss at each fake, times
              n; heat (40, 40), D's output in cells of the plane; bent (21, 21, 2), G on a grid of z
    line      x, p_data, p_g, d, d_star (201,); map (41, 2), z and G(z)
    digits    real (16, 28, 28), fake (64, 28, 28), in [0, 1]

The real examples and the noise are the same in all pictures of a run, and not the game's own. So a
picture does not change the game.
"""

import math
from typing import Any

import numpy as np

from ..autograd import grad
from ..gan import GAMES, Game
from ..metrics.modes import modes
from ..models.pair import pixels
from ..tensor import Tensor, no_grad
from . import density
from .run import Run
from .samples import MIXTURES
from .settings import IN_PLANE, Settings

EDGE = 2.0  # a picture of the plane goes from -EDGE to EDGE on both axes
CELLS, BENT = 40, 21
POINTS, COUNTED = 200, 1000  # points in a picture; samples whose modes are counted
SHEET, REAL = 64, 16  # images in a picture
WITHIN = 3.0  # standard deviations: the radius of a mode

Arrays = dict[str, np.ndarray]
Head = dict[str, Any]


def grid(axis: np.ndarray) -> Tensor:
    """The points (n * n, 2) of a grid with this axis (n,): the first coordinate changes first."""
    return Tensor(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2).astype(np.float32))


class Camera:
    """The pictures of a run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        data, noise = run.sources(np.random.default_rng([run.settings.seed, 5]))
        self.kind = "plane" if run.settings.data in IN_PLANE else run.settings.data
        self.real, self.z = data(REAL if self.kind == "digits" else POINTS), noise(COUNTED)

    def take(self) -> tuple[Head, Arrays]:
        """The numbers and the arrays of a picture of the run as it is now."""
        run = self.run
        G, D = run.players.G, run.players.D
        head: Head = {
            "round": run.round,
            "d_loss": run.latest["d_loss"],
            "g_loss": run.latest["g_loss"],
            "kind": self.kind,
            "lines": equilibrium(run.settings),
            "squashed": _has_no_scale(run.settings),
            "modes": None,
            "of_modes": None,
            "share": None,
            "diagnoses": run.diagnoses,
            "stopped": run.stopped and str(run.stopped),
            "at": run.stopped and [run.stopped.module, run.stopped.line],
        }
        with np.errstate(all="ignore"), G.evaluating(), D.evaluating():
            more, arrays = {"plane": self._plane, "line": self._line, "digits": self._digits}[
                self.kind
            ]()
        return head | more, arrays

    def _plane(self) -> tuple[Head, Arrays]:
        G, D, game = self.run.players.G, self.run.players.D, self.run.quiet_game
        middle = EDGE * (1 - 1 / CELLS)  # of the last cell
        with no_grad():
            samples = G(self.z).numpy()
            heat = D(grid(np.linspace(-middle, middle, CELLS))).numpy()
            bent = G(grid(np.linspace(-2, 2, BENT))).numpy()
        fake = Tensor(samples[:POINTS].copy())
        (g,) = grad(game.g_loss(D(fake), D(self.real)), [fake], allow_unused=True)
        return {"bounds": [-EDGE, EDGE, -EDGE, EDGE]} | self._modes(samples), {
            "real": self.real.numpy(),
            "fake": fake.numpy(),
            "arrows": -POINTS * g.numpy(),
            "heat": self._squashed(heat).reshape(CELLS, CELLS),
            "bent": bent.reshape(BENT, BENT, 2),
        }

    def _line(self) -> tuple[Head, Arrays]:
        G, D = self.run.players.G, self.run.players.D
        p, q = (density.density(each) for each in (density.data_masses(), density.fake_masses(G)))
        z = density.NOISE[::10, None]
        with no_grad():
            d = D(Tensor(density.CENTERS[:, None].astype(np.float32))).numpy()
            x = G(Tensor(z.astype(np.float32))).numpy()
        best = density.best_probability(self.run.settings, p, q)
        return {"bounds": [density.LOW, density.HIGH, 0.0, 1.0]}, {
            "x": density.CENTERS,
            "p_data": p,
            "p_g": q,
            "d": self._squashed(d).reshape(-1),
            "d_star": best,
            "map": np.concatenate([z, x], axis=1),
        }

    def _digits(self) -> tuple[Head, Arrays]:
        fake = pixels(self.run.players.G, self.z[:SHEET])
        real = np.clip((self.real.numpy() + 1) / 2, 0, 1)
        return {"bounds": [0.0, 1.0, 0.0, 1.0]}, {"fake": fake[:, 0], "real": real[:, 0]}

    def _modes(self, samples: np.ndarray) -> Head:
        """The number of modes of the samples (n, 2), and the share of samples near a mode."""
        mixture = MIXTURES.get(self.run.settings.data)
        if mixture is None:
            return {}
        found = modes(np.nan_to_num(samples).clip(-1e9, 1e9), mixture, WITHIN)
        return {
            "modes": found.above_noise,
            "of_modes": len(mixture.means),
            "share": found.high_quality,
        }

    def _squashed(self, logits: np.ndarray) -> np.ndarray:
        """D's output as a number from 0 to 1: the sigmoid, but D itself if its targets are numbers
        from 0 to 1."""
        game = GAMES[self.run.settings.game]
        if game.d_at_equilibrium is not None and not game.probability:
            return logits.clip(0, 1)
        return 1 / (1 + np.exp(-logits.astype(np.float64)))


def _has_no_scale(settings: Settings) -> bool:
    """Return whether D's output is neither a probability nor a number with a target."""
    game = GAMES[settings.game]
    return game.d_at_equilibrium is None and not game.probability


def equilibrium(settings: Settings) -> dict[str, float | None]:
    """The losses and D(x) when G's distribution is that of the data and D is the best D; None where
    they have no certain value."""
    game, level = GAMES[settings.game], GAMES[settings.game].d_at_equilibrium
    if settings.smoothing or settings.noise or settings.penalty == "wgan-gp":
        return {"d_loss": None, "g_loss": None, "d": None}
    if level is None and not isinstance(game, Game):
        return {"d_loss": None, "g_loss": None, "d": None}
    logit = math.log(level / (1 - level)) if game.probability and level else level or 0.0
    logits = Tensor(np.full((1, 1), logit))
    return {
        "d_loss": game.d_loss(logits, logits).item(),
        "g_loss": game.g_loss(logits, logits).item(),
        "d": level,
    }
