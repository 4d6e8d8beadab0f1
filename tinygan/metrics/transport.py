"""The earth mover's distance along a line: how far mass must travel, at the least.

    W1(p, q) = integral of |F_p(t) - F_q(t)| dt = integral of |F_p^-1(u) - F_q^-1(u)| du

with F the share below t. (In more than one dimension there is no such formula.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import of
from .rows import rows, same_width

__all__ = ["wasserstein"]


def wasserstein(real: Any, fake: Any) -> np.ndarray:
    """W1 of the samples (N, D) and (M, D) along each of the D axes by itself, as (D,), in their
    units. For as many of both it is the mean |difference| of the two in ascending order.

    Of N(0, 1) and N(m, s^2) it is |m| for s = 1 and |s - 1| sqrt(2 / pi) for m = 0. It is never
    0: two sets of N samples of N(0, 1) are about 1.8 / sqrt(N) apart. What depends on more
    than one axis is not seen. Raises ValueError for sets of other widths."""
    a, b = rows("real", real), rows("fake", fake)
    same_width("fake", b, "real", a)
    xp = of(a).xp
    both = xp.concatenate([a, b])
    order = xp.argsort(both, axis=0)
    steps = xp.where(order < len(a), 1 / len(a), -1 / len(b))
    ahead = abs(xp.cumsum(steps, axis=0)[:-1])  # |F_p - F_q| between each point and the next
    ascending = xp.sort(both, axis=0)
    return of(a).to_host((ahead * (ascending[1:] - ascending[:-1])).sum(axis=0))
