"""Cases for the layers that move pixels."""

import math

import numpy as np
from cases import Cases, generator, shape, smooth
from functional import point
from hypothesis import strategies as st

from tinygan import nn

PIXELS = Cases()


@PIXELS.add("Flatten")
def flatten(draw):
    x = smooth(generator(draw), shape(draw, minimum=2, most=4))
    return point(nn.Flatten(), x, lambda x: x.reshape(len(x), -1))


@PIXELS.add("Unflatten")
def unflatten(draw):
    before, inner, after = shape(draw, most=1), shape(draw, minimum=1, most=3), shape(draw, most=1)
    x = smooth(generator(draw), (*before, math.prod(inner), *after))
    dim = draw(st.sampled_from([len(before), len(before) - x.ndim]))
    return point(nn.Unflatten(dim, inner), x, lambda x: x.reshape(*before, *inner, *after))


@PIXELS.add("Upsample", "nearest")
def nearest(draw):
    x, (fh, fw) = smooth(generator(draw), shape(draw, 4, 4)), shape(draw, 2, 2)
    return point(
        nn.Upsample(scale_factor=(fh, fw)), x, lambda x: x.repeat(fh, axis=2).repeat(fw, axis=3)
    )


@PIXELS.add("Upsample", "bilinear")
def bilinear(draw):
    x, factors = smooth(generator(draw), shape(draw, 4, 4)), shape(draw, 2, 2)

    def value(x):
        for axis, factor in zip((2, 3), factors, strict=True):
            size = x.shape[axis]
            at = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
            x = np.apply_along_axis(
                lambda row, at=at: np.interp(at, np.arange(len(row)), row), axis, x
            )
        return x

    return point(nn.Upsample(scale_factor=factors, mode="bilinear"), x, value)


@PIXELS.add("PixelShuffle")
def pixel_shuffle(draw):
    r, (n, c, h, w) = draw(st.integers(1, 3)), shape(draw, 4, 4, side=2)
    x = smooth(generator(draw), (n, c * r * r, h, w))

    def value(x):
        y = np.empty((n, c, h * r, w * r))
        for i in range(r):
            for j in range(r):
                y[:, :, i::r, j::r] = x[:, i * r + j :: r * r]
        return y

    return point(nn.PixelShuffle(r), x, value)


@PIXELS.add("ReflectionPad2d")
def reflection_pad(draw):
    x = smooth(generator(draw), (2, 2, *shape(draw, 2, 2)))
    h, w = x.shape[2:]
    left, right, top, bottom = (draw(st.integers(0, n - 1)) for n in (w, w, h, h))
    widths = ((0, 0), (0, 0), (top, bottom), (left, right))
    return point(
        nn.ReflectionPad2d((left, right, top, bottom)), x, lambda x: np.pad(x, widths, "reflect")
    )
