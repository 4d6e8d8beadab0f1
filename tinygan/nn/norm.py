"""Normalization: subtract a mean, divide by a standard deviation, then scale and shift.

    y = (x - m) / sqrt(v + eps) * weight + bias

m and v are the mean and variance over the minibatch (BatchNorm), over each channel of each image
(InstanceNorm) or over the features of each example (LayerNorm).
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import checks, ops
from ..backend.inputs import batchnorm_comm
from ..tensor import Tensor, lift
from .module import Module, Parameter

__all__ = ["BatchNorm1d", "BatchNorm2d", "InstanceNorm2d", "LayerNorm"]


def _scaled(y: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """y * weight + bias; None leaves a factor or a term out."""
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _affine(shape: tuple[int, ...], on: bool) -> tuple[Parameter | None, Parameter | None]:
    """A weight of ones and a bias of zeros, or None for both."""
    if not on:
        return None, None
    return Parameter(np.ones(shape, np.float32)), Parameter(np.zeros(shape, np.float32))


class _BatchNorm(Module):
    """Batch normalization (Ioffe and Szegedy 2015, algorithm 1).

    In training it uses the minibatch's mean and variance, and the running statistics move toward
    them by `momentum` (the variance unbiased, as in PyTorch). In evaluation it uses the running
    statistics. In a GAN, D gets real images and fakes in separate minibatches, so their statistics
    do not mix.

    If several ranks share a minibatch, the statistics are over all of it or over the local rows:
    see `parallel.playing`.
    """

    ndims: tuple[int, ...]
    expected: str

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, *, affine: bool = True
    ) -> None:
        super().__init__()
        (self.num_features,) = checks.sizes(num_features=num_features)
        checks.between(0, math.inf, eps=eps)
        checks.between(0, 1, "[]", momentum=momentum)
        self.eps, self.momentum = float(eps), float(momentum)
        self.weight, self.bias = _affine((num_features,), affine)
        self.running_mean = np.zeros(num_features, np.float32)
        self.running_var = np.ones(num_features, np.float32)
        self.num_batches_tracked = np.zeros((), np.int64)

    def forward(self, x: Any) -> Tensor:
        (x,) = lift(x)
        name = type(self).__name__
        if x.ndim not in self.ndims:
            raise ValueError(f"{name}: expected {self.expected}, got shape {x.shape}")
        x = checks.inputs(self, x, self.num_features, 1, self.running_mean.dtype)
        axes = (0, *range(2, x.ndim))
        column = (1, self.num_features) + (1,) * (x.ndim - 2)
        weight, bias = (None if p is None else p.reshape(column) for p in (self.weight, self.bias))
        if self.training:
            comm = batchnorm_comm()
            count = x.size // self.num_features * comm.size
            if count < 2:
                raise ValueError(
                    f"{name}: one value per channel has no variance, got shape {x.shape}; train on "
                    "larger minibatches or call .eval()"
                )
            y, m, v = ops.standardize(x, axes, self.eps, weight, bias, comm)
            unbiased = v.reshape(-1) * (count / (count - 1))
            self.running_mean += self.momentum * (m.reshape(-1) - self.running_mean)
            self.running_var += self.momentum * (unbiased - self.running_var)
            self.num_batches_tracked += 1
            return y
        m, v = self.running_mean.reshape(column), self.running_var.reshape(column)
        return _scaled((x - m) / x.xp.sqrt(v + self.eps), weight, bias)


class BatchNorm1d(_BatchNorm):
    """Batch normalization of (N, C) or (N, C, L), over all axes but C."""

    ndims, expected = (2, 3), "(N, C) or (N, C, L)"


class BatchNorm2d(_BatchNorm):
    """Batch normalization of (N, C, H, W), over all axes but C."""

    ndims, expected = (4,), "(N, C, H, W)"


class InstanceNorm2d(Module):
    """Normalization of each channel of each image (N, C, H, W) (Ulyanov et al. 2016)."""

    mixes_examples = False

    def __init__(self, num_features: int, eps: float = 1e-5, *, affine: bool = False) -> None:
        super().__init__()
        (self.num_features,) = checks.sizes(num_features=num_features)
        checks.between(0, math.inf, eps=eps)
        self.eps = float(eps)
        self.weight, self.bias = _affine((num_features,), affine)

    def forward(self, x: Any) -> Tensor:
        x = checks.images(self, x)
        dtype = x.dtype if self.weight is None else self.weight.dtype
        x = checks.inputs(self, x, self.num_features, 1, dtype)
        if x.shape[2] * x.shape[3] < 2:
            raise ValueError(f"InstanceNorm2d: one value per image has no variance, got {x.shape}")
        weight, bias = (
            None if p is None else p.reshape(1, -1, 1, 1) for p in (self.weight, self.bias)
        )
        return _scaled(ops.standardize(x, (2, 3), self.eps)[0], weight, bias)


class LayerNorm(Module):
    """Normalization of each example over its last axes, `normalized_shape` (Ba et al. 2016)."""

    mixes_examples = False

    def __init__(self, normalized_shape: int | Sequence[int], eps: float = 1e-5) -> None:
        super().__init__()
        one = not isinstance(normalized_shape, Sequence)
        sizes: Any = (normalized_shape,) if one else normalized_shape
        checks.between(0, math.inf, eps=eps)
        shape = tuple(checks.sizes(normalized_shape=size)[0] for size in sizes)
        self.normalized_shape, self.eps = shape, float(eps)
        self.weight = Parameter(np.ones(shape, np.float32))
        self.bias = Parameter(np.zeros(shape, np.float32))

    def forward(self, x: Any) -> Tensor:
        (x,) = lift(x)
        axes = tuple(range(-len(self.normalized_shape), 0))
        if x.shape[-len(axes) :] != self.normalized_shape:
            raise ValueError(
                f"LayerNorm: expected a shape that ends in {self.normalized_shape}, got {x.shape}"
            )
        if math.prod(self.normalized_shape) < 2:
            raise ValueError("LayerNorm: one value has no variance; use a larger normalized_shape")
        if not x.size:
            raise ValueError(f"LayerNorm: expected at least one example, got shape {x.shape}")
        checks.same_dtype(self, x, self.weight.dtype)
        return _scaled(ops.standardize(x, axes, self.eps)[0], self.weight, self.bias)
