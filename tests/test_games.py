"""Games at logits with known losses, and the effects of wrappers and penalties."""

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
def test_losses_at_a_logit_of_0(game, d_loss, g_loss):
    np.testing.assert_allclose(game.d_loss(logits(0, 0), logits(0)).item(), d_loss, atol=1e-15)
    np.testing.assert_allclose(game.g_loss(logits(0, 0)).item(), g_loss, atol=1e-15)


@pytest.mark.parametrize("name", gan.GAMES)
@pytest.mark.parametrize("real, fake", [(200, -200), (-200, 200), (200, 200), (-200, -200)])
def test_losses_and_gradients_of_a_confident_d_are_finite_in_float32(name, real, fake):
    game = gan.GAMES[name]
    real, fake = (logits(l, dtype=np.float32) for l in (real, fake))
    for loss, ls in ((game.d_loss(real, fake), [real, fake]), (game.g_loss(fake, real), [fake])):
        assert np.isfinite(loss.item())
        assert all(np.isfinite(g.data).all() for g in grad(loss, ls))


def test_the_loss_of_a_confident_and_wrong_d_is_its_logit():
    for game in (gan.minimax, gan.non_saturating):
        assert game.d_loss(*(logits(l, dtype=np.float32) for l in (-200, 200))).item() == 400


def test_only_the_non_saturating_loss_has_a_gradient_where_d_rejects_the_fake():
    """At D(G(z)) = sigmoid(-10) the slopes are D and 1 - D: they differ by e^10 = 22026."""
    slopes = []
    for game in (gan.minimax, gan.non_saturating):
        l = logits(-10.0)
        slopes.append(abs(grad(game.g_loss(l), [l])[0].item()))
    np.testing.assert_allclose(slopes[0], 1 / (1 + math.exp(10)), rtol=1e-12)
    np.testing.assert_allclose(slopes[1] / slopes[0], math.exp(10), rtol=1e-9)


def test_both_losses_of_g_have_the_same_gradient_at_a_logit_of_0():
    l, k = logits(0.0), logits(0.0)
    (one,), (two,) = grad(gan.minimax.g_loss(l), [l]), grad(gan.non_saturating.g_loss(k), [k])
    assert one.item() == two.item() == -0.5


WITH_EQUILIBRIUM = {n: g for n, g in SEPARABLE.items() if g.d_at_equilibrium is not None}


def test_the_games_of_goodfellow_and_mao_have_an_equilibrium():
    assert {"minimax", "non-saturating", "least-squares"} <= set(WITH_EQUILIBRIUM)


@pytest.mark.parametrize("game", [*WITH_EQUILIBRIUM.values(), gan.least_squares(-1, 2, 0)])
def test_d_at_equilibrium_is_the_best_d_for_a_perfect_g(game):
    """For the same images as real and as fake, the loss is smallest at this logit."""
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
    """Proposition 1: D*(x) = p_data / (p_data + p_g). For three states."""
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])
    l = Tensor(np.log(p / q))
    loss = ops.sum(p * gan.minimax.real_loss(l)) + ops.sum(q * gan.minimax.fake_loss(l))
    np.testing.assert_allclose(grad(loss, [l])[0].data, 0, atol=1e-15)
    jensen_shannon = sum((a * np.log(2 * a / (p + q))).sum() / 2 for a in (p, q))
    np.testing.assert_allclose(-loss.item(), -2 * LOG2 + 2 * jensen_shannon, rtol=1e-14)


# Wrappers.

REAL, FAKE = logits(0.3, -1.2, 2.0), logits(-0.7, 0.4)


def losses(game):
    return game.d_loss(REAL, FAKE).item(), game.g_loss(FAKE).item()


@pytest.mark.parametrize("name", SEPARABLE)
def test_wrappers_of_strength_0_change_only_the_equilibrium(name):
    game = gan.GAMES[name]
    for wrapped in (
        gan.one_sided_smoothing(game, 0.0),
        gan.label_smoothing(game, 0.0, 0.0),
        gan.label_noise(game, 0.0, rng=rng()),
        gan.label_flips(game, 0.0, rng=rng()),
    ):
        assert losses(wrapped) == losses(game)
        assert (wrapped.d_at_equilibrium, wrapped.probability) == (None, game.probability)


@pytest.mark.parametrize("name", SEPARABLE)
def test_flipping_all_labels_exchanges_real_and_fake(name):
    game = gan.GAMES[name]
    for flipped in (gan.label_flips(game, 1.0, rng=rng()), gan.label_smoothing(game, 1.0, 1.0)):
        assert flipped.d_loss(REAL, FAKE).item() == game.d_loss(FAKE, REAL).item()
        assert flipped.g_loss(FAKE).item() == game.g_loss(FAKE).item()


def test_each_label_of_each_call_has_its_own_flip_and_noise():
    ones = Tensor(np.ones(2000))
    for game in (
        gan.label_flips(gan.wasserstein, 0.2, rng=rng()),
        gan.label_noise(gan.wasserstein, 0.4, rng=rng()),
    ):
        first, second = game.real_loss(ones).data, game.real_loss(ones).data  # -(1 - u) + u
        assert (first != second).any()
        assert abs((first.mean() + 1) / 2 - 0.2) < 0.04  # four standard errors
    flipped = gan.label_flips(gan.wasserstein, 0.2, rng=rng()).real_loss(ones).data
    assert set(np.unique(flipped)) == {-1, 1}


# Penalties.


def linear(*w):
    D = nn.Linear(len(w), 1, rng=rng()).astype(np.float64)
    D.weight.data[...] = w
    return D


IMAGES = [Tensor(rng(i).normal(size=(6, 2))) for i in range(2)]


def test_penalties_send_no_gradient_to_the_images():
    """The slope is taken at detached images, so a penalty does not train G."""
    G = linear(1.0, 2.0)
    fake = G(IMAGES[1]) * np.ones((1, 2))
    for penalty in (gan.r1(), gan.wgan_gp(rng=rng())):
        value = penalty(linear(3.0, 4.0), IMAGES[0], fake)
        with pytest.raises(ValueError, match="does not depend"):
            grad(value, G.parameters())


# Relativistic games.


def test_a_relativistic_average_of_least_squares():
    """RaLSGAN. (The two relativistic games of GAMES have their cases.)"""
    game, real, fake = gan.relativistic_average(gan.least_squares(-1, 1)), REAL.data, FAKE.data
    a, b = real - fake.mean(), fake - real.mean()
    expected = ((a - 1) ** 2).mean() / 2 + ((b + 1) ** 2).mean() / 2
    assert game.d_loss(REAL, FAKE).item() == pytest.approx(expected)


@pytest.mark.parametrize("name", [name for name, game in gan.GAMES.items() if game.g_uses_real])
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
def test_a_wrapper_of_single_logits_refuses_another_game(change):
    with pytest.raises(TypeError, match=r"game: expected a SeparableGame, such as gan.minimax"):
        change(gan.relativistic_pairing)


def test_logits_that_are_not_in_pairs_are_refused():
    with pytest.raises(ValueError, match=r"expected pairs of logits, got \(2, 1\), \(3, 1\)"):
        gan.relativistic_pairing.d_loss(REAL, FAKE)
