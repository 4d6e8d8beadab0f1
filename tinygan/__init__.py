"""tinygan: generative adversarial networks from scratch, on NumPy and CuPy.

    backend -> tensor -> ops, conv -> autograd -> nn -> losses, optim -> gan

is the order to read it in: `gan.play` is Algorithm 1. The names below are the public API;
`tinygan.data`, `tinygan.models`, `tinygan.plots` and `tinygan.training` are imported by name.
"""

from . import backend, gan, losses, nn, ops, optim
from .autograd import grad
from .conv import conv2d, conv_transpose2d
from .errors import BackendUnavailable, InputError
from .gan import Game, play, play_simultaneously
from .tensor import Tensor, no_grad

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

__version__ = "0.2.0"
