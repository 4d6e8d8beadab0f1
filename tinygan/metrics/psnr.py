"""The peak signal-to-noise ratio: how near images are to those that they should be."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from ..backend import Array, of
from .rows import rows, same_width

__all__ = ["psnr"]


def psnr(images: Any, truth: Any, peak: float = 1.0) -> Array:
    """10 log10(peak^2 / mse) of each of the images (N, ...) and its own of `truth`, in dB, (N,).

    `peak` is what white is, where black is 0. Infinite where the two are equal; what is usually
    reported is the mean. Of all that an image may be, given what is known of it, the mean has the
    least error: so the measure prefers a blur to a sharp guess (Ledig et al. 2017, section 1).
    Raises ValueError for sets that are not of one shape."""
    x, y = rows("images", images), rows("truth", truth)
    same_width("images", x, "truth", y)
    if len(x) != len(y):
        raise ValueError(f"images: expected {len(y)}, one for each of truth, got {len(x)}")
    if not (isinstance(peak, Real) and 0 < peak < math.inf):
        raise ValueError(f"peak: expected a positive number, got {peak!r}")
    xp = of(x).xp
    noise = ((x - y) ** 2).mean(axis=1)
    return xp.where(noise > 0, -10 * xp.log10(xp.where(noise > 0, noise, 1) / peak**2), math.inf)
