"""Games at logits where the answer is known, and what their wrappers and penalties do."""

import math

import numpy as np
import pytest

from tinygan import Tensor, gan, grad, nn, ops

LOG2 = math.log(2)

SEPARABLE = {n: g for n, g in gan.GAMES.items() if isinstance(g, gan.SeparableGame)}


def rng(seed=0):
    return np.random.default_rng(seed)


def logits(*values, dtype=np.float64):
    return Tensor(np.array(values, dtype).reshape(-1, 1))


@pytest.mark.parametrize(
    "game, d_loss, g_loss",
    [
        (gan.minimax, 2 * LOG2, -LOG2),  # log 4: the value of the game at its equilibrium
        (gan.non_saturating, 2 * LOG2, LOG2),
        (gan.least_squares(), 0.5, 0.5),
        (gan.least_squares(-1, 1, 0), 1.0, 0.0),
        (gan.hinge, 2.0, 0.0),
        (gan.wasserstein, 0.0, 0.0),
    ],
)
def test_what_is_paid_at_a_logit_of_0(game, d_loss, g_loss):
    np.testing.assert_allclose(game.d_loss(logits(0, 0), logits(0)).item(), d_loss, atol=1e-15)
    np.testing.assert_allclose(game.g_loss(logits(0, 0)).item(), g_loss, atol=1e-15)


@pytest.mark.parametrize("name", gan.GAMES)
@pytest.mark.parametrize("real, fake", [(200, -200), (-200, 200), (200, 200), (-200, -200)])
def test_losses_and_gradients_are_finite_in_float32_however_sure_d_is(name, real, fake):
    game = gan.GAMES[name]
    real, fake = (logits(l, dtype=np.float32) for l in (real, fake))
    for loss, ls in ((game.d_loss(real, fake), [real, fake]), (game.g_loss(fake, real), [fake])):
        assert np.isfinite(loss.item())
        assert all(np.isfinite(g.data).all() for g in grad(loss, ls))


def test_a_wrong_and_sure_d_pays_its_logit():
    for game in (gan.minimax, gan.non_saturating):
        assert game.d_loss(*(logits(l, dtype=np.float32) for l in (-200, 200))).item() == 400


def test_g_has_a_gradient_where_it_needs_one_only_without_saturation():
    """At D(G(z)) = sigmoid(-10) the slopes are D and 1 - D: they differ by e^10 = 22026."""
    slopes = []
    for game in (gan.minimax, gan.non_saturating):
        l = logits(-10.0)
        slopes.append(abs(grad(game.g_loss(l), [l])[0].item()))
    np.testing.assert_allclose(slopes[0], 1 / (1 + math.exp(10)), rtol=1e-12)
    np.testing.assert_allclose(slopes[1] / slopes[0], math.exp(10), rtol=1e-9)


def test_both_forms_of_the_game_push_alike_where_d_does_not_know():
    l, k = logits(0.0), logits(0.0)
    (one,), (two,) = grad(gan.minimax.g_loss(l), [l]), grad(gan.non_saturating.g_loss(k), [k])
    assert one.item() == two.item() == -0.5


BALANCED = {n: g for n, g in SEPARABLE.items() if g.d_at_equilibrium is not None}


def test_the_games_of_goodfellow_and_mao_have_an_equilibrium():
    assert {"minimax", "non-saturating", "least-squares"} <= set(BALANCED)


@pytest.mark.parametrize("game", [*BALANCED.values(), gan.least_squares(-1, 2, 0)])
def test_balance_is_where_the_best_d_stands_once_g_is_perfect(game):
    """On the same images as real and as fake, the price of a logit is least at the balance."""
    at = (
        math.log(game.d_at_equilibrium / (1 - game.d_at_equilibrium))
        if game.probability
        else game.d_at_equilibrium
    )
    l = logits(at)
    assert abs(grad(game.d_loss(l, l), [l])[0].item()) < 1e-12
    assert game.d_loss(l, l).item() < game.d_loss(l + 0.1, l + 0.1).item()
    assert game.d_loss(l, l).item() < game.d_loss(l - 0.1, l - 0.1).item()


