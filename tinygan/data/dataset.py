"""What every reader returns: images, and labels where the data set has them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Dataset"]


class Dataset(NamedTuple):
    """Images as they are stored, uint8; whoever trains on them chooses the scale.

    images   uint8 (N, C, H, W)
    labels   int64 (N,), an index into `classes`, -1 where an image has none; None: no labels
    classes  what the labels mean, in order; None where there are no labels
    """

    name: str
    images: np.ndarray
    labels: np.ndarray | None
    classes: tuple[str, ...] | None

    def labelled(self) -> tuple[np.ndarray, np.ndarray]:
        """Images and labels. Raises ValueError if there are none."""
        if self.labels is None:
            raise ValueError(f"{self.name}: has no labels")
        return self.images, self.labels
