"""Layers and networks. Names, argument order and weight layouts are PyTorch's; what is random
takes an explicit `rng` (a numpy.random.Generator), so that no hidden state changes a result."""

from . import init
from .activations import LeakyReLU, ReLU, Sigmoid, Softplus, Tanh
from .affine import Conv2d, ConvTranspose2d, Embedding, Linear, Maxout
from .minibatch import MinibatchDiscrimination
from .module import Module, Parameter, Sequential
from .noise import Dropout, GaussianNoise
from .norm import BatchNorm1d, BatchNorm2d, InstanceNorm2d, LayerNorm
from .residual import Residual
from .shape import Flatten, PixelShuffle, ReflectionPad2d, Unflatten, Upsample
from .spectral import SpectralNorm
from .weight_norm import WeightNorm

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
