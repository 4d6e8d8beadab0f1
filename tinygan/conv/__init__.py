"""Convolution, its transpose and its weight gradient: three derivatives of one form.

    T(x, w, y) = sum  x[n, c, s*i + a - p, s*j + b - p]  w[o, c, a, b]  y[n, o, i, j]

    n image   c input channel   o output channel   i, j output pixel   a, b kernel position
    s stride  p padding (pixels outside of x are 0)
    x (N, C, H, W)   w (O, C, kh, kw)   y (N, O, I, J)

T is linear in each argument. Its derivatives are

    dT/dy   the convolution of x with w
    dT/dx   the transposed convolution of y with w
    dT/dw   the gradient of a convolution at its weight

Each derivative is linear in its two arguments, and its gradient rules call the other two
derivatives, so derivatives of all orders exist.

A method for T consists of a linear map for each argument and the transposes of these maps:

    X, W, Y = of_x(x), of_w(w), of_y(y)         T(x, w, y) = sum X W * Y
    dT/dy = to_y(X W)    dT/dx = to_x(Y W^T)    dT/dw = to_w(X^T Y)

with matrix products over the last two axes (`to_x_of_product` is to_x(Y W^T)). There are two
methods: `im2col`, and `winograd` on the CPU where it is faster. X, W and Y of one derivative are
reused in the others.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from ..backend import Array, of, with_channels
from ..checks import pair
from ..ops import astype, sum
from ..tensor import Edge, Operand, Tensor, lift
from . import winograd
from .im2col import Geometry, Im2Col
from .winograd import Winograd

__all__ = ["conv2d", "conv_transpose2d"]

Method = Im2Col | Winograd
Lazy = Callable[[], Array]  # X, W or Y, computed at the first call


def conv2d(
    x: Operand,
    w: Operand,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    bias: Operand | None = None,
) -> Tensor:
    """Cross-correlate the images x (N, C, H, W) with the kernels w (O, C, kh, kw); add bias (O,).

    The result is (N, O, (H + 2p - kh) // s + 1, (W + 2p - kw) // s + 1). Stride and padding are
    ints or (height, width).

    Raises ValueError if the shapes do not fit or the kernel is larger than the padded image.
    """
    x, w = lift(x, w)
    stride, padding = pair("stride", stride, minimum=1), pair("padding", padding, minimum=0)
    x, w = _checked("conv2d", x, w, channel_axis=1)
    places = tuple(
        (size + 2 * p - k) // s + 1
        for size, s, p, k in zip(x.shape[2:], stride, padding, w.shape[2:], strict=True)
    )
    if min(places) < 1:
        raise ValueError(
            f"conv2d: kernel {w.shape[2:]} is larger than the image {x.shape[2:]} with padding "
            f"{padding}"
        )
    method = _method(Geometry(stride, padding, w.shape[2:], x.shape[2:], places), len(x), w)
    return _by_y(x, w, method, bias=_bias(bias, w.shape[0], w))


def conv_transpose2d(
    y: Operand,
    w: Operand,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    bias: Operand | None = None,
) -> Tensor:
    """The transpose of a convolution: y (N, O, I, J) and w (O, C, kh, kw) give (N, C, H, W), plus
    bias (C,).

    H = (I - 1) s - 2p + kh + output_padding. A convolution maps several sizes H to the same I;
    output_padding, less than the stride, selects one of them.

    Raises ValueError if the shapes do not fit.
    """
    y, w = lift(y, w)
    stride, padding = pair("stride", stride, minimum=1), pair("padding", padding, minimum=0)
    extra = pair("output_padding", output_padding, minimum=0)
    y, w = _checked("conv_transpose2d", y, w, channel_axis=0)
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
    method = _method(Geometry(stride, padding, w.shape[2:], size, y.shape[2:]), len(y), w)
    return _by_x(y, w, method, bias=_bias(bias, w.shape[1], w))


def _bias(bias: Operand | None, channels: int, w: Tensor) -> Tensor | None:
    """Return the bias in w's dtype. Raise ValueError unless it is one number for each channel."""
    if bias is None:
        return None
    (b,) = lift(bias)
    if b.shape != (channels,):
        raise ValueError(f"bias: expected shape {(channels,)}, got {b.shape}")
    return b if b.dtype == w.dtype else astype(b, w.dtype)


def _method(geometry: Geometry, n: int, w: Tensor) -> Method:
    """Return the faster method for n images of this geometry and w's channels and dtype."""
    o, c = w.shape[:2]
    precise = w.dtype.kind == "f" and w.dtype.itemsize >= 4
    fast = precise and of(w.data).saves_products and winograd.faster(geometry, n, c, o)
    return fast or Im2Col(geometry)


# The three derivatives of T as ops: dT/dy, dT/dx, dT/dw. X, W and Y are passed on if they exist.


def _by_y(
    x: Tensor,
    w: Tensor,
    method: Method,
    X: Lazy | None = None,
    W: Lazy | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    X, W, Y = X or _lazy(method.of_x, x), W or _lazy(method.of_w, w), _once_for_each(method.of_y)
    return _biased(
        method.to_y(method.product(X(), W())),
        bias,
        (x, lambda g, _: _by_x(g, w, method, Y(g), W)),
        (w, lambda g, _: _by_w(x, g, method, X, Y(g))),
    )


def _by_x(
    y: Tensor,
    w: Tensor,
    method: Method,
    Y: Lazy | None = None,
    W: Lazy | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    Y, W, X = Y or _lazy(method.of_y, y), W or _lazy(method.of_w, w), _once_for_each(method.of_x)
    return _biased(
        method.to_x_of_product(Y(), W()),
        bias,
        (y, lambda g, _: _by_y(g, w, method, X(g), W)),
        (w, lambda g, _: _by_w(g, y, method, X(g), Y)),
    )


def _by_w(
    x: Tensor, y: Tensor, method: Method, X: Lazy | None = None, Y: Lazy | None = None
) -> Tensor:
    X, Y, W = X or _lazy(method.of_x, x), Y or _lazy(method.of_y, y), _once_for_each(method.of_w)
    return Tensor(
        method.to_w(method.product(X().swapaxes(-1, -2), Y())),
        (x, lambda g, _: _by_x(y, g, method, Y, W(g))),
        (y, lambda g, _: _by_y(x, g, method, X, W(g))),
    )


def _lazy(make: Callable[[Array], Array], t: Tensor) -> Lazy:
    data = t.data
    return cache(lambda: make(data))


def _once_for_each(make: Callable[[Array], Array]) -> Callable[[Tensor], Lazy]:
    """A cache of `make` for the latest gradient, which both rules of an op use. It stores the
    gradient's age, not the gradient, whose graph may contain the op: that would be a cycle."""
    latest: list[Any] = [None, None]

    def of_gradient(gradient: Tensor) -> Lazy:
        if latest[0] != gradient.born:
            latest[:] = gradient.born, _lazy(make, gradient)
        return latest[1]

    return of_gradient


def _biased(images: Array, bias: Tensor | None, *edges: Edge) -> Tensor:
    """Add the bias (C,) to newly computed images (N, C, H, W) in place."""
    if bias is None:
        return Tensor(images, *edges)
    with_channels(bias.xp.add, images, bias.data[None, :, None, None], out=images)
    return Tensor(images, *edges, (bias, lambda g, _: sum(g, (0, 2, 3))))


def _checked(name: str, images: Tensor, w: Tensor, channel_axis: int) -> tuple[Tensor, Tensor]:
    """Return images and weight in the dtype that NumPy would give their product.

    Raises ValueError if their shapes do not fit.
    """
    for expected, value in (("images (N, C, H, W)", images), ("a weight of 4 axes", w)):
        if not isinstance(value, Tensor) or value.ndim != 4:
            raise ValueError(f"{name}: expected {expected}, got {getattr(value, 'shape', value)}")
    if images.shape[1] != w.shape[channel_axis]:
        raise ValueError(
            f"{name}: the images {images.shape} have {images.shape[1]} channels, the weight "
            f"{w.shape} expects {w.shape[channel_axis]}"
        )
    if images.dtype == w.dtype:
        return images, w
    dtype = np.result_type(images.dtype, w.dtype)
    return astype(images, dtype), astype(w, dtype)
