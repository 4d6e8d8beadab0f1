"""Convolution layers: Conv2d and ConvTranspose2d. Initial weights and biases: see `layers`."""

import math
from collections.abc import Sequence
from typing import Any

from .. import checks
from ..backend import Rng
from ..checks import pair
from ..conv import conv2d, conv_transpose2d
from ..tensor import Tensor
from .layers import _parameters
from .module import Module

__all__ = ["Conv2d", "ConvTranspose2d"]

IntOrPair = int | Sequence[int]


class _Conv(Module):
    """The common part of a convolution and its transpose: sizes, weight, bias."""

    transposed = False

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
        super().__init__()
        in_channels, out_channels = checks.sizes(in_channels=in_channels, out_channels=out_channels)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = pair("kernel_size", kernel_size, minimum=1)
        self.stride = pair("stride", stride, minimum=1)
        self.padding = pair("padding", padding, minimum=0)
        channels = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        # PyTorch takes fan_in from the second axis for transposed convolutions too.
        fan_in = channels[1] * math.prod(self.kernel_size)
        self.weight, self.bias = _parameters(
            (*channels, *self.kernel_size), fan_in, out_channels if bias else None, rng
        )

    def forward(self, x: Any) -> Tensor:
        return self.compute(x, self.weight)

    def compute(self, x: Any, weight: Tensor) -> Tensor:
        """Apply the layer with `weight` instead of its own; for layers that wrap this one."""
        x = checks.inputs(self, checks.images(self, x), self.in_channels, 1, weight.dtype)
        return self.convolve(x, weight)

    def convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        """Apply the op of the layer to checked images."""
        return conv2d(x, weight, self.stride, self.padding, self.bias)


class Conv2d(_Conv):
    """(N, C, H, W) to (N, O, (H + 2p - k) // s + 1, ...). `weight` is (out, in, kh, kw)."""

    mixes_examples = False


class ConvTranspose2d(_Conv):
    """(N, C, I, J) to (N, O, (I - 1) s - 2p + k + output_padding, ...): a convolution's transpose.

    `weight` is (in, out, kh, kw). `output_padding` must be less than the stride.
    """

    mixes_examples, transposed = False, True

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
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, bias=bias, rng=rng
        )
        self.output_padding = pair("output_padding", output_padding, minimum=0)
        if any(e >= s for e, s in zip(self.output_padding, self.stride, strict=True)):
            raise ValueError(
                f"output_padding: expected less than the stride {self.stride}, got "
                f"{self.output_padding}"
            )

    def convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        return conv_transpose2d(
            x, weight, self.stride, self.padding, self.output_padding, self.bias
        )
