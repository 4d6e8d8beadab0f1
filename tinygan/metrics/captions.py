"""Recognize the digit, ink and ground of colored digits, as `data.colored` makes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nn
from ..backend import of
from ..data.colored import GROUNDS, INKS
from ..tensor import Tensor
from .classifier import Classifier, unit_images

SHARE = 0.04  # of the pixels: nearly every digit has more ink


def recognize_caption(images: Any, classifier: Classifier) -> np.ndarray:
    """The digit in each image (N, 3, H, H) in [0, 1], H 28 or 14, and the indices of its ink and
    its ground: (N, 3), as in `data.colored.CAPTIONS`.

    The ground is the color nearest to the median of the border pixels; the ink is the color nearest
    to the mean of the 4 % of pixels farthest from the ground. Each pixel, projected on the line
    from ground to ink, gives a gray digit (interpolated to 28x28), which `classifier` names. Every
    image gets an answer, even noise. Faint digits stay faint: with ink and ground each off by .1,
    the shipped classifier is wrong about more than half of them.

    Raises ValueError for other shapes, or for numbers outside of [0, 1]; TypeError for other than
    an array.
    """
    x = unit_images(images, (3, 28, 28), (3, 14, 14))
    n, _, size, _ = x.shape
    inks, grounds = (np.array([*colors.values()], np.float32) for colors in (INKS, GROUNDS))
    edge = np.ones((size, size), bool)
    edge[1:-1, 1:-1] = False
    ground = _nearest(np.median(x[:, :, edge], axis=2), grounds)
    flat = x.reshape(n, 3, -1) - grounds[ground][:, :, None]
    far = np.argsort((flat**2).sum(axis=1), axis=1)[:, -round(SHARE * size**2) :]
    most = np.take_along_axis(flat, far[:, None], axis=2).mean(axis=2)
    ink = _nearest(most + grounds[ground], inks)
    way = inks[ink] - grounds[ground]
    # In [0, 1]: x lies in the RGB cube, and ground and ink are corners of it.
    gray = np.einsum("ncp,nc->np", flat, way) / (way**2).sum(axis=1, keepdims=True)
    larger = nn.Upsample(scale_factor=28 // size, mode="bilinear")
    digit = classifier.probabilities(larger(Tensor(gray.reshape(n, 1, size, size))).data)
    return np.stack([of(digit).to_host(digit).argmax(axis=1), ink, ground], axis=1)


def _nearest(colors: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """The index (N,) of the palette color (K, 3) nearest to each color (N, 3)."""
    return ((colors[:, None] - palette) ** 2).sum(axis=2).argmin(axis=1)
