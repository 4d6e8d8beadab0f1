"""Every layer: its value equals the formula's. Its derivatives to second order, at the input and at
every parameter, equal those by differences."""

import numpy as np
import pytest
from cases_layers import AFFINE
from cases_norms import NORMS
from cases_pixels import PIXELS
from hypothesis import given
from hypothesis import strategies as st
from proofs import prove_gradients, prove_value

from tinygan import Tensor, grad, nn, ops
from tinygan.tensor import raw

LAYERS = [*AFFINE, *NORMS, *PIXELS]


@pytest.mark.parametrize("case", LAYERS, ids=str)
@given(data=st.data())
def test_value_is_that_of_the_formula(case, data):
    prove_value(case, data.draw)


@pytest.mark.parametrize("case", LAYERS, ids=str)
@given(data=st.data())
def test_derivatives_of_first_and_second_order(case, data):
    prove_gradients(case, data.draw)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("of", [int, np.int64, np.uint8])
def test_sizes_may_be_ints_of_numpy(of):
    three, two, one = of(3), of(2), of(1)
    layers = [
        nn.Linear(three, two, rng=rng()),
        nn.Conv2d(three, two, (three, two), two, one, rng=rng()),
        nn.ConvTranspose2d(three, two, three, two, one, one, rng=rng()),
        nn.Upsample(scale_factor=two),
        nn.ReflectionPad2d(one),
        nn.LayerNorm((two, three)),
    ]
    expected = [
        "Linear(in_features=3, out_features=2)",
        "Conv2d(in_channels=3, out_channels=2, kernel_size=(3, 2), stride=(2, 2), padding=(1, 1))",
        "ConvTranspose2d(in_channels=3, out_channels=2, kernel_size=(3, 3), stride=(2, 2), "
        "padding=(1, 1), output_padding=(1, 1))",
        "Upsample(scale_factor=(2, 2), mode='nearest')",
        "ReflectionPad2d(padding=(1, 1, 1, 1))",
        "LayerNorm(normalized_shape=(2, 3), eps=1e-05)",
    ]
    assert [repr(layer) for layer in layers] == expected


def test_small_ints_of_numpy_do_not_overflow():
    layer = nn.Conv2d(np.uint8(40), np.uint8(1), np.uint8(4), rng=rng())  # fan_in = 640 > 255
    np.testing.assert_allclose(np.abs(layer.weight.data).max(), 640**-0.5, rtol=0.01)


def test_batch_norm_tracks_statistics_toward_those_of_each_batch():
    layer, batches = nn.BatchNorm1d(2, momentum=0.25), rng().normal(3, 2, (4, 5, 2))
    mean, var = np.zeros(2), np.ones(2)
    for x in batches.astype(np.float32):
        layer(x)
        mean += 0.25 * (x.mean(0) - mean)
        var += 0.25 * (x.var(0, ddof=1) - var)
    np.testing.assert_allclose(layer.running_mean, mean, rtol=1e-5)
    np.testing.assert_allclose(layer.running_var, var, rtol=1e-5)
    assert layer.num_batches_tracked == 4


def test_batch_norm_in_evaluation_changes_nothing():
    layer = nn.BatchNorm2d(2)
    layer(rng().normal(size=(3, 2, 2, 2)).astype(np.float32))
    before = layer.eval().state_dict()
    layer(rng().normal(size=(3, 2, 2, 2)).astype(np.float32))
    for key, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[key])


@pytest.mark.parametrize("layer", [nn.Dropout(0.3, rng=rng()), nn.GaussianNoise(0.3, rng=rng())])
def test_noise_is_new_in_each_training_pass_and_absent_in_evaluation(layer):
    x = np.ones((100, 100), np.float32)
    first, second = layer.train()(x).data, layer(x).data
    assert (first != second).any()
    assert abs(first.mean() - 1) < 0.03  # nine standard errors of dropout's mean
    np.testing.assert_array_equal(layer.eval()(x).data, x)


def test_dropout_drops_p_of_all_elements():
    dropped = nn.Dropout(0.2, rng=rng())(np.ones((200, 200), np.float32)).data
    assert set(np.unique(dropped)) == {0, np.float32(1.25)}
    assert abs((dropped == 0).mean() - 0.2) < 0.01  # five standard errors


