"""Initializers and the initial weights of layers: bounds and variances are the papers'."""

import math

import guard  # noqa: F401  (registers the backend)
import numpy as np
import pytest

from tinygan import Tensor, grad, nn, ops
from tinygan.nn import init
from tinygan.nn.reparametrize import data_dependent_init
from tinygan.tensor import is_recording, raw


def rng(seed=0):
    return np.random.default_rng(seed)


def parameter(*shape):
    return nn.Parameter(np.zeros(shape, np.float32))


def filled(name, *numbers):
    """The weight of a convolution, (out 40, in 30, 3, 3): fan_in = 270, fan_out = 360."""
    p = getattr(init, name)(parameter(40, 30, 3, 3), *numbers, rng=rng())
    assert p.dtype == np.float32
    return p.data


@pytest.mark.parametrize(
    "name, numbers, bound",
    [
        ("uniform_", (-0.05, 0.05), 0.05),
        ("xavier_uniform_", (2.0,), 2 * math.sqrt(6 / 630)),
        ("kaiming_uniform_", (), math.sqrt(6 / 270)),
        ("kaiming_uniform_", (0.5,), math.sqrt(6 / 1.25 / 270)),
    ],
)
def test_uniform_initializers_fill_their_interval(name, numbers, bound):
    values = filled(name, *numbers)
    assert 0.999 * bound < np.abs(values).max() <= np.float32(bound)
    np.testing.assert_allclose(values.std(), bound / math.sqrt(3), rtol=0.02)
    assert abs(values.mean()) < 0.03 * bound


@pytest.mark.parametrize(
    "name, numbers, mean, std",
    [
        ("normal_", (1.0, 0.3), 1.0, 0.3),
        ("xavier_normal_", (2.0,), 0, 2 * math.sqrt(2 / 630)),
        ("kaiming_normal_", (), 0, math.sqrt(2 / 270)),
        ("kaiming_normal_", (0.5,), 0, math.sqrt(2 / 1.25 / 270)),
    ],
)
def test_normal_initializers_have_their_mean_and_deviation(name, numbers, mean, std):
    values = filled(name, *numbers)
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
    """QR alone would fix the signs, but each entry is positive as often as negative."""
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


def test_dcgan_initializes_weights_scales_and_biases():
    net = nn.Sequential(
        nn.Conv2d(20, 30, 4, rng=rng()),
        nn.BatchNorm2d(5000),
        nn.ConvTranspose2d(20, 30, 4, rng=rng()),
        nn.SpectralNorm(nn.Conv2d(20, 30, 4, rng=rng()), rng=rng()),
        nn.Linear(100, 100, bias=False, rng=rng()),
        nn.InstanceNorm2d(3, affine=True),
    )
    assert init.dcgan_(net, rng=rng()) is net
    for layer, mean in zip(list(net)[:5], (0, 1, 0, 0, 0), strict=True):
        weight = getattr(layer, "weight_orig", getattr(layer, "weight", None)).data
        np.testing.assert_allclose(weight.std(), 0.02, rtol=0.05)
        assert abs(weight.mean() - mean) < 1e-3
    for layer in list(net)[:4]:
        np.testing.assert_array_equal(layer.bias.data, 0)
    np.testing.assert_array_equal(net[5].weight.data, 1)


@pytest.mark.parametrize("learned", [True, False])
def test_dcgan_initializes_what_weight_norm_wraps(learned):
    wrapped = nn.WeightNorm(nn.ConvTranspose2d(20, 30, 4, rng=rng()), learned_scale=learned)
    y = wrapped(np.ones((1, 20, 3, 3), np.float32))
    init.dcgan_(nn.Sequential(wrapped), rng=rng())
    np.testing.assert_allclose(wrapped.weight_v.data.std(), 0.02, rtol=0.05)
    norms = np.sqrt(np.sum(wrapped.weight_v.data**2, (0, 2, 3), keepdims=True))
    np.testing.assert_allclose(raw(wrapped.weight_g), norms, rtol=1e-6)  # so that w = v
    np.testing.assert_array_equal(wrapped.bias.data, 0)
    with pytest.raises(RuntimeError, match="assigned to"):
        grad(y.sum(), wrapped.parameters())


