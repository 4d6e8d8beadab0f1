"""The same network in PyTorch: the same keys, shapes, outputs, gradients and statistics.

Weights go both ways. Skipped where PyTorch is not installed.
"""

import importlib
import inspect

import numpy as np
import pytest
from registry import public

from tinygan import Tensor, grad, nn, ops

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with")
by_numpy, by_torch = (importlib.import_module(f"safetensors.{name}") for name in ("numpy", "torch"))

TOLERANCE = {"rtol": 1e-9, "atol": 1e-9}  # in float64: no room for anything but rounding


def rng(seed=0):
    return np.random.default_rng(seed)


def array(t):
    return t.detach().numpy()


def both(*layers, wrap=lambda ours, theirs: (ours, theirs)):
    """The same network here and in PyTorch. A layer is its name, its arguments and, at the end, a
    dict of those by name. `wrap` gets each layer with a weight, here and there."""
    ours, theirs, r = [], [], rng()
    for name, *arguments, named in layers:
        here, there = getattr(nn, name), getattr(torch.nn, name)
        random = {"rng": r} if "rng" in inspect.signature(here).parameters else {}
        pair = here(*arguments, **named, **random), there(*arguments, **named)
        for network, layer in zip((ours, theirs), wrap(*pair) if random else pair, strict=True):
            network.append(layer)
    return nn.Sequential(*ours), torch.nn.Sequential(*theirs)


# Every layer that PyTorch has, too, and the shape of the input (None: indices of an embedding).


def images():
    return both(
        ("Conv2d", 3, 4, 3, {"stride": 2, "padding": 1}),
        ("BatchNorm2d", 4, {}),
        ("LeakyReLU", 0.2, {}),
        ("ConvTranspose2d", 4, 8, (3, 2), 2, (1, 0), (1, 0), {}),
        ("InstanceNorm2d", 8, {"affine": True}),
        ("ReLU", {}),
        ("PixelShuffle", 2, {}),
        ("ReflectionPad2d", (1, 2, 3, 0), {}),
        ("Upsample", {"scale_factor": (2, 1), "mode": "bilinear"}),
        ("Conv2d", 2, 2, (2, 3), 3, {"bias": False}),
        ("InstanceNorm2d", 2, {}),
        ("Upsample", {"scale_factor": 2}),
        ("Tanh", {}),
    ), (4, 3, 7, 6)


def vectors():
    return both(
        ("Linear", 5, 12, {}),
        ("BatchNorm1d", 12, {"eps": 1e-3, "momentum": 0.3}),
        ("Sigmoid", {}),
        ("Unflatten", 1, (3, 4), {}),
        ("LayerNorm", (3, 4), {}),
        ("BatchNorm1d", 3, {"affine": False}),
        ("Softplus", {}),
        ("Flatten", {}),
        ("LayerNorm", 12, {}),
        ("Dropout", 0.0, {}),
        ("Linear", 12, 2, {"bias": False}),
    ), (6, 5)


def embedded():
    return both(("Embedding", 6, 3, {}), ("Linear", 3, 2, {})), None


def spectral():
    norm, iterations, r = torch.nn.utils.spectral_norm, iter([1, 2, 1]), rng(1)

    def wrap(ours, theirs):
        n = next(iterations)
        return nn.SpectralNorm(ours, n, rng=r), norm(theirs, n_power_iterations=n)

    return both(
        ("Conv2d", 2, 3, 3, {}),
        ("ConvTranspose2d", 3, 4, 2, {}),
        ("Flatten", {}),
        ("Linear", 36, 3, {}),
        wrap=wrap,
    ), (3, 2, 4, 4)


def normalized():
    norm = torch.nn.utils.weight_norm

    def wrap(ours, theirs):
        transposed = isinstance(theirs, torch.nn.ConvTranspose2d)
        return nn.WeightNorm(ours), norm(theirs, dim=int(transposed))

    return both(
        ("Conv2d", 2, 3, 3, {}),
        ("ConvTranspose2d", 3, 4, (2, 3), {"bias": False}),
        ("Flatten", {}),
        ("Linear", 48, 3, {}),
        wrap=wrap,
    ), (3, 2, 4, 4)


NETWORKS = {make.__name__: make for make in (images, vectors, embedded, spectral, normalized)}
pytestmark = pytest.mark.filterwarnings("ignore:.*_norm.* is deprecated:FutureWarning")


