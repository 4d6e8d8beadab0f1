"""Schedules: a learning rate as a function of the number of updates done.

Where an optimizer takes a `Schedule`, it takes a number or any function from that count to one.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .. import checks

__all__ = ["cosine_decay", "exponential_decay", "linear"]


def linear(start: float, end: float, steps: int) -> Callable[[int], float]:
    """From `start` to `end` in a straight line over `steps` updates, then constant."""
    checks.between(0, math.inf, start=start, end=end)
    checks.between(0, math.inf, "()", steps=steps)
    return lambda t: start + (end - start) * min(1.0, t / steps)


def exponential_decay(start: float, rate: float, least: float = 0.0) -> Callable[[int], float]:
    """start / rate^t, but no less than `least`. The 2014 code has 0.1 / 1.000004^t, least 1e-6."""
    checks.between(0, math.inf, start=start, least=least)
    checks.between(1, math.inf, rate=rate)  # PyTorch's gamma is 1 / rate
    return lambda t: max(least, start * rate**-t)


def cosine_decay(start: float, steps: int, end: float = 0.0) -> Callable[[int], float]:
    """From `start` to `end` along half a cosine over `steps` updates (Loshchilov, Hutter 2016)."""
    checks.between(0, math.inf, start=start, end=end)
    checks.between(0, math.inf, "()", steps=steps)
    return lambda t: end + (start - end) * (1 + math.cos(math.pi * min(1.0, t / steps))) / 2
