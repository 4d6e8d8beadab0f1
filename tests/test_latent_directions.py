"""Directions of the noise, on samples whose property and class are known functions of the noise."""

import numpy as np
import pytest

from tinygan.experiments.latent_directions import (
    directions,
    effect,
    high_minus_low,
    without_classes,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def measured(z):
    """The value grows along axis 0, and also from class to class; the class is given by axis 1."""
    classes = (z[:, 1] > 0).astype(int)
    return 10 + z[:, 0] + 3 * classes, classes


def test_high_minus_low_is_a_difference_of_means():
    z = rng().normal(size=(20, 3))
    values = np.arange(20)[::-1]
    np.testing.assert_allclose(high_minus_low(z, values), (z[0] + z[1] - z[18] - z[19]) / 2)


def test_a_step_without_classes_is_a_projection():
    """It is orthogonal to the differences of the means, and the removed part is made of them."""
    step, means = rng().normal(size=20), rng(1).normal(size=(4, 20))
    kept, differences = without_classes(step, means), (means[1:] - means[0]).T
    np.testing.assert_allclose(kept @ differences, 0, atol=1e-12)
    parts, *_ = np.linalg.lstsq(differences, step - kept, rcond=None)
    np.testing.assert_allclose(differences @ parts, step - kept, atol=1e-12)
    np.testing.assert_array_equal(without_classes(step, means[:1]), step)  # a single class


def test_a_direction_within_classes_keeps_the_class():
    z = rng().normal(size=(5000, 4))
    within, plain, random = directions(z, *measured(z), rng=rng(1))
    assert within.shape == plain.shape == (1, 4) and random.shape == (10, 4)
    lengths = np.linalg.norm([*within, *plain, *random], axis=1)
    np.testing.assert_allclose(lengths, lengths[0])
    assert abs(within[0, 1]) < 0.1 < 1 < plain[0, 1]
    starts = rng(2).normal(size=(1000, 4))
    ours, everywhere = (effect(measured, starts, step) for step in (within, plain))
    assert ours.grown == 1 and ours.kept > 0.95 > 0.7 > everywhere.kept
    means = [measured(each)[0].mean() for each in (starts, starts + within[0])]
    assert ours.ratio == pytest.approx(means[1] / means[0])


def test_the_effect_of_several_steps_is_their_mean():
    starts, steps = rng().normal(size=(100, 4)), rng(1).normal(size=(3, 4))
    each = [effect(measured, starts, step[None]) for step in steps]
    np.testing.assert_allclose(effect(measured, starts, steps), np.mean(each, axis=0))
    assert effect(measured, starts, np.zeros((1, 4))) == (1, 0, 1)


def test_bad_input():
    z = np.zeros((10, 3))
    with pytest.raises(ValueError, match=r"classes: expected \(10,\), got \(9,\)"):
        directions(z, np.zeros(10), np.zeros(9, int), rng=rng())
    with pytest.raises(ValueError, match="N >= 10"):
        high_minus_low(z[:9], np.zeros(9))
    with pytest.raises(ValueError, match=r"\(10, 3\) and \(9,\)"):
        high_minus_low(z, np.zeros(9))