def made(name):
    """Both networks, with parameters that are not special, and a source of inputs."""
    torch.manual_seed(0)
    (ours, theirs), shape = NETWORKS[name]()
    ours.astype(np.float64), theirs.double()
    for i, p in enumerate(ours.parameters()):
        p.data[...] = p.data + 0.1 * rng(i).normal(size=p.shape)
    source = rng(99)

    def inputs():
        if shape is None:
            return source.integers(0, 6, (4, 5))
        return source.normal(size=shape)

    return ours, theirs, inputs


def to_torch(ours, theirs):
    theirs.load_state_dict({k: torch.from_numpy(v) for k, v in ours.state_dict().items()})


def compare(ours, theirs, x):
    """Outputs, and the gradients of a sum of squares at the input and at all parameters."""
    there = torch.from_numpy(x.copy())
    inputs = []
    if x.dtype == np.float64:
        x = Tensor(x)
        inputs, there = [x], there.requires_grad_()
    y, y_there = ours(x), theirs(there)
    np.testing.assert_allclose(y.data, array(y_there), **TOLERANCE)

    target = Tensor(rng(7).normal(size=y.shape))
    loss = ops.sum((y - target) ** 2)
    grads = grad(loss, [*ours.parameters(), *inputs])
    theirs.zero_grad()
    ((y_there - torch.from_numpy(target.data)) ** 2).sum().backward()
    expected = [p.grad for p in theirs.parameters()] + ([there.grad] if inputs else [])
    for g, e in zip(grads, expected, strict=True):
        np.testing.assert_allclose(g.data, array(e), **TOLERANCE)


def same_state(ours, theirs):
    state, there = ours.state_dict(), theirs.state_dict()
    assert list(state) == list(there)
    for key, value in there.items():
        assert state[key].shape == tuple(value.shape), key
        np.testing.assert_allclose(state[key], array(value), err_msg=key, **TOLERANCE)


@pytest.mark.parametrize("name", NETWORKS)
def test_state_goes_to_pytorch_and_gives_the_same_network(name):
    ours, theirs, inputs = made(name)
    to_torch(ours, theirs)
    same_state(ours, theirs)
    for _ in range(3):
        compare(ours.train(), theirs.train(), inputs())
    same_state(ours, theirs)  # running statistics, u and v after three batches
    compare(ours.eval(), theirs.eval(), inputs())
    same_state(ours, theirs)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_of_weights_goes_both_ways(name, tmp_path):
    ours, theirs, inputs = made(name)
    by_numpy.save_file(ours.state_dict(), tmp_path / "ours")
    theirs.load_state_dict(by_torch.load_file(tmp_path / "ours"))
    same_state(ours, theirs)
    compare(ours.train(), theirs.train(), inputs())  # moves the statistics of both
    by_torch.save_file(theirs.state_dict(), tmp_path / "theirs")
    again = made(name)[0]
    again.load_state_dict(by_numpy.load_file(tmp_path / "theirs"))
    same_state(again, theirs)
    compare(again.eval(), theirs.eval(), inputs())


@pytest.mark.parametrize("name", NETWORKS)
def test_state_comes_from_pytorch_and_gives_the_same_network(name):
    ours, theirs, inputs = made(name)
    theirs.train()(torch.from_numpy(inputs()))  # statistics that are not those of the beginning
    ours.load_state_dict({key: array(value) for key, value in theirs.state_dict().items()})
    compare(ours.eval(), theirs.eval(), inputs())
    compare(ours.train(), theirs.train(), inputs())
    same_state(ours, theirs)


def test_every_layer_that_pytorch_has_is_compared():
    def kinds(module):
        yield type(module).__name__
        for _, child in module.children():
            yield from kinds(child)

    compared = {kind for make in NETWORKS.values() for kind in kinds(make()[0][0])}
    without_twin = {
        "GaussianNoise",
        "Maxout",
        "MinibatchDiscrimination",
        "Module",
        "Parameter",
        "Reparametrized",
        "Residual",
        "data_dependent_init",
    }
    # A wrapper hides its layer; Linear and the convolutions also occur without one.
    assert compared == public(nn) - without_twin


def test_fans_of_initializers():
    for shape in [(4, 3), (5, 2, 3, 4)]:
        there = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
        assert nn.init._fans(nn.Parameter(np.zeros(shape, np.float32))) == there
