"""Algorithm 1: which player moves when, on which minibatches, and what a round returns."""

import gc
import weakref

import numpy as np
import pytest

from tinygan import Tensor, gan, grad, nn, no_grad, ops, optim, play, play_simultaneously

M = 5


def rng(seed=0):
    return np.random.default_rng(seed)


def pair():
    G = nn.Sequential(nn.Linear(2, 4, rng=rng(1)), nn.Tanh(), nn.Linear(4, 3, rng=rng(2)))
    D = nn.Sequential(nn.Linear(3, 4, rng=rng(3)), nn.LeakyReLU(0.2), nn.Linear(4, 1, rng=rng(4)))
    return G, D


def source(seed, size, log=None, name=""):
    numbers = rng(seed)

    def draw(m):
        if log is not None:
            log.append(f"{name}({m})")
        return Tensor(numbers.normal(size=(m, size)).astype(np.float32))

    return draw


def rounds_of(game, G, D, *players, k=1, log=None, **options):
    """Rounds of Algorithm 1 with k steps of D; for k = None, with simultaneous steps."""
    arguments = game, G, D, source(5, 3, log, "x"), source(6, 2, log, "z"), *players
    if k is None:
        return play_simultaneously(*arguments, m=M, **options)
    return play(*arguments, m=M, k=k, **options)


def weights(net):
    return np.concatenate([p.data.reshape(-1) for p in net.parameters()])


class Watched(optim.SGD):
    """An optimizer that logs its steps and which players they changed."""

    def __init__(self, name, net, other, log, lr=0.1):
        super().__init__(net.parameters(), lr)
        self.name, self.net, self.other, self.log = name, net, other, log

    def step(self, grads):
        before, others = weights(self.net), weights(self.other)
        super().step(grads)
        moved = (weights(self.net) != before).any()
        kept = (weights(self.other) == others).all()
        self.log.append(f"{self.name} {'moved' if moved else 'stood'}" + " alone" * bool(kept))


def watched(k=None, lr_g=0.1, lr_d=0.1, game=gan.non_saturating):
    (G, D), log = pair(), []
    players = Watched("G", G, D, log, lr_g), Watched("D", D, G, log, lr_d)
    return G, D, rounds_of(game, G, D, *players, k=k, log=log), log


@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_round_is_k_steps_of_d_then_one_of_g(k):
    *_, rounds, log = watched(k)
    next(rounds)
    assert log == ["z(5)", "x(5)", "D moved alone"] * k + ["z(5)", "G moved alone"]
    next(rounds)
    assert len(log) == 2 * (3 * k + 2)


def test_simultaneous_steps_use_the_minibatches_of_one_round():
    *_, rounds, log = watched()
    next(rounds)
    assert log == ["x(5)", "z(5)", "D moved alone", "G moved alone"]


@pytest.mark.parametrize("k", [1, None])
@pytest.mark.parametrize("game", gan.GAMES)
def test_only_the_player_with_a_learning_rate_moves(game, k):
    for still in ("G", "D"):
        *_, rounds, log = watched(k, game=gan.GAMES[game], **{f"lr_{still.lower()}": 0.0})
        next(rounds)
        moves = [entry for entry in log if entry[1] == " "]
        assert moves == [f"{p} {'stood' if p == still else 'moved'} alone" for p in "DG"]


def test_no_round_is_played_before_the_first_next():
    *_, log = watched(1)
    assert log == []


class Opaque(nn.Sequential):
    """A network that may mix examples: real images and fakes go through it in two passes."""


def optimizers(G, D):
    return optim.Adam(G.parameters(), 0.01, (0.5, 0.9)), optim.RMSprop(D.parameters(), 0.01)


def by_hand(game, k, rounds, penalty):
    """Algorithm 1 written out, with explicit detaching, and nothing of `gan` but the losses. For
    k = None both gradients are taken before either step."""
    G, D = pair()
    opt_g, opt_d = optimizers(G, D)
    data, noise = source(5, 3), source(6, 2)
    for _ in range(rounds):
        for _ in range(k or 1):
            x, z = data(M), noise(M)
            fake = G(z).detach()
            loss = game.d_loss(D(x), D(fake))
            if penalty is not None:
                loss = loss + penalty(D, x, fake)
            change = grad(loss, D.parameters())
            if k is not None:
                opt_d.step(change)
        if k is not None:
            z = noise(M)
            x = data(M) if isinstance(game, gan.Game) else x
        opt_g.step(grad(game.g_loss(D(G(z)), D(x)), G.parameters()))
        if k is None:
            opt_d.step(change)
    return weights(G), weights(D)


PENALTIES = {"none": lambda: None, "r1": gan.r1, "wgan_gp": lambda: gan.wgan_gp(rng=rng(9))}


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("k", [1, 3, None])
@pytest.mark.parametrize("game", gan.GAMES)
def test_play_is_the_loop_written_by_hand_bit_for_bit(game, k, penalty):
    G, D = pair()
    D = Opaque(*D) if k else D
    players, penalties = optimizers(G, D), [PENALTIES[penalty]() for _ in range(2)]
    rounds = rounds_of(gan.GAMES[game], G, D, *players, k=k, penalty=penalties[0])
    for _ in range(3):
        next(rounds)
    g, d = by_hand(gan.GAMES[game], k, 3, penalties[1])
    np.testing.assert_array_equal(weights(G), g)
    np.testing.assert_array_equal(weights(D), d)


