"""Modules: the parameters, buffers and modules in them and their order; modes, copies, state."""

import guard  # noqa: F401  (registers the backend)
import numpy as np
import pytest

from tinygan import Tensor, grad, nn, ops
from tinygan.tensor import raw


def rng(seed=0):
    return np.random.default_rng(seed)


class Block(nn.Module):
    """Attributes of every kind, in an order that is not the alphabet's."""

    def __init__(self):
        super().__init__()
        self.second = nn.Linear(2, 2, rng=rng(1))
        self.scale = nn.Parameter(np.ones(2, np.float32))
        self.first = nn.BatchNorm1d(2)
        self.several = [nn.Linear(2, 2, bias=False, rng=rng(2)), nn.Dropout(0.5, rng=rng(3))]
        self.counter = np.zeros(3, np.float32)
        self.note, self.number = "a string", 3
        self.constant = Tensor(np.ones(2, np.float32))  # neither learned nor saved
        self._hidden = nn.Linear(2, 2, rng=rng(4))

    def forward(self, x):
        x = self.first(self.second(x)) * self.scale
        for layer in self.several:
            x = layer(x)
        return x


X = rng().normal(size=(4, 2)).astype(np.float32)
NAMES = ["scale", "second.weight", "second.bias", "first.weight", "first.bias", "several.0.weight"]
BUFFERS = ["counter", "first.running_mean", "first.running_var", "first.num_batches_tracked"]


def same(one, two):
    assert list(one) == list(two)
    for key in one:
        np.testing.assert_array_equal(one[key], two[key])


def test_parameters_come_in_the_order_of_their_definition_a_modules_own_first():
    net = Block()
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert net.parameters()[0] is net.scale
    assert [p.shape for p in net.parameters()] == [(2,), (2, 2), (2,), (2,), (2,), (2, 2)]


def test_plain_arrays_are_buffers():
    assert [name for name, _ in Block().named_buffers()] == BUFFERS
    assert set(Block().state_dict()) == {*NAMES, *BUFFERS}


def test_children_and_modules():
    net, seen = Block(), []
    assert [name for name, _ in net.children()] == ["second", "first", "several.0", "several.1"]
    assert list(net.modules()) == [net, net.second, net.first, *net.several]
    assert net.apply(seen.append) is net
    assert seen == list(net.modules())


def test_a_shared_layer_is_one_parameter_under_two_keys():
    layer = nn.Linear(2, 2, rng=rng())
    net = nn.Sequential(layer, nn.Tanh(), layer)
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias"]
    assert set(net.state_dict()) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert len(list(net.modules())) == 3
    (dw, _) = grad(ops.sum(net(X)), net.parameters())
    assert dw.shape == (2, 2)


def test_a_parameter_shared_by_two_layers_stays_shared():
    one, two = nn.Linear(2, 2, rng=rng()), nn.Linear(2, 2, bias=False, rng=rng())
    two.weight = one.weight
    net = nn.Sequential(one, two)
    assert len(net.parameters()) == 2
    for other in (net.copy(), net.astype(np.float64)):
        assert other[0].weight is other[1].weight
        assert other[0].weight is other.parameters()[0]


def test_sequential_is_a_sequence():
    layers = [nn.Tanh(), nn.ReLU(), nn.Sigmoid()]
    net = nn.Sequential(*layers)
    assert (len(net), net[1], list(net)) == (3, layers[1], layers)
    np.testing.assert_array_equal(nn.Sequential()(Tensor(X)).data, X)


def test_modes_reach_all_modules_and_evaluating_restores_each_even_after_an_error():
    net = Block()
    assert net.eval() is net and not any(module.training for module in net.modules())
    assert net.train() is net and all(module.training for module in net.modules())
    net.first.eval()
    with pytest.raises(ZeroDivisionError), net.evaluating() as inside:
        assert inside is net
        assert not any(module.training for module in net.modules())
        raise ZeroDivisionError
    assert [m.training for m in net.modules()] == [True, True, False, True, True]


def test_a_copy_has_parameters_buffers_and_noise_of_its_own():
    net = Block()
    twin = net.copy()
    before = twin.state_dict()
    same(net.state_dict(), before)
    np.testing.assert_array_equal(net(X).data, twin(X).data)  # the same noise, drawn by each
    for parameter in net.parameters():
        parameter.data[...] = 9
    net.first.running_mean[...] = 9
    net.counter[...] = 9
    assert not any((value == 9).any() for value in twin.state_dict().values())


def test_state_is_a_copy():
    net = Block()
    state = net.state_dict()
    net(X)
    net.scale.data[...] = 5
    assert (state["scale"] == 1).all() and (state["first.running_mean"] == 0).all()


def test_loading_gives_the_same_network_and_keeps_arrays_and_dtype():
    net, other = Block(), Block()
    for parameter in other.parameters():
        parameter.data[...] = rng(7).normal(size=parameter.shape)
    other(X)
    array = net.scale.data
    net.load_state_dict({k: v.astype(np.float64) for k, v in other.state_dict().items()})
    same(net.state_dict(), other.state_dict())
    assert net.scale.data is array  # optimizers hold on to it
    assert net.first.running_mean.dtype == np.float32
    assert net.first.num_batches_tracked.dtype == np.int64
    np.testing.assert_array_equal(net.eval()(X).data, other.eval()(X).data)


