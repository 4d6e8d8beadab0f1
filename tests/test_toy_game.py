"""Toy games: each remedy changes one thing, and remedies can be combined."""

from itertools import islice

import guard  # noqa: F401  (registers the backend)
import numpy as np
import pytest

from tinygan import Tensor, gan, grad, nn
from tinygan.data.mixtures import ring
from tinygan.experiments.toy_game import (
    AGAINST_COLLAPSE,
    AGAINST_SATURATION,
    REMEDIES,
    extra_g_steps,
    toy_game,
)

RING = ring(sd=0.1)


def kinds(net):
    return [type(layer).__name__ for layer in net]


@pytest.mark.parametrize("remedy", REMEDIES)
def test_each_remedy_changes_one_thing(remedy):
    plain, found = toy_game(RING, seed=0), toy_game(RING, [remedy], seed=0)
    assert kinds(plain.players[1]) == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]
    G, D, data, noise, opt_g, opt_d = found.players
    l = Tensor(np.zeros((1000, 1)) + 3)
    real, relabeled = (g.real_loss(l).numpy() for g in (gan.minimax, found.relabel(gan.minimax)))
    share = (relabeled - real) / (gan.minimax.fake_loss(l).numpy() - real)  # of the wrong label
    changed = {
        "dropout": kinds(D) == ["Linear", "ReLU", "Dropout"] * 2 + ["Linear"],
        "lower rate": opt_d.lr == 1e-3 < plain.players[5].lr == 4e-3,
        "fewer units": D[0].out_features == 16 < plain.players[1][0].out_features == 64,
        "label noise": abs(share.mean() - 0.25) < 0.03 and 0.4 < share.max() < 0.5,
        "label flips": abs(share.mean() - 0.1) < 0.04 and share.max() > 0.99,
        "minibatch discrimination": isinstance(D[4], nn.MinibatchDiscrimination),
        "packing": (found.m, data(5).shape, G(noise(5)).shape) == (32, (5, 4), (5, 4)),
    }
    assert [name for name, holds in changed.items() if holds] == [remedy]
    assert opt_g.lr == 1e-3 and kinds(found.G) == kinds(plain.G)


def test_all_remedies_together_run_on_any_backend():
    ends = []
    for backend in ("numpy", "guard"):
        one = toy_game(RING, REMEDIES, seed=[1, 2], backend=backend, width=0.1)
        rounds = extra_g_steps(gan.non_saturating, one, times=2)
        ends.append([next(rounds).d_loss.numpy() for _ in range(3)])
        ends[-1] += [one.slope(gan.minimax), one.samples(7)]
        assert one.samples(7).shape == (7, 2)
    for ours, theirs in zip(*ends, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_the_slope_is_the_norm_of_the_mean_gradient():
    """The mean is over eight minibatches, which minibatch discrimination must not mix."""
    one, again = (toy_game(RING, ["minibatch discrimination"], seed=0) for _ in range(2))
    G, D, _, noise, *_ = again.players
    gradients = [
        np.concatenate([g.numpy().reshape(-1) for g in grad(loss, G.parameters())])
        for loss in (gan.minimax.g_loss(D(G(noise(64)))) for _ in range(8))
    ]
    expected = np.linalg.norm(np.mean(gradients, axis=0))
    assert one.slope(gan.minimax) == pytest.approx(expected, rel=1e-4)


def test_g_takes_more_steps_than_d():
    one = toy_game(RING, seed=0, width=0.1)
    list(islice(extra_g_steps(gan.non_saturating, one, times=5), 3))
    *_, opt_g, opt_d = one.players
    assert (opt_g.t, opt_d.t) == (15, 3)


def test_an_unknown_remedy_is_refused():
    with pytest.raises(ValueError, match=r"remedies: expected some of .*got \['prayer'\]"):
        toy_game(RING, ["prayer"], seed=0)
    assert set(AGAINST_COLLAPSE) | set(AGAINST_SATURATION) == set(REMEDIES)
