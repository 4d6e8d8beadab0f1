"""The rounds that are timed: a pair, the shape of its images, and a minibatch size.

Each is one step of D and one of G in the non-saturating game, in float32, with Adam (2e-4, betas .5
and .999).
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ... import data
from ...backend import Rng
from ...errors import choose
from ...models import Pair, build
from ...models.flops import flops
from ...models.pair import Shape
from .shapes import Convolutional, mlp

LR, BETAS = 2e-4, (0.5, 0.999)
GEMM = 2048  # rows of the matrices whose product gives the peak; on a GPU, four times as many
EAGER = "-eager"  # the suffix of a backend whose rounds are not captured


class Workload(NamedTuple):
    """A name, the shape (C, H, W) of the images, the size of a minibatch, and the function that
    makes the pair; without one, the pair is the model of that name."""

    name: str
    shape: Shape
    batch: int = 64
    make: Callable[..., Pair] | None = None

    def build(self, rng: Rng, width: float = 1) -> Pair:
        """The pair, with its hidden layers `width` times as wide."""
        make = self.make or partial(build, self.name)
        return make(self.shape, rng=rng, width=width)

    def images(self) -> np.ndarray:
        """Images as uint8: the embedded digits, or noise for pairs of another shape (10,000, but at
        most 32 MB)."""
        if self.shape == (1, 28, 28):
            return data.load("digits").images
        n = min(10_000, (32 << 20) // math.prod(self.shape))
        rng = np.random.default_rng(0)
        return rng.integers(256, size=(n, *self.shape), dtype=np.uint8)

    def flops(self, batch: int, width: float = 1, *, dense: bool = True) -> int:
        """The floating-point operations of one round: see `models.flops`."""
        pair = self.build(np.random.default_rng(0), width)
        return batch * flops(pair, self.shape, dense=dense)


def _convolutional(name: str, batch: int, *settings: Any) -> Workload:
    make = Convolutional(*settings)
    return Workload(name, make.shape, batch, make)


MODELS = (
    Workload("mlp-small", (1, 28, 28)),
    Workload("mlp-mid", (1, 28, 28)),
    Workload("mlp-2014", (1, 28, 28), batch=100),
    Workload("dcgan28", (1, 28, 28)),
    Workload("dcgan28-slim", (1, 28, 28)),
    Workload("dcgan32", (3, 32, 32)),
    Workload("dcgan", (3, 64, 64), batch=16),
)
SHAPES = (
    Workload("mlp-64-300-3072", (3, 32, 32), 37, mlp),
    _convolutional("dcgan64-24", 16, 4, 2, (96, 48, 24), 8),
    _convolutional("conv-k3-s1-16", 256, 3, 1, (16, 8), 16),
    _convolutional("conv-k3-s2-256", 8, 3, 2, (256, 128), 4),
    _convolutional("conv-k4-s1-64", 32, 4, 1, (64, 32), 16),
    _convolutional("conv-k4-s2-32", 128, 4, 2, (32, 16), 8),
    _convolutional("conv-k5-s1-32", 16, 5, 1, (32, 16), 16),
    _convolutional("conv-k5-s2-128", 64, 5, 2, (128, 64), 7),
)
WORKLOADS = {workload.name: workload for workload in (*MODELS, *SHAPES)}
DEFAULT = tuple(workload.name for workload in MODELS)


def find(name: str) -> Workload:
    """The workload `name`.

    Raises InputError if there is none."""
    return WORKLOADS[choose("workload", name, WORKLOADS)]
