"""Classical classifiers against closed forms, definitions, and parameters near the optimum."""

import guard  # noqa: F401  (registers the backend)
import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from tinygan import Tensor, grad, ops
from tinygan.experiments import classical
from tinygan.losses import cross_entropy
from tinygan.metrics.parzen import log_likelihoods


def rng(seed=0):
    return np.random.default_rng(seed)


def labeled(n=60, d=3, classes=3, seed=0):
    """Rows of overlapping classes, each around its mean."""
    labels = np.arange(n) % classes
    means = rng(seed).normal(size=(classes, d))
    return means[labels] + rng(seed + 1).normal(size=(n, d)), labels


def test_the_sum_of_exponentials_stays_finite():
    a = np.array([[0.0, np.log(3)], [-2000, -2000], [900, 0]])
    np.testing.assert_allclose(classical.log_sum(a), [np.log(4), np.log(2) - 2000, 900])


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 99))
def test_the_joint_density_is_that_of_the_definition(k, d, seed):
    draw = rng(seed)
    weights = draw.dirichlet(np.ones(k))
    model = classical.Normals(weights, draw.normal(size=(k, d)), draw.uniform(0.2, 3, (k, d)))
    x = draw.normal(0, 3, (5, d))
    density = scipy.stats.norm(model.means[:, None], np.sqrt(model.variances[:, None])).pdf(x)
    p = (weights[:, None] * density.prod(axis=2)).T
    np.testing.assert_allclose(model.log_joint(x), np.log(p), rtol=1e-9)
    np.testing.assert_allclose(model.log_density(x), np.log(p.sum(axis=1)), rtol=1e-9)
    np.testing.assert_allclose(model.posterior(x), p / p.sum(axis=1, keepdims=True), atol=1e-12)
    np.testing.assert_array_equal(model.classify(x), p.argmax(axis=1))


def test_naive_bayes_has_closed_form_parameters_and_is_a_softmax_of_linear_logits():
    x, labels = labeled(61)
    model = classical.naive_bayes(x, labels, 3, spread=0.7)
    means = np.stack([x[labels == y].mean(axis=0) for y in range(3)])
    variance = (((x - means[labels]) ** 2).sum(axis=0) + 10 * 0.7) / (61 + 10)
    np.testing.assert_allclose(model.weights, np.bincount(labels) / 61)
    np.testing.assert_allclose(model.means, means)
    np.testing.assert_allclose(model.variances, np.tile(variance, (3, 1)))
    w, b = means / variance, np.log(model.weights) - (means**2 / variance).sum(axis=1) / 2
    e = np.exp(x @ w.T + b)
    np.testing.assert_allclose(model.posterior(x), e / e.sum(axis=1, keepdims=True))


def objective(model, x, spread, imagined, shares=None):
    """The objective of `normals`; without `shares`, the objective of EM."""
    variances = model.variances
    prior = -imagined / 2 * (np.log(variances) + spread / variances).sum()
    if shares is None:
        return model.log_density(x).sum() + prior
    return (shares * model.log_joint(x)).sum() + prior


@given(st.integers(1, 4), st.floats(0.1, 20), st.integers(0, 99))
def test_no_densities_near_the_fitted_ones_are_better(k, imagined, seed):
    draw = rng(seed)
    x, shares = draw.normal(size=(12, 2)), draw.dirichlet(np.ones(k), 12)
    best = classical.normals(x, shares, 0.5, imagined)
    maximum = objective(best, x, 0.5, imagined, shares)
    for size in (0.3, 0.01):
        means = best.means + size * draw.normal(size=best.means.shape)
        variances = best.variances * np.exp(size * draw.normal(size=means.shape))
        weights = best.weights * np.exp(size * draw.normal(size=k))
        for other in (
            best._replace(means=means),
            best._replace(variances=variances),
            best._replace(weights=weights / weights.sum()),
        ):
            assert objective(other, x, 0.5, imagined, shares) <= maximum + 1e-9


