"""Layers and networks. Names, argument order and weight layouts are those of PyTorch. Layers with
random numbers take an explicit `rng` (a numpy.random.Generator); there is no global state."""

import typing

from .. import signposts
from . import init as init
from .conv import *
from .dropout import *
from .layers import *
from .minibatch_discrimination import *
from .module import *
from .norm import *
from .reparametrize import *
from .resample import *

if not typing.TYPE_CHECKING:  # it would allow every name
    __getattr__ = signposts.missing(__name__)
