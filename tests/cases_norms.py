"""Cases for activations, noise and normalization."""

import numpy as np
import scipy.special
from cases import Cases, distinct, generator, nonzero, shape, smooth
from functional import point, randomized
from hypothesis import strategies as st

from tinygan import nn

NORMS = Cases()


def _pointwise(name, layer, value, note=""):
    @NORMS.add(name, note)
    def build(draw):
        return point(layer, nonzero(generator(draw), shape(draw)), value)


for _name, *_rest in [
    ("ReLU", nn.ReLU(), lambda x: np.maximum(x, 0)),
    ("LeakyReLU", nn.LeakyReLU(np.float64(0.2)), lambda x: np.where(x > 0, x, 0.2 * x)),
    ("LeakyReLU", nn.LeakyReLU(), lambda x: np.where(x > 0, x, 0.01 * x), "default slope"),
    ("Tanh", nn.Tanh(), np.tanh),
    ("Sigmoid", nn.Sigmoid(), scipy.special.expit),
    ("Softplus", nn.Softplus(), lambda x: np.logaddexp(0, x)),
]:
    _pointwise(_name, *_rest)


@NORMS.add("Dropout")
def dropout(draw):
    seed, p = draw(st.integers(0, 99)), draw(st.sampled_from([0, 0.3, np.float64(0.5)]))
    x = smooth(generator(draw), shape(draw))

    def value(x):
        return np.where(np.random.default_rng(seed).random(x.shape) < p, 0, x / (1 - p))

    return point(nn.Dropout(p, rng=np.random.default_rng()), x, value, seed)


@NORMS.add("GaussianNoise")
def gaussian_noise(draw):
    seed, std = draw(st.integers(0, 99)), draw(st.sampled_from([0, 0.3, np.float64(2)]))
    x = smooth(generator(draw), shape(draw))

    def value(x):
        return x + std * np.random.default_rng(seed).standard_normal(x.shape)

    return point(nn.GaussianNoise(std, rng=np.random.default_rng()), x, value, seed)


# Normalization.


def _normalized(x, axes, eps, weight=1, bias=0):
    m, v = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - m) / np.sqrt(v + eps) * weight + bias


def _column(values, ndim):
    return [v.reshape((1, -1) + (1,) * (ndim - 2)) for v in values]


def _batch_norm(name, ndims):
    kind, eps = getattr(nn, name), np.float64(0.01)

    def build(draw):
        rng, ndim = generator(draw), draw(st.sampled_from(ndims))
        sizes = (draw(st.integers(2, 3)), *shape(draw, minimum=ndim - 1, most=ndim - 1))
        layer = kind(sizes[1], eps, affine=draw(st.booleans()))
        return randomized(layer, rng), rng, distinct(rng, sizes)

    @NORMS.add(name, "training")
    def training(draw):
        layer, _, x = build(draw)
        axes = (0, *range(2, x.ndim))
        return point(layer, x, lambda x, *p: _normalized(x, axes, eps, *_column(p, x.ndim)))

    @NORMS.add(name, "evaluation")
    def evaluation(draw):
        layer, rng, x = build(draw)
        mean, var = rng.normal(size=x.shape[1]), rng.uniform(0.5, 2, x.shape[1])
        layer.eval().running_mean, layer.running_var = mean, var

        def value(x, *parameters):
            m, v, *scale = _column((mean, var, *parameters), x.ndim)
            weight, bias = scale or (1, 0)
            return (x - m) / np.sqrt(v + eps) * weight + bias

        return point(layer, x, value)


_batch_norm("BatchNorm1d", (2, 3))
_batch_norm("BatchNorm2d", (4,))


@NORMS.add("InstanceNorm2d")
def instance_norm(draw):
    rng, (n, c, h) = generator(draw), shape(draw, minimum=3)
    layer = randomized(nn.InstanceNorm2d(c, 0.01, affine=draw(st.booleans())), rng)
    x = distinct(rng, (n, c, h, draw(st.integers(2, 3))))
    return point(layer, x, lambda x, *p: _normalized(x, (2, 3), 0.01, *_column(p, 4)))


@NORMS.add("LayerNorm")
def layer_norm(draw):
    rng, sizes = generator(draw), (*shape(draw, most=1), draw(st.integers(2, 3)))
    layer = randomized(nn.LayerNorm(sizes if len(sizes) > 1 else sizes[0], 0.01), rng)
    axes = tuple(range(-len(sizes), 0))
    x = distinct(rng, (*shape(draw, most=2), *sizes))
    return point(layer, x, lambda x, w, b: _normalized(x, axes, 0.01, w, b))
