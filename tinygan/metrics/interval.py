"""Where a mean may lie: Student's interval, for the few seeds that one can afford."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

__all__ = ["quantile_t", "t_interval"]


def quantile_t(level: float, freedom: int) -> float:
    """The t for which Student's distribution of so many degrees of freedom lies within (-t, t) with
    probability `level`: 12.71 for .95 and 1, 1.96 for .95 and infinitely many.

    With t = sqrt(freedom) tan(a), the density is cos(a)^(freedom - 1) in a, up to a factor."""
    numbers = isinstance(level, Real) and isinstance(freedom, Real)
    if not (numbers and 0 < level < 1 and 1 <= freedom < math.inf):
        raise ValueError(
            f"level, freedom: expected within (0, 1), >= 1; got {level!r}, {freedom!r}"
        )
    a = np.linspace(0, math.pi / 2, 20_001)
    density = np.cos(a) ** (freedom - 1)
    share = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return math.sqrt(freedom) * math.tan(np.interp(level, share / share[-1], a))


def t_interval(values: Any, level: float = 0.95) -> tuple[float, float]:
    """The mean of `values` (one a seed) and half the width of the interval around it that holds the
    true mean with probability `level`, if they are independent and normal: t s / sqrt(n).

    It says nothing of what was the same for all seeds. Raises ValueError for fewer than two."""
    x = np.asarray(values, np.float64).reshape(-1)
    if len(x) < 2 or not np.isfinite(x).all():
        raise ValueError(f"values: expected at least two finite numbers, got {values!r}")
    return float(x.mean()), quantile_t(level, len(x) - 1) * float(x.std(ddof=1)) / math.sqrt(len(x))
