"""The same network in PyTorch: the same keys, shapes, outputs, gradients and statistics.

Weights go both ways. Skipped where PyTorch is not installed.
"""

import numpy as np
import pytest

from tinygan import Tensor, grad, nn, ops

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with")

TOLERANCE = {"rtol": 1e-9, "atol": 1e-9}  # in float64: no room for anything but rounding


def rng(seed=0):
    return np.random.default_rng(seed)


def array(t):
    return t.detach().numpy()


def images():
    """Every layer type that PyTorch has, too, as one network of images and one of vectors."""
    r, T = rng(), torch.nn
    return (
        nn.Sequential(
            nn.Conv2d(3, 4, 3, stride=2, padding=1, rng=r),
            nn.BatchNorm2d(4),
            nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(4, 8, (3, 2), 2, (1, 0), (1, 0), rng=r),
            nn.InstanceNorm2d(8, affine=True),
            nn.ReLU(),
            nn.PixelShuffle(2),
            nn.ReflectionPad2d((1, 2, 3, 0)),
            nn.Upsample(scale_factor=(2, 1), mode="bilinear"),
            nn.Conv2d(2, 2, (2, 3), 3, bias=False, rng=r),
            nn.InstanceNorm2d(2),
            nn.Upsample(scale_factor=2),
            nn.Tanh(),
        ),
        T.Sequential(
            T.Conv2d(3, 4, 3, stride=2, padding=1),
            T.BatchNorm2d(4),
            T.LeakyReLU(0.2),
            T.ConvTranspose2d(4, 8, (3, 2), 2, (1, 0), (1, 0)),
            T.InstanceNorm2d(8, affine=True),
            T.ReLU(),
            T.PixelShuffle(2),
            T.ReflectionPad2d((1, 2, 3, 0)),
            T.Upsample(scale_factor=(2, 1), mode="bilinear"),
            T.Conv2d(2, 2, (2, 3), 3, bias=False),
            T.InstanceNorm2d(2),
            T.Upsample(scale_factor=2),
            T.Tanh(),
        ),
        (4, 3, 7, 6),
    )


def vectors():
    r, T = rng(), torch.nn
    return (
        nn.Sequential(
            nn.Linear(5, 12, rng=r),
            nn.BatchNorm1d(12, eps=1e-3, momentum=0.3),
            nn.Sigmoid(),
            nn.Unflatten(1, (3, 4)),
            nn.LayerNorm((3, 4)),
            nn.BatchNorm1d(3, affine=False),
            nn.Softplus(),
            nn.Flatten(),
            nn.LayerNorm(12),
            nn.Dropout(0.0, rng=r),
            nn.Linear(12, 2, bias=False, rng=r),
        ),
        T.Sequential(
            T.Linear(5, 12),
            T.BatchNorm1d(12, eps=1e-3, momentum=0.3),
            T.Sigmoid(),
            T.Unflatten(1, (3, 4)),
            T.LayerNorm((3, 4)),
            T.BatchNorm1d(3, affine=False),
            T.Softplus(),
            T.Flatten(),
            T.LayerNorm(12),
            T.Dropout(0.0),
            T.Linear(12, 2, bias=False),
        ),
        (6, 5),
    )


def embedded():
    return (
        nn.Sequential(nn.Embedding(6, 3, rng=rng()), nn.Linear(3, 2, rng=rng())),
        torch.nn.Sequential(torch.nn.Embedding(6, 3), torch.nn.Linear(3, 2)),
        None,
    )


def spectral():
    r, T = rng(), torch.nn
    norm = torch.nn.utils.spectral_norm
    return (
        nn.Sequential(
            nn.SpectralNorm(nn.Conv2d(2, 3, 3, rng=r), rng=r),
            nn.SpectralNorm(nn.ConvTranspose2d(3, 4, 2, rng=r), 2, rng=r),
            nn.Flatten(),
            nn.SpectralNorm(nn.Linear(36, 3, rng=r), rng=r),
        ),
        T.Sequential(
            norm(T.Conv2d(2, 3, 3)),
            norm(T.ConvTranspose2d(3, 4, 2), n_power_iterations=2),
            T.Flatten(),
            norm(T.Linear(36, 3)),
        ),
        (3, 2, 4, 4),
    )


def normalized():
    r, T = rng(), torch.nn
    norm = torch.nn.utils.weight_norm
    return (
        nn.Sequential(
            nn.WeightNorm(nn.Conv2d(2, 3, 3, rng=r)),
            nn.WeightNorm(nn.ConvTranspose2d(3, 4, (2, 3), bias=False, rng=r)),
            nn.Flatten(),
            nn.WeightNorm(nn.Linear(48, 3, rng=r)),
        ),
        T.Sequential(
            norm(T.Conv2d(2, 3, 3)),
            norm(T.ConvTranspose2d(3, 4, (2, 3), bias=False), dim=1),
            T.Flatten(),
            norm(T.Linear(48, 3)),
        ),
        (3, 2, 4, 4),
    )


NETWORKS = {
    "images": images,
    "vectors": vectors,
    "embedded": embedded,
    "spectral": spectral,
    "normalized": normalized,
}
pytestmark = pytest.mark.filterwarnings("ignore:.*_norm.* is deprecated:FutureWarning")


def made(name):
    """Both networks, with parameters that are not special, and a source of inputs."""
    torch.manual_seed(0)
    ours, theirs, shape = NETWORKS[name]()
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

    compared = {kind for make in NETWORKS.values() for kind in kinds(make()[0])}
    without_twin = {
        "GaussianNoise",
        "Maxout",
        "MinibatchDiscrimination",
        "Module",
        "Parameter",
        "Residual",
        "init",
    }
    # What wraps a layer keeps it to itself; Linear and the convolutions are there by themselves.
    assert compared == set(nn.__all__) - without_twin


def test_fans_of_initializers():
    for shape in [(4, 3), (5, 2, 3, 4)]:
        there = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
        assert nn.init._fans(nn.Parameter(np.zeros(shape, np.float32))) == there
