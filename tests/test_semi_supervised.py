"""A discriminator that is a classifier: its logit of being real, and what each player pays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from replays import played_and_replayed

from tinygan import Tensor, gan, nn, optim
from tinygan.backend import inputs
from tinygan.data import Minibatches
from tinygan.gan.variants.semi_supervised import (
    mutual_information,
    play_semi_supervised,
    real_logit,
)
from tinygan.gradcheck import check_gradients

M, K = 5, 3


def rng(seed=0):
    return np.random.default_rng(seed)


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 99))
def test_real_is_all_but_one_class_of_k_plus_1(n, k, seed):
    l = rng(seed).normal(0, 3, (n, k))
    p = np.exp(np.concatenate([l, np.zeros((n, 1))], axis=1))
    p_fake = p[:, -1] / p.sum(axis=1)
    logit = real_logit(Tensor(l))
    np.testing.assert_allclose(1 / (1 + np.exp(-logit.data[:, 0])), 1 - p_fake, rtol=1e-10)
    check_gradients(real_logit, Tensor(l), rng=rng(1))


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 99))
def test_information_is_that_of_images_and_classes(n, k, seed):
    """By its other definition, the KL divergence of the joint distribution from the product."""
    l = rng(seed).normal(0, 3, (n, k))
    p = np.exp(l) / np.exp(l).sum(axis=1, keepdims=True)
    expected = (p / n * np.log(p / p.mean(axis=0))).sum()
    assert mutual_information(Tensor(l)).item() == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert -1e-12 < expected <= np.log(k) + 1e-12
    check_gradients(mutual_information, Tensor(l), rng=rng(1))


def test_large_logits_stay_finite():
    assert real_logit(Tensor(np.array([[800.0, 0.0]]))).item() == 800
    assert mutual_information(Tensor(np.array([[800.0, 0.0]] * 2))).item() == 0
    assert mutual_information(Tensor(800 * np.eye(4))).item() == pytest.approx(np.log(4))


def test_d_is_paid_for_classes_that_tell_of_images_without_labels():
    paid = []
    for information in (0.0, 0.7):
        G, D, *sources = players()
        D.eval()
        opts = [optim.SGD(net.parameters(), 0.1) for net in (G, D)]
        paid.append(next(play_semi_supervised(G, D, *sources, *opts, m=M, information=information)))
    _, D, labeled, unlabeled, _ = players()
    D.eval()
    labeled(M)
    expected = 0.7 * mutual_information(D(unlabeled(M))).item()
    assert paid[0].d_loss.item() - paid[1].d_loss.item() == pytest.approx(expected, rel=1e-4)


def players(backend="numpy"):
    """G, D = Sequential(body, head), and sources of labeled images, images and noise."""
    G = nn.Sequential(nn.Linear(2, 4, rng=rng(1)), nn.Unflatten(1, (1, 2, 2)))
    body = nn.Sequential(nn.Flatten(), nn.Linear(4, 6, rng=rng(2)), nn.LeakyReLU(0.2))
    D = nn.Sequential(body, nn.Sequential(nn.Dropout(0.3, rng=rng(3)), nn.Linear(6, K, rng=rng(4))))
    G.to(backend), D.to(backend)
    images = rng(5).integers(0, 256, (20, 1, 2, 2)).astype(np.uint8)
    known = Minibatches(images[:6], labels=np.arange(6) % K, rng=rng(6), backend=backend)
    like, z = G.parameters()[0], rng(8)
    noise = lambda m: Tensor(inputs.normal(z, (m, 2), like.data))  # noqa: E731
    return G, D, known.labeled, Minibatches(images, rng=rng(7), backend=backend), noise


def loss_of_d(D, known, x, fake):
    """By hand: cross-entropy of the labels, and of real against fake, as 1 of K + 1 classes."""
    images, labels = known
    l = D(images).data
    named = -np.log(np.exp(l) / np.exp(l).sum(axis=1, keepdims=True))[np.arange(M), labels.data]
    real, fakes = (np.exp(D(each).data).sum(axis=1) for each in (x, fake))
    judged = -np.log(real / (1 + real)).mean() - np.log(1 / (1 + fakes)).mean()
    return named.mean() + judged / 2


@pytest.mark.parametrize("matching", [True, False])
def test_the_losses_are_those_by_hand_and_each_player_takes_its_own_step(matching):
    G, D, *sources = players()
    D.eval()  # so that dropout draws nothing
    _, _, *others = players()
    g, d = G.copy(), D.copy()
    opt_g, opt_d = optim.SGD(G.parameters(), 0.1), optim.SGD(D.parameters(), 0.0)
    rounds = play_semi_supervised(G, D, *sources, opt_g, opt_d, m=M, feature_matching=matching)
    result = next(rounds)
    labeled, unlabeled, noise = others
    known, x, z = labeled(M), unlabeled(M), noise(M)
    assert result.d_loss.item() == pytest.approx(loss_of_d(d, known, x, g(z)), rel=1e-5)
    np.testing.assert_allclose(result.real.data, real_logit(d(x)).data, rtol=1e-4)
    np.testing.assert_allclose(result.fake.data, real_logit(d(g(z))).data, rtol=1e-4)
    x, z = unlabeled(M), noise(M)
    features = [d[0](each).data.mean(axis=0) for each in (x, g(z))]
    expected = ((features[0] - features[1]) ** 2).mean() / (features[0] ** 2).mean()
    if not matching:
        l = real_logit(d(g(z))).data
        expected = np.log1p(np.exp(-l)).mean()
    assert result.g_loss.item() == pytest.approx(expected, rel=1e-5)
    moved = [[(p.data != q.data).any() for p, q in zip(a.parameters(), b.parameters(), strict=True)]
             for a, b in ((G, g), (D, d))]  # fmt: skip
    assert all(moved[0]) and not any(moved[1])


def test_another_game_is_played():
    costs = []
    for game in (gan.non_saturating, gan.minimax):
        G, D, *sources = players()
        opts = [optim.SGD(net.parameters(), 0.0) for net in (G, D)]
        options = {"m": M, "game": game, "feature_matching": False}
        costs.append(next(play_semi_supervised(G, D, *sources, *opts, **options)))
    assert costs[0].d_loss.item() == costs[1].d_loss.item()
    assert costs[0].g_loss.item() != costs[1].g_loss.item()


def errors_on_two_moons(weight):
    """The share of 400 points that D gets wrong, of which it knows two; its price of images without
    labels is times `weight`."""
    angles = rng(0).uniform(0, np.pi, 400)
    side = np.arange(400) % 2
    x = np.stack([np.cos(angles) + side, np.sin(angles) * (1 - 2 * side) + side / 2], axis=1)
    x = (x + 0.05 * rng(1).normal(size=x.shape)).astype(np.float32)
    few = np.array([np.abs(angles - np.pi / 2 - 99 * (side != s)).argmin() for s in (0, 1)])
    G = nn.Sequential(nn.Linear(8, 64, rng=rng(2)), nn.ReLU(), nn.Linear(64, 2, rng=rng(3)))
    body = [nn.Linear(2, 64, rng=rng(4)), nn.ReLU(), nn.Linear(64, 64, rng=rng(5)), nn.ReLU()]
    D = nn.Sequential(nn.Sequential(*body), nn.Linear(64, 2, rng=rng(6)))
    plain = gan.non_saturating
    losses = plain.real_loss, plain.fake_loss, plain.generator_loss
    game = gan.SeparableGame(*(lambda l, p=p: weight * p(l) for p in losses))
    draw, z = rng(7), rng(8)
    opts = [optim.Adam(net.parameters(), 2e-3, (0.5, 0.999)) for net in (G, D)]
    rounds = play_semi_supervised(
        G,
        D,
        lambda m: (Tensor(x[few]), Tensor(side[few])),
        lambda m: Tensor(x[draw.integers(400, size=m)]),
        lambda m: Tensor(z.normal(size=(m, 8)).astype(np.float32)),
        *opts,
        m=64,
        game=game,
    )
    for _ in range(600):
        next(rounds)
    return (D(Tensor(x)).data.argmax(axis=1) != side).mean()


def test_it_learns_from_images_without_labels():
    assert errors_on_two_moons(1.0) < errors_on_two_moons(0.0) / 2


@pytest.mark.parametrize("matching", [True, False])
def test_a_recording_does_the_same(matching):
    def match(backend):
        G, D, *sources = players(backend)
        opt_g, opt_d = (optim.Adam(net.parameters(), 1e-3) for net in (G, D))
        options = {"m": M, "feature_matching": matching}
        start = lambda: play_semi_supervised(G, D, *sources, opt_g, opt_d, **options)  # noqa: E731
        return start, (G, D, opt_g, opt_d)

    _, replayed = played_and_replayed(match)
    assert replayed.recorded and not replayed.why


@pytest.mark.parametrize("D", [nn.Linear(2, 2, rng=rng()), nn.Sequential(nn.Tanh())])
def test_a_discriminator_of_other_parts_is_refused(D):
    with pytest.raises(ValueError, match=r"D: expected Sequential\(body, head\)"):
        next(play_semi_supervised(D, D, None, None, None, None, None))
