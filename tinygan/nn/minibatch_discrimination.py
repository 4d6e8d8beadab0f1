"""Minibatch discrimination (Salimans et al. 2016, section 3.2): a layer against mode collapse.

A D whose input is one example cannot detect that all fakes are alike. This layer appends to each
example numbers that measure how close the other examples of the minibatch are; real examples are
rarely close.
"""

from typing import Any

from .. import checks, ops
from ..backend import Rng
from ..tensor import Tensor
from .layers import Linear
from .module import Module

__all__ = ["MinibatchDiscrimination"]


class MinibatchDiscrimination(Module):
    """Append to each example its closeness to the whole minibatch, (N, out_features).

        o_b(x_i) = sum over j of exp(-|M_ib - M_jb|),   M_i = T x_i,  (out_features, kernel_dims)

    |.| is the sum of absolute values. (N, in_features) to (N, in_features + out_features): x, then
    the o_b. They range from 1 (no other example is close) to N (all examples are equal). T is a
    Linear without bias. The output of an example depends on the other examples and on N, in
    evaluation too: real images and fakes must be separate minibatches of the same size.
    """

    def __init__(self, in_features: int, out_features: int, kernel_dims: int, *, rng: Rng) -> None:
        super().__init__()
        self.in_features, self.out_features, self.kernel_dims = checks.sizes(
            in_features=in_features, out_features=out_features, kernel_dims=kernel_dims
        )
        self.T = Linear(in_features, self.out_features * self.kernel_dims, False, rng=rng)

    def forward(self, x: Any) -> Tensor:
        x = checks.inputs(self, x, self.in_features, -1, self.T.weight.dtype)
        if x.ndim != 2:
            raise ValueError(
                f"MinibatchDiscrimination: expected (N, {self.in_features}), got shape {x.shape}"
            )
        n, kernels = len(x), (self.out_features, self.kernel_dims)
        m = self.T(x)
        distances = ops.sum(ops.abs(m.reshape((n, 1, *kernels)) - m.reshape((1, n, *kernels))), 3)
        return ops.concatenate([x, ops.sum(ops.exp(-distances), 1)], axis=1)
