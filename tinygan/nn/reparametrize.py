"""Wrappers that compute with a function of a layer's weight.

Spectral normalization (Miyato et al. 2018) divides the weight by its largest singular value:

    W / sigma(W),   sigma(W) = u^T W v,   u and v from one step of power iteration per pass

A discriminator of such layers is Lipschitz, so its gradients are bounded.

Weight normalization (Salimans and Kingma 2016) separates the length of a weight from its direction:

    w = g v / ||v||     for each output (eq. 2)

The gradient at v is orthogonal to v, so steps of SGD only increase ||v||, and the longer v is, the
less a step rotates it (section 2.1). The statistics of one minibatch set the initial scale:

    data_dependent_init(network, x)     each output has mean 0 and variance 1 on x (eq. 5 and 6)
"""

import math
from typing import Any

import numpy as np

from .. import checks, ops
from ..backend import Array, Rng
from ..tensor import Tensor, no_grad, raw
from .conv import Conv2d, ConvTranspose2d
from .layers import Linear, Maxout
from .module import Module, Parameter

__all__ = ["Reparametrized", "SpectralNorm", "WeightNorm", "data_dependent_init"]


class Reparametrized(Module):
    """The base of the wrappers: a layer that computes with a function of its weight.

    `_outputs` is the output axis of the weight.
    """

    def __init__(self, layer: Module) -> None:
        super().__init__()
        if not isinstance(layer, (Linear, Maxout, Conv2d, ConvTranspose2d)):
            raise TypeError(f"{type(self).__name__}: expected a layer with a weight, got {layer!r}")
        self._layer = layer  # the _ hides it: weight and bias have PyTorch's names here
        self._outputs = 1 if isinstance(layer, ConvTranspose2d) else 0
        self.bias: Parameter | None = layer.bias


class SpectralNorm(Reparametrized):
    """A layer whose weight is divided by its largest singular value sigma.

    Wraps a Linear, Maxout, Conv2d or ConvTranspose2d. The weight is taken as a matrix with one row
    per output. In training each pass updates u and v by `n_power_iterations`. The gradient of sigma
    treats u and v as constants (section 2.1 and eq. 12 of the paper). Names in the state are those
    of torch.nn.utils.spectral_norm.
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
        # Copies, because the next pass overwrites u and v while this graph may still be in use.
        u, v = Tensor(self.weight_u.copy()), Tensor(self.weight_v.copy())
        sigma = u @ (self._matrix() @ v)
        return self._layer.compute(x, self.weight_orig / sigma)

    def __repr__(self) -> str:
        return f"SpectralNorm({self._layer!r}, n_power_iterations={self.n_power_iterations})"

    def _matrix(self) -> Tensor:
        w = ops.swapaxes(self.weight_orig, 0, self._outputs)
        return w.reshape(w.shape[0], math.prod(w.shape[1:]))


def _unit(vector: Any, xp: Any = np) -> Any:
    """The vector divided by its length."""
    return vector / (xp.sqrt((vector * vector).sum()) + 1e-12)


class WeightNorm(Reparametrized):
    """A layer whose weight is g v / ||v||, with a length g and a direction v for each output.

    Wraps a Linear, Maxout (each piece is an output), Conv2d or ConvTranspose2d. v is the layer's
    own weight and g is initially ||v||, so the layer computes the same as before. If
    `learned_scale` is False, g is a buffer, saved but not learned. Names and shapes in the state
    are those of torch.nn.utils.weight_norm, with dim=1 for a ConvTranspose2d: its weight is
    (in, out, kh, kw), and PyTorch's default, dim=0, would scale its inputs.

    Raises ValueError if the weight of an output is 0, which has no direction, or NaN.
    """

    def __init__(self, layer: Module, *, learned_scale: bool = True) -> None:
        super().__init__(layer)
        self.learned_scale = bool(learned_scale)
        g = _lengths(self._layer.weight, self._outputs).data
        if not bool((g > 0).all()):
            raise ValueError(f"WeightNorm: the weight of an output of {layer!r} is 0 or NaN")
        self.weight_g: Parameter | Array = Parameter(g) if learned_scale else g
        self.weight_v: Parameter = self._layer.weight
        self._awaits_data = False

    def forward(self, x: Any) -> Tensor:
        if self._awaits_data:
            self._fit(x)
        lengths = _lengths(self.weight_v, self._outputs)
        return self._layer.compute(x, self.weight_v * ops.div(self.weight_g, lengths))

    @property
    def mixes_examples(self) -> bool:  # type: ignore[override]
        return self._layer.mixes_examples

    def reset_scale(self) -> None:
        """Set g = ||v|| again, after an initializer has filled v."""
        self._set(_lengths(self.weight_v, self._outputs).data, None)

    def __repr__(self) -> str:
        return f"WeightNorm({self._layer!r}, learned_scale={self.learned_scale})"

    def _fit(self, x: Any) -> None:
        """Set g = 1 / std(t), b = -mean(t) / std(t); t = v.x / ||v||, before the max of Maxout."""
        self._awaits_data = False
        layer, v = self._layer, self.weight_v / _lengths(self.weight_v, self._outputs)
        axes: tuple[int, ...] = (0, 2, 3)
        if isinstance(layer, (Linear, Maxout)):
            y = ops.linear(x, v, self.bias)  # t + b
            axes = tuple(range(y.ndim - 1))
        else:
            y = layer.compute(x, v)
        mean, std = y.data.mean(axes), y.data.std(axes)
        if not bool((std > 1e-6 * abs(mean)).all()):  # rounding gives equal numbers about 1e-7
            raise ValueError(
                f"data_dependent_init: an output of {layer!r} does not vary over the minibatch, "
                f"got outputs of shape {y.shape}; use more examples or different ones"
            )
        self._set(1 / std, None if self.bias is None else (self.bias.data - mean) / std)

    def _set(self, g: Array, bias: Array | None) -> None:
        """Assign g and, unless it is None, the bias, in place."""
        for kept, new in ((self.weight_g, g), (self.bias, bias)):
            if kept is not None and new is not None:
                raw(kept)[...] = new.reshape(kept.shape)
                if isinstance(kept, Parameter):
                    kept.touch()
        self.weight_v.touch()  # marks all graphs with this layer as stale, even if g is a buffer


def _lengths(v: Tensor, outputs: int) -> Tensor:
    """||v|| for each index of the axis `outputs`, with the other axes kept as 1."""
    others = tuple(axis for axis in range(v.ndim) if axis != outputs)
    return ops.sqrt(ops.sum(v * v, others, keepdims=True))


def data_dependent_init(network: Module, x: Any) -> Module:
    """Fit g and b of every WeightNorm in the network to the minibatch x (section 3 of the paper).

    x passes once through the network in evaluation mode (no noise, no dropout). Each WeightNorm
    sets g and b so that each of its outputs has mean 0 and variance 1 over x; these outputs are the
    input of the next layer. Without a bias, a layer sets only the variance.

    Raises ValueError if an output does not vary.
    """
    checks.modules(network=network)
    layers = [module for module in network.modules() if isinstance(module, WeightNorm)]
    with network.evaluating(), no_grad():
        try:
            for layer in layers:
                layer._awaits_data = True
            network(x)
        finally:
            for layer in layers:
                layer._awaits_data = False
    return network
