"""A picture of a run: real examples, fakes, D's output and G's map, as arrays.

Its noise and real examples are its own, so a picture does not change the game.
"""

import math
from typing import Any

import numpy as np

from ..autograd import grad
from ..metrics.modes import modes
from ..ops import sum
from ..tensor import Tensor, no_grad
from .run import Run, tensor
from .samples import MIXTURES, sampler

BOUNDS = [-2.0, 2.0, -2.0, 2.0]
SHOWN, COUNTED = 200, 1000
WITHIN = 3.0
Arrays = dict[str, np.ndarray]


def axis(n: int) -> np.ndarray:
    """The centers of n cells from -2 to 2."""
    return -2 + 4 * (np.arange(n) + 0.5) / n


def plane(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The points (len(y) * len(x), 2) of a grid, x fastest."""
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def squashed(run: Run, logits: np.ndarray) -> np.ndarray:
    """D's output between 0 and 1."""
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


class Camera:
    """The pictures of a session: each with the same noise and the same real examples."""

    def __init__(self, run: Run) -> None:
        rng = np.random.default_rng(0)
        self.z = tensor(rng.standard_normal((COUNTED, 2)))
        self.real = tensor(sampler(run.settings)(SHOWN, rng=rng))
        self.cells = tensor(plane(axis(40), axis(40)))
        self.square = tensor(plane(np.linspace(-2, 2, 21), np.linspace(-2, 2, 21)))

    def take(self, run: Run) -> tuple[dict[str, Any], Arrays]:
        """The numbers and the arrays of a picture."""
        G, D = run.players.G, run.players.D
        with np.errstate(all="ignore"), G.evaluating(), D.evaluating():
            with no_grad():
                fakes = G(self.z).numpy()
                heat = squashed(run, D(self.cells).numpy()).reshape(40, 40)
                bent = G(self.square).numpy().reshape(21, 21, 2)
            fake = Tensor(fakes[:SHOWN].copy())
            loss = run.game.g_loss(D(fake), D(self.real)) * float(SHOWN)
            (pull,) = grad(loss, [fake])
        header: dict[str, Any] = {
            "round": run.round,
            "kind": "plane",
            "bounds": BOUNDS,
            "stopped": run.stopped or None,
            "diagnoses": run.diagnoses,
            "modes": None,
            "of_modes": None,
            "share": None,
            "lines": {"d_loss": math.log(4), "g_loss": math.log(2), "d": 0.5},
        }
        if run.settings.data in MIXTURES:
            mixture = MIXTURES[run.settings.data]
            found = modes(np.nan_to_num(fakes), mixture, WITHIN)
            header |= {
                "modes": found.above_noise,
                "of_modes": len(mixture.means),
                "share": found.high_quality,
            }
        return header, {
            "real": self.real.numpy(),
            "fake": fake.numpy(),
            "arrows": -pull.numpy(),
            "heat": heat,
            "bent": bent,
        }
