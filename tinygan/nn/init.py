"""Initializers. Each fills a parameter in place and returns it; random ones take a generator.

Names, arguments and formulas follow torch.nn.init. For a weight (out, in, ...), fan_in is
in * receptive field and fan_out is out * receptive field. As in PyTorch, the same axes are used for
a transposed convolution, although its weight is (in, out, ...).

Raises ValueError for numbers that are not finite or have the wrong sign; TypeError if an argument
is not a parameter or not a generator.
"""

import math
from collections.abc import Callable

import numpy as np

from .. import checks
from ..backend import Rng, place
from .conv import Conv2d, ConvTranspose2d
from .layers import Linear, Maxout
from .module import Module, Parameter
from .norm import BatchNorm1d, BatchNorm2d
from .reparametrize import Reparametrized, WeightNorm

__all__ = [
    "constant_",
    "dcgan_",
    "gan_2014_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "orthogonal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
]


def _fill(parameter: Parameter, draw: Callable[[tuple[int, ...]], np.ndarray]) -> Parameter:
    checks.tensors(parameter=parameter)
    values = draw(parameter.shape)
    parameter.data[...] = place(values.astype(parameter.dtype), parameter.data)
    parameter.touch()
    return parameter


def constant_(parameter: Parameter, value: float) -> Parameter:
    """Set all elements to `value`."""
    checks.between(-math.inf, math.inf, "()", value=value)
    return _fill(parameter, lambda shape: np.full(shape, float(value)))


def uniform_(parameter: Parameter, a: float = 0.0, b: float = 1.0, *, rng: Rng) -> Parameter:
    """Draw from U(a, b)."""
    checks.between(-math.inf, math.inf, "()", a=a, b=b)
    if a > b:
        raise ValueError(f"a, b: expected a <= b, got {a}, {b}")
    checks.generator(rng)
    return _fill(parameter, lambda shape: rng.uniform(a, b, shape))


def normal_(parameter: Parameter, mean: float = 0.0, std: float = 1.0, *, rng: Rng) -> Parameter:
    """Draw from N(mean, std^2)."""
    checks.between(-math.inf, math.inf, "()", mean=mean)
    checks.between(0, math.inf, std=std)
    checks.generator(rng)
    return _fill(parameter, lambda shape: rng.normal(mean, std, shape))


def _fans(parameter: Parameter) -> tuple[int, int]:
    """fan_in and fan_out. Raises ValueError for fewer than two axes or no element."""
    checks.tensors(parameter=parameter)
    if parameter.ndim < 2 or not parameter.size:
        raise ValueError(f"parameter: fans need at least 2 axes, got shape {parameter.shape}")
    field = math.prod(parameter.shape[2:])
    return parameter.shape[1] * field, parameter.shape[0] * field


def xavier_uniform_(parameter: Parameter, gain: float = 1.0, *, rng: Rng) -> Parameter:
    """Draw from U(-r, r), r = gain sqrt(6 / (fan_in + fan_out)) (Glorot, Bengio 2010, eq. 16)."""
    checks.between(0, math.inf, gain=gain)
    r = gain * math.sqrt(6.0 / sum(_fans(parameter)))
    return uniform_(parameter, -r, r, rng=rng)


def xavier_normal_(parameter: Parameter, gain: float = 1.0, *, rng: Rng) -> Parameter:
    """Draw from N(0, gain^2 2 / (fan_in + fan_out)) (Glorot and Bengio 2010, eq. 12)."""
    checks.between(0, math.inf, gain=gain)
    return normal_(parameter, 0.0, gain * math.sqrt(2.0 / sum(_fans(parameter))), rng=rng)


def kaiming_uniform_(parameter: Parameter, a: float = 0.0, *, rng: Rng) -> Parameter:
    """Draw from U(-r, r), r = sqrt(6 / ((1 + a^2) fan_in)), for a leaky ReLU of slope a."""
    checks.between(-math.inf, math.inf, "()", a=a)
    r = math.sqrt(6.0 / ((1 + a * a) * _fans(parameter)[0]))
    return uniform_(parameter, -r, r, rng=rng)


def kaiming_normal_(parameter: Parameter, a: float = 0.0, *, rng: Rng) -> Parameter:
    """Draw from N(0, 2 / ((1 + a^2) fan_in)), for a leaky ReLU (He et al. 2015, eq. 15)."""
    checks.between(-math.inf, math.inf, "()", a=a)
    std = math.sqrt(2.0 / ((1 + a * a) * _fans(parameter)[0]))
    return normal_(parameter, 0.0, std, rng=rng)


def orthogonal_(parameter: Parameter, gain: float = 1.0, *, rng: Rng) -> Parameter:
    """Orthonormal rows (or columns, if there are fewer) times gain (Saxe et al. 2013)."""
    _fans(parameter)  # raises if there are fewer than two axes
    checks.between(-math.inf, math.inf, "()", gain=gain)
    checks.generator(rng)
    rows, columns = parameter.shape[0], math.prod(parameter.shape[1:])
    q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diag(r))  # makes the distribution uniform over rotations
    q = q if rows >= columns else q.T
    return _fill(parameter, lambda shape: gain * q.reshape(shape))


def dcgan_(network: Module, *, rng: Rng) -> Module:
    """Initialize as DCGAN (Radford et al. 2015): weights N(0, .02^2), biases 0, BatchNorm's weights
    N(1, .02^2)."""
    checks.modules(network=network)
    for module in network.modules():
        _fill_layer(module, lambda weight: normal_(weight, 0.0, 0.02, rng=rng))
        if isinstance(module, (BatchNorm1d, BatchNorm2d)) and module.weight is not None:
            normal_(module.weight, 1.0, 0.02, rng=rng)
    return network


def gan_2014_(network: Module, r: float, *, rng: Rng) -> Module:
    """Initialize as the 2014 paper's code: weights U(-r, r), biases 0; r is .05 in G, .005 in D."""
    checks.modules(network=network)
    checks.between(0, math.inf, r=r)
    for module in network.modules():
        _fill_layer(module, lambda weight: uniform_(weight, -r, r, rng=rng))
    return network


def _fill_layer(module: Module, fill: Callable[[Parameter], object]) -> None:
    """Fill the weight of an affine layer, and its bias with 0."""
    # A wrapper keeps the learned weight in the wrapped layer.
    layer = module._layer if isinstance(module, Reparametrized) else module
    if isinstance(layer, (Linear, Conv2d, ConvTranspose2d, Maxout)):
        fill(layer.weight)
        if layer.bias is not None:
            constant_(layer.bias, 0.0)
        if isinstance(module, WeightNorm):
            module.reset_scale()
