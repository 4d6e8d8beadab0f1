"""Colored digits and their captions: "a red seven on blue".

    images, captions = colored(digits, labels, which, rng=rng)   captions: indices into CAPTIONS
    WORDS[TABLE[captions][0, 1]]                                 second word of the first caption

The colors are the corners of the RGB cube. An ink, the color of a digit, is one of the four with
full red. A ground, the color of the background, is one of the four without red. So no ink is a
ground, and for all colors the red channel is the gray digit.
"""

import numpy as np

from .. import checks
from ..backend import Rng
from ..plain_array import plain_array
from .dataset import check_labels

INKS = {"red": (1, 0, 0), "yellow": (1, 1, 0), "magenta": (1, 0, 1), "white": (1, 1, 1)}
GROUNDS = {"black": (0, 0, 0), "blue": (0, 0, 1), "green": (0, 1, 0), "cyan": (0, 1, 1)}
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

WORDS = ("a", "on", *INKS, *DIGITS, *GROUNDS)
# (160, 3): the digit of each caption, the index of its ink and that of its ground.
CAPTIONS = np.stack(np.unravel_index(np.arange(160), (10, 4, 4)), axis=1)
# (160, 5): the words of each caption, as indices into WORDS.
TABLE = np.array(
    [
        [0, 2 + ink, 2 + len(INKS) + digit, 1, 2 + len(INKS) + len(DIGITS) + ground]
        for digit, ink, ground in CAPTIONS
    ]
)


def colored(
    digits: np.ndarray, labels: np.ndarray, which: np.ndarray, *, rng: Rng
) -> tuple[np.ndarray, np.ndarray]:
    """Color the digits, uint8 (N, 1, H, W) with labels (N,). Return the images, uint8 (N, 3, H, W),
    and their captions, int64 (N,). The caption of a digit is drawn from those in `which` (K,) that
    name its label, all equally likely.

    With all numbers in [0, 1], a pixel is ground + digit * (ink - ground).

    Raises ValueError for other shapes and dtypes, unknown labels or captions, or a label without a
    caption; TypeError unless digits and `which` are arrays and `rng` is a Generator."""
    checks.generator(rng)
    digits, which = plain_array("digits", digits), plain_array("which", which)
    if digits.dtype != np.uint8 or digits.ndim != 4 or digits.shape[1] != 1:
        raise ValueError(f"digits: expected uint8 (N, 1, H, W), got {digits.dtype} {digits.shape}")
    check_labels(labels, len(digits), len(DIGITS))
    if which.ndim != 1 or which.dtype.kind not in "iu":
        raise ValueError(f"which: expected integers (K,), got {which.dtype} {which.shape}")
    if which.size and not 0 <= which.min() <= which.max() < len(CAPTIONS):
        raise ValueError(
            f"which: expected 0..{len(CAPTIONS) - 1}, got {which.min()}..{which.max()}"
        )
    captions = np.zeros(len(digits), np.int64)
    for digit in np.unique(labels):
        possible = which[CAPTIONS[which, 0] == digit]
        if not len(possible):
            raise ValueError(f"which: none of these captions names the digit {digit}")
        same = labels == digit
        captions[same] = rng.choice(possible, same.sum())
    inks, grounds = (
        np.array([*colors.values()], np.int16)[index][:, :, None, None]  # (N, 3, 1, 1)
        for colors, index in zip((INKS, GROUNDS), CAPTIONS[captions, 1:].T, strict=True)
    )
    # Exact in integers: a channel of a color is 0 or 1, so the result is digits, 255 - digits, 0
    # or 255.
    images = 255 * grounds + digits * (inks - grounds)
    return images.astype(np.uint8), captions
