"""Initialisers and the initial weights of layers: bounds and variances are the papers'."""

import math

import numpy as np
import pytest

from tinygan import grad, nn
from tinygan.nn import init


def rng(seed=0):
    return np.random.default_rng(seed)


def parameter(*shape):
    return nn.Parameter(np.zeros(shape, np.float32))


# A convolution's weight (out 40, in 30, 3, 3): fan_in = 270, fan_out = 360.
IN, OUT = 270, 360

UNIFORM = {
    "uniform_": (lambda p: init.uniform_(p, -0.05, 0.05, rng=rng()), 0.05),
    "xavier_uniform_": (lambda p: init.xavier_uniform_(p, 2.0, rng=rng()), 2 * math.sqrt(6 / 630)),
    "kaiming_uniform_": (lambda p: init.kaiming_uniform_(p, rng=rng()), math.sqrt(6 / IN)),
    "kaiming_uniform_ of a slope": (
        lambda p: init.kaiming_uniform_(p, 0.5, rng=rng()),
        math.sqrt(6 / 1.25 / IN),
    ),
}
NORMAL = {
    "normal_": (lambda p: init.normal_(p, 1.0, 0.3, rng=rng()), 1.0, 0.3),
    "xavier_normal_": (
        lambda p: init.xavier_normal_(p, 2.0, rng=rng()),
        0,
        2 * math.sqrt(2 / (IN + OUT)),
    ),
    "kaiming_normal_": (lambda p: init.kaiming_normal_(p, rng=rng()), 0, math.sqrt(2 / IN)),
    "kaiming_normal_ of a slope": (
        lambda p: init.kaiming_normal_(p, 0.5, rng=rng()),
        0,
        math.sqrt(2 / 1.25 / IN),
    ),
}


@pytest.mark.parametrize("name", UNIFORM)
def test_uniform_initialisers_fill_their_interval(name):
    fill, bound = UNIFORM[name]
    p = fill(parameter(40, 30, 3, 3))
    assert p.dtype == np.float32
    assert 0.999 * bound < np.abs(p.data).max() <= np.float32(bound)
    np.testing.assert_allclose(p.data.std(), bound / math.sqrt(3), rtol=0.02)
    assert abs(p.data.mean()) < 0.03 * bound


@pytest.mark.parametrize("name", NORMAL)
def test_normal_initialisers_have_their_mean_and_deviation(name):
    fill, mean, std = NORMAL[name]
    values = fill(parameter(40, 30, 3, 3)).data
    np.testing.assert_allclose(values.std(), std, rtol=0.03)  # four standard errors
    assert abs(values.mean() - mean) < 0.05 * std
    kurtosis = np.mean((values - values.mean()) ** 4) / values.var() ** 2
    assert abs(kurtosis - 3) < 0.25  # a uniform distribution would have 1.8


def test_uniform_defaults_to_the_unit_interval():
    values = init.uniform_(parameter(1000), rng=rng()).data
    assert 0 <= values.min() < 0.01 and 0.99 < values.max() <= 1


def test_constant():
    np.testing.assert_array_equal(init.constant_(parameter(2, 3), 0.5).data, np.full((2, 3), 0.5))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 2, 3, 3), (4, 4)])
def test_orthogonal_rows_or_columns(shape):
    w = init.orthogonal_(parameter(*shape), 2.0, rng=rng()).data.reshape(shape[0], -1) / 2
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-6)


def test_orthogonal_is_uniform_over_rotations():
    """QR alone would fix the signs: every entry must be of either sign equally often."""
    signs = [np.sign(init.orthogonal_(parameter(2, 2), rng=rng(i)).data) for i in range(400)]
    assert np.abs(np.mean(signs, axis=0)).max() < 0.2  # four standard errors


@pytest.mark.parametrize(
    "layer, fan_in",
    [
        (nn.Linear(50, 400, rng=rng()), 50),
        (nn.Maxout(50, 40, 5, rng=rng()), 50),
        (nn.Conv2d(10, 200, (3, 5), rng=rng()), 150),
        (nn.ConvTranspose2d(200, 10, (3, 5), rng=rng()), 150),
    ],
)
def test_layers_start_as_those_of_pytorch(layer, fan_in):
    for p in (layer.weight, layer.bias):
        assert np.abs(p.data).max() <= np.float32(1 / math.sqrt(fan_in))
    assert np.abs(layer.weight.data).max() > 0.999 / math.sqrt(fan_in)
    np.testing.assert_allclose(layer.weight.data.std(), 1 / math.sqrt(3 * fan_in), rtol=0.02)


def test_an_embedding_starts_standard_normal():
    values = nn.Embedding(100, 100, rng=rng()).weight.data
    np.testing.assert_allclose([values.mean(), values.std()], [0, 1], atol=0.03)


def test_dcgan_initialises_weights_scales_and_biases():
    net = nn.Sequential(
        nn.Conv2d(20, 30, 4, rng=rng()),
        nn.BatchNorm2d(5000),
        nn.ConvTranspose2d(20, 30, 4, rng=rng()),
        nn.Linear(100, 100, bias=False, rng=rng()),
        nn.InstanceNorm2d(3, affine=True),
    )
    assert init.dcgan_(net, rng=rng()) is net
    for layer, mean in ((net[0], 0), (net[1], 1), (net[2], 0), (net[3], 0)):
        np.testing.assert_allclose(layer.weight.data.std(), 0.02, rtol=0.05)
        assert abs(layer.weight.data.mean() - mean) < 1e-3
    for layer in (net[0], net[1], net[2]):
        np.testing.assert_array_equal(layer.bias.data, 0)
    np.testing.assert_array_equal(net[4].weight.data, 1)


def test_dcgan_initialises_what_spectral_norm_wraps():
    net = nn.Sequential(nn.SpectralNorm(nn.Conv2d(20, 30, 4, rng=rng()), rng=rng()))
    init.dcgan_(net, rng=rng())
    np.testing.assert_allclose(net[0].weight_orig.data.std(), 0.02, rtol=0.05)
    np.testing.assert_array_equal(net[0].bias.data, 0)


def test_the_same_seed_gives_the_same_weights():
    one, two, other = (nn.Linear(3, 4, rng=rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.weight.data, two.weight.data)
    assert (one.weight.data != other.weight.data).any()


def test_initialising_in_place_keeps_the_array_and_makes_graphs_stale():
    layer = nn.Linear(2, 1, rng=rng())
    y, array = layer(np.ones((1, 2), np.float32)).sum(), layer.weight.data
    init.normal_(layer.weight, rng=rng())
    assert layer.weight.data is array
    with pytest.raises(RuntimeError, match="assigned to"):
        grad(y, layer.parameters())
