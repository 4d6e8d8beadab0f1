"""The game of generative adversarial networks, and Algorithm 1 that plays it.

min over G, max over D of   E[log D(x)] + E[log(1 - D(G(z)))]          (Goodfellow et al. 2014)

games.py       what D and G pay for the logits they get: a `Game`, by name in `GAMES`
labels.py      wrappers of a game: smoothing, noise and flips of what D is told
penalties.py   terms added to D's loss: WGAN-GP, R1
algorithm.py   `play`: Algorithm 1; `play_simultaneously`: both steps at once
"""

from .algorithm import Round, Source, Updates, discriminate, play, play_simultaneously
from .games import (
    GAMES,
    Game,
    LogitLoss,
    hinge,
    least_squares,
    minimax,
    non_saturating,
    wasserstein,
)
from .penalties import Penalty, r1, wgan_gp
from .smoothing import label_flips, label_noise, label_smoothing, one_sided_smoothing

__all__ = [
    "GAMES",
    "Game",
    "LogitLoss",
    "Penalty",
    "Round",
    "Source",
    "Updates",
    "discriminate",
    "hinge",
    "label_flips",
    "label_noise",
    "label_smoothing",
    "least_squares",
    "minimax",
    "non_saturating",
    "one_sided_smoothing",
    "play",
    "play_simultaneously",
    "r1",
    "wasserstein",
    "wgan_gp",
]