def test_loading_makes_graphs_stale():
    net = nn.Linear(2, 1, rng=rng())
    y = net(X).sum()
    net.load_state_dict(net.state_dict())
    with pytest.raises(RuntimeError, match="assigned to"):
        grad(y, net.parameters())


def test_a_state_that_does_not_fit_is_refused_with_every_fault_named():
    net = Block()
    before, state = net.state_dict(), Block().state_dict()
    for value in state.values():
        value[...] = 3
    del state["scale"], state["counter"]
    state["second.bias"] = np.ones(5)
    state["nobody"] = np.ones(1)
    with pytest.raises(ValueError) as caught:
        net.load_state_dict(state)
    assert str(caught.value) == (
        "load_state_dict: 'counter' is missing; 'nobody' is unexpected; 'scale' is missing; "
        "'second.bias' has shape (5,), expected (2,)"
    )
    same(net.state_dict(), before)


@pytest.mark.parametrize(
    "value, fault",
    [
        ([0.0], "is of type list, expected an array"),
        (None, "is of type NoneType, expected an array"),
        (np.ones(2), r"has shape \(2,\), expected \(2, 2\)"),
        (np.full((2, 2), "a"), "holds <U1, expected numbers"),
        (np.full((2, 2), 1j), "holds complex128, expected numbers"),
    ],
)
def test_a_fault_in_the_last_entry_leaves_the_first_as_it_was(value, fault):
    net = Block()
    before, state = net.state_dict(), {k: v + 1 for k, v in net.state_dict().items()}
    last = list(state)[-1]
    state[last] = value
    with pytest.raises(ValueError, match=f"load_state_dict: '{last}' {fault}"):
        net.load_state_dict(state)
    same(net.state_dict(), before)


def test_a_state_is_a_mapping_of_arrays_or_tensors():
    net = nn.Linear(2, 2, rng=rng())
    for state in (None, list(net.state_dict().items())):
        with pytest.raises(TypeError, match="load_state_dict: expected arrays by name, got"):
            net.load_state_dict(state)
    net.load_state_dict({key: Tensor(value + 1) for key, value in net.state_dict().items()})
    np.testing.assert_array_equal(
        net.bias.data, nn.Linear(2, 2, rng=rng()).bias.data + np.float32(1)
    )


def test_astype_converts_floats_only():
    net = Block()
    assert net.astype(np.float64) is net
    kinds = {key: value.dtype for key, value in net.state_dict().items()}
    assert kinds.pop("first.num_batches_tracked") == np.int64
    assert set(kinds.values()) == {np.dtype(np.float64)}


def test_repr_shows_options_and_nests():
    net = nn.Sequential(nn.Conv2d(1, 2, 3, rng=rng()), nn.Sequential(nn.LeakyReLU(0.2)))
    text = repr(net)
    assert "(0): Conv2d(in_channels=1, out_channels=2, kernel_size=(3, 3)" in text
    assert "    (0): LeakyReLU(negative_slope=0.2)" in text
    inner = nn.Linear(3, 2, rng=rng())
    linear = "Linear(in_features=3, out_features=2)"
    assert (
        repr(nn.SpectralNorm(inner, rng=rng())) == f"SpectralNorm({linear}, n_power_iterations=1)"
    )
    assert repr(nn.WeightNorm(inner, learned_scale=False)) == (
        f"WeightNorm({linear}, learned_scale=False)"
    )


def test_a_module_without_forward_says_so():
    with pytest.raises(TypeError, match="Empty defines no forward"):
        type("Empty", (nn.Module,), {})()(X)


def test_spectral_norm_keeps_pytorchs_names_and_shares_its_layers_parameters():
    layer = nn.Linear(3, 2, rng=rng())
    net = nn.SpectralNorm(layer, rng=rng())
    assert list(net.state_dict()) == ["bias", "weight_orig", "weight_u", "weight_v"]
    assert net.parameters() == [layer.bias, layer.weight]
    twin = net.copy()
    assert twin._layer.bias is twin.bias and twin.bias is not net.bias


@pytest.mark.parametrize("learned", [True, False])
def test_weight_norm_keeps_pytorchs_names_and_shares_its_layers_parameters(learned):
    layer = nn.Linear(3, 2, rng=rng())
    net = nn.WeightNorm(layer, learned_scale=learned)
    assert list(net.state_dict()) == ["bias", "weight_g", "weight_v"]
    assert net.parameters() == [layer.bias, *[net.weight_g] * learned, layer.weight]
    assert [name for name, _ in net.named_buffers()] == ["weight_g"] * (not learned)
    twin = net.copy()
    assert twin._layer.weight is twin.weight_v and twin.weight_v is not net.weight_v
    assert twin.weight_g is not net.weight_g


@pytest.mark.parametrize("learned", [True, False])
def test_weight_norm_is_moved_converted_and_loaded_whole(learned):
    net, other = (
        nn.WeightNorm(nn.Linear(2, 2, rng=rng(seed)), learned_scale=learned) for seed in (1, 2)
    )
    array = raw(net.weight_g)
    net.load_state_dict(other.state_dict())
    assert raw(net.weight_g) is array
    same(net.state_dict(), other.state_dict())
    net.astype(np.float64).to("guard")
    y = net(Tensor(X.astype(np.float64)).to("guard"))
    assert y.dtype == raw(net.weight_g).dtype == np.float64
    np.testing.assert_allclose(y.numpy(), other(X).data, rtol=1e-6)
