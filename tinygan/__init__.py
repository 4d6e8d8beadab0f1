"""tinygan: generative adversarial networks from scratch, on NumPy and CuPy.

    backend -> tensor -> ops, conv -> autograd -> nn -> losses, optim -> gan

is the order to read it in: `gan.play` is Algorithm 1. The names below are the public API;
`tinygan.data`, `tinygan.models`, `tinygan.plots` and `tinygan.training` are imported by name.
"""

import os

# OpenBLAS reads this when NumPy loads it. Its idle threads wait in a loop for 2^26 cycles before
# they sleep, which takes a core from whoever computes meanwhile; 2^19, a fifth of a millisecond,
# spans the pause between two layers. Without effect if NumPy was imported before tinygan.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "19")

from . import backend, gan, losses, nn, ops, optim
from .autograd import grad
from .backend import BackendUnavailable
from .conv import conv2d, conv_transpose2d
from .errors import InputError
from .gan import Game, play, play_simultaneously
from .tensor import Tensor, no_grad

__version__ = "0.1.0"

__all__ = [
    "BackendUnavailable",
    "Game",
    "InputError",
    "Tensor",
    "backend",
    "conv2d",
    "conv_transpose2d",
    "gan",
    "grad",
    "losses",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "play",
    "play_simultaneously",
]
