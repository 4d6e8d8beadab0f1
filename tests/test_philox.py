"""Philox against the published answers, and the distributions of its numbers."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from tinygan.backend import inputs
from tinygan.backend.philox import Philox, normal, uniform, words

# Random123, kat_vectors: philox4x32 10, counter, key, result.
ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


class From:
    """NumPy with an `arange` from `start`: the index is the first word of the counter."""

    def __init__(self, start):
        self.start = start

    def arange(self, n, dtype):
        return np.arange(n, dtype=dtype) + np.uint64(self.start)


@pytest.mark.parametrize(("counter", "key", "answer"), ANSWERS)
def test_the_known_answers(counter, key, answer):
    rng = Philox(0, stream=counter[1])
    rng.key = key
    got = words(From(counter[0]), 1, rng, np.array(counter[2:], np.uint32))
    assert tuple(int(word[0]) for word in got) == answer


def test_seed_stream_and_number_determine_a_draw():
    like = np.zeros(1, np.float32)

    def draws(seed, stream, t=0, count=3):
        rng = Philox(seed, stream)
        rng.t = t
        return [inputs.uniform(rng, (7,), like) for _ in range(count)]

    first = draws(1, 2)
    np.testing.assert_array_equal(first[2], draws(1, 2, t=2)[0])
    for other in (draws(2, 2), draws(1, 3), draws(1, 2, t=1 << 32)):
        assert not set(np.ravel(first)) & set(np.ravel(other))
    assert len(set(np.ravel(first))) == 21


def test_draws_beyond_two_to_the_32_have_their_own_number():
    rng = Philox(0)
    rng.t = (5 << 32) + 7
    np.testing.assert_array_equal(rng.count(), np.array([7, 5], np.uint32))
    assert rng.t == (5 << 32) + 8


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_larger_draw_begins_as_a_smaller_one(n, m):
    for draw in (normal, uniform):
        a, b = (draw(np, (k,), np.float32, Philox(3), np.zeros(2, "u4")) for k in (n, n + m))
        np.testing.assert_array_equal(a, b[:n])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_numbers_have_the_distribution_they_should(dtype):
    like = np.zeros(1, dtype)
    u = inputs.uniform(Philox(0), (200, 250), like)
    z = inputs.normal(Philox(1), (200, 250), like)
    assert u.dtype == z.dtype == dtype and u.shape == z.shape == (200, 250)
    assert u.min() >= 0 and (u.max() < 1 or dtype == np.float16)
    if dtype != np.float16:  # it has few values
        assert scipy.stats.kstest(u.ravel(), "uniform").pvalue > 0.01
        assert scipy.stats.kstest(z.ravel(), "norm").pvalue > 0.01
    neighbors = np.corrcoef(z.ravel()[:-1].astype(float), z.ravel()[1:].astype(float))[0, 1]
    assert abs(neighbors) < 0.02


def test_the_extreme_words_give_finite_numbers():
    for word in (0, 0xFFFFFFFF):
        u = (np.float32(word >> 8) + np.float32(0.5)) * np.float32(2.0**-24)
        assert np.isfinite(np.sqrt(-2 * np.log(u)))


def test_repr_shows_the_stream():
    assert "stream=4" in repr(Philox(0, 4))
