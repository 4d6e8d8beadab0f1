"""A graph that was built with values since assigned to is refused, wherever they entered it."""

import numpy as np
import pytest

from tinygan import Tensor, grad, nn, ops, optim

STALE = "was assigned to after this graph was built"


def tensor(value, name=None):
    return Tensor(np.array(value, np.float64), name=name)


def rng():
    return np.random.default_rng(0)


def test_assigning_makes_a_graph_stale():
    x, w = tensor(1.0), tensor(2.0, name="w")
    y = x * w
    w.data = np.array(3.0)
    with pytest.raises(RuntimeError, match=rf"w of shape \(\) {STALE}"):
        grad(y, [x])
    assert grad(x * w, [x])[0].item() == 3


def test_writing_in_place_makes_a_graph_stale_once_it_is_said():
    x, w = tensor(1.0), tensor(2.0)
    y = x * w
    w.data[...] = 3
    w.touch()
    with pytest.raises(RuntimeError, match=STALE):
        grad(y, [x])


def test_an_assignment_far_from_the_path_makes_a_graph_stale():
    """w is not wanted, and enters through tensors off the path: its value still counts."""
    x, w = tensor(1.0), tensor(2.0)
    y = x * ops.exp(w * 2)
    w.data = np.array(3.0)
    with pytest.raises(RuntimeError, match=STALE):
        grad(y, [x])


@pytest.mark.parametrize("bias", [True, False])
def test_d_updated_before_gs_graph_is_differentiated(bias):
    G, D = nn.Linear(2, 3, rng=rng()), nn.Linear(3, 1, bias, rng=rng())
    opt = optim.SGD(D.parameters(), lr=0.1)
    g_loss = ops.mean(D(G(rng().normal(size=(4, 2)).astype(np.float32))))
    expected = grad(g_loss, G.parameters())
    assert all(np.abs(g.data).max() > 0 for g in expected)
    opt.step([Tensor(np.ones_like(p.data)) for p in D.parameters()])
    with pytest.raises(RuntimeError, match=STALE):
        grad(g_loss, G.parameters())


def test_a_recorded_gradient_becomes_stale_too():
    x, w = tensor(1.0), tensor(2.0)
    (dx,) = grad(x * x * w, [x], create_graph=True)
    w.data = np.array(3.0)
    with pytest.raises(RuntimeError, match=STALE):
        grad(dx, [x])


def test_assigning_another_shape_is_refused():
    x = tensor([1.0, 2.0])
    with pytest.raises(ValueError, match=r"expected shape \(2,\), got \(3,\)"):
        x.data = np.ones(3)
