"""Cases for conv.py: the three derivatives of one trilinear form, against loops over places."""

import numpy as np
from cases import Cases, Point, generator, smooth
from hypothesis import strategies as st

from tinygan import conv2d, conv_transpose2d
from tinygan.conv import Im2Col, Winograd, _by_w, _by_x, _by_y
from tinygan.conv.im2col import Geometry
from tinygan.tensor import lift

CONV, WINOGRAD = Cases(), Cases()


def correlate(x, w, stride, padding):
    """The definition: at each output place, the part of the padded image under the kernel."""
    (sh, sw), (ph, pw), (kh, kw) = stride, padding, w.shape[2:]
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    rows, columns = (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1
    y = np.zeros((len(x), len(w), rows, columns))
    for i in range(rows):
        for j in range(columns):
            under = x[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
            y[:, :, i, j] = np.einsum("ncab,ocab->no", under, w)
    return y


def spread(y, w, stride, padding, extra):
    """The definition: each place of y adds its multiple of the kernels to a padded image."""
    (sh, sw), (ph, pw), (eh, ew), (kh, kw) = stride, padding, extra, w.shape[2:]
    rows, columns = y.shape[2:]
    x = np.zeros((len(y), w.shape[1], (rows - 1) * sh + kh + eh, (columns - 1) * sw + kw + ew))
    for i in range(rows):
        for j in range(columns):
            part = np.einsum("no,ocab->ncab", y[:, :, i, j], w)
            x[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw] += part
    return x[:, :, ph : x.shape[2] - ph, pw : x.shape[3] - pw]


def _sizes(draw, most=3):
    """Numbers of images and of channels in and out, a kernel and a stride, each rarely square."""
    n, c, o = (draw(st.integers(1, most)) for _ in range(3))
    kernel, stride = ((draw(st.integers(1, 3)), draw(st.integers(1, 3))) for _ in range(2))
    return n, c, o, kernel, stride


def _image(draw, kernel):
    """A padding and an image that the kernel fits into, not always a multiple of the stride."""
    padding = tuple(draw(st.integers(0, 2)) for _ in kernel)
    return padding, tuple(
        draw(st.integers(max(1, k - 2 * p), 5)) for k, p in zip(kernel, padding, strict=True)
    )


@CONV.add("conv2d")
def convolution(draw):
    n, c, o, kernel, stride = _sizes(draw)
    padding, image = _image(draw, kernel)
    rng = generator(draw)
    x, w = smooth(rng, (n, c, *image)), smooth(rng, (o, c, *kernel))
    return Point(
        lambda x, w: conv2d(x, w, stride, padding),
        (x, w),
        lambda x, w: correlate(x, w, stride, padding),
    )


@CONV.add("conv2d", "the same array as image and as kernel")
def with_itself(draw):
    x = smooth(generator(draw), (draw(st.integers(1, 2)), 2, 3, 2))
    s, p = draw(st.integers(1, 2)), draw(st.integers(0, 2))
    return Point(lambda x: conv2d(x, x, s, p), (x,), lambda x: correlate(x, x, (s, s), (p, p)))


@CONV.add("conv_transpose2d")
def transposed(draw):
    n, c, o, kernel, stride = _sizes(draw)
    places = tuple(draw(st.integers(1, 3)) for _ in kernel)
    extra = tuple(draw(st.integers(0, s - 1)) for s in stride)
    full = [(i - 1) * s + k + e for i, s, k, e in zip(places, stride, kernel, extra, strict=True)]
    padding = tuple(draw(st.integers(0, min(2, (size - 1) // 2))) for size in full)
    rng = generator(draw)
    y, w = smooth(rng, (n, o, *places)), smooth(rng, (o, c, *kernel))
    return Point(
        lambda y, w: conv_transpose2d(y, w, stride, padding, extra),
        (y, w),
        lambda y, w: spread(y, w, stride, padding, extra),
    )


def _form(draw, most=2):
    """The three arguments of T at a random geometry (x of the form, w and y), and the geometry."""
    n, c, o, kernel, stride = _sizes(draw, most)
    padding, image = _image(draw, kernel)
    rng = generator(draw)
    x, w = smooth(rng, (n, c, *image)), smooth(rng, (o, c, *kernel))
    y = smooth(rng, correlate(x, w, stride, padding).shape)
    return x, w, y, Geometry(stride, padding, kernel, image, y.shape[2:])


def _rest(geometry):
    """Rows and columns at the end of the image that no kernel reaches."""
    stride, padding, kernel, image, _ = geometry
    return [(n + 2 * p - k) % s for s, p, k, n in zip(stride, padding, kernel, image, strict=True)]


def _two(op, way):
    return lambda a, b: op(*lift(a, b), way)


for Way, cases in ((Im2Col, CONV), (Winograd, WINOGRAD)):

    @cases.add("dT/dy", Way.__name__)
    def by_y(draw, Way=Way):
        x, w, _, geometry = _form(draw)
        return Point(
            _two(_by_y, Way(geometry)),
            (x, w),
            lambda x, w: correlate(x, w, geometry.stride, geometry.padding),
        )

    @cases.add("dT/dx", Way.__name__)
    def by_x(draw, Way=Way):
        _, w, y, geometry = _form(draw)
        stride, padding, rest = geometry.stride, geometry.padding, _rest(geometry)
        return Point(
            _two(_by_x, Way(geometry)), (y, w), lambda y, w: spread(y, w, stride, padding, rest)
        )

    @cases.add("dT/dw", Way.__name__)
    def by_w(draw, Way=Way):
        x, w, y, geometry = _form(draw)

        def value(x, y):  # T is linear in w: its derivative is its value at each unit kernel
            units = np.eye(w.size).reshape(-1, *w.shape)
            stride, padding = geometry.stride, geometry.padding
            return np.reshape(
                [np.sum(correlate(x, unit, stride, padding) * y) for unit in units], w.shape
            )

        return Point(_two(_by_w, Way(geometry)), (x, y), value)