WEIGHTED = {
    "Linear": lambda: nn.Linear(5, 4, rng=rng()),
    "Maxout": lambda: nn.Maxout(5, 2, 3, rng=rng()),
    "Conv2d": lambda: nn.Conv2d(3, 4, 3, rng=rng()),
    "ConvTranspose2d": lambda: nn.ConvTranspose2d(4, 3, 3, rng=rng()),
}


def batch(layer, n):
    return rng().normal(size=(n, 5) if layer.weight.ndim == 2 else (n, layer.in_channels, 4, 4))


@pytest.mark.parametrize("name", WEIGHTED)
def test_spectral_norm_makes_the_largest_singular_value_1(name):
    inner, twin = WEIGHTED[name](), WEIGHTED[name]()
    layer = nn.SpectralNorm(inner, n_power_iterations=100, rng=rng()).astype(np.float64)
    x = batch(inner, 2)
    y = layer(x)
    matrix = np.moveaxis(inner.weight.data, int(name == "ConvTranspose2d"), 0)
    sigma = np.linalg.svd(matrix.reshape(len(matrix), -1), compute_uv=False)[0]
    twin.astype(np.float64).weight.data = inner.weight.data / sigma
    np.testing.assert_allclose(y.data, twin(x).data, rtol=1e-6)


def test_spectral_norm_refines_only_while_training():
    layer = nn.SpectralNorm(nn.Linear(5, 4, rng=rng()), rng=rng())
    x = rng().normal(size=(2, 5)).astype(np.float32)
    start = layer.weight_u.copy()
    layer.eval()(x)
    np.testing.assert_array_equal(layer.weight_u, start)
    layer.train()(x)
    assert (layer.weight_u != start).any()


def test_a_graph_survives_the_next_pass_of_spectral_norm():
    layer = nn.SpectralNorm(nn.Linear(3, 2, rng=rng()), rng=rng())
    x = rng().normal(size=(2, 3)).astype(np.float32)
    y = layer(x).sum()
    (expected,) = grad(y, [layer.weight_orig])
    layer(x)
    np.testing.assert_array_equal(grad(y, [layer.weight_orig])[0].data, expected.data)


@pytest.mark.parametrize("learned", [True, False])
@pytest.mark.parametrize("name", WEIGHTED)
def test_weight_norm_starts_as_its_layer_and_has_weights_of_length_g(name, learned):
    inner, twin = (WEIGHTED[name]().astype(np.float64) for _ in range(2))
    layer, x = nn.WeightNorm(inner, learned_scale=learned), batch(inner, 2)
    np.testing.assert_allclose(layer(x).data, twin(x).data, rtol=1e-12)

    axis = int(name == "ConvTranspose2d")
    lengths = rng(1).normal(size=inner.weight.shape[axis])
    raw(layer.weight_g)[...] = lengths.reshape(layer.weight_g.shape)
    layer.weight_v.data *= 3  # of v the direction counts alone
    rows = np.moveaxis(twin.weight.data, axis, 0)  # a view
    for row, length in zip(rows, lengths, strict=True):
        row *= length / np.sqrt(np.sum(row**2))
    np.testing.assert_allclose(layer(x).data, twin(x).data, rtol=1e-12)


def test_a_graph_in_evaluation_survives_the_next_pass_of_batch_norm():
    layer = nn.BatchNorm1d(2)
    x = Tensor(rng().normal(3, 2, (4, 2)).astype(np.float32))
    y = ops.sum(layer.eval()(x) ** 2)
    (expected,) = grad(y, [x])
    layer.train()(x)
    np.testing.assert_array_equal(grad(y, [x])[0].data, expected.data)


def test_minibatch_discrimination_counts_examples_that_are_alike():
    layer, x = nn.MinibatchDiscrimination(3, 4, 2, rng=rng()).astype(np.float64), rng(1)
    far, alike = 1e3 * x.normal(size=(5, 3)), np.tile(x.normal(size=(1, 3)), (5, 1))
    assert list(layer.state_dict()) == ["T.weight"]
    for mode in (layer.train(), layer.eval()):
        np.testing.assert_array_equal(mode(far).data, np.hstack([far, np.ones((5, 4))]))
        np.testing.assert_array_equal(mode(alike).data, np.hstack([alike, np.full((5, 4), 5)]))


def test_the_pieces_of_maxout_lie_side_by_side():
    layer = nn.Maxout(1, 2, 3, rng=rng())
    layer.weight.data[...] = 0
    layer.bias.data[...] = [1, 5, 2, 9, 7, 8]
    np.testing.assert_array_equal(layer(np.zeros((1, 1), np.float32)).data, [[5, 9]])
