"""Spectral normalisation (Miyato et al. 2018): divide a weight by its largest singular value.

    W / sigma(W),   sigma(W) = u^T W v,   one step of power iteration a pass keeps u and v current

A discriminator of such layers is Lipschitz, which keeps its gradients bounded.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..backend import Rng
from ..tensor import Tensor
from . import checks
from .affine import Conv2d, ConvTranspose2d, Linear, Maxout
from .module import Module, Parameter

__all__ = ["Reparametrised", "SpectralNorm"]


class Reparametrised(Module):
    """A layer that computes with a function of its weight: what wraps a layer derives from this.

    `_outputs` is the axis of the weight that counts outputs.
    """

    def __init__(self, layer: Module) -> None:
        super().__init__()
        if not isinstance(layer, (Linear, Maxout, Conv2d, ConvTranspose2d)):
            raise TypeError(f"{type(self).__name__}: expected a layer with a weight, got {layer!r}")
        self._layer = layer  # its bias and weight are found here, under PyTorch's names
        self._outputs = 1 if isinstance(layer, ConvTranspose2d) else 0
        self.bias: Parameter | None = layer.bias


class SpectralNorm(Reparametrised):
    """A layer whose weight is used divided by its largest singular value.

    Wraps a Linear, Maxout, Conv2d or ConvTranspose2d. The weight is seen as a matrix with a row
    for each output. In training each pass refines u and v by `n_power_iterations`; sigma is
    differentiated with u and v held fixed (section 2.1 and eq. 12 of the paper). Names of the
    state are those of torch.nn.utils.spectral_norm.
    """

    def __init__(self, layer: Module, n_power_iterations: int = 1, *, rng: Rng) -> None:
        super().__init__(layer)
        (self.n_power_iterations,) = checks.sizes(n_power_iterations=n_power_iterations)
        self.weight_orig: Parameter = self._layer.weight
        rows, columns = self._matrix().shape
        self.weight_u = _unit(checks.generator(rng).normal(size=rows)).astype(np.float32)
        self.weight_v = _unit(rng.normal(size=columns)).astype(np.float32)

    def forward(self, x: Any) -> Tensor:
        if self.training:
            matrix, xp = self._matrix().detach(), self.weight_orig.xp
            for _ in range(self.n_power_iterations):
                self.weight_v[...] = _unit((matrix.T @ Tensor(self.weight_u)).data, xp)
                self.weight_u[...] = _unit((matrix @ Tensor(self.weight_v)).data, xp)
        # Copies: the next pass overwrites u and v while the graph of this one may still be used.
        u, v = Tensor(self.weight_u.copy()), Tensor(self.weight_v.copy())
        sigma = u @ (self._matrix() @ v)
        return self._layer.compute(x, self.weight_orig / sigma)

    def __repr__(self) -> str:
        return f"SpectralNorm({self._layer!r}, n_power_iterations={self.n_power_iterations})"

    def _matrix(self) -> Tensor:
        w = ops.swapaxes(self.weight_orig, 0, self._outputs)
        return w.reshape(w.shape[0], math.prod(w.shape[1:]))


def _unit(vector: Any, xp: Any = np) -> Any:
    return vector / (xp.sqrt((vector * vector).sum()) + 1e-12)
