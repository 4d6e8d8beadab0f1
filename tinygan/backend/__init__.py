"""Array libraries: NumPy on the CPU, CuPy on a GPU, and what makes them fast."""

from . import arrays
from .arrays import *

__all__ = list(arrays.__all__)