@given(st.integers(1, 5), st.integers(6, 30), st.integers(0, 99))
def test_em_never_lowers_the_likelihood(k, n, seed):
    x = rng(seed).normal(size=(n, 2)) ** 3
    values = [
        objective(classical.em(x, k, 0.5, rng=rng(seed), steps=t, imagined=2.0), x, 0.5, 2.0)
        for t in range(1, 12)
    ]
    assert (np.diff(values) > -1e-9 * abs(values[0])).all()


def test_em_finds_the_mixture_of_the_rows():
    true = classical.Normals(
        np.array([0.2, 0.8]), np.array([[-2.0, 0], [2, 1]]), np.array([[1, 0.3], [0.5, 1]])
    )
    which = rng().choice(2, 20_000, p=true.weights)
    noise = rng(1).normal(size=(len(which), 2))
    x = true.means[which] + noise * np.sqrt(true.variances[which])
    found = classical.em(x, 2, 1.0, rng=rng(2), steps=100, imagined=1.0)
    order = found.means[:, 0].argsort()
    for ours, expected in zip(found, true, strict=True):
        np.testing.assert_allclose(ours[order], expected, atol=0.05)


def test_a_density_without_rows_is_finite_and_never_predicted():
    x = rng().normal(size=(9, 2))
    model = classical.normals(x, np.eye(2)[np.zeros(9, int)], 0.5)
    assert np.isfinite(model.log_joint(x)).all() and not model.classify(x).any()
    np.testing.assert_allclose(model.variances[1], 0.5)


def test_mixtures_of_one_density_are_normal_densities():
    """Up to 24 rows of a class have one density; priors are the shares of the classes."""
    x, labels = labeled(24 + 12 + 6)
    labels = np.repeat([0, 1, 2], [24, 12, 6])
    model = classical.mixtures(x, labels, 0.5, rng=rng())
    joint = np.stack([
        classical.normals(x[labels == y], np.ones((n, 1)), 0.5).log_density(x) + np.log(n / 42)
        for y, n in enumerate((24, 12, 6))
    ], axis=1)  # fmt: skip
    np.testing.assert_allclose(model.log_joint(x), joint)
    np.testing.assert_array_equal(model.classify(x), joint.argmax(axis=1))


def test_classes_of_two_clouds_need_a_mixture():
    """Class 0 lies on both sides of class 1, so both have the same mean."""
    labels = np.arange(400) % 2
    side = np.where(np.arange(400) % 4 < 2, -3.0, 3.0) * (labels == 0)
    x = side[:, None] + 0.5 * rng().normal(size=(400, 2))
    accuracy = [
        (
            classical.mixtures(x, labels, 0.5, rng=rng(1), maximum=maximum).classify(x) == labels
        ).mean()
        for maximum in (1, 2)
    ]
    assert accuracy[1] > 0.99
    assert (classical.naive_bayes(x, labels, 2, 0.5).classify(x) == labels).mean() < 0.7


def test_a_row_is_left_out_of_its_own_window():
    x, sigmas = rng().normal(size=(7, 3)), [0.3, 1.0]
    found = classical.left_out(x, sigmas)
    for i in range(7):
        expected = log_likelihoods(np.delete(x, i, axis=0), x[i : i + 1], sigmas)[:, 0]
        np.testing.assert_allclose(found[:, i], expected, rtol=1e-5)
    np.testing.assert_array_equal(classical.left_out(x[:1], sigmas), [[0], [0]])


def test_windows_have_the_sigma_with_the_highest_leave_one_out_likelihood():
    x, labels = labeled(40, classes=2)
    sigmas = [0.01, 0.8, 30.0]
    model = classical.windows(x, labels, sigmas)
    joint = [log_likelihoods(x[labels == y], x, [0.8])[0] + np.log(0.5) for y in (0, 1)]
    np.testing.assert_allclose(model.log_joint(x), np.stack(joint, axis=1))


