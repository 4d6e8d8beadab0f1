"""Every loss: its value equals the formula's, its derivatives those by differences."""

import numpy as np
import pytest
from cases_games import LOSSES
from hypothesis import given
from hypothesis import strategies as st
from proofs import prove_gradients, prove_value

from tinygan import Tensor, grad, losses


@pytest.mark.parametrize("case", LOSSES, ids=str)
@given(data=st.data())
def test_value_is_that_of_the_formula(case, data):
    prove_value(case, data.draw)


@pytest.mark.parametrize("case", LOSSES, ids=str)
@given(data=st.data())
def test_derivatives_of_first_and_second_order(case, data):
    prove_gradients(case, data.draw)


def test_the_loss_of_a_logit_of_0_is_log_2_for_any_target():
    for target in (0.0, 0.3, 0.5, 1.0):
        loss = losses.bce_with_logits(np.zeros((3, 1), np.float32), target)
        np.testing.assert_allclose(loss.item(), np.log(2), rtol=1e-7)


def test_the_loss_of_k_equal_logits_is_log_k():
    loss = losses.cross_entropy(np.zeros((2, 5)), np.array([0, 4]))
    np.testing.assert_allclose(loss.item(), np.log(5), rtol=1e-15)


@pytest.mark.parametrize("target, costs", [(1.0, [200, 0]), (0.0, [0, 200])])
def test_a_confident_discriminator_still_has_a_finite_loss_and_a_gradient(target, costs):
    logits = Tensor(np.array([-200, 200], np.float32))
    loss = losses.bce_with_logits(logits, target, "none")
    np.testing.assert_array_equal(loss.data, costs)
    (d,) = grad(loss.sum(), [logits])
    np.testing.assert_array_equal(d.data, [-1, 0] if target else [0, 1])


def test_the_gradient_does_not_vanish_as_that_of_a_clipped_probability_does():
    """sigmoid(20) rounds to 1 in float32. There log(clip(D)) has slope 0, not -1."""
    logit = Tensor(np.array([20.0], np.float32))
    (d,) = grad(losses.bce_with_logits(logit, 0.0), [logit])
    np.testing.assert_allclose(d.data, [1])


def test_arrays_come_out_as_a_tensor():
    for loss in (losses.bce_with_logits, losses.mse, losses.l1):
        assert isinstance(loss(np.zeros(2), np.ones(2)), Tensor)


@pytest.mark.parametrize("kind", [np.int64, np.uint8, bool])
@pytest.mark.parametrize("loss", [losses.bce_with_logits, losses.mse, losses.l1])
def test_the_loss_has_the_dtype_of_the_logits(loss, kind):
    logits = Tensor(np.array([0.5, -1], np.float32))
    got = loss(logits, np.array([0, 1], kind))
    assert got.dtype == np.float32
    assert got.item() == loss(logits, np.array([0, 1], np.float32)).item()


def test_the_kl_of_a_gaussian_is_that_of_its_samples():
    """Monte Carlo: the mean of log q(z) - log p(z) over samples z of q."""
    rng, m, v = np.random.default_rng(0), 0.7, -0.9
    z = m + np.exp(v / 2) * rng.normal(size=400_000)
    log_q = -((z - m) ** 2) / (2 * np.exp(v)) - v / 2
    log_p = -(z**2) / 2
    kl = losses.gaussian_kl(Tensor(np.array([m])), Tensor(np.array([v]))).item()
    assert kl == pytest.approx((log_q - log_p).mean(), abs=0.01)
    assert losses.gaussian_kl(Tensor(np.zeros(3)), 0.0, "sum").item() == 0
