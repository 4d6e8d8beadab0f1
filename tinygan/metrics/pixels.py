"""Metrics on pixels or points: PSNR, stroke width, checkerboard patterns, and the Wasserstein-1
distance per axis.

Transposed convolutions leave checkerboards (Odena, Dumoulin and Olah 2016): with kernel size k and
stride s, each pixel is a sum of k/s numbers along an axis. If s does not divide k, their number
varies with period s (see `overlap`), and the weights must compensate for it.

In one dimension, with cumulative distribution functions F:

    W1(p, q) = integral of |F_p(t) - F_q(t)| dt = integral of |F_p^-1(u) - F_q^-1(u)| du
"""

import math
from numbers import Real
from typing import Any

import numpy as np

from .. import checks
from ..backend import Array, of
from .distances import array, matching_rows, rows


def psnr(images: Any, truth: Any, peak: float = 1.0) -> Array:
    """The peak signal-to-noise ratio 10 log10(peak^2 / mse) of each image (N, ...) to its `truth`
    (N, ...), in dB: (N,).

    `peak` is the value of white; black is 0. The PSNR of equal images is infinite. Usually the mean
    over the images is reported. The mean of all plausible images has the smallest expected error,
    so PSNR prefers blur to a sharp guess (Ledig et al. 2017, section 1).

    Raises ValueError for sets of different shapes, or a peak that is not positive."""
    y, x = matching_rows(truth=truth, images=images)
    if len(x) != len(y):
        raise ValueError(f"images: expected {len(y)}, one for each in truth, got {len(x)}")
    if not (isinstance(peak, Real) and 0 < peak < math.inf):
        raise ValueError(f"peak: expected a positive number, got {peak!r}")
    xp = of(x).xp
    noise = ((x - y) ** 2).mean(axis=1)
    return xp.where(noise > 0, -10 * xp.log10(xp.where(noise > 0, noise, 1) / peak**2), math.inf)


def stroke_width(images: Any) -> Array:
    """The mean width in pixels of the bright strokes in each image (N, 1, H, W) on black, (N,):

        2 * area / length of the edge = 2 * sum_ij x_ij / sum_ij |gradient x|_ij

    A stroke of width w and length l has the area w l and an edge of length 2 (w + l), so the result
    is w / (1 + w / l), nearly w for a long stroke. For a disc it is the radius. It does not change
    if the image becomes brighter or darker. The sum of |gradient x| is the total variation, which
    is the length of the edge for an image of zeros and ones (Rudin, Osher and Fatemi 1992). For a
    black image the result is 0. It means nothing for images without strokes: uniform noise of
    28 x 28 pixels has 2.4, and digits have 2.6.

    Raises ValueError for other shapes, or for numbers below 0 or not finite."""
    flat = rows("images", images)
    xp = of(flat).xp
    if images.ndim != 4 or images.shape[1] != 1 or bool((flat < 0).any()):
        raise ValueError(f"images: expected (N, 1, H, W) with numbers >= 0, got {images.shape}")
    n, _, h, w = images.shape
    x = xp.pad(flat.reshape(n, h, w), ((0, 0), (1, 1), (1, 1)))
    a, b, c, d = x[:, :-1, :-1], x[:, :-1, 1:], x[:, 1:, :-1], x[:, 1:, 1:]
    # The gradient at each corner of the pixels, from the four pixels around it.
    right, down = (b + d - a - c) / 2, (c + d - a - b) / 2
    edge = xp.sqrt(right**2 + down**2).sum(axis=(1, 2))
    return 2 * x.sum(axis=(1, 2)) / xp.where(edge > 0, edge, 1)


def overlap(kernel_size: int, stride: int) -> np.ndarray:
    """The number of terms that a transposed convolution sums in each of `stride` neighboring
    pixels, (stride,), along one axis and away from the border."""
    kernel_size, stride = checks.sizes(kernel_size=kernel_size, stride=stride)
    return np.bincount(np.arange(kernel_size) % stride, minlength=stride)


def checkerboard(images: Any) -> float:
    """The share of spectral energy in patterns of period 2, for images (N, C, H, W) with H and W
    even: the energy at the frequencies (0, 1/2), (1/2, 0) and (1/2, 1/2), divided by the energy at
    all frequencies but (0, 0).

    It is 3 / (H W - 1) for white noise, 1 for a chessboard and nearly 0 for a smooth gradient:
    compare with real images.

    Raises ValueError for other shapes."""
    if array("images", images).ndim != 4 or images.shape[2] % 2 or images.shape[3] % 2:
        raise ValueError(f"images: expected (N, C, H, W) with H and W even, got {images.shape}")
    h, w = images.shape[2:]
    power = np.abs(np.fft.fft2(of(images).to_host(images).astype(np.float64))) ** 2
    power = power.sum(axis=(0, 1))
    total = power.sum() - power[0, 0]
    at = power[0, w // 2] + power[h // 2, 0] + power[h // 2, w // 2]
    return float(at / total) if total > 0 else 0.0


def wasserstein(real: Any, fake: Any) -> np.ndarray:
    """W1 of samples (N, D) and (M, D) along each axis separately, (D,), on the host, in the units
    of the samples. If N = M, it is the mean absolute difference of the sorted samples.

    For N(0, 1) and N(m, s^2) it is |m| if s = 1, and |s - 1| sqrt(2 / pi) if m = 0. For two sets of
    N samples of N(0, 1) it is about 1.8 / sqrt(N), not 0. It ignores dependence between axes.

    Raises ValueError for sets of other widths."""
    a, b = matching_rows(real=real, fake=fake)
    xp = of(a).xp
    both = xp.concatenate([a, b])
    order = xp.argsort(both, axis=0)
    steps = xp.where(order < len(a), 1 / len(a), -1 / len(b))
    heights = abs(xp.cumsum(steps, axis=0)[:-1])  # |F_p - F_q| between each point and the next
    ascending = xp.sort(both, axis=0)
    return of(a).to_host((heights * (ascending[1:] - ascending[:-1])).sum(axis=0))
