"""Layers that resample images without parameters: upsampling, pixel shuffle, reflection padding."""

from collections.abc import Sequence
from typing import Any

from .. import checks, ops
from ..checks import is_size, pair
from ..tensor import Tensor
from .module import Module

__all__ = ["PixelShuffle", "ReflectionPad2d", "Upsample"]


class Upsample(Module):
    """Enlarge (N, C, H, W) by an integer factor: "nearest" repeats pixels, "bilinear" interpolates.

    Pixels are squares, as with PyTorch's align_corners=False.
    """

    mixes_examples = False

    def __init__(self, *, scale_factor: int | Sequence[int], mode: str = "nearest") -> None:
        super().__init__()
        if mode not in ("nearest", "bilinear"):
            raise ValueError(f"mode: expected 'nearest' or 'bilinear', got {mode!r}")
        self.scale_factor, self.mode = pair("scale_factor", scale_factor, minimum=1), mode

    def forward(self, x: Any) -> Tensor:
        x = checks.images(self, x)
        (n, c, h, w), (fh, fw) = x.shape, self.scale_factor
        if self.mode == "nearest":
            repeated = ops.broadcast_to(x.reshape(n, c, h, 1, w, 1), (n, c, h, fh, w, fw))
            return repeated.reshape(n, c, h * fh, w * fw)
        return _interpolation(x, h, fh) @ x @ _interpolation(x, w, fw).T


def _interpolation(x: Tensor, size: int, factor: int) -> Tensor:
    """The matrix (size * factor, size) of linear interpolation: a hat function per input pixel."""
    xp = x.xp
    at = (xp.arange(size * factor) + 0.5) / factor - 0.5
    at = xp.minimum(xp.maximum(at, 0), size - 1)
    return Tensor(xp.maximum(1 - xp.abs(at[:, None] - xp.arange(size)), 0).astype(x.dtype))


class PixelShuffle(Module):
    """Move channels to pixels: (N, C r^2, H, W) to (N, C, H r, W r) (Shi et al. 2016, eq. 4)."""

    mixes_examples = False

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        (self.upscale_factor,) = checks.sizes(upscale_factor=upscale_factor)

    def forward(self, x: Any) -> Tensor:
        x, r = checks.images(self, x), self.upscale_factor
        n, c, h, w = x.shape
        if c % (r * r):
            raise ValueError(f"PixelShuffle: expected channels divisible by {r * r}, got {x.shape}")
        blocks = x.reshape(n, c // (r * r), r, r, h, w).transpose(0, 1, 4, 2, 5, 3)
        return blocks.reshape(n, c // (r * r), h * r, w * r)


class ReflectionPad2d(Module):
    """Pad images (N, C, H, W) by mirroring them at their edges. `padding` is an int or
    (left, right, top, bottom), each less than the image's size."""

    mixes_examples = False

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        widths = tuple(padding) if isinstance(padding, Sequence) else (padding,) * 4
        if len(widths) != 4 or not all(is_size(p, minimum=0) for p in widths):
            raise ValueError(f"padding: expected an int >= 0 or four of them, got {padding!r}")
        self.padding = tuple(int(p) for p in widths)

    def forward(self, x: Any) -> Tensor:
        left, right, top, bottom = self.padding
        widths = ((0, 0), (0, 0), (top, bottom), (left, right))
        return ops.pad(checks.images(self, x), widths, mode="reflect")
