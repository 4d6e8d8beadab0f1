"""Layers and networks. Names, argument order and weight layouts are PyTorch's. Random layers take
an explicit `rng` (a numpy.random.Generator), so that no hidden state changes a result."""

from . import (
    conv,
    dropout,
    init,
    layers,
    minibatch_discrimination,
    module,
    norm,
    reparametrize,
    resample,
)
from .conv import *
from .dropout import *
from .layers import *
from .minibatch_discrimination import *
from .module import *
from .norm import *
from .reparametrize import *
from .resample import *

__all__ = ["init"]
__all__ += conv.__all__
__all__ += dropout.__all__
__all__ += layers.__all__
__all__ += minibatch_discrimination.__all__
__all__ += module.__all__
__all__ += norm.__all__
__all__ += reparametrize.__all__
__all__ += resample.__all__