def test_a_narrow_window_is_the_nearest_neighbor():
    (x, labels), (new, _) = labeled(30), labeled(20, seed=5)
    nearest = ((new[:, None] - x) ** 2).sum(axis=2).argmin(axis=1)
    found = classical.windows(x, labels, [0.01]).classify(new)
    np.testing.assert_array_equal(found, labels[nearest])


@pytest.mark.parametrize("sd", [0.3, 10.0])
def test_logistic_regression_has_no_gradient_at_its_optimum_which_scipy_finds_too(sd):
    x, labels = labeled()
    x += 5  # far from 0, where Adam would be slow without centering
    found = classical.logistic_regression(x, labels, 3, sd, steps=1000)
    w, b = (Tensor(part) for part in found)
    loss = cross_entropy(ops.linear(Tensor(x), w, b), Tensor(labels))
    loss = loss + ops.sum(w * w) / (2 * 60 * sd**2)
    for g in grad(loss, [w, b]):
        np.testing.assert_allclose(g.data, 0, atol=2e-5)

    def cost(p):
        w, b = p[:9].reshape(3, 3), p[9:]
        logits = x @ w.T + b
        loss = (classical.log_sum(logits) - logits[np.arange(60), labels]).mean()
        return loss + (w**2).sum() / (2 * 60 * sd**2)

    best = scipy.optimize.minimize(cost, np.zeros(12), tol=1e-9)
    assert loss.item() == pytest.approx(best.fun, rel=1e-5)
    np.testing.assert_allclose(found.weight, best.x[:9].reshape(3, 3), atol=1e-3)


def test_naive_bayes_and_logistic_regression_agree_if_the_classes_are_normal():
    """With shared variances, both converge to log p(1 | x) - log p(0 | x)."""
    labels = np.arange(20_000) % 2
    x = labels[:, None] * [1.0, -0.5] + rng().normal(size=(20_000, 2)) * [1.0, 0.5]
    true = np.array([1.0, -0.5]) / np.array([1.0, 0.25])
    found = classical.logistic_regression(x, labels, 2, 10.0)
    bayes = classical.naive_bayes(x, labels, 2, 1.0)
    for w in (found.weight, bayes.means / bayes.variances):
        np.testing.assert_allclose(w[1] - w[0], true, atol=0.1)


def test_another_backend_finds_the_same_weights():
    x, labels = labeled()
    one, other = (
        classical.logistic_regression(x, labels, 3, steps=20, backend=backend)
        for backend in ("numpy", "guard")
    )
    for ours, theirs in zip(one, other, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    np.testing.assert_array_equal(one.classify(x), one.logits(x).argmax(axis=1))


X, Y = labeled(12)
BAD = {
    "a class without rows": (
        lambda: classical.windows(X, 2 * Y, [1.0]), r"labels: class 1 has no row"),
    "a spread of 0": (lambda: classical.naive_bayes(X, Y, 3, 0.0), r"spread: .*\(0, inf\), got 0"),
    "0 imagined rows": (
        lambda: classical.em(X, 2, 1.0, rng=rng(), imagined=0.0), "imagined: .*got 0"),
    "more densities than rows": (
        lambda: classical.em(X, 13, 1.0, rng=rng()), "k: expected 1 to 12.*got 13"),
    "0 steps of EM": (lambda: classical.em(X, 2, 1.0, rng=rng(), steps=0), "steps: .*got 0"),
    "0 steps of Adam": (
        lambda: classical.logistic_regression(X, Y, 3, steps=0), "steps: .*got 0"),
    "a prior of width 0": (
        lambda: classical.logistic_regression(X, Y, 3, 0.0), r"sd: .*\(0, inf\), got 0"),
    "a sigma of 0": (lambda: classical.windows(X, Y, [0.0]), "sigmas: expected positive"),
    "labels beyond the classes": (
        lambda: classical.logistic_regression(X, Y, 2), r"labels in 0..1, got 0..2"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_argument_is_refused_by_name(name):
    call, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        call()
