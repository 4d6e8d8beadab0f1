"""Which networks take each example by itself, so that two minibatches may share one pass."""

from __future__ import annotations

from .activations import LeakyReLU, ReLU, Sigmoid, Softplus, Tanh
from .affine import Conv2d, ConvTranspose2d, Embedding, Linear, Maxout
from .module import Module, Sequential
from .noise import Dropout, GaussianNoise
from .norm import InstanceNorm2d, LayerNorm
from .residual import Residual
from .shape import Flatten, PixelShuffle, ReflectionPad2d, Upsample
from .weight_norm import WeightNorm

__all__ = ["by_example"]

LAYERS = {
    *(LeakyReLU, ReLU, Sigmoid, Softplus, Tanh),
    *(Conv2d, ConvTranspose2d, Embedding, Linear, Maxout),
    *(Dropout, GaussianNoise, InstanceNorm2d, LayerNorm),
    *(Flatten, PixelShuffle, ReflectionPad2d, Upsample),
}


def by_example(module: Module) -> bool:
    """Whether each example's output depends on that example alone, and a pass leaves no trace.

    True of these layers, of WeightNorm around one, and of Sequentials and Residuals of them;
    BatchNorm mixes examples, SpectralNorm counts passes, and of other classes, derived ones too,
    nothing is known.
    """
    if isinstance(module, Sequential) and type(module) in (Sequential, Residual):
        return all(by_example(layer) for layer in module)
    if type(module) is WeightNorm:
        return by_example(module._layer)
    return type(module) in LAYERS
