"""The rounds that are timed: a model, the shape of its images, and a minibatch size.

Each is one step of D and one of G in the non-saturating game, in float32, with Adam (2e-4, betas .5
and .999).
"""

import math
from typing import NamedTuple

import numpy as np

from ... import data, nn
from ...backend import Rng
from ...errors import choose
from ...models import Pair, build
from ...tensor import Tensor, no_grad

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
        """Floating-point operations of the matrix products and convolutions in one round: a
        multiplication and an addition count as two, and unused gradients as none."""
        pair = self.build(np.random.default_rng(0), width)
        with no_grad():
            z = Tensor(np.zeros((1, pair.z_size), np.float32))
            x = Tensor(np.zeros((1, *self.shape), np.float32))
            g, d = (_forward(net.eval(), x) for net, x in ((pair.G, z), (pair.D, x)))
        # D's step: G forward; twice D forward, the gradients of its weights, those of its inputs
        # (but not of the images).
        d_step = sum(g) + 2 * (2 * sum(d) + sum(d[1:]))
        # G's step: both forward; the gradients of D's inputs; those of G's weights and inputs (but
        # not of the noise).
        g_step = sum(g) + 2 * sum(d) + sum(g) + sum(g[1:])
        return batch * (d_step + g_step)


def _forward(net: nn.Module, x: Tensor) -> list[int]:
    """The operations of each layer with weights in a forward pass of one example x."""
    counts = []
    for _, layer in net.children():
        y = layer(x)
        if isinstance(layer, (nn.Linear, nn.Maxout)):
            counts.append(2 * layer.weight.size)
        elif isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            # Each weight is used once for each position of the smaller image.
            counts.append(2 * layer.weight.size * min(math.prod(t.shape[2:]) for t in (x, y)))
        x = y
    return counts


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
