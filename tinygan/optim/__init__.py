"""Optimizers: they get gradients as values and update parameters in place.

    opt = Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt.step(grad(loss, G.parameters()))

A learning rate, or the momentum of SGD, may be a function of the number of updates so far, such as
`exponential_decay`.
"""

import typing

from .. import signposts
from .clipping import *
from .ema import *
from .optimizer import *
from .rules import *
from .schedules import *

if not typing.TYPE_CHECKING:  # it would allow every name
    __getattr__ = signposts.missing(__name__)
