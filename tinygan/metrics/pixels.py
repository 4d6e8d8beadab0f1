"""The peak signal-to-noise ratio: how near images are to those that they should be.

Checkerboards: the pattern that transposed convolutions leave (Odena, Dumoulin and Olah 2016).

A kernel of size k with stride s adds up to k/s numbers in each pixel: everywhere as many if s
divides k, else more in some than in others, in a pattern of period s that the weights must undo.

The earth mover's distance along a line: how far mass must travel, at the least.

    W1(p, q) = integral of |F_p(t) - F_q(t)| dt = integral of |F_p^-1(u) - F_q^-1(u)| du

with F the share below t. (In more than one dimension there is no such formula.)
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

from .. import checks
from ..backend import Array, of
from .distances import array, rows, same_width

__all__ = ["checkerboard", "overlap", "psnr", "wasserstein"]


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


def overlap(kernel_size: int, stride: int) -> np.ndarray:
    """How many numbers a transposed convolution adds up in each of `stride` neighbouring pixels,
    away from the border; along one axis."""
    kernel_size, stride = checks.sizes(kernel_size=kernel_size, stride=stride)
    return np.bincount(np.arange(kernel_size) % stride, minlength=stride)


def checkerboard(images: Any) -> float:
    """The share of the images' contrast in patterns of period 2, (N, C, H, W) with H and W even:
    energy at the frequencies (0, 1/2), (1/2, 0) and (1/2, 1/2) over that of all but (0, 0). Hold it
    against that of real images; it is 3 / (H W - 1) for white noise, 1 for a chessboard, 0 for a
    gradient of light, nearly."""
    if array("images", images).ndim != 4 or images.shape[2] % 2 or images.shape[3] % 2:
        raise ValueError(f"images: expected (N, C, H, W) with H and W even, got {images.shape}")
    h, w = images.shape[2:]
    power = np.abs(np.fft.fft2(of(images).to_host(images).astype(np.float64))) ** 2
    power = power.sum(axis=(0, 1))
    total = power.sum() - power[0, 0]
    at = power[0, w // 2] + power[h // 2, 0] + power[h // 2, w // 2]
    return float(at / total) if total > 0 else 0.0


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
