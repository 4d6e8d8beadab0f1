"""Recognize the digit, ink and ground of colored digits, as `data.colored` makes them."""

from typing import Any

import numpy as np

from .. import nn
from ..backend import of
from ..data.colored import GROUNDS, INKS
from ..tensor import Tensor
from .classifier import Classifier, unit_images

SHARE = 0.04  # of the pixels, which count as ink: nearly every digit has more of them


def recognize_caption(images: Any, classifier: Classifier) -> np.ndarray:
    """The digit in each image (N, 3, H, H) in [0, 1], H 28 or 14, and the indices of its ink and
    its ground: (N, 3), as in `data.colored.CAPTIONS`.

    The ground is the color nearest to the median of the border pixels. The ink is the color nearest
    to the mean of the 4 % of pixels farthest from the ground. The projection of each pixel on the
    line from ground to ink gives a gray digit (interpolated to 28x28), which `classifier` predicts.
    Every image gets an answer, even noise. Faint digits stay faint: if ink and ground are each off
    by .1, the shipped classifier is wrong about more than half of them.

    Raises ValueError for other shapes, or for numbers outside of [0, 1]; TypeError unless images
    are an array.
    """
    x = unit_images(images, (3, 28, 28), (3, 14, 14))
    n, _, size, _ = x.shape
    inks, grounds = (np.array([*colors.values()], np.float32) for colors in (INKS, GROUNDS))
    border = np.ones((size, size), bool)
    border[1:-1, 1:-1] = False
    ground = _nearest(np.median(x[:, :, border], axis=2), grounds)
    difference = x.reshape(n, 3, -1) - grounds[ground][:, :, None]  # (N, 3, pixels)
    farthest = np.argsort((difference**2).sum(axis=1), axis=1)[:, -round(SHARE * size**2) :]
    mean = np.take_along_axis(difference, farthest[:, None], axis=2).mean(axis=2)
    ink = _nearest(mean + grounds[ground], inks)
    direction = inks[ink] - grounds[ground]
    # In [0, 1], since x lies in the RGB cube, and ground and ink are corners of it.
    gray = np.einsum("ncp,nc->np", difference, direction)
    gray /= (direction**2).sum(axis=1, keepdims=True)
    resize = nn.Upsample(scale_factor=28 // size, mode="bilinear")
    p = classifier.probabilities(resize(Tensor(gray.reshape(n, 1, size, size))).data)
    return np.stack([of(p).to_host(p).argmax(axis=1), ink, ground], axis=1)


def _nearest(colors: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """The index (N,) of the palette color (K, 3) nearest to each color (N, 3)."""
    return ((colors[:, None] - palette) ** 2).sum(axis=2).argmin(axis=1)