@pytest.mark.parametrize("game", gan.GAMES)
def test_one_pass_for_real_and_fake_is_two(game):
    ends = []
    for kind in (nn.Sequential, Opaque):
        G, D = (net.astype(np.float64) for net in pair())
        players = (optim.SGD(net.parameters(), 0.1) for net in (G, D))
        sources = (lambda m, s=s: s(m).astype(np.float64) for s in (source(5, 3), source(6, 2)))
        rounds = play(gan.GAMES[game], G, kind(*D), *sources, *players, m=M)
        last = [next(rounds) for _ in range(3)][-1]
        ends.append(np.concatenate([weights(G), weights(D), *(t.data.reshape(-1) for t in last)]))
    np.testing.assert_allclose(*ends, rtol=1e-10, atol=1e-12)


class Mixing(nn.Linear):
    """A user's layer that compares the examples of a minibatch."""

    def forward(self, x):
        return super().forward(x) - ops.mean(x)


@pytest.mark.parametrize(
    "layer",
    [
        nn.BatchNorm1d(3),
        nn.SpectralNorm(nn.Linear(3, 3, rng=rng()), rng=rng()),
        Mixing(3, 3, rng=rng()),
        nn.MinibatchDiscrimination(3, 2, 2, rng=rng()),
        nn.WeightNorm(Mixing(3, 3, rng=rng())),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_that_mixes_examples_sees_one_minibatch_at_a_time(layer):
    seen = []

    class Counting(nn.Sequential):
        def forward(self, x):
            seen.append(len(x))
            return super().forward(x)

    wide = 5 if isinstance(layer, nn.MinibatchDiscrimination) else 3
    G, D = pair()[0], Counting(layer, nn.Linear(wide, 1, rng=rng()))
    assert D.mixes_examples and nn.Sequential(*D).mixes_examples
    next(rounds_of(gan.minimax, G, D, *optimizers(G, D)))
    assert seen == [M, M, M]


@pytest.mark.parametrize("learned", [True, False])
def test_weight_norm_mixes_no_examples_if_its_layer_mixes_none(learned):
    layer = nn.WeightNorm(nn.Maxout(3, 4, 2, rng=rng()), learned_scale=learned).astype(np.float64)
    assert not layer.mixes_examples
    assert not nn.Sequential(nn.Residual(layer), nn.ReLU()).mixes_examples
    assert nn.Residual(layer, nn.BatchNorm1d(4)).mixes_examples
    before, x = layer.state_dict(), rng(1).normal(size=(M, 3))
    alone = np.concatenate([layer(x[i : i + 1]).data for i in range(M)])
    np.testing.assert_allclose(layer(x).data, alone, rtol=1e-12)
    for key, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[key])


def test_a_round_returns_losses_and_logits_of_the_players_before_its_steps():
    (G, D), twins = pair(), pair()
    report = next(rounds_of(gan.minimax, G, D, *optimizers(G, D)))
    with no_grad():
        real, fake = twins[1](source(5, 3)(M)), twins[1](twins[0](source(6, 2)(M)))
        d_loss = gan.minimax.d_loss(real, fake)
    np.testing.assert_array_equal(report.real.data, real.data)
    np.testing.assert_array_equal(report.fake.data, fake.data)
    assert report.d_loss.item() == d_loss.item()
    noise = source(6, 2)
    noise(M)
    g_loss = gan.minimax.g_loss(D(twins[0](noise(M))))  # G of before against D of after its step
    assert report.g_loss.item() == g_loss.item()


def test_a_penalty_is_part_of_ds_loss():
    (G, D), (_, twin) = pair(), pair()
    players = [optim.SGD(net.parameters(), 0.0) for net in (G, D)]
    penalized = next(rounds_of(gan.wasserstein, G, D, *players, penalty=gan.r1(2.0)))
    x = source(5, 3)(M)
    plain = gan.wasserstein.d_loss(penalized.real, penalized.fake)
    expected = plain.item() + gan.r1(2.0)(twin, x, x).item()
    np.testing.assert_allclose(penalized.d_loss.item(), expected, rtol=1e-6)


@pytest.mark.parametrize("penalty", [None, gan.r1()])
@pytest.mark.parametrize("k", [1, None])
def test_the_graph_of_a_step_is_freed_before_the_next_is_built(k, penalty):
    """Two graphs at a time would take twice the memory. A round returns values only."""
    G, D = pair()
    inner, seen, kept = G.forward, [], []

    def forward(z):
        kept.append(sum(ref() is not None for ref in seen))
        y = inner(z)
        if y.edges:
            seen.append(weakref.ref(y.edges[0][0]))  # the parent of G's images
        return y

    G.forward = forward
    rounds = rounds_of(gan.minimax, G, D, *optimizers(G, D), k=k, penalty=penalty)
    gc.disable()
    try:
        results = [next(rounds) for _ in range(3)]
    finally:
        gc.enable()
    assert len(kept) == (6 if k else 3) and set(kept) == {0}
    assert not any(t.edges for result in results for t in result)
