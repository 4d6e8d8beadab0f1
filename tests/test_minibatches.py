"""Each image appears once per epoch, in an order that depends only on the seed and the epoch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygan.data import Minibatches

IMAGES = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)


def minibatches(seed=0, **options):
    return Minibatches(IMAGES, rng=np.random.default_rng(seed), low=0.0, high=255.0, **options)


def drawn(data, sizes):
    return [data(m).numpy().reshape(-1).astype(int).tolist() for m in sizes]


@given(st.lists(st.integers(1, 25), min_size=1, max_size=6))
def test_every_image_appears_once_per_epoch_for_minibatches_of_any_size(sizes):
    flat = [i for batch in drawn(minibatches(), sizes) for i in batch]
    assert len(flat) == sum(sizes)
    for start in range(0, len(flat) - 9, 10):
        assert sorted(flat[start : start + 10]) == list(range(10))


def test_epochs_and_seeds_differ():
    first, second = drawn(minibatches(), [10, 10])
    assert first != second and first != list(range(10))
    assert first != drawn(minibatches(seed=1), [10])[0]


@given(st.integers(0, 40), st.integers(1, 12))
def test_a_loaded_position_gives_the_same_images(before, size):
    data, other = minibatches(), minibatches(seed=99)
    if before:
        data(before)
    other.load_state_dict(data.state_dict())
    assert drawn(data, [size, size]) == drawn(other, [size, size])


def test_pixels_are_scaled_in_float32():
    images = np.array([0, 51, 255], np.uint8).reshape(1, 1, 1, 3)
    x = Minibatches(images, rng=np.random.default_rng(0))(2)
    assert x.dtype == np.float32 and x.shape == (2, 1, 1, 3)
    np.testing.assert_allclose(x.numpy()[1, 0, 0], [-1, -0.6, 1], atol=1e-6)


def test_a_position_of_other_data_is_refused():
    with pytest.raises(ValueError, match=r"position: expected 0..10, got 11"):
        minibatches().load_state_dict({"seed": 1, "epoch": 0, "position": 11})
