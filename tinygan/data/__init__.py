"""Data sets by name: `load("digits").images` is uint8 (N, C, H, W); and minibatches of them."""

from .catalog import load, names
from .dataset import Dataset
from .minibatches import Minibatches

__all__ = ["Dataset", "Minibatches", "load", "names"]
