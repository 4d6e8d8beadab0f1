"""Checkerboards: the pattern that transposed convolutions leave (Odena, Dumoulin and Olah 2016).

A kernel of size k with stride s adds up to k/s numbers in each pixel: everywhere as many if s
divides k, else more in some than in others, in a pattern of period s that the weights must undo.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import of
from ..nn import checks
from .rows import array

__all__ = ["checkerboard", "overlap"]


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