def test_the_optimal_discriminator_is_the_ratio_of_densities():
    """Proposition 1: D*(x) = p_data / (p_data + p_g). Three states, counted."""
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])
    l = Tensor(np.log(p / q))
    price = ops.sum(p * gan.minimax.real_loss(l)) + ops.sum(q * gan.minimax.fake_loss(l))
    np.testing.assert_allclose(grad(price, [l])[0].data, 0, atol=1e-15)
    jensen_shannon = sum((a * np.log(2 * a / (p + q))).sum() / 2 for a in (p, q))
    np.testing.assert_allclose(-price.item(), -2 * LOG2 + 2 * jensen_shannon, rtol=1e-14)


# Wrappers.

REAL, FAKE = logits(0.3, -1.2, 2.0), logits(-0.7, 0.4)


def prices(game):
    return game.d_loss(REAL, FAKE).item(), game.g_loss(FAKE).item()


@pytest.mark.parametrize("name", SEPARABLE)
def test_wrappers_of_no_strength_change_nothing_but_the_balance(name):
    game = gan.GAMES[name]
    for wrapped in (
        gan.one_sided_smoothing(game, 0.0),
        gan.label_smoothing(game, 0.0, 0.0),
        gan.label_noise(game, 0.0, rng=rng()),
        gan.label_flips(game, 0.0, rng=rng()),
    ):
        assert prices(wrapped) == prices(game)
        assert (wrapped.d_at_equilibrium, wrapped.probability) == (None, game.probability)


@pytest.mark.parametrize("name", SEPARABLE)
def test_flipping_all_labels_exchanges_real_and_fake(name):
    game = gan.GAMES[name]
    for flipped in (gan.label_flips(game, 1.0, rng=rng()), gan.label_smoothing(game, 1.0, 1.0)):
        assert flipped.d_loss(REAL, FAKE).item() == game.d_loss(FAKE, REAL).item()
        assert flipped.g_loss(FAKE).item() == game.g_loss(FAKE).item()


def test_smoothing_is_one_sided():
    game = gan.one_sided_smoothing(gan.minimax, 0.25)
    np.testing.assert_array_equal(game.fake_loss(FAKE).data, gan.minimax.fake_loss(FAKE).data)
    l = logits(math.log(3))  # D(x) = 3/4 is now what D is best at on real images
    assert abs(grad(ops.sum(game.real_loss(l)), [l])[0].item()) < 1e-15


def test_labels_are_flipped_and_noised_anew_at_each_call_and_each_by_itself():
    ones = Tensor(np.ones(2000))
    for game in (
        gan.label_flips(gan.wasserstein, 0.2, rng=rng()),
        gan.label_noise(gan.wasserstein, 0.4, rng=rng()),
    ):
        first, second = game.real_loss(ones).data, game.real_loss(ones).data  # -(1 - u) + u
        assert (first != second).any()
        assert abs((first.mean() + 1) / 2 - 0.2) < 0.04  # four standard errors
    assert set(
        np.unique(gan.label_flips(gan.wasserstein, 0.2, rng=rng()).real_loss(ones).data)
    ) == {
        -1,
        1,
    }


# Penalties.


def linear(*w):
    D = nn.Linear(len(w), 1, rng=rng()).astype(np.float64)
    D.weight.data[...] = w
    return D


IMAGES = [Tensor(rng(i).normal(size=(6, 2))) for i in range(2)]


def test_penalties_of_a_linear_d_are_functions_of_its_slope():
    D = linear(3.0, -4.0)  # |grad D| = 5 everywhere
    np.testing.assert_allclose(gan.r1(2.0)(D, *IMAGES).item(), 25)
    np.testing.assert_allclose(gan.wgan_gp(10, rng=rng())(D, *IMAGES).item(), 160)
    unit = linear(0.6, 0.8)
    assert gan.wgan_gp(10, rng=rng())(unit, *IMAGES).item() < 1e-20


