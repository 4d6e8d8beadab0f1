"""Layers and networks. Names, argument order and weight layouts are PyTorch's. Random layers take
an explicit `rng` (a numpy.random.Generator), so that no hidden state changes a result."""

from . import init as init
from .conv import *
from .dropout import *
from .layers import *
from .minibatch_discrimination import *
from .module import *
from .norm import *
from .reparametrize import *
from .resample import *
