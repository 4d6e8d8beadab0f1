"""Data sets by name: `load("digits").images` is uint8 (N, C, H, W); and minibatches of them."""

from . import catalog, dataset, minibatches
from .catalog import *
from .dataset import *
from .minibatches import *

__all__: list[str] = []
__all__ += catalog.__all__
__all__ += dataset.__all__
__all__ += minibatches.__all__
