"""Copies by `copy` and `pickle`: a network and its optimizer go on as the originals do, a leaf is a
leaf, and a graph is refused in one line."""

import copy
import pickle
import subprocess
import sys

import guard  # noqa: F401  registers the backend
import numpy as np
import pytest

from tinygan import Tensor, grad, models, nn, optim


def rng(seed=0):
    return np.random.default_rng(seed)


def stored(value):
    return pickle.loads(pickle.dumps(value))


COPIES = {"deepcopy": copy.deepcopy, "pickle": stored}


def step(network, optimizer):
    """Take a step; return the weights after it."""
    x = Tensor(rng(1).normal(size=(5, 3)).astype(np.float32)).to(network[0].weight.backend.name)
    loss = (network(x) * network(x)).mean()
    optimizer.step(grad(loss, network.parameters()))
    return weights(network)


def weights(network):
    return np.concatenate([p.numpy().reshape(-1) for p in network.parameters()])


@pytest.mark.parametrize("backend", ["numpy", "guard"])
@pytest.mark.parametrize("swapped", [False, True], ids=["network first", "optimizer first"])
@pytest.mark.parametrize("name", optim.OPTIMIZERS)
@pytest.mark.parametrize("how", COPIES)
def test_a_network_and_its_optimizer_go_on_as_the_originals(how, name, swapped, backend):
    if (how, backend) == ("pickle", "guard"):
        pytest.skip("the guard's arrays are for one process")
    network = nn.Sequential(nn.Linear(3, 4, rng=rng()), nn.Tanh(), nn.Linear(4, 1, rng=rng()))
    network.to(backend)
    optimizer = optim.OPTIMIZERS[name](network.parameters(), 0.01)
    step(network, optimizer)
    pair = (optimizer, network) if swapped else (network, optimizer)
    found = COPIES[how](pair)
    other, its = found[::-1] if swapped else found
    for _ in range(2):
        before, after = weights(network), step(other, its)
        assert (after != before).any()
        np.testing.assert_array_equal(weights(network), before)  # the copy has its own arrays
        np.testing.assert_array_equal(step(network, optimizer), after)


def test_an_optimizer_is_not_copied_without_its_parameters():
    network = nn.Linear(3, 1, rng=rng())
    optimizer = optim.Adam(network.parameters(), 0.1)
    with pytest.raises(TypeError, match=r"use copy\.deepcopy\(\(network, optimizer\)\)"):
        copy.copy(optimizer)
    network.to("numpy")  # its parameters get other arrays
    for how in COPIES.values():
        with pytest.raises(RuntimeError, match="got another array after this optimizer"):
            how((network, optimizer))


@pytest.mark.parametrize("model", models.MODELS)
def test_every_model_can_be_pickled(model):
    shape = (1, 28, 28) if "28" in model or "mlp" in model else (3, 32, 32)
    pair = models.build(model, shape, rng=rng())
    found = stored(pair)
    for kept, own in zip(found[:2], pair[:2], strict=True):
        for name, value in own.state_dict().items():
            np.testing.assert_array_equal(kept.state_dict()[name], value)


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, stored])
def test_a_leaf_is_copied_and_a_graph_is_refused_in_one_line(how):
    x = y = Tensor(np.ones(3), name="x")
    found = how(x)
    assert (found.name, found.edges, type(found)) == ("x", (), Tensor) and found.born > x.born
    for _ in range(5000):
        y = y + 1
    with pytest.raises(TypeError, match=r"of shape \(3,\) has a graph.*use \.detach\(\)") as caught:
        how(y)
    assert "\n" not in str(caught.value)
    np.testing.assert_array_equal(how(y.detach()).data, y.data)


OTHER = """
import pickle, sys
from tinygan import grad
network = pickle.load(sys.stdin.buffer)
grad(network(network.weight).mean(), [network.weight])
"""


def test_a_network_of_another_process_has_a_graph_in_order():
    """Ages are counted anew in each process: an age of another one would be too high."""
    for _ in range(1000):
        network = nn.Linear(3, 3, rng=rng())
    subprocess.run([sys.executable, "-c", OTHER], input=pickle.dumps(network), check=True)
