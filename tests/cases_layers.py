"""Cases for the layers with a weight, for what wraps them, and for modules of modules."""

import numpy as np
from cases import (
    Cases,
    Point,
    distinct,
    generator,
    near_integers,
    nonzero,
    positive,
    shape,
    smooth,
)
from cases_conv import correlate, spread
from functional import functional, point
from hypothesis import strategies as st

from tinygan import nn
from tinygan.tensor import raw

AFFINE = Cases()


@AFFINE.add("Linear")
def linear(draw):
    rng = generator(draw)
    *batch, n, m = shape(draw, minimum=3)
    bias = draw(st.booleans())
    layer = nn.Linear(n, m, bias, rng=rng)
    return point(
        layer, smooth(rng, (*batch, n)), lambda x, w, b=0: np.einsum("...i,oi->...o", x, w) + b
    )


@AFFINE.add("Maxout", "the winner differs between examples")
def maxout(draw):
    rng = generator(draw)
    n, m, pieces = (draw(st.integers(1, 3)) for _ in range(3))
    layer = nn.Maxout(n, m, pieces, rng=rng)
    # Integers and a fraction of its own for each piece: two pieces are never closer than 1/3.
    layer.weight.data = rng.integers(-2, 3, layer.weight.shape).astype(float)
    layer.bias.data = np.tile(np.arange(pieces) / pieces, m)

    def value(x, w, b):
        return (x @ w.T + b).reshape(len(x), m, pieces).max(axis=2)

    return point(layer, rng.integers(-2, 3, (draw(st.integers(1, 4)), n)).astype(float), value)


@AFFINE.add("MinibatchDiscrimination", "no two examples are equal in any kernel")
def minibatch_discrimination(draw):
    rng = generator(draw)
    n, features, out, kernel = (draw(st.integers(1, 3)) for _ in range(4))
    layer = nn.MinibatchDiscrimination(features, out, kernel, rng=rng)
    # All features rise with the rank of the example, and all weights of a kernel have one sign.
    signs = rng.choice([-1.0, 1.0], (out * kernel, 1))
    layer.T.weight.data = signs * positive(rng, layer.T.weight.shape)
    x = np.sort(distinct(rng, (n, features)), axis=0)[rng.permutation(n)]

    def value(x, w):
        m = (x @ w.T).reshape(n, out, kernel)
        near = [[sum(np.exp(-abs(m[i, b] - m[j, b]).sum()) for j in range(n)) for b in range(out)]
                for i in range(n)]  # fmt: skip
        return np.hstack([x, near])

    return point(layer, x, value)


@AFFINE.add("Embedding")
def embedding(draw):
    rng = generator(draw)
    n, d = (draw(st.integers(1, 4)) for _ in range(2))
    indices = rng.integers(0, n, shape(draw))
    layer = nn.Embedding(n, d, rng=rng)
    function, parameters = functional(layer)
    return Point(lambda w: function(indices, w), parameters, lambda w: w[indices], layer)


def _column(bias):
    return 0 if bias is None else bias.reshape(1, -1, 1, 1)


