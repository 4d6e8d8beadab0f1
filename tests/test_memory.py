"""Reference counts free all memory: no graph and no gradient is part of a reference cycle."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from registry import EVERYTHING

from tinygan import Tensor, grad, ops
from tinygan.autograd import _ancestors


@pytest.fixture(scope="module", autouse=True)
def collector_off():
    gc.disable()
    yield
    gc.enable()


def made(y):
    """Weak references to the tensors that were made on the way to y, y included."""
    return [weakref.ref(t) for t in _ancestors(y) if t.edges]


@pytest.mark.parametrize("case", EVERYTHING, ids=str)
@settings(max_examples=3)
@given(data=st.data())
def test_graph_and_gradients_are_freed_with_the_last_reference(case, data):
    point = case.build(data.draw)
    xs = point.tensors()
    y = point.function(*xs)
    loss = ops.sum(y * y)
    grads = grad(loss, xs, create_graph=True, allow_unused=True)
    watched = [ref for t in (loss, *grads) for ref in made(t)]
    assert all(ref() is not None for ref in watched)
    assert len(watched) > 2
    del y, loss, grads
    assert all(ref() is None for ref in watched)


def test_an_inner_gradient_is_freed_once_it_was_passed_on():
    seen, alive = [], []

    def link(a):
        def pull(g, y):
            alive.append(sum(ref() is not None for ref in seen))
            seen.append(weakref.ref(g))
            return g * 1.0

        return Tensor(a.data.copy(), (a, pull))

    x = Tensor(np.ones(3))
    y = x
    for _ in range(5):
        y = link(y)
    grad(y.sum(), [x])
    assert alive == [0] * 5


def test_a_leaf_holds_no_reference_to_its_children():
    x = Tensor(np.ones(3))
    y = weakref.ref(ops.exp(x))
    assert y() is None
