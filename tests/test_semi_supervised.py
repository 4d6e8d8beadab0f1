"""A discriminator that is a classifier: its logit of being real, mutual information, learning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygan import Tensor, gan, grad, nn, optim
from tinygan.gan.variants.semi_supervised import (
    matching_loss,
    mutual_information,
    play_semi_supervised,
    real_logit,
)
from tinygan.gradcheck import check_gradients


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
def test_mutual_information_is_that_of_images_and_classes(n, k, seed):
    """By its other definition, the KL divergence of the joint distribution from the product."""
    l = rng(seed).normal(0, 3, (n, k))
    p = np.exp(l) / np.exp(l).sum(axis=1, keepdims=True)
    expected = (p / n * np.log(p / p.mean(axis=0))).sum()
    assert mutual_information(Tensor(l)).item() == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert -1e-12 < expected <= np.log(k) + 1e-12
    check_gradients(mutual_information, Tensor(l), rng=rng(1))


def test_the_matching_loss_compares_mean_features():
    x, fake = Tensor(np.array([[1.0, 2.0], [5.0, 6.0]])), Tensor(np.array([[3.0, 0.0]] * 4))
    assert matching_loss(nn.Flatten(), x, fake).item() == pytest.approx(4**2 / (3**2 + 4**2))
    assert matching_loss(nn.Flatten(), x, Tensor(np.array([[3.0, 4.0]]))).item() == 0
    check_gradients(lambda f: matching_loss(nn.Flatten(), x, f), fake, rng=rng(1))


def test_g_matches_the_features_of_the_body():
    """A step of SGD on G follows the gradient of `matching_loss` on the features of the body."""
    G, body = nn.Linear(1, 2, rng=rng(0)), nn.Linear(2, 3, rng=rng(1))
    D = nn.Sequential(body, nn.Linear(3, 2, rng=rng(2)))
    x, z = (
        Tensor(rng(3).normal(size=(4, 2)).astype(np.float32)),
        Tensor(np.ones((4, 1), np.float32)),
    )
    before = [p.data.copy() for p in G.parameters()]
    opts = [optim.SGD(net.parameters(), lr) for net, lr in ((G, 1.0), (D, 1e-9))]
    expected = [g.data for g in grad(matching_loss(body, x, G(z)), G.parameters())]
    sources = lambda m: (x, Tensor(np.arange(m) % 2)), lambda m: x, lambda m: z
    next(play_semi_supervised(G, D, *sources, *opts, m=4))
    for p, old, slope in zip(G.parameters(), before, expected, strict=True):
        np.testing.assert_allclose(old - p.data, slope, rtol=1e-3, atol=1e-6)


def test_large_logits_stay_finite():
    assert real_logit(Tensor(np.array([[800.0, 0.0]]))).item() == 800
    assert mutual_information(Tensor(np.array([[800.0, 0.0]] * 2))).item() == 0
    assert mutual_information(Tensor(800 * np.eye(4))).item() == pytest.approx(np.log(4))


def errors_on_two_moons(weight):
    """The share of 400 points that D classifies wrongly, with labels of two of them. Its loss on
    unlabeled points is times `weight`."""
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


def test_unlabeled_points_lower_the_error():
    assert errors_on_two_moons(1.0) < errors_on_two_moons(0.0) / 2
