"""The classifier of the measures: it learns, it is told by its weights, it refuses nonsense."""

import numpy as np
import pytest

from tinygan import data
from tinygan.metrics.classifier import FEATURES, shifted, train


@pytest.fixture(scope="module")
def digits():
    whole = data.load("digits")
    return whole.images.astype(np.float32) / 255, whole.labels


@pytest.fixture(scope="module")
def judge(digits):
    x, y = digits
    *_, (_, loss, judge) = train(x[:1500], y[:1500], rng=np.random.default_rng(0), epochs=2)
    assert loss < 1.5
    return judge


def test_it_learns_digits_that_it_has_not_seen(judge, digits):
    x, y = digits
    assert judge.accuracy(x[9500:], y[9500:]) > 0.75


def test_the_same_seed_gives_the_same_weights(judge, digits):
    x, y = digits
    *_, (_, _, again) = train(x[:1500], y[:1500], rng=np.random.default_rng(0), epochs=2)
    *_, (_, _, other) = train(x[:200], y[:200], rng=np.random.default_rng(1), epochs=1)
    assert again.sha256 == judge.sha256 != other.sha256


def test_features_and_probabilities_do_not_depend_on_the_batch(judge, digits):
    x = digits[0][:700]
    features, p = judge.features(x), judge.probabilities(x)
    assert features.shape == (700, FEATURES) and features.min() >= 0
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(judge.features(x[600:601]), features[600:601], atol=1e-4)
    np.testing.assert_array_equal(judge.probabilities(x), p)  # asking changes nothing


def test_images_are_shifted_each_by_its_own_way():
    images = np.zeros((300, 1, 7, 7), np.float32)
    images[:, :, 3, 3] = 1
    moved = shifted(images, np.random.default_rng(0))
    assert moved.shape == images.shape and (moved.sum(axis=(1, 2, 3)) == 1).all()
    places = {tuple(np.argwhere(image[0])[0]) for image in moved}
    assert places == {(i, j) for i in range(1, 6) for j in range(1, 6)}


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((3, 28, 28)), r"expected shape \(N, 1, 28, 28\), got \(3, 28, 28\)"),
        (np.zeros((0, 1, 28, 28)), r"expected shape"),
        (np.full((2, 1, 28, 28), 255), r"expected numbers in \[0, 1\], got 255 to 255"),
        (np.full((2, 1, 28, 28), -1), r"expected numbers in \[0, 1\], got -1 to -1"),
        (np.full((2, 1, 28, 28), np.nan), r"expected numbers in \[0, 1\]"),
    ],
)
def test_other_images_are_refused(judge, images, message):
    with pytest.raises(ValueError, match=message):
        judge.features(images)
