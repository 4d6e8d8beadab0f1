"""Images combined with a number for each channel, as BatchNorm and biases need it."""

from typing import Any

import numpy as np

from .arrays import Array, of

__all__ = ["with_channels"]

FEW = 32  # channels


def with_channels(ufunc: Any, x: Array, vector: Array, out: Array | None = None) -> Array:
    """ufunc(x, vector) for images x (N, C, H, W) and a number for each channel, (1, C, 1, 1).

    NumPy is slow if the last axis in memory is short. So on the host, few channels are combined as
    rows of W C numbers with the vector repeated W times, if x is channels-last in memory. Other
    arrays x, and vectors that broadcast to them, are combined as they are."""
    plain = x.ndim != 4 or vector.shape != (1, x.shape[1], 1, 1) or x.shape[1] > FEW
    if plain or not of(x).saves_products or (out is not None and out is not x):
        return ufunc(x, vector, out=out)
    last = x.transpose(0, 2, 3, 1)
    if not last.flags.c_contiguous:
        return ufunc(x, vector, out=out)
    n, h, w, c = last.shape
    if out is None:
        out = np.empty_like(last).transpose(0, 3, 1, 2)
    rows, target = (a.reshape(n * h, w * c) for a in (last, out.transpose(0, 2, 3, 1)))
    ufunc(rows, np.tile(vector.reshape(-1), w), out=target)
    return out
