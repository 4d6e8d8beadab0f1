"""Schedules: a learning rate as a function of the number of updates so far.

An optimizer accepts a number or any function of that count.
"""

import math
from collections.abc import Callable

from .. import checks

__all__ = ["cosine_decay", "exponential_decay", "linear"]


def linear(start: float, end: float, steps: int) -> Callable[[int], float]:
    """A linear change from `start` to `end` over `steps` updates, then constant."""
    checks.between(0, math.inf, start=start, end=end)
    checks.between(0, math.inf, "()", steps=steps)
    return lambda t: start + (end - start) * min(1.0, t / steps)


def exponential_decay(start: float, rate: float, minimum: float = 0.0) -> Callable[[int], float]:
    """max(minimum, start / rate^t). The 2014 paper's code has 0.1 / 1.000004^t, at least 1e-6."""
    checks.between(0, math.inf, start=start, minimum=minimum)
    checks.between(1, math.inf, rate=rate)  # PyTorch's gamma is 1 / rate
    return lambda t: max(minimum, start * rate**-t)


def cosine_decay(start: float, steps: int, end: float = 0.0) -> Callable[[int], float]:
    """Half a cosine from `start` to `end` over `steps` updates (Loshchilov, Hutter 2016)."""
    checks.between(0, math.inf, start=start, end=end)
    checks.between(0, math.inf, "()", steps=steps)
    return lambda t: end + (start - end) * (1 + math.cos(math.pi * min(1.0, t / steps))) / 2
