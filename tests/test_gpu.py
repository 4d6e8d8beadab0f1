"""CuPy on a real GPU against NumPy in float64, for all cases of the guard tests.

The guard checks how CuPy is called; these tests check the results.
"""

import os

import numpy as np
import pytest
from cases_devices import (
    OPTIMIZERS,
    PENALTIES,
    PLAYS,
    WRAPPED_GAMES,
    Match,
    carry,
    derivatives,
    passes,
    rng,
    updates,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from registry import EVERYTHING, OF_NUMBERS

from tinygan import backend, models
from tinygan.data import Minibatches
from tinygan.gradcheck import check_gradients
from tinygan.training import Config, Session

PROBLEM = backend.survey()["cupy"]
if PROBLEM is not None and os.environ.get("TINYGAN_NEEDS_GPU"):
    raise RuntimeError(PROBLEM)
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(PROBLEM is not None, reason=str(PROBLEM))]

FLOAT64 = np.float64
ADAM = 1e-6  # it divides by the size of a gradient, which may be rounding noise


def assert_close(got, expected, tolerance=1e-9):
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("case", EVERYTHING, ids=str)
@settings(max_examples=5)
@given(data=st.data())
def test_values_and_derivatives_to_second_order(case, data):
    point = case.build(data.draw)
    expected, _ = derivatives(point, "numpy")
    assert_close(derivatives(point, "cupy")[0], expected)


@pytest.mark.parametrize("case", EVERYTHING, ids=str)
@settings(max_examples=2)
@given(data=st.data())
def test_derivatives_equal_finite_differences(case, data):
    function, xs = carry(case.build(data.draw), "cupy")
    check_gradients(function, *xs, rng=rng())


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("case", OF_NUMBERS, ids=str)
@given(data=st.data())
def test_layers_in_either_mode(case, training, data):
    point = case.build(data.draw)
    expected = passes(point, training, "numpy", FLOAT64)
    assert_close(passes(point, training, "cupy", FLOAT64), expected)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_with_clipping_schedules_average_and_state(name):
    expected = updates(name, "numpy", FLOAT64)
    assert_close(updates(name, "cupy", FLOAT64), expected, ADAM)


def match(model, **options):
    got, expected = (Match(model, w, FLOAT64, **options).round()[0] for w in ("cupy", "numpy"))
    assert_close(got, expected, ADAM)


@pytest.mark.parametrize("play", PLAYS)
@pytest.mark.parametrize("game, wrapper", WRAPPED_GAMES)
def test_a_round_of_every_game_and_wrapper(game, wrapper, play):
    match("mlp-small", game=game, wrapper=wrapper, play=play)


@pytest.mark.parametrize("play", PLAYS)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("model", models.MODELS)
def test_a_round_of_every_model_with_every_penalty(model, penalty, play):
    match(model, penalty=penalty, play=play)


def test_minibatches_are_gathered_on_the_device():
    images = rng().integers(0, 256, (7, 2, 3, 3)).astype(np.uint8)
    here, there = (
        Minibatches(images, rng=rng(1), backend=backend) for backend in ("numpy", "cupy")
    )
    for m in (3, 5, 9):
        x = there(m)
        assert x.backend.name == "cupy"
        assert_close([x.numpy()], [here(m).numpy()], tolerance=1e-6)


def test_a_session_continues_the_state_of_another_backend():
    options = {"model": "mlp-small", "batch": 4, "rng": "philox"}
    here, there = (Session(Config(**options, backend=backend)) for backend in ("numpy", "cupy"))
    here.play_round()
    there.restore(*here.state())
    for session in (here, there):
        session.play_round()
    for key, array in here.state()[0].items():
        np.testing.assert_allclose(there.state()[0][key], array, rtol=1e-3, atol=1e-5)
