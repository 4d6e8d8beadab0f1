"""Convolution, its transpose and its weight gradient: three derivatives of one form.

    T(x, w, y) = sum  x[n, c, s*i + a - p, s*j + b - p]  w[o, c, a, b]  y[n, o, i, j]

    n image   c input channel   o output channel   i, j output place   a, b place in the kernel
    s stride  p padding (places outside of x count as 0)

T is linear in each of its arguments. Its derivative at y is the convolution of x with w, at x the
transposed convolution of y with w, at w the gradient of a convolution's weight. Each is linear
in the two arguments left, and its rules call the other two: so every order of derivative is there.

The kernels move the images into rows, one for each output place, and let one matrix product do the
arithmetic. Arrays are logically (N, C, H, W) and physically channels-last, because then a row
of the kernel is one contiguous run of memory.
"""

from __future__ import annotations

from collections.abc import Sequence

from .backend import Array, of
from .tensor import Operand, Tensor, lift

__all__ = ["conv2d", "conv_transpose2d"]

Pair = tuple[int, int]


def conv2d(
    x: Operand, w: Operand, stride: int | Sequence[int] = 1, padding: int | Sequence[int] = 0
) -> Tensor:
    """Cross-correlate the images x (N, C, H, W) with the kernels w (O, C, kh, kw).

    The result is (N, O, (H + 2p - kh) // s + 1, (W + 2p - kw) // s + 1). Stride and padding are
    ints or (height, width). Raises ValueError if the shapes do not fit or the kernel is larger
    than the padded image.
    """
    x, w = lift(x, w)
    stride, padding = pair("stride", stride, least=1), pair("padding", padding, least=0)
    _check("conv2d", x, w, channel_axis=1)
    for size, k, p in zip(x.shape[2:], w.shape[2:], padding, strict=True):
        if k > size + 2 * p:
            raise ValueError(
                f"conv2d: kernel {w.shape[2:]} is larger than the image {x.shape[2:]} with padding "
                f"{padding}"
            )
    return _by_y(x, w, stride, padding)


def conv_transpose2d(
    y: Operand,
    w: Operand,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
) -> Tensor:
    """The transpose of a convolution: (N, O, I, J) and w (O, C, kh, kw) give (N, C, H, W).

    H = (I - 1) s - 2p + kh + output_padding, which must be less than the stride: it chooses among
    the sizes that a convolution would shrink to I. Raises ValueError if shapes do not fit.
    """
    y, w = lift(y, w)
    stride, padding = pair("stride", stride, least=1), pair("padding", padding, least=0)
    extra = pair("output_padding", output_padding, least=0)
    _check("conv_transpose2d", y, w, channel_axis=0)
    if extra[0] >= stride[0] or extra[1] >= stride[1]:
        raise ValueError(f"output_padding: expected less than the stride {stride}, got {extra}")
    size = tuple(
        (i - 1) * s - 2 * p + k + e
        for i, s, p, k, e in zip(y.shape[2:], stride, padding, w.shape[2:], extra, strict=True)
    )
    if min(size) < 1:
        raise ValueError(
            f"conv_transpose2d: nothing is left of the image {y.shape[2:]} with kernel "
            f"{w.shape[2:]}, stride {stride} and padding {padding}"
        )
    return _by_x(y, w, stride, padding, size)


# The three derivatives of T as ops.


def _by_y(x: Tensor, w: Tensor, stride: Pair, padding: Pair) -> Tensor:
    return Tensor(
        _correlate(x.data, w.data, stride, padding),
        (x, lambda g, _: _by_x(g, w, stride, padding, x.shape[2:])),
        (w, lambda g, _: _by_w(x, g, stride, padding, w.shape[2:])),
    )


def _by_x(y: Tensor, w: Tensor, stride: Pair, padding: Pair, size: Pair) -> Tensor:
    return Tensor(
        _spread(y.data, w.data, stride, padding, size),
        (y, lambda g, _: _by_y(g, w, stride, padding)),
        (w, lambda g, _: _by_w(g, y, stride, padding, w.shape[2:])),
    )


def _by_w(x: Tensor, y: Tensor, stride: Pair, padding: Pair, kernel: Pair) -> Tensor:
    return Tensor(
        _collect(x.data, y.data, stride, padding, kernel),
        (x, lambda g, _: _by_x(y, g, stride, padding, x.shape[2:])),
        (y, lambda g, _: _by_y(x, g, stride, padding)),
    )


# The kernels: functions of arrays.


def _correlate(x: Array, w: Array, stride: Pair, padding: Pair) -> Array:
    """dT/dy: rows of x times the kernels."""
    (n, _, _, _), (o, c, kh, kw) = x.shape, w.shape
    rows, (i, j) = _rows(x, (kh, kw), stride, padding)
    y = rows @ w.transpose(2, 3, 1, 0).reshape(kh * kw * c, o)
    return y.reshape(n, i, j, o).transpose(0, 3, 1, 2)


