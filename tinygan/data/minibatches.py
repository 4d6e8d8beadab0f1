"""Minibatches of a data set, reshuffled every epoch: the `data` of Algorithm 1.

    data = Minibatches(dataset.images, rng=rng)
    x = data(64)                          a Tensor (64, C, H, W) in [-1, 1]

The order of the images in an epoch depends only on the seed and the number of the epoch. So three
integers are enough to save the position in the data, and a resumed run gets the same images.
"""

import math
from typing import Any, NoReturn

import numpy as np

from .. import checks
from ..backend import Array, Rng, move, place
from ..backend.inputs import host_input, local_rows
from ..plain_array import plain_array
from ..tensor import Tensor

__all__ = ["Minibatches"]


class Minibatches:
    """A source of minibatches of uint8 images (N, C, H, W): a call with m returns the next m
    images, a float32 Tensor (m, C, H, W) scaled to [low, high].

    The images are stored as uint8 on `backend`, and minibatches are gathered there. Each image
    appears once per epoch. If fewer than m images of an epoch are left, the first images of the
    next epoch follow, so all minibatches have m images. `labels` (N,) are for `labeled`. The length
    is N, the number of images.

    Raises ValueError or TypeError for other images or labels.
    """

    def __init__(
        self,
        images: np.ndarray,
        *,
        rng: Rng,
        low: float = -1.0,
        high: float = 1.0,
        backend: str = "numpy",
        labels: np.ndarray | None = None,
    ) -> None:
        images = plain_array("images", images)
        labels = None if labels is None else plain_array("labels", labels)
        checks.generator(rng)
        checks.between(-math.inf, math.inf, "()", low=low, high=high)
        if images.dtype != np.uint8 or images.ndim != 4 or not len(images):
            raise ValueError(
                f"images: expected uint8 (N, C, H, W) with N >= 1, got {images.dtype} "
                f"{images.shape}{_first_not_finite(images)}"
            )
        if labels is not None and (
            labels.shape != images.shape[:1] or labels.dtype.kind not in "iu"
        ):
            raise ValueError(
                f"labels: expected integers ({len(images)},), one for each image, got "
                f"{labels.dtype} {labels.shape}"
            )
        if not low < high:
            raise ValueError(f"low, high: expected low < high, got {low}, {high}")
        self.images, self.low, self.high = move(images, backend), low, high
        self.labels = None if labels is None else move(labels, backend)
        self.seed, self.epoch, self.position = int(rng.integers(2**63)), 0, 0
        self._order = self._shuffled()

    def __call__(self, m: int) -> Tensor:
        return self._scaled(self._indices(m))

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> NoReturn:
        raise TypeError("Minibatches are called, not iterated: data(64) returns the next 64 images")

    def at(self, which: np.ndarray) -> Tensor:
        """The images with the indices `which` (m,), scaled. The position in the data does not
        change.

        Raises TypeError or ValueError unless `which` is an array of integers (m,)."""
        which = plain_array("which", which)
        if which.ndim != 1 or which.dtype.kind not in "iu":
            raise ValueError(f"which: expected integers (m,), got {which!r}")
        return self._scaled(place(which, self.images))

    def labeled(self, m: int) -> tuple[Tensor, Tensor]:
        """The next m images (m, C, H, W) and their labels (m,).

        Raises ValueError if there are no labels."""
        if self.labels is None:
            raise ValueError("labeled: these Minibatches have no labels")
        indices = self._indices(m)
        return self._scaled(indices), Tensor(self.labels[indices])

    def _indices(self, m: int) -> Array:
        """The indices (m,) of the next m images: with several ranks, this rank's part of those of
        the whole minibatch."""
        (whole,), select = local_rows((m,))
        return host_input(lambda: select(self._next(whole)), self.images)

    def _scaled(self, indices: Array) -> Tensor:
        images = self.images[indices].astype(np.float32)
        return Tensor(images * ((self.high - self.low) / 255) + self.low)

    def _next(self, m: int) -> np.ndarray:
        """Return the indices (m,) of the next m images, and advance the position."""
        checks.sizes(m=m)
        parts = []
        while m > 0:
            if self.position == len(self._order):
                self.epoch, self.position = self.epoch + 1, 0
                self._order = self._shuffled()
            part = self._order[self.position : self.position + m]
            self.position += len(part)
            m -= len(part)
            parts.append(part)
        return np.concatenate(parts)

    def _shuffled(self) -> np.ndarray:
        """The indices (N,) in the order of the current epoch."""
        return np.random.default_rng([self.seed, self.epoch]).permutation(len(self.images))

    def state_dict(self) -> dict[str, int]:
        """The position in the data: the seed, the epoch, and how many of its images were used."""
        return {"seed": self.seed, "epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from the position in `state`.

        Raises ValueError if it is not a valid position."""
        if not isinstance(state, dict) or set(state) != {"seed", "epoch", "position"}:
            raise ValueError(f"expected seed, epoch and position, got {state!r}")
        for name, value in state.items():
            if type(value) is not int or value < 0:
                raise ValueError(f"{name}: expected an int >= 0, got {value!r}")
        if state["position"] > len(self.images):
            raise ValueError(f"position: expected 0..{len(self.images)}, got {state['position']}")
        self.seed, self.epoch, self.position = state["seed"], state["epoch"], state["position"]
        self._order = self._shuffled()


def _first_not_finite(images: np.ndarray) -> str:
    """The index and the value of the first number that is infinite or NaN, if there is one."""
    if images.dtype.kind != "f" or np.isfinite(images).all():
        return ""
    index = np.argwhere(~np.isfinite(images))[0].tolist()
    return f"; images{index} is {images[tuple(index)]}"
