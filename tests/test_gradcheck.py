"""The checker of gradients finds what is wrong: a proof is worth what its checker is."""

import numpy as np
import pytest

from tinygan import Tensor, ops
from tinygan.gradcheck import check_gradients


def tensor(*values):
    return Tensor(np.array(values, np.float64))


def rng():
    return np.random.default_rng(0)


def wrong(rule):
    return lambda x: Tensor(x.data**2, (x, lambda g, _: rule(g, x)))


def test_the_checker_passes_what_is_right():
    check_gradients(wrong(lambda g, x: g * 2 * x), tensor(1.0, 2.0), rng=rng())


@pytest.mark.parametrize(
    "order, rule",
    [
        (1, lambda g, x: g * 2.0001 * x),
        (1, lambda g, x: g * np.nan),
        (2, lambda g, x: g * 2 * x.detach()),
    ],
)
def test_the_checker_finds_what_is_wrong(order, rule):
    with pytest.raises(AssertionError, match=f"derivative of order {order}"):
        check_gradients(wrong(rule), tensor(1.0, 2.0), rng=rng())


def test_the_checker_refuses_float32():
    with pytest.raises(TypeError, match=r"xs\[0\]: differences need float64, got float32"):
        check_gradients(ops.tanh, Tensor(1.0), rng=rng())
