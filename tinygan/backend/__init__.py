"""The array libraries, NumPy on the CPU and CuPy on a GPU, and the code that makes them fast."""

from . import arrays
from .arrays import *

__all__ = list(arrays.__all__)
