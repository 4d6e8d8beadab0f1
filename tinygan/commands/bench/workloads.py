"""The rounds that are timed: a model, the shape of its images, and a minibatch size.

Each is one step of D and one of G in the non-saturating game, in float32, with Adam (2e-4, betas .5
and .999).
"""

from typing import NamedTuple

import numpy as np

from ... import data
from ...backend import Rng
from ...errors import choose
from ...models import Pair, build
from ...models.flops import flops

LR, BETAS = 2e-4, (0.5, 0.999)


class Workload(NamedTuple):
    """A model, the shape (C, H, W) of its images, and the size of a minibatch."""

    model: str
    shape: tuple[int, int, int]
    batch: int = 64

    def build(self, rng: Rng, width: float = 1) -> Pair:
        """The pair, with its hidden layers `width` times as wide."""
        return build(self.model, self.shape, rng=rng, width=width)

    def images(self) -> np.ndarray:
        """10,000 uint8 images: the embedded digits, or noise for models of another shape."""
        if self.shape == (1, 28, 28):
            return data.load("digits").images
        rng = np.random.default_rng(0)
        return rng.integers(256, size=(10_000, *self.shape), dtype=np.uint8)

    def flops(self, batch: int, width: float = 1) -> int:
        """The floating-point operations of one round: see `models.flops`."""
        pair = self.build(np.random.default_rng(0), width)
        return batch * flops(pair, self.shape)


WORKLOADS = {
    workload.model: workload
    for workload in (
        Workload("mlp-small", (1, 28, 28)),
        Workload("mlp-mid", (1, 28, 28)),
        Workload("mlp-2014", (1, 28, 28), batch=100),
        Workload("dcgan28", (1, 28, 28)),
        Workload("dcgan32", (3, 32, 32)),
    )
}


def find(name: str) -> Workload:
    """The workload `name`.

    Raises InputError if there is none."""
    return WORKLOADS[choose("workload", name, WORKLOADS)]
