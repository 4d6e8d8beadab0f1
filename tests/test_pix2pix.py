"""Image-to-image rounds: what the players pay, who moves when and on what; their recording."""

import gc
import math
import weakref

import numpy as np
import pytest
from replays import played_and_replayed

from tinygan import Tensor, gan, grad, losses, nn, optim
from tinygan.data import Minibatches
from tinygan.gan.variants.pix2pix import concat_channels, play_pix2pix

M = 5


def rng(seed=0):
    return np.random.default_rng(seed)


def numbers(seed, *shape):
    return Tensor(rng(seed).normal(size=shape).astype(np.float32))


def weights(net):
    return np.concatenate([p.data.reshape(-1) for p in net.parameters()])


def networks(paired=True, patches=True):
    """G from images of two channels to one of 4x4, and D, of patches or of the image."""
    G = nn.Conv2d(2, 3, 3, 1, 1, rng=rng(1)), nn.Tanh(), nn.Conv2d(3, 1, 1, rng=rng(2))
    D = nn.Sequential(nn.Conv2d(3 if paired else 1, 4, 2, 2, rng=rng(3)), nn.LeakyReLU(0.2))
    end = [nn.Conv2d(4, 1, 1, rng=rng(4))]
    if not patches:
        end = [nn.Flatten(), nn.Linear(16, 1, rng=rng(4))]
    return nn.Sequential(*G), nn.Sequential(*D, *end)


def source(log=None):
    draw = rng(5)

    def pairs(m):
        if log is not None:
            log.append(f"pairs({m})")
        return [Tensor(draw.normal(size=(m, c, 4, 4)).astype(np.float32)) for c in (2, 1)]

    return pairs


