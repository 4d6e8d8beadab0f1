"""Layers with a weight: Linear, Maxout, Conv2d, ConvTranspose2d, Embedding.

Weights and biases start as PyTorch's do, U(-1/sqrt(fan_in), 1/sqrt(fan_in)); `nn.init` has the
initialisers of the papers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops
from ..backend import Rng, of
from ..conv import conv2d, conv_transpose2d
from ..conv.geometry import pair
from ..tensor import Tensor, lift
from . import checks
from .module import Module, Parameter

__all__ = ["Conv2d", "ConvTranspose2d", "Embedding", "Linear", "Maxout"]

IntOrPair = int | Sequence[int]


def _parameters(
    shape: tuple[int, ...], fan_in: int, bias: int | None, rng: Rng
) -> tuple[Parameter, Parameter | None]:
    """A weight of the given shape and a bias of the given size, both U(-r, r), r = fan_in^-1/2."""
    r = 1 / math.sqrt(fan_in)

    def draw(*shape: int) -> Parameter:
        return Parameter(checks.generator(rng).uniform(-r, r, shape).astype(np.float32))

    return draw(*shape), None if bias is None else draw(bias)


class Linear(Module):
    """y = x W^T + b: (..., in_features) to (..., out_features). `weight` is (out, in)."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True, *, rng: Rng) -> None:
        super().__init__()
        self.in_features, self.out_features = checks.sizes(
            in_features=in_features, out_features=out_features
        )
        self.weight, self.bias = _parameters(
            (out_features, in_features), in_features, out_features if bias else None, rng
        )

    def forward(self, x: Any) -> Tensor:
        return self.compute(x, self.weight)

    def compute(self, x: Any, weight: Tensor) -> Tensor:
        """The layer with `weight` in the place of its own: for what wraps the layer."""
        x = checks.inputs(self, x, self.in_features, -1, weight.dtype)
        return ops.linear(x, weight, self.bias)


class Maxout(Module):
    """The largest of `pieces` affine functions, for each output (Goodfellow et al. 2013, eq. 2).

    (N, in_features) to (N, out_features). Output j is the maximum over the affine outputs
    j * pieces ... (j + 1) * pieces - 1; `weight` is (out * pieces, in).
    """

    def __init__(self, in_features: int, out_features: int, pieces: int, *, rng: Rng) -> None:
        super().__init__()
        self.in_features, self.out_features, self.pieces = checks.sizes(
            in_features=in_features, out_features=out_features, pieces=pieces
        )
        wide = self.out_features * self.pieces
        self.weight, self.bias = _parameters((wide, in_features), in_features, wide, rng)

    def forward(self, x: Any) -> Tensor:
        return self.compute(x, self.weight)

    def compute(self, x: Any, weight: Tensor) -> Tensor:
        """The layer with `weight` in the place of its own: for what wraps the layer."""
        x = checks.inputs(self, x, self.in_features, -1, weight.dtype)
        y = ops.linear(x, weight, self.bias)
        return ops.max(y.reshape((*y.shape[:-1], self.out_features, self.pieces)), axis=-1)


class _Conv(Module):
    """What a convolution and its transpose share: sizes, weight, bias."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        stride: IntOrPair,
        padding: IntOrPair,
        bias: bool,
        transposed: bool,
        rng: Rng,
    ) -> None:
        super().__init__()
        in_channels, out_channels = checks.sizes(in_channels=in_channels, out_channels=out_channels)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = pair("kernel_size", kernel_size, least=1)
        self.stride = pair("stride", stride, least=1)
        self.padding = pair("padding", padding, least=0)
        first, second = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        # PyTorch reads the fan of a transposed convolution's weight from its second axis, too.
        fan_in = second * math.prod(self.kernel_size)
        self.weight, self.bias = _parameters(
            (first, second, *self.kernel_size), fan_in, out_channels if bias else None, rng
        )

    def forward(self, x: Any) -> Tensor:
        return self.compute(x, self.weight)

    def compute(self, x: Any, weight: Tensor) -> Tensor:
        """The layer with `weight` in the place of its own: for what wraps the layer."""
        x = checks.inputs(self, checks.images(self, x), self.in_channels, 1, weight.dtype)
        return self.convolve(x, weight)

    def convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        """The layer's op."""
        return conv2d(x, weight, self.stride, self.padding, self.bias)


class Conv2d(_Conv):
    """(N, C, H, W) to (N, O, (H + 2p - k) // s + 1, ...). `weight` is (out, in, kh, kw)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: IntOrPair = 0,
        *,
        bias: bool = True,
        rng: Rng,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, bias, False, rng)


class ConvTranspose2d(_Conv):
    """(N, C, I, J) to (N, O, (I - 1) s - 2p + k + output_padding, ...): a convolution's transpose.

    `weight` is (in, out, kh, kw).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: IntOrPair = 0,
        output_padding: IntOrPair = 0,
        *,
        bias: bool = True,
        rng: Rng,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, bias, True, rng)
        self.output_padding = pair("output_padding", output_padding, least=0)
        if any(e >= s for e, s in zip(self.output_padding, self.stride, strict=True)):
            raise ValueError(
                f"output_padding: expected less than the stride {self.stride}, got "
                f"{self.output_padding}"
            )

    def convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        """The layer's op."""
        return conv_transpose2d(
            x, weight, self.stride, self.padding, self.output_padding, self.bias
        )


class Embedding(Module):
    """A learned vector for each of `num_embeddings` integers: (...) to (..., embedding_dim)."""

    def __init__(self, num_embeddings: int, embedding_dim: int, *, rng: Rng) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = checks.sizes(
            num_embeddings=num_embeddings, embedding_dim=embedding_dim
        )
        values = checks.generator(rng).normal(size=(num_embeddings, embedding_dim))
        self.weight = Parameter(values.astype(np.float32))

    def forward(self, x: Any) -> Tensor:
        (indices,) = lift(x)
        if indices.dtype.kind not in "iu":
            raise ValueError(f"Embedding: expected integer indices, got {indices.dtype}")
        if of(indices.data).reads_are_free and indices.size:
            low, high = int(indices.data.min()), int(indices.data.max())
            if low < 0 or high >= self.num_embeddings:
                raise ValueError(
                    f"Embedding: expected indices in 0..{self.num_embeddings - 1}, got "
                    f"{low}..{high}"
                )
        return self.weight[indices]
