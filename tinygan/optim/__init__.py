"""Optimizers: they take gradients as values and assign new parameters.

    opt = Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt.step(grad(loss, G.parameters()))

A learning rate (and SGD's momentum) may be a function of the number of updates done, as
`exponential_decay` makes one.
"""

from .clipping import clip_grad_norm, clip_grad_value
from .ema import EMA
from .optimizer import Optimizer
from .rules import SGD, Adam, RMSprop
from .schedules import cosine_decay, exponential_decay, linear

__all__ = [
    "EMA",
    "SGD",
    "Adam",
    "Optimizer",
    "RMSprop",
    "clip_grad_norm",
    "clip_grad_value",
    "cosine_decay",
    "exponential_decay",
    "linear",
]