def _convolution(draw, transposed):
    """The layer, its input, and the layer's formula."""
    rng = generator(draw)
    c, o = (draw(st.integers(1, 3)) for _ in range(2))
    kernel, stride, padding = (
        (draw(st.integers(lo, 3)), draw(st.integers(lo, 3))) for lo in (1, 1, 0)
    )
    image = tuple(max(k + s - 2 * p, k) for k, s, p in zip(kernel, stride, padding, strict=True))
    x, bias = smooth(rng, (2, c, *image)), draw(st.booleans())
    if not transposed:
        layer = nn.Conv2d(c, o, kernel, stride, padding, bias=bias, rng=rng)
        return layer, x, lambda x, w, b=None: correlate(x, w, stride, padding) + _column(b)
    extra = tuple(draw(st.integers(0, s - 1)) for s in stride)
    padding = tuple(min(p, (k - 1) // 2) for p, k in zip(padding, kernel, strict=True))
    layer = nn.ConvTranspose2d(c, o, kernel, stride, padding, extra, bias=bias, rng=rng)
    return (
        layer,
        x[:, :, :2, :2],
        lambda x, w, b=None: spread(x, w, stride, padding, extra) + _column(b),
    )


def _linear(draw):
    rng = generator(draw)
    n, m = (draw(st.integers(1, 3)) for _ in range(2))
    layer = nn.Linear(n, m, draw(st.booleans()), rng=rng)
    return layer, smooth(rng, (2, n)), lambda x, w, b=0: x @ w.T + b


@AFFINE.add("Conv2d")
def convolution(draw):
    return point(*_convolution(draw, transposed=False))


@AFFINE.add("ConvTranspose2d")
def transposed_convolution(draw):
    return point(*_convolution(draw, transposed=True))


def _spectral(draw, layer, x, form, axis):
    """In evaluation, where u and v are held fixed, so that differences prove the derivatives."""
    layer.weight.data = nonzero(np.random.default_rng(0), layer.weight.shape)
    layer = nn.SpectralNorm(layer, 5, rng=np.random.default_rng(0)).astype(float)
    layer(x)  # a training pass brings sigma near the largest singular value, and far from 0
    layer.eval()
    u, v = layer.weight_u.copy(), layer.weight_v.copy()

    def value(x, *parameters):
        *b, w = parameters
        matrix = np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1)
        return form(x, w / (u @ matrix @ v), *b)

    return point(layer, x, value)


def _weight_norm(draw, layer, x, form, axis):
    """g of either sign, learned or not, and no v near 0, where its direction turns at once."""
    rng = np.random.default_rng(0)
    layer.weight.data = nonzero(rng, layer.weight.shape)
    learned = draw(st.booleans())
    layer = nn.WeightNorm(layer, learned_scale=learned).astype(float)
    g = raw(layer.weight_g)
    g[...] = nonzero(rng, g.shape)
    biased = layer.bias is not None

    def value(x, *parameters):
        b, (*scale, v) = parameters[:biased], parameters[biased:]
        matrix = np.moveaxis(v, axis, 0).reshape(v.shape[axis], -1)
        lengths = np.linalg.norm(matrix, axis=1).reshape(g.shape)
        return form(x, (scale[0] if learned else g) * v / lengths, *b)

    return point(layer, x, value)


def _wrapped(name, wrap):
    @AFFINE.add(name, "of a linear layer")
    def linear(draw):
        return wrap(draw, *_linear(draw), axis=0)

    @AFFINE.add(name, "of a convolution")
    def convolution(draw):
        return wrap(draw, *_convolution(draw, transposed=False), axis=0)

    @AFFINE.add(name, "of a transposed convolution")
    def transposed(draw):
        return wrap(draw, *_convolution(draw, transposed=True), axis=1)


_wrapped("SpectralNorm", _spectral)
_wrapped("WeightNorm", _weight_norm)


@AFFINE.add("Sequential")
def sequential(draw):
    rng = generator(draw)
    layers = nn.Linear(2, 3, rng=rng), nn.Tanh(), nn.Linear(3, 1, False, rng=rng)
    return point(
        nn.Sequential(*layers),
        near_integers(rng, (2, 2)),
        lambda x, w, b, v: np.tanh(x @ w.T + b) @ v.T,
    )


@AFFINE.add("Residual")
def residual(draw):
    rng = generator(draw)
    layers = nn.Linear(2, 3, rng=rng), nn.Tanh(), nn.Linear(3, 2, False, rng=rng)
    return point(
        nn.Residual(*layers),
        near_integers(rng, (draw(st.integers(1, 3)), 2)),
        lambda x, w, b, v: x + np.tanh(x @ w.T + b) @ v.T,
    )


# A layer that is shared is one parameter, whose gradient is the sum over its places.
@AFFINE.add("Module", "a layer used twice")
def shared(draw):
    rng = generator(draw)
    layer = nn.Linear(2, 2, rng=rng)
    return point(
        nn.Sequential(layer, nn.Tanh(), layer),
        smooth(rng, (3, 2)),
        lambda x, w, b: np.tanh(x @ w.T + b) @ w.T + b,
    )
