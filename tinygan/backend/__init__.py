"""The array libraries, NumPy on the CPU and CuPy on a GPU, and the code that makes them fast."""

from . import arrays, channels
from .arrays import *
from .channels import *

__all__ = [*arrays.__all__, *channels.__all__]