DISTANCES = {
    losses.l1: lambda made, x: abs(made - x).mean(),
    losses.mse: lambda made, x: ((made - x) ** 2).mean(),
}


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("weight", [0, 0.3])
def test_the_losses_are_those_by_hand(distance, weight, paired):
    (G, D), (g, d) = networks(paired), networks(paired)
    opts = optim.SGD(G.parameters(), 0.0), optim.SGD(D.parameters(), 0.0)
    options = {"m": M, "weight": weight, "distance": distance, "paired": paired}
    result = next(play_pix2pix(gan.non_saturating, G, D, source(), *opts, **options))
    y, x = source()(M)
    made = g(y).data
    shown = [np.concatenate([y.data, a], axis=1) if paired else a for a in (x.data, made)]
    real, fake = (d(Tensor(each)).data for each in shown)
    assert real.shape == (M, 1, 2, 2)  # a logit for each patch
    np.testing.assert_allclose(result.real.data, real, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(result.fake.data, fake, rtol=1e-4, atol=1e-6)
    paid = np.log1p(np.exp(-real)).mean() + np.log1p(np.exp(fake)).mean()
    assert result.d_loss.item() == pytest.approx(paid, rel=1e-5)
    paid = DISTANCES[distance](made, x.data) + weight * np.log1p(np.exp(-fake)).mean()
    assert result.g_loss.item() == pytest.approx(paid, rel=1e-5)


@pytest.mark.parametrize("weight", [0, 0.3])
@pytest.mark.parametrize("patches", [True, False])
@pytest.mark.parametrize("game", gan.GAMES)
def test_rounds_are_the_steps_written_by_hand(game, patches, weight):
    """G answers the D of after its step, and both see the same pairs."""
    game, ends = gan.GAMES[game], []
    for by_hand in (False, True):
        G, D = (net.astype(float) for net in networks(patches=patches))
        opt_g = optim.Adam(G.parameters(), 0.01, (0.5, 0.9))
        opt_d = optim.RMSprop(D.parameters(), 0.01)
        numbers = source()
        pairs = lambda m, numbers=numbers: [t.astype(float) for t in numbers(m)]  # noqa: E731
        rounds = play_pix2pix(game, G, D, pairs, opt_g, opt_d, m=M, weight=weight)
        for _ in range(3):
            if not by_hand:
                next(rounds)
                continue
            y, x = pairs(M)
            d_loss = game.d_loss(D(concat_channels(y, x)), D(concat_channels(y, G(y)).detach()))
            opt_d.step(grad(d_loss, D.parameters()))
            real = D(concat_channels(y, x))
            g_loss = losses.l1(G(y), x)
            g_loss = g_loss + weight * game.g_loss(D(concat_channels(y, G(y))), real)
            opt_g.step(grad(g_loss, G.parameters()))
        ends.append(np.concatenate([weights(G), weights(D)]))
    np.testing.assert_allclose(*ends, rtol=1e-8, atol=1e-10)


class Watched(optim.SGD):
    """An optimizer that logs its steps, and whether they moved its own player alone."""

    def __init__(self, name, net, other, log, lr=0.1):
        super().__init__(net.parameters(), lr)
        self.name, self.net, self.other, self.log = name, net, other, log

    def step(self, grads):
        before, others = weights(self.net), weights(self.other)
        super().step(grads)
        moved = (weights(self.net) != before).any()
        kept = (weights(self.other) == others).all()
        self.log.append(f"{self.name} {'moved' if moved else 'stood'}" + " alone" * bool(kept))


@pytest.mark.parametrize("weight", [0, 0.3])
def test_a_round_is_one_minibatch_then_a_step_of_d_then_one_of_g(weight):
    (G, D), log = networks(), []
    opts = Watched("G", G, D, log), Watched("D", D, G, log)
    rounds = play_pix2pix(gan.hinge, G, D, source(log), *opts, m=M, weight=weight)
    assert log == []
    for _ in range(2):
        next(rounds)
    assert log == ["pairs(5)", "D moved alone", "G moved alone"] * 2


def test_without_the_adversary_g_is_the_same_whatever_d_does():
    ends = {}
    for weight in (0, 0.3):
        for lr in (0.0, 0.5):
            G, D = networks()
            opts = optim.SGD(G.parameters(), 0.1), optim.SGD(D.parameters(), lr)
            rounds = play_pix2pix(gan.hinge, G, D, source(), *opts, m=M, weight=weight)
            for _ in range(3):
                next(rounds)
            ends[weight, lr] = weights(G)
    np.testing.assert_array_equal(ends[0, 0.0], ends[0, 0.5])
    assert (ends[0.3, 0.0] != ends[0.3, 0.5]).any()


def grays(weight):
    """What G makes of nothing known, where the truth is -1 or 1 by chance: how far from 0."""
    first, last = (
        [nn.Conv2d(*sizes, 1, rng=rng(i)) for i in (1, 2)] for sizes in ((1, 32), (32, 1))
    )
    G, D = (nn.Sequential(a, nn.LeakyReLU(0.2), b) for a, b in zip(first, last, strict=True))
    draw = rng(5)

    def pairs(m):
        y, x = draw.normal(size=(m, 1, 2, 2)), draw.choice([-1.0, 1.0], (m, 1, 2, 2))
        return Tensor(y.astype(np.float32)), Tensor(x.astype(np.float32))

    opts = [optim.Adam(net.parameters(), 2e-3, (0.5, 0.999)) for net in (G, D)]
    how = {"weight": weight, "distance": losses.mse, "paired": False}
    rounds = play_pix2pix(gan.non_saturating, G, D, pairs, *opts, **how)
    for _ in range(400):
        next(rounds)
    return float(abs(G(pairs(100)[0]).data).mean())


def test_of_many_answers_the_distance_gives_the_mean_and_the_adversary_one():
    assert grays(0) < 0.2 and grays(2.0) > 0.5


def test_the_graph_of_a_round_is_gone_before_the_next_is_built():
    G, D = networks()
    inner, seen, kept = G.forward, [], []

    def forward(y):
        kept.append(sum(ref() is not None for ref in seen))
        made = inner(y)
        seen.append(weakref.ref(made.edges[0][0]))
        return made

    G.forward = forward
    opts = [optim.SGD(net.parameters(), 0.1) for net in (G, D)]
    rounds = play_pix2pix(gan.hinge, G, D, source(), *opts, m=M)
    gc.disable()
    try:
        results = [next(rounds) for _ in range(3)]
    finally:
        gc.enable()
    assert kept == [0, 0, 0] and not any(t.edges for result in results for t in result)


@pytest.mark.parametrize("weight", [0.0, 0.3])
@pytest.mark.parametrize("paired", [True, False])
def test_a_recording_does_the_same(paired, weight):
    def match(backend):
        G, D = networks(paired)
        G.to(backend), D.to(backend)
        images = rng(6).integers(0, 256, (20, 3, 4, 4)).astype(np.uint8)
        data = Minibatches(images, rng=rng(7), backend=backend)

        def pairs(m):
            both = data(m)
            return both[:, :2], both[:, 2:]

        opt_g, opt_d = (optim.Adam(net.parameters(), 1e-3) for net in (G, D))
        options = {"m": M, "weight": weight, "paired": paired}
        players = gan.non_saturating, G, D, pairs, opt_g, opt_d
        return lambda: play_pix2pix(*players, **options), (G, D, opt_g, opt_d)

    (before, after), replayed = played_and_replayed(match)
    assert replayed.recorded and not replayed.why
    for one, other in zip(before, after, strict=True):
        assert (one != other).any()


def test_images_beside_each_other_are_channels():
    y, x = numbers(0, 3, 2, 4, 5), numbers(1, 3, 1, 4, 5)
    np.testing.assert_array_equal(
        concat_channels(y, x).data, np.concatenate([y.data, x.data], axis=1)
    )


@pytest.mark.parametrize("shape", [(3, 1, 2, 5), (3, 1, 4, 1), (2, 1, 4, 5), (3, 20)])
def test_images_of_other_sizes_are_refused(shape):
    with pytest.raises(ValueError, match=r"pairs: expected images .*got \(3, 2, 4, 5\) and \("):
        concat_channels(numbers(0, 3, 2, 4, 5), numbers(1, *shape))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"m": 0}, "m: expected an int >= 1, got 0"),
        ({"weight": -0.1}, "weight: expected a number in .*-0.1"),
        ({"weight": math.nan}, "weight: expected a number in .*nan"),
        ({"weight": "1"}, "weight: expected a number in .*'1'"),
    ],
)
def test_nonsense_is_refused_by_name(options, message):
    G, D = networks()
    opts = [optim.SGD(net.parameters(), 0.1) for net in (G, D)]
    with pytest.raises(ValueError, match=message):
        next(play_pix2pix(gan.hinge, G, D, source(), *opts, **options))


def test_an_answer_of_another_shape_is_refused_before_anyone_moves():
    G, D = networks()
    G = nn.Sequential(*G, nn.Upsample(scale_factor=2))
    opts = [optim.SGD(net.parameters(), 0.1) for net in (G, D)]
    before = weights(D)
    with pytest.raises(ValueError, match=r"predictions \(5, 1, 8, 8\) and targets \(5, 1, 4, 4\)"):
        next(play_pix2pix(gan.hinge, G, D, source(), *opts, m=M))
    np.testing.assert_array_equal(weights(D), before)
