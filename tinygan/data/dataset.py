"""Dataset: images, and labels if there are any; every reader returns one."""

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from ..plain_array import plain_array

__all__ = ["Dataset", "check_labels"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images as stored, not scaled, and their labels. Its length is the number of images.

    images   uint8 (N, C, H, W)
    labels   int64 (N,), indices into `classes`, -1 for an image without a label; None if no image
             has one
    classes  the names of the classes; None if there are no labels
    """

    name: str
    images: np.ndarray
    labels: np.ndarray | None
    classes: tuple[str, ...] | None

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> NoReturn:
        raise TypeError(
            "a Dataset is not iterated: use its .images and .labels, or "
            "Minibatches(dataset.images, rng=rng)(64), the first 64 images"
        )

    def labeled(self) -> tuple[np.ndarray, np.ndarray]:
        """Images (N, C, H, W) and labels (N,).

        Raises ValueError if there are no labels."""
        if self.labels is None:
            raise ValueError(f"{self.name}: has no labels")
        return self.images, self.labels


def check_labels(given: Any, n: int, classes: int | None = None) -> None:
    """Raise TypeError or ValueError unless `given` is a NumPy array of n integers from 0 to
    classes - 1; without `classes` there is no upper bound."""
    given = plain_array("labels", given)
    if given.shape != (n,) or given.dtype.kind not in "iu":
        raise ValueError(f"labels: expected integers ({n},), got {given.dtype} {given.shape}")
    wrong = np.flatnonzero((given < 0) | (given >= (np.inf if classes is None else classes)))
    if wrong.size:
        expected = "numbers >= 0" if classes is None else f"0..{classes - 1}"
        i = wrong[0]
        raise ValueError(f"labels: expected {expected}, got labels[{i}] = {given[i]}")
