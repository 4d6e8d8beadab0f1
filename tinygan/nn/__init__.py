"""Layers and networks. Names, argument order and weight layouts are PyTorch's. Random layers take
an explicit `rng` (a numpy.random.Generator), so that no hidden state changes a result."""

from . import init
from .conv import Conv2d, ConvTranspose2d
from .dropout import Dropout, GaussianNoise
from .layers import (
    Embedding,
    Flatten,
    LeakyReLU,
    Linear,
    Maxout,
    ReLU,
    Residual,
    Sigmoid,
    Softplus,
    Tanh,
    Unflatten,
)
from .minibatch_discrimination import MinibatchDiscrimination
from .module import Module, Parameter, Sequential
from .norm import BatchNorm1d, BatchNorm2d, InstanceNorm2d, LayerNorm
from .reparametrize import SpectralNorm, WeightNorm
from .resample import PixelShuffle, ReflectionPad2d, Upsample

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv2d",
    "ConvTranspose2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianNoise",
    "InstanceNorm2d",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "Maxout",
    "MinibatchDiscrimination",
    "Module",
    "Parameter",
    "PixelShuffle",
    "ReLU",
    "ReflectionPad2d",
    "Residual",
    "Sequential",
    "Sigmoid",
    "Softplus",
    "SpectralNorm",
    "Tanh",
    "Unflatten",
    "Upsample",
    "WeightNorm",
    "init",
]
