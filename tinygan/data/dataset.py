"""Dataset: images, and labels if there are any; every reader returns one."""

from typing import NamedTuple

import numpy as np

__all__ = ["Dataset"]


class Dataset(NamedTuple):
    """Images as stored, not scaled, and their labels.

    images   uint8 (N, C, H, W)
    labels   int64 (N,), indices into `classes`, -1 for an image without a label; None if no image
             has one
    classes  the names of the classes; None if there are no labels
    """

    name: str
    images: np.ndarray
    labels: np.ndarray | None
    classes: tuple[str, ...] | None

    def labeled(self) -> tuple[np.ndarray, np.ndarray]:
        """Images (N, C, H, W) and labels (N,).

        Raises ValueError if there are no labels."""
        if self.labels is None:
            raise ValueError(f"{self.name}: has no labels")
        return self.images, self.labels
