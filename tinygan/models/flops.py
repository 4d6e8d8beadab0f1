"""The number of floating-point operations of a round of Algorithm 1."""

import math

import numpy as np

from .. import nn
from ..tensor import Tensor, no_grad
from .pair import Pair, Shape


def flops(pair: Pair, shape: Shape, *, dense: bool = True) -> int:
    """Floating-point operations of the matrix products (if `dense`) and convolutions in one round,
    for each example of a minibatch of images (C, H, W): a multiplication and an addition count as
    two, and unused gradients as none. The pair is in evaluation mode afterwards."""
    with no_grad():
        z = Tensor(np.zeros((1, pair.z_size), np.float32))
        x = Tensor(np.zeros((1, *shape), np.float32))
        g, d = (_forward(net.eval(), x, dense) for net, x in ((pair.G, z), (pair.D, x)))
    # D's step: G forward; twice D forward, the gradients of its weights, those of its inputs (but
    # not of the images).
    d_step = sum(g) + 2 * (2 * sum(d) + sum(d[1:]))
    # G's step: both forward; the gradients of D's inputs; those of G's weights and inputs (but not
    # of the noise).
    g_step = sum(g) + 2 * sum(d) + sum(g) + sum(g[1:])
    return d_step + g_step


def _forward(net: nn.Module, x: Tensor, dense: bool) -> list[int]:
    """The operations of each layer with weights in a forward pass of one example x."""
    counts = []
    for _, layer in net.children():
        y = layer(x)
        if isinstance(layer, (nn.Linear, nn.Maxout)):
            counts.append(2 * layer.weight.size * dense)
        elif isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            # Each weight is used once for each position of the smaller image.
            counts.append(2 * layer.weight.size * min(math.prod(t.shape[2:]) for t in (x, y)))
        x = y
    return counts
