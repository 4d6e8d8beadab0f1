"""Every game and every penalty: values are the formulas', derivatives to second order are those by
differences. (The second derivative of a penalty is a third derivative of D.)"""

import numpy as np
import pytest
from cases_games import GAMES, PENALTIES
from hypothesis import given
from hypothesis import strategies as st
from proofs import prove_gradients, prove_value

from tinygan import Tensor, gan, grad


@pytest.mark.parametrize("case", GAMES, ids=str)
@given(data=st.data())
def test_losses_of_games_are_the_formula(case, data):
    prove_value(case, data.draw)


@pytest.mark.parametrize("case", GAMES, ids=str)
@given(data=st.data())
def test_derivatives_of_games(case, data):
    prove_gradients(case, data.draw)


@pytest.mark.parametrize("case", [c for c in PENALTIES if "hidden" in c.note], ids=str)
@given(data=st.data())
def test_penalties_are_the_formula(case, data):
    prove_value(case, data.draw, tolerance=1e-9)  # |.| is smoothed at 0 by 1e-12


@pytest.mark.parametrize("case", PENALTIES, ids=str)
@given(data=st.data())
def test_derivatives_of_penalties(case, data):
    prove_gradients(case, data.draw)


def test_wgan_gp_of_a_flat_d_is_its_weight_and_has_finite_gradients():
    """At slope 0 the root has an infinite derivative, which a NaN would follow."""
    w = Tensor(np.zeros((3, 1)))
    x = Tensor(np.ones((2, 3)))
    value = gan.wgan_gp(4.0, rng=np.random.default_rng(0))(lambda x: x @ w, x, x)
    np.testing.assert_allclose(value.item(), 4.0, rtol=1e-5)
    (dw,) = grad(value, [w])
    np.testing.assert_array_equal(dw.data, np.zeros((3, 1)))