def test_the_initial_weights_of_2014():
    net = nn.Sequential(
        nn.Linear(40, 50, rng=rng()), nn.SpectralNorm(nn.Maxout(40, 9, 5, rng=rng()), rng=rng())
    )
    assert init.gan_2014_(net, 0.05, rng=rng()) is net
    for weight in (net[0].weight.data, net[1].weight_orig.data):
        assert 0.0499 < abs(weight).max() <= 0.05 and abs(weight.mean()) < 0.003
    for layer in net:
        np.testing.assert_array_equal(layer.bias.data, 0)


# The data-dependent initialization of weight normalization.


def fitted(network, *shape, seed=5):
    """The network after its initialization, and the minibatch of another mean and variance."""
    x = 3 + 2 * rng(seed).normal(size=shape)
    network.astype(np.float64)
    assert data_dependent_init(network, x) is network
    return network, x


@pytest.mark.parametrize("learned", [True, False])
def test_data_dependent_init_is_the_formula_of_the_paper(learned):
    layer = nn.WeightNorm(nn.Linear(4, 3, rng=rng()), learned_scale=learned)
    raw(layer.weight_g)[...] = [[-2], [0], [5]]  # without effect, as is b
    v = layer.weight_v.data.astype(np.float64)
    _, x = fitted(layer, 50, 4)
    t = x @ (v / np.linalg.norm(v, axis=1, keepdims=True)).T
    np.testing.assert_allclose(raw(layer.weight_g)[:, 0], 1 / t.std(0), rtol=1e-12)
    np.testing.assert_allclose(layer.bias.data, -t.mean(0) / t.std(0), rtol=1e-12)
    np.testing.assert_array_equal(layer.weight_v.data, v)
    np.testing.assert_allclose(layer(x).data, (t - t.mean(0)) / t.std(0), atol=1e-12)


def assert_standardized(y, axes=0):
    np.testing.assert_allclose(y.mean(axes), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axes), 1, rtol=1e-12)


def test_data_dependent_init_standardizes_the_outputs_of_every_layer():
    """Each layer gets the outputs of those before it, which are initialized by then."""
    convolutions = nn.Sequential(
        nn.WeightNorm(nn.Conv2d(2, 4, 3, 2, rng=rng(1))),
        nn.LeakyReLU(0.2),
        nn.Sequential(nn.WeightNorm(nn.ConvTranspose2d(4, 3, 2, rng=rng(2)), learned_scale=False)),
    )
    last = nn.WeightNorm(nn.Linear(48, 5, rng=rng(3)), learned_scale=False)
    network, x = fitted(nn.Sequential(convolutions, nn.ReLU(), nn.Flatten(), last), 30, 2, 8, 8)
    for end in (convolutions[0], convolutions):
        assert_standardized(end(x).data, (0, 2, 3))
    assert_standardized(network(x).data)


def test_data_dependent_init_standardizes_the_pieces_of_maxout():
    layer, x = fitted(nn.WeightNorm(nn.Maxout(4, 3, 2, rng=rng())), 50, 4)
    v = layer.weight_v.data
    weight = layer.weight_g.data * v / np.linalg.norm(v, axis=1, keepdims=True)
    pieces = x @ weight.T + layer.bias.data
    assert_standardized(pieces)
    np.testing.assert_allclose(layer(x).data, pieces.reshape(50, 3, 2).max(2), rtol=1e-10)


def test_data_dependent_init_without_a_bias_keeps_the_mean():
    layer, x = fitted(nn.WeightNorm(nn.Linear(4, 3, bias=False, rng=rng())), 50, 4)
    y = layer(x).data
    np.testing.assert_allclose(y.var(0), 1, rtol=1e-12)
    assert np.abs(y.mean(0)).min() > 0.1