def _spread(y: Array, w: Array, stride: Pair, padding: Pair, size: Pair) -> Array:
    """dT/dx: each output place adds its multiple of the kernels into the image.

    Either as written (multiply, then add up what overlaps), or seen from the image: a pixel hears
    of the few output places that reach it. Both are one matrix product; they differ in the matrix
    that has to be moved through memory, and the smaller one is taken.
    """
    (o, c, kh, kw), (sh, sw) = w.shape, stride
    reach = -(-kh // sh) * -(-kw // sw)  # output places that reach a pixel
    full = _gather(y, w, stride) if reach * o < kh * kw * c else _scatter(y, w, stride)
    (n, h1, w1, _), (ph, pw), (h, wd) = full.shape, padding, size
    x = full[:, ph : ph + h, pw : pw + wd]
    if h1 < ph + h or w1 < pw + wd:  # pixels that no kernel reached: output_padding, or a rest
        grown = of(y).xp.zeros((n, h, wd, c), dtype=full.dtype)
        grown[:, : x.shape[1], : x.shape[2]] = x
        x = grown
    return x.transpose(0, 3, 1, 2)


def _scatter(y: Array, w: Array, stride: Pair) -> Array:
    """The unpadded image as (N, H, W, C): every place's kernels, added up where they overlap."""
    (n, o, i, j), (_, c, kh, kw), (sh, sw) = y.shape, w.shape, stride
    places = y.transpose(0, 2, 3, 1).reshape(n * i * j, o)
    parts = (places @ w.transpose(0, 2, 3, 1).reshape(o, kh * kw * c)).reshape(n, i, j, kh, kw, c)
    x = of(y).xp.zeros((n, (i - 1) * sh + kh, (j - 1) * sw + kw, c), dtype=parts.dtype)
    for a in range(kh):
        for b in range(kw):
            x[:, a : a + sh * i : sh, b : b + sw * j : sw] += parts[:, :, :, a, b]
    return x


def _gather(y: Array, w: Array, stride: Pair) -> Array:
    """The unpadded image as (N, H, W, C), at least: pixel s*q + r hears place q - t through the
    kernel at r + s*t, so all pixels of a phase r are one convolution of y with a part of w."""
    (_, o, _, _), (_, c, kh, kw), (sh, sw) = y.shape, w.shape, stride
    th, tw = -(-kh // sh), -(-kw // sw)
    rows, (qh, qw) = _rows(y, (th, tw), (1, 1), (th - 1, tw - 1))
    phases = of(y).xp.zeros((th * sh, tw * sw, o, c), dtype=w.dtype)  # kernel sizes s does not
    phases[:kh, :kw] = w.transpose(2, 3, 0, 1)  # divide are filled up with zeros
    phases = phases.reshape(th, sh, tw, sw, o, c)[::-1, :, ::-1].transpose(0, 2, 4, 1, 3, 5)
    x = rows @ phases.reshape(th * tw * o, sh * sw * c)
    x = x.reshape(-1, qh, qw, sh, sw, c).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(-1, qh * sh, qw * sw, c)


def _collect(x: Array, y: Array, stride: Pair, padding: Pair, kernel: Pair) -> Array:
    """dT/dw: rows of x, transposed, times y."""
    (n, o, i, j), c, (kh, kw) = y.shape, x.shape[1], kernel
    rows, _ = _rows(x, kernel, stride, padding)
    w = rows.T @ y.transpose(0, 2, 3, 1).reshape(n * i * j, o)
    return w.reshape(kh, kw, c, o).transpose(3, 2, 0, 1)


def _rows(x: Array, kernel: Pair, stride: Pair, padding: Pair) -> tuple[Array, Pair]:
    """What the kernel sees at each output place, as rows (N*I*J, kh*kw*C), and (I, J)."""
    (n, c, h, w), (kh, kw), (sh, sw), (ph, pw) = x.shape, kernel, stride, padding
    xp = of(x).xp
    i, j = (h + 2 * ph - kh) // sh + 1, (w + 2 * pw - kw) // sw + 1
    padded = xp.zeros((n, h + 2 * ph, w + 2 * pw, c), dtype=x.dtype)
    padded[:, ph : ph + h, pw : pw + w] = x.transpose(0, 2, 3, 1)
    by_n, by_h, by_w, by_c = padded.strides
    seen = xp.lib.stride_tricks.as_strided(  # a run of kw places with all channels is contiguous
        padded, (n, i, j, kh, kw * c), (by_n, sh * by_h, sw * by_w, by_h, by_c)
    )
    return seen.reshape(n * i * j, kh * kw * c), (i, j)


def pair(name: str, value: int | Sequence[int], least: int) -> Pair:
    """An int stands for (height, width) alike. Raises ValueError below `least`, or for no pair."""
    both = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(both) != 2 or not all(isinstance(v, int) and v >= least for v in both):
        raise ValueError(f"{name}: expected an int >= {least} or a pair of them, got {value!r}")
    return both


def _check(name: str, images: Tensor, w: Tensor, channel_axis: int) -> None:
    if not isinstance(images, Tensor) or images.ndim != 4:
        raise ValueError(f"{name}: expected images (N, C, H, W), got {_shape(images)}")
    if not isinstance(w, Tensor) or w.ndim != 4:
        raise ValueError(f"{name}: expected a weight of 4 axes, got {_shape(w)}")
    if images.shape[1] != w.shape[channel_axis]:
        raise ValueError(
            f"{name}: the images {images.shape} have {images.shape[1]} channels, the weight "
            f"{w.shape} expects {w.shape[channel_axis]}"
        )


def _shape(value: object) -> str:
    return f"shape {value.shape}" if isinstance(value, Tensor) else repr(value)