def test_the_gradient_of_a_penalty_reaches_the_weights():
    D = linear(3.0, -4.0)
    (dw,) = grad(gan.r1(2.0)(D, *IMAGES), [D.weight])
    np.testing.assert_allclose(dw.data, [[6, -8]])  # of |w|^2
    (dw,) = grad(gan.wgan_gp(1, rng=rng())(D, *IMAGES), [D.weight])
    np.testing.assert_allclose(dw.data, [[4.8, -6.4]])  # of (|w| - 1)^2


def test_wgan_gp_looks_between_a_real_image_and_its_fake():
    seen = []

    def D(x):
        seen.append(x.data)
        return ops.sum(x * x, 1)

    x, fake = (Tensor(np.full((1000, 1), v)) for v in (1.0, 3.0))
    gan.wgan_gp(rng=rng())(D, x, fake)
    assert 1 <= seen[0].min() < 1.01 and 2.99 < seen[0].max() <= 3
    assert abs(seen[0].mean() - 2) < 0.07  # four standard errors


def test_r1_looks_at_real_images_only():
    seen = []

    def D(x):
        seen.append(x.data)
        return ops.sum(x * x, 1)

    gan.r1()(D, *IMAGES)
    np.testing.assert_array_equal(seen, [IMAGES[0].data])


def test_penalties_send_no_gradient_to_the_images():
    """The slope is taken at images held fixed: a generator behind them is not trained by it."""
    G = linear(1.0, 2.0)
    fake = G(IMAGES[1]) * np.ones((1, 2))
    for penalty in (gan.r1(), gan.wgan_gp(rng=rng())):
        value = penalty(linear(3.0, 4.0), IMAGES[0], fake)
        with pytest.raises(ValueError, match="does not depend"):
            grad(value, G.parameters())


# Relativistic games.


def test_the_relativistic_losses_are_those_of_the_paper():
    real, fake = np.array([0.3, -1.2]), np.array([-0.7, 0.4])
    log_d = lambda l: -np.logaddexp(0, -l)  # noqa: E731
    game = gan.relativistic_pairing
    l, k = Tensor(real), Tensor(fake)
    assert game.d_loss(l, k).item() == pytest.approx(-log_d(real - fake).mean())
    assert game.g_loss(k, l).item() == pytest.approx(-log_d(fake - real).mean())
    average, a, b = gan.GAMES["relativistic-average"], real - fake.mean(), fake - real.mean()
    assert average.d_loss(l, k).item() == pytest.approx(-log_d(a).mean() - log_d(-b).mean())
    assert average.g_loss(k, l).item() == pytest.approx(-log_d(b).mean() - log_d(-a).mean())
    ralsgan = gan.relativistic_average(gan.least_squares(-1, 1))
    expected = ((a - 1) ** 2).mean() / 2 + ((b + 1) ** 2).mean() / 2
    assert ralsgan.d_loss(l, k).item() == pytest.approx(expected)


@pytest.mark.parametrize("name", ["relativistic-pairing", "relativistic-average"])
def test_a_relativistic_game_depends_on_differences_alone_and_moves_both(name):
    game, (l, k) = gan.GAMES[name], (logits(0.3, -1.2), logits(-0.7, 0.4))
    assert game.d_loss(l + 3, k + 3).item() == pytest.approx(game.d_loss(l, k).item())
    of_real, of_fake = grad(game.d_loss(l, k), [l, k])
    assert of_real.data.sum() == pytest.approx(-of_fake.data.sum()) and of_real.data.sum() < 0
    assert (grad(game.g_loss(k, l), [k])[0].data < 0).all()


@pytest.mark.parametrize(
    "change",
    [
        gan.one_sided_smoothing,
        gan.label_smoothing,
        lambda game: gan.label_noise(game, rng=rng()),
        lambda game: gan.label_flips(game, rng=rng()),
        gan.relativistic_average,
    ],
)
def test_what_needs_single_logits_refuses_another_game(change):
    with pytest.raises(TypeError, match=r"game: expected a SeparableGame, as gan.minimax is one"):
        change(gan.relativistic_pairing)


def test_logits_that_are_not_in_pairs_are_refused():
    with pytest.raises(ValueError, match=r"expected pairs of logits, got \(2, 1\), \(3, 1\)"):
        gan.relativistic_pairing.d_loss(REAL, FAKE)
