"""Metrics and classifiers against other implementations: prdc, SciPy and scikit-learn.

A test whose package is not installed is skipped: pip install prdc scikit-learn
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygan.experiments.classical import logistic_regression
from tinygan.metrics.frechet import frechet_distance
from tinygan.metrics.parzen import log_likelihoods
from tinygan.metrics.precision_recall import precision_recall


def clouds(seed, n, m, d):
    """Two overlapping clouds, (n, d) and (m, d)."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), 0.3 + 0.8 * rng.normal(size=(m, d))


sizes = st.integers(8, 60), st.integers(8, 60), st.integers(1, 9)  # n, m, d


@given(st.integers(0, 99), *sizes, st.integers(1, 6))  # prdc: k <= n - 2
def test_precision_recall_density_and_coverage_are_those_of_prdc(seed, n, m, d, k):
    oracle = pytest.importorskip("prdc").compute_prdc
    real, fake = clouds(seed, n, m, d)
    expected = oracle(real, fake, nearest_k=k)
    found = precision_recall(real, fake, k)._asdict()
    assert found == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 99), *sizes)
def test_the_frechet_distance_is_that_of_scipys_square_root(seed, n, m, d):
    sqrtm = pytest.importorskip("scipy.linalg").sqrtm
    real, fake = clouds(seed, n + d, m + d, d)
    s1, s2 = (np.cov(x, rowvar=False).reshape(d, d) for x in (real, fake))
    gap = real.mean(axis=0) - fake.mean(axis=0)
    expected = gap @ gap + np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2).real)
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(st.integers(0, 99), *sizes, st.floats(0.05, 5))
def test_parzen_windows_are_scikit_learns_kernel_density(seed, n, m, d, sigma):
    neighbors = pytest.importorskip("sklearn.neighbors")
    samples, x = clouds(seed, n, m, d)
    oracle = neighbors.KernelDensity(bandwidth=sigma).fit(samples)
    (found,) = log_likelihoods(samples, x, [sigma])
    np.testing.assert_allclose(found, oracle.score_samples(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("classes", "sd"), [(3, 1.0), (10, 0.3)])
def test_logistic_regression_is_scikit_learns(classes, sd):
    """Its C is the variance of the prior on the weights."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(0)
    labels = np.arange(200) % classes
    x = rng.normal(size=(classes, 5))[labels] + rng.normal(size=(200, 5))
    oracle = linear_model.LogisticRegression(C=sd**2, tol=1e-12, max_iter=10_000).fit(x, labels)
    found = logistic_regression(x, labels, classes, sd, steps=1000)
    p = np.exp(logits := found.logits(x)) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(p, oracle.predict_proba(x), atol=1e-6)