def test_data_dependent_init_leaves_noise_out_and_modes_as_they_were():
    noise, still = nn.GaussianNoise(0.5, rng=rng(1)), nn.Dropout(0.5, rng=rng(2)).eval()
    layers = [nn.WeightNorm(nn.Linear(size, 4, rng=rng(size))) for size in (3, 4)]
    network = nn.Sequential(noise, layers[0], nn.BatchNorm1d(4), still, layers[1])
    modes = [module.training for module in network.modules()]
    _, x = fitted(network, 20, 3)
    assert [module.training for module in network.modules()] == modes
    assert noise.rng.random() == rng(1).random()
    assert network[2].num_batches_tracked == 0
    np.testing.assert_allclose(network.eval()(x).data.std(0), 1, rtol=1e-12)


def test_data_dependent_init_works_in_any_module_and_fits_a_shared_layer_once():
    recorded = []

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.WeightNorm(nn.Linear(4, 4, rng=rng()))

        def forward(self, x):
            recorded.append(is_recording())
            return x + self.inner(ops.tanh(self.inner(x)))

    network, x = fitted(Residual(), 20, 4)
    assert recorded == [False]
    np.testing.assert_allclose(network.inner(x).data.std(0), 1, rtol=1e-12)
    state = network.state_dict()
    network(x + 1)
    for key, value in network.state_dict().items():
        np.testing.assert_array_equal(value, state[key])


def test_a_minibatch_without_variance_leaves_the_layers_as_they_were():
    network = nn.Sequential(*(nn.WeightNorm(nn.Linear(2, 2, rng=rng(i))) for i in range(2)))
    before, x = network.state_dict(), np.ones((3, 2), np.float32)
    with pytest.raises(ValueError, match="does not vary"):
        data_dependent_init(network, x)
    network(x)
    assert all(module.training for module in network.modules())
    for key, value in network.state_dict().items():
        np.testing.assert_array_equal(value, before[key])


@pytest.mark.parametrize("bias, learned", [(True, True), (False, True), (False, False)])
def test_data_dependent_init_makes_graphs_stale(bias, learned):
    layer = nn.WeightNorm(nn.Linear(2, 1, bias, rng=rng()), learned_scale=learned)
    x = rng().normal(size=(5, 2)).astype(np.float32)
    graphs = [layer(x).sum(), *(ops.sum(p * p) for p in layer.parameters()[:-1])]  # v stays
    data_dependent_init(layer, x)
    for y in graphs:
        with pytest.raises(RuntimeError, match="assigned to"):
            grad(y, layer.parameters(), allow_unused=True)


def test_data_dependent_init_is_the_same_on_every_backend():
    states = []
    for backend in ("numpy", "guard"):
        network = nn.Sequential(
            nn.WeightNorm(nn.Conv2d(1, 3, 2, rng=rng(1))),
            nn.Flatten(),
            nn.WeightNorm(nn.Maxout(12, 2, 2, rng=rng(2)), learned_scale=False),
        )
        x = Tensor(rng(3).normal(size=(6, 1, 3, 3)).astype(np.float32)).to(backend)
        states.append(data_dependent_init(network.to(backend), x).to("numpy").state_dict())
    for key, value in states[0].items():
        np.testing.assert_array_equal(states[1][key], value)
        assert value.dtype == np.float32


def test_the_same_seed_gives_the_same_weights():
    one, two, other = (nn.Linear(3, 4, rng=rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.weight.data, two.weight.data)
    assert (one.weight.data != other.weight.data).any()


def test_initializing_in_place_keeps_the_array_and_makes_graphs_stale():
    layer = nn.Linear(2, 1, rng=rng())
    y, array = layer(np.ones((1, 2), np.float32)).sum(), layer.weight.data
    init.normal_(layer.weight, rng=rng())
    assert layer.weight.data is array
    with pytest.raises(RuntimeError, match="assigned to"):
        grad(y, layer.parameters())
