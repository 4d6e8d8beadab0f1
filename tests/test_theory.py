"""The propositions of the 2014 paper and later results, each as a test with its numbers."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tinygan import Tensor, gan, grad, nn, ops
from tinygan.experiments.reproduce.closed_forms import (
    measured,
    network,
    normals,
    probabilities,
    train,
)
from tinygan.gan import theory

X = np.linspace(-14, 18, 32_001)
DX = float(X[1] - X[0])
LOG4 = math.log(4)


def density(*parts):
    return sum(weight * theory.normal_density(X, mean, sd) for weight, mean, sd in parts)


STANDARD = density((1, 0, 1))
# p, q; their JSD, V(D*), and the chi-square of section 4 of this file: values by quadrature.
PAIRS = {
    "equal": (STANDARD, STANDARD, 0, -1.386294, 0, 0.25),
    "shifted by 1": (STANDARD, density((1, 1, 1)), 0.111421, -1.163451, 0.408109, 0.301014),
    "shifted by 2": (STANDARD, density((1, 2, 1)), 0.336831, -0.712633, 1.100801, 0.387600),
    "shifted by 4": (STANDARD, density((1, 4, 1)), 0.632720, -0.120854, 1.862805, 0.482851),
    "wider": (STANDARD, density((1, 0, 2)), 0.092733, -1.200828, 0.319964, 0.289996),
    "a mode dropped": (
        density((0.5, -2, 0.5), (0.5, 2, 0.5)), density((1, -2, 0.5)),
        0.215728, -0.954839, 0.666592, 0.333324,
    ),
}  # fmt: skip


# Propositions 1 and 2, Theorem 1.


@pytest.mark.parametrize("name", PAIRS)
def test_the_criterion_is_twice_the_js_divergence_less_log_4(name):
    p, q, jsd, v, chi2, least_squares = PAIRS[name]
    assert theory.divergence("js", p, q, DX) == pytest.approx(jsd, abs=2e-6)
    assert theory.criterion(p, q, DX) == pytest.approx(v, abs=2e-6)
    assert theory.criterion(p, q, DX) == pytest.approx(-LOG4 + 2 * jsd, abs=4e-6)
    assert 2 * theory.least_squares_criterion(p, q, -1, 1, 0, DX) == pytest.approx(chi2, abs=2e-6)
    assert theory.least_squares_criterion(p, q, 0, 1, 1, DX) == pytest.approx(
        least_squares, abs=2e-6
    )


def test_disjoint_and_equal_distributions():
    p, q = np.array([0.5, 0.5, 0, 0]), np.array([0, 0, 0.25, 0.75])
    assert theory.criterion(p, q) == 0 and theory.criterion(p, p) == pytest.approx(-LOG4)
    assert theory.divergence("js", p, q) == pytest.approx(math.log(2))
    assert theory.least_squares_criterion(p, q, -1, 1, 0) == pytest.approx(1)
    assert theory.least_squares_criterion(p, q, 0, 1, 1) == pytest.approx(0.5)
    a, b = np.array([0.5, 0.25, 0.25]), np.array([0.25, 0.25, 0.5])
    assert theory.divergence("js", a, b) == pytest.approx(0.042475, abs=1e-6)
    assert theory.criterion(a, b) == pytest.approx(-1.301345, abs=1e-6)


distributions = st.lists(st.floats(0, 1), min_size=4, max_size=4).filter(lambda p: sum(p) > 0.1)


@example([0, 0, 1, 0], [0, 0, 1, 5e-324], [0, 0, 0, 0])  # half of 5e-324 is 0
@given(distributions, distributions, st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_every_discriminator_is_a_lower_bound(p, q, D):
    p, q = (np.array(x) / sum(x) for x in (p, q))
    best = theory.criterion(p, q)
    assert theory.value(D, p, q) <= best + 1e-12
    assert -LOG4 - 1e-12 <= best <= 1e-12
    assert best == pytest.approx(-LOG4 + 2 * theory.divergence("js", p, q), abs=1e-9)
    p, q = (np.round(x, 9) for x in (p, q))  # or D* could round to 1
    best, optimal = theory.criterion(p, q), theory.optimal_discriminator(p, q)
    assert theory.value(optimal, p, q) == pytest.approx(best, abs=1e-9)


def rng(seed=0):
    return np.random.default_rng(seed)


def line():
    return nn.Sequential(nn.Linear(1, 1, rng=rng()))


class Square(nn.Module):
    def forward(self, x):
        return x * x


@pytest.mark.parametrize(
    "layers, mean, sd, weight, bias, v",
    [
        ([], 1, 1, -1, 0.5, -1.163451),  # the logit of D* is 1/2 - x
        ([Square()], 0, 2, -0.375, math.log(2), -1.200828),  # it is log 2 - 3 x^2 / 8
    ],
)
def test_a_trained_discriminator_is_the_optimal_one(layers, mean, sd, weight, bias, v):
    """N(0, 1) against N(mean, sd^2): one linear layer can be the logit of D*."""
    D, many = nn.Sequential(*layers, *line()), normals(rng(1), 100_000, mean, sd)
    train(D, lambda: many, 400, 0.05)
    assert D[-1].weight.item() == pytest.approx(weight, abs=0.02)
    assert D[-1].bias.item() == pytest.approx(bias, abs=0.02)
    assert measured(D, *many)[0] == pytest.approx(v, abs=0.006)
    # On fresh samples a D exceeds C(G) only by chance.
    found, error = measured(D, *normals(rng(3), 1_000_000, mean, sd))
    assert found == pytest.approx(v, abs=0.003) and 0 < error < 0.002
    assert found <= v + 3 * error


def test_a_network_finds_the_optimal_discriminator_too():
    D, samples = network(rng()), rng(1)
    train(D, lambda: normals(samples, 1000, 1), 500, 0.003)
    x = np.linspace(-3, 4, 141)
    best = theory.optimal_discriminator(theory.normal_density(x), theory.normal_density(x, 1))
    np.testing.assert_allclose(best, 1 / (1 + np.exp(x - 0.5)))
    assert np.abs(probabilities(D, x) - best).max() < 0.01
    p, q = STANDARD, density((1, 1, 1))
    v = theory.value(probabilities(D, X), p, q, DX)  # by quadrature: no chance, a plain bound
    assert theory.criterion(p, q, DX) - 0.001 < v < theory.criterion(p, q, DX)


def test_the_best_d_for_equal_distributions_is_a_half():
    D, many = line(), normals(rng(1), 50_000, 0)
    train(D, lambda: many, 200, 0.05)
    real, fake = normals(rng(3), 50_000, 0)
    v, error = measured(D, real, fake)
    assert v == pytest.approx(-LOG4, abs=1e-3) and v <= -LOG4 + 3 * error
    found = [probabilities(D, x.data[:, 0]) for x in (real, fake)]
    assert np.abs(found[0] - 0.5).max() < 0.06
    right = ((found[0] > 0.5).mean() + (found[1] < 0.5).mean()) / 2
    assert abs(right - 0.5) < 3 * math.sqrt(0.25 / 100_000)
    assert gan.minimax.d_loss(Tensor(np.zeros(4)), Tensor(np.zeros(4))).item() == pytest.approx(
        LOG4
    )
    assert gan.non_saturating.g_loss(Tensor(np.zeros(4))).item() == pytest.approx(math.log(2))


# G is a table of probabilities: C(G) is convex in q and descends to its minimum.


def test_the_gradient_of_the_criterion_may_hold_the_discriminator_fixed():
    p, q = rng().dirichlet(np.ones(10)), rng(1).dirichlet(np.ones(10))
    found, step = theory.tabular_gradient(p, q), 1e-6
    for i in range(10):
        up, down = q.copy(), q.copy()
        up[i] += step
        down[i] -= step
        difference = (theory.criterion(p, up) - theory.criterion(p, down)) / (2 * step)
        assert found[i] == pytest.approx(difference, abs=1e-6)


def test_gradient_descent_on_the_criterion_finds_the_data():
    """G is a softmax of 10 numbers, D is the best one at each step: no step up, and JSD < 1e-8."""
    p = np.arange(1, 11) / 55
    qs = list(itertools.islice(theory.tabular_game(p), 61))
    np.testing.assert_allclose(qs[0], np.full(10, 0.1))
    path = [theory.criterion(p, q) for q in qs]
    assert np.diff(path).max() < 0 and path[-1] == pytest.approx(-LOG4, abs=1e-7)
    assert theory.divergence("js", p, qs[-1]) < 1e-8
    # One step by hand: dC/dtheta of the softmax q, from dC/dq = log(1 - D*).
    slopes = theory.tabular_gradient(p, qs[0])
    theta = -10 * qs[0] * (slopes - qs[0] @ slopes)
    np.testing.assert_allclose(qs[1], np.exp(theta) / np.exp(theta).sum(), rtol=1e-12)


@given(st.floats(0, 1))
def test_the_criterion_is_convex_in_the_generators_distribution(t):
    p, a, b = rng(5).dirichlet(np.ones(6), 3)
    middle = theory.criterion(p, t * a + (1 - t) * b)
    assert middle <= t * theory.criterion(p, a) + (1 - t) * theory.criterion(p, b) + 1e-12


# Section 3: the saturating and the non-saturating loss.


@pytest.mark.parametrize("logit", [-200.0, -10.0, -5.0, 0.0, 3.0])
def test_the_two_losses_of_g_and_their_gradients(logit):
    D = 1 / (1 + math.exp(-logit))
    for game, loss, slope in (
        (gan.minimax, math.log1p(-D), -D),
        (gan.non_saturating, -math.log(D), -(1 - D)),
    ):
        for dtype, rel in ((np.float64, 1e-9), (np.float32, 1e-6)):
            l = np.full((1, 1), logit, dtype)
            pull = theory.best_logit_slope(game, l)
            assert pull.dtype == dtype and pull.item() == pytest.approx(slope, rel=rel, abs=1e-80)
            assert game.g_loss(Tensor(l)).item() == pytest.approx(loss, rel=rel, abs=1e-80)
    a, b = (
        theory.best_logit_slope(g, [max(logit, -10.0)]).item()
        for g in (gan.non_saturating, gan.minimax)
    )
    assert a / b == pytest.approx(math.exp(-max(logit, -10.0)))  # (1 - D) / D


# Least squares: the codings that give the Pearson chi-square.


def test_the_slope_of_the_square_is_0_only_at_its_target():
    l = np.linspace(-10, 10, 201)
    for c in (0, 1):
        slopes = theory.best_logit_slope(gan.least_squares(c=c), l)
        np.testing.assert_allclose(slopes, l - c, atol=1e-12)


@given(distributions, distributions)
def test_least_squares_as_functions_of_pearsons_chi_square(p, q):
    """The usual coding (0, 1, 1) is no chi-square, but 1/4 and an eighth of it."""
    p, q = (np.array(x) / sum(x) for x in (p, q))
    chi2 = theory.divergence("pearson", 2 * q, p + q)
    assert 0 <= chi2 <= 2 + 1e-12
    for a, b, c in ((-1, 1, 0), (0, 2, 1)):
        assert 2 * theory.least_squares_criterion(p, q, a, b, c) == pytest.approx(chi2, abs=1e-12)
    usual = theory.least_squares_criterion(p, q, 0, 1, 1)
    assert usual == pytest.approx(1 / 4 + chi2 / 8, abs=1e-12)


def test_the_optimal_least_squares_discriminator():
    p, q = rng().dirichlet(np.ones(5), 2)
    for a, b in ((-1, 1), (0, 1), (0.3, 0.8)):
        game = gan.least_squares(a, b, 0.5)
        logits = Tensor(theory.least_squares_optimum(p, q, a, b))
        loss = ops.sum(Tensor(p) * game.real_loss(logits) + Tensor(q) * game.fake_loss(logits))
        (slope,) = grad(loss, [logits])
        np.testing.assert_allclose(slope.data, 0, atol=1e-15)
    best = theory.least_squares_optimum(p, q, -1, 1)
    np.testing.assert_allclose(best, np.tanh(np.log(p / q) / 2))


# The bilinear game: simultaneous and alternating steps differ.


@pytest.mark.parametrize("lr", [0.01, 0.1, 0.5])
def test_simultaneous_steps_spiral_out_and_alternating_steps_do_not(lr):
    """min over x, max over y of -x y, played by `gan.play` and `gan.play_simultaneously`."""
    at_once = list(itertools.islice(theory.bilinear_game(gan.play_simultaneously, lr), 200))
    np.testing.assert_allclose(at_once, (1 + lr**2) ** (np.arange(200) / 2))
    in_turn = list(itertools.islice(theory.bilinear_game(gan.play, lr), 1000))
    low, high = 1 / math.sqrt(1 + lr / 2), 1 / math.sqrt(1 - lr / 2)
    assert low - 1e-12 < min(in_turn) < low + 1e-4 and high - 1e-4 < max(in_turn) < high + 1e-12


# f-divergences.


def test_divergences_of_gaussians_in_closed_form():
    q = density((1, 1, 1.5))
    kl = math.log(1.5) + (1 + 1) / (2 * 1.5**2) - 0.5
    reverse = -math.log(1.5) + (1.5**2 + 1) / 2 - 0.5
    assert theory.divergence("kl", STANDARD, q, DX) == pytest.approx(kl, rel=1e-6)
    assert theory.divergence("reverse-kl", STANDARD, q, DX) == pytest.approx(reverse, rel=1e-6)
    assert theory.divergence("kl", q, STANDARD, DX) == pytest.approx(reverse, rel=1e-6)
    assert kl != pytest.approx(reverse, rel=0.1)  # asymmetric


def test_divergences_of_shifted_gaussians_in_closed_form():
    at_1 = {
        "kl": 1 / 2,
        "reverse-kl": 1 / 2,
        "pearson": math.e - 1,
        "total-variation": math.erf(0.5 / math.sqrt(2)),
        "hellinger": 2 - 2 * math.exp(-1 / 8),  # 2 less twice Bhattacharyya's coefficient
    }
    assert set(at_1) == set(theory.SHIFTED_NORMALS) == set(theory.DIVERGENCES) - {"js"}
    for name, closed in theory.SHIFTED_NORMALS.items():
        assert closed(1) == pytest.approx(at_1[name])
        for m in (0.3, 1, 2.5):
            found = theory.divergence(name, STANDARD, density((1, m, 1)), DX)
            assert found == pytest.approx(closed(m), rel=1e-6)


def test_divergences_of_a_dropped_mode_and_of_an_invented_one():
    both, one = np.array([0.5, 0.5]), np.array([1.0, 0.0])
    assert theory.divergence("kl", both, one) == math.inf  # q misses what p has
    assert theory.divergence("kl", one, both) == pytest.approx(math.log(2))
    assert theory.divergence("reverse-kl", both, one) == pytest.approx(math.log(2))
    assert theory.divergence("reverse-kl", one, both) == math.inf
    assert theory.divergence("pearson", both, one) == math.inf
    assert (
        theory.divergence("pearson", [2e-313, 1], [0, 1]) == math.inf
    )  # however small the mass is
    js = theory.divergence("js", both, one)
    assert js == pytest.approx(theory.divergence("js", one, both)) and js < math.log(2)
    assert theory.divergence("total-variation", both, one) == 0.5


@given(distributions, distributions)
def test_divergences_are_0_between_equals_and_never_negative(p, q):
    p, q = (np.array(x) / sum(x) for x in (p, q))
    for name in theory.DIVERGENCES:
        assert theory.divergence(name, p, p) == pytest.approx(0, abs=1e-12)
        assert theory.divergence(name, p, q) >= -1e-12
    for name in ("js", "total-variation", "hellinger"):
        assert theory.divergence(name, p, q) == pytest.approx(
            theory.divergence(name, q, p), abs=1e-9
        )
