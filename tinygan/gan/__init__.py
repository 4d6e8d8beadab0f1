"""The game of generative adversarial networks, and Algorithm 1 that plays it.

min over G, max over D of   E[log D(x)] + E[log(1 - D(G(z)))]          (Goodfellow et al. 2014)

games.py       the losses of D and of G: a `Game` or a `SeparableGame`, by name in `GAMES`
smoothing.py   other labels for D: smoothing, noise, flips
penalties.py   terms added to D's loss: WGAN-GP, R1, R2
algorithm.py   `play`: Algorithm 1; `play_simultaneously`: both steps at once
theory.py      the paper's quantities in closed form
variants/      one file for each paper that changes the steps or the networks' inputs
"""

from .algorithm import *
from .games import *
from .penalties import *
from .smoothing import *
