"""CycleGAN's rounds: what the players pay, who moves when; the buffer; recordings; a map found."""

import gc
import inspect
import math
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from replays import played_and_replayed

from tinygan import Tensor, gan, grad, losses, nn, optim
from tinygan.data import Minibatches
from tinygan.gan.variants.cyclegan import ImageBuffer, Players, play_cyclegan

M, SHAPE = 3, (2, 4, 4)


def rng(seed=0):
    return np.random.default_rng(seed)


def weights(*nets):
    return np.concatenate([p.data.reshape(-1) for net in nets for p in net.parameters()])


def networks():
    """Maps of images (2, 4, 4), and judges of their four patches."""
    maps = [
        nn.Sequential(
            nn.Residual(nn.Conv2d(2, 2, 3, padding=1, rng=rng(i)), nn.Tanh()),
            nn.Conv2d(2, 2, 1, rng=rng(i + 1)),
        )
        for i in (1, 3)
    ]
    judges = [
        nn.Sequential(
            nn.Conv2d(2, 3, 2, 2, rng=rng(i)), nn.LeakyReLU(0.2), nn.Conv2d(3, 1, 1, rng=rng(i + 1))
        )
        for i in (5, 7)
    ]
    return Players(*maps, *judges)


def source(seed, log=None, name=""):
    draw = rng(seed)

    def images(m):
        if log is not None:
            log.append(f"{name}({m})")
        return Tensor(draw.normal(size=(m, *SHAPE)).astype(np.float32))

    return images


def sources():
    return source(10), source(11)


def buffers(size=50):
    return tuple(ImageBuffer(size, rng=rng(i)) for i in (12, 13))


def optimizers(players, make=lambda p: optim.SGD(p, 0.1)):
    G, F, D_y, D_x = (net.parameters() for net in players)
    return make([*G, *F]), make([*D_y, *D_x])


def apart(a, b):
    return abs(a.data - b.data).mean()


@pytest.mark.parametrize("cycle", [0, 0.7])
@pytest.mark.parametrize("identity", [0, 0.3])
def test_the_losses_are_those_by_hand(cycle, identity):
    players = networks()
    still = optimizers(players, lambda p: optim.SGD(p, 0.0))
    options = {"m": M, "cycle": cycle, "identity": identity}
    rounds = play_cyclegan(gan.least_squares(), players, *sources(), *still, buffers(), **options)
    result = next(rounds)
    (G, F, D_y, D_x), (xs, ys) = networks(), sources()
    x, y = xs(M), ys(M)
    made_y, made_x = G(x), F(y)
    fake_y, fake_x = D_y(made_y).data, D_x(made_x).data
    paid = ((fake_y - 1) ** 2).mean() / 2 + ((fake_x - 1) ** 2).mean() / 2
    paid += cycle * (apart(F(made_y), x) + apart(G(made_x), y))
    paid += identity * (apart(G(y), y) + apart(F(x), x))
    assert result.g_loss.item() == pytest.approx(paid, rel=1e-5)
    real_y, real_x = D_y(y).data, D_x(x).data
    paid = sum(((l - 1) ** 2).mean() / 2 for l in (real_y, real_x))
    paid += sum((l**2).mean() / 2 for l in (fake_y, fake_x))
    assert result.d_loss.item() == pytest.approx(paid, rel=1e-5)
    assert real_y.shape == (M, 1, 2, 2)  # a logit for each patch
    for seen, parts in ((result.real, (real_y, real_x)), (result.fake, (fake_y, fake_x))):
        np.testing.assert_allclose(seen.data, np.concatenate(parts), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("cycle", [0, 0.7])
@pytest.mark.parametrize("identity", [0, 0.3])
@pytest.mark.parametrize("game", gan.GAMES)
def test_rounds_are_the_steps_written_by_hand(game, cycle, identity):
    """The maps answer the judges of before, and these get the fakes of before the maps' step."""
    game, ends = gan.GAMES[game], []
    for by_hand in (False, True):
        players = Players(*(net.astype(float) for net in networks()))
        opts = optimizers(players, lambda p: optim.Adam(p, 0.01, (0.5, 0.9)))
        xs, ys = (lambda m, s=s: s(m).astype(float) for s in sources())
        kept, options = buffers(4), {"m": M, "cycle": cycle, "identity": identity}
        rounds = play_cyclegan(game, players, xs, ys, *opts, kept, **options)
        G, F, D_y, D_x = players
        for _ in range(4):
            if not by_hand:
                next(rounds)
                continue
            x, y = xs(M), ys(M)
            loss = game.g_loss(D_y(G(x)), D_y(y)) + game.g_loss(D_x(F(y)), D_x(x))
            loss = loss + cycle * (losses.l1(F(G(x)), x) + losses.l1(G(F(y)), y))
            loss = loss + identity * (losses.l1(G(y), y) + losses.l1(F(x), x))
            fakes = G(x).detach(), F(y).detach()
            opts[0].step(grad(loss, [*G.parameters(), *F.parameters()]))
            fake_y, fake_x = (b(f) for b, f in zip(kept, fakes, strict=True))
            loss = game.d_loss(D_y(y), D_y(fake_y)) + game.d_loss(D_x(x), D_x(fake_x))
            opts[1].step(grad(loss, [*D_y.parameters(), *D_x.parameters()]))
        ends.append(weights(*players))
    np.testing.assert_allclose(*ends, rtol=1e-8, atol=1e-10)


class Watched(optim.SGD):
    """An optimizer that logs its steps, and whether they moved its own players and no other."""

    def __init__(self, name, nets, others, log):
        super().__init__([p for net in nets for p in net.parameters()], 0.1)
        self.name, self.nets, self.others, self.log = name, nets, others, log

    def step(self, grads):
        before, others = [weights(net) for net in self.nets], weights(*self.others)
        super().step(grads)
        moved = [(weights(n) != b).any() for n, b in zip(self.nets, before, strict=True)]
        alone = (weights(*self.others) == others).all()
        self.log.append(self.name + " moved" * all(moved) + " alone" * bool(alone))


def test_a_round_is_two_minibatches_then_a_step_of_the_maps_then_one_of_the_judges():
    players, log = networks(), []
    maps, judges = players[:2], players[2:]
    opts = Watched("maps", maps, judges, log), Watched("judges", judges, maps, log)
    xs, ys = source(10, log, "x"), source(11, log, "y")
    rounds = play_cyclegan(gan.hinge, players, xs, ys, *opts, buffers(), m=M)
    assert log == []
    for _ in range(2):
        next(rounds)
    assert log == ["x(3)", "y(3)", "maps moved alone", "judges moved alone"] * 2


# The buffer.


def numbered(first, m):
    return Tensor(np.arange(first, first + m, dtype=np.float32).reshape(m, 1))


@given(st.integers(1, 9), st.lists(st.integers(1, 12), min_size=1, max_size=8), st.integers(0, 99))
def test_a_buffer_loses_nothing_and_gives_nothing_twice(size, minibatches, seed):
    buffer, count, given_ones = ImageBuffer(size, rng=rng(seed)), 0, []
    for m in minibatches:
        out = buffer(numbered(count, m))
        assert out.shape == (m, 1) and not out.edges
        given_ones += out.data[:, 0].tolist()
        count += m
    first, kept = min(size, count), buffer.images[: min(size, count), 0].tolist()
    assert given_ones[:first] == list(range(first))  # as they came, and kept
    # From then on an image is kept or it is given.
    assert sorted(given_ones[first:] + kept) == list(range(count))


def test_half_of_what_a_full_buffer_gives_is_old_and_as_old_as_it_should_be():
    """An image is replaced in a draw with probability 1 / (2 * 50): it stays for 100 on average."""
    buffer = ImageBuffer(50, rng=rng())
    ages = [i - buffer(numbered(i, 1)).item() for i in range(20_000)]
    ages = np.array(ages[1000:])
    n = len(ages)
    assert abs((ages > 0).mean() - 0.5) < 4 * 0.5 / math.sqrt(n)
    assert abs(ages[ages > 0].mean() - 100) < 4 * 100 / math.sqrt(n / 2)


def test_a_buffer_is_the_same_in_minibatches():
    one, many = (ImageBuffer(5, rng=rng(1)) for _ in range(2))
    singly = [one(numbered(i, 1)).item() for i in range(24)]
    together = [many(numbered(i, 8)).data[:, 0] for i in (0, 8, 16)]
    np.testing.assert_array_equal(singly, np.concatenate(together))


def test_what_a_full_buffer_gives_away_is_any_of_what_it_keeps():
    buffer, replaced = ImageBuffer(4, rng=rng(2)), np.zeros(4)
    buffer(numbered(0, 4))
    for i in range(4, 8004):
        before = buffer.images.copy()
        buffer(numbered(i, 1))
        replaced += (buffer.images != before)[:, 0]
    n = replaced.sum()
    assert abs(replaced / n - 1 / 4).max() < 4 * math.sqrt(3 / 16 / n)


def test_the_weights_and_the_buffer_are_those_of_the_paper_unless_others_are_given():
    default = {k: p.default for k, p in inspect.signature(play_cyclegan).parameters.items()}
    assert (default["m"], default["cycle"], default["identity"]) == (1, 10, 0.5 * 10)
    assert ImageBuffer(rng=rng()).size == 50


# Recordings.


class Kept:
    """A buffer's images as a state to compare."""

    def __init__(self, buffer):
        self.buffer = buffer

    def state_dict(self):
        return {} if self.buffer.images is None else {"images": self.buffer.images}


@pytest.mark.parametrize("cycle", [0, 10])
@pytest.mark.parametrize("identity", [0, 5])
def test_a_recording_does_the_same(cycle, identity):
    def match(backend):
        players = networks()
        for net in players:
            net.to(backend)
        images = rng(6).integers(0, 256, (2, 20, *SHAPE)).astype(np.uint8)
        xs, ys = (Minibatches(part, rng=rng(7), backend=backend) for part in images)
        opts = optimizers(players, lambda p: optim.Adam(p, 1e-3))
        kept, options = buffers(4), {"m": M, "cycle": cycle, "identity": identity}
        game = gan.least_squares()
        start = lambda: play_cyclegan(game, players, xs, ys, *opts, kept, **options)  # noqa: E731
        return start, (*players, *opts, *map(Kept, kept))

    (before, after), replayed = played_and_replayed(match, 8)
    assert replayed.recorded and not replayed.why
    for one, other in zip(before, after, strict=False):  # what is kept begins with nothing
        assert (one != other).any()


def test_the_graph_of_a_round_is_gone_before_the_next_is_built():
    players = networks()
    inner, seen, kept = players.G.forward, [], []

    def forward(x):
        kept.append(sum(ref() is not None for ref in seen))
        made = inner(x)
        seen.append(weakref.ref(made.edges[0][0]))
        return made

    look = players.D_y.forward

    def looked(images):
        logits = look(images)
        seen.append(weakref.ref(logits.edges[0][0]))
        return logits

    players.G.forward, players.D_y.forward = forward, looked
    opts = optimizers(players)
    rounds = play_cyclegan(gan.hinge, players, *sources(), *opts, buffers(), m=M, identity=0)
    gc.disable()
    try:
        results = [next(rounds) for _ in range(3)]
    finally:
        gc.enable()
    # In a round G maps x, and then F(y), which finds the graphs of G(x) and of what D_y made of it.
    assert kept == [0, 2, 0, 2, 0, 2] and not any(t.edges for result in results for t in result)


# What it is for.


def lost(cycle):
    """X is a square, Y a ring: how far F(G(x)) is from x, of the size of X."""
    draw = rng(4)
    xs = lambda m: Tensor(draw.uniform(-1, 1, (m, 2)).astype(np.float32))  # noqa: E731

    def ys(m):
        t = draw.uniform(0, 2 * np.pi, m)
        ring = np.stack([np.cos(t), np.sin(t)], axis=1) * draw.uniform(0.5, 1, (m, 1))
        return Tensor(ring.astype(np.float32))

    nets = [
        nn.Sequential(nn.Linear(2, 32, rng=rng(i)), nn.ReLU(), nn.Linear(32, out, rng=rng(i + 9)))
        for i, out in enumerate((2, 2, 1, 1))
    ]
    players = Players(*nets)
    opts = optimizers(players, lambda p: optim.Adam(p, 3e-3, (0.5, 0.999)))
    kept = tuple(ImageBuffer(rng=rng(i)) for i in (5, 6))
    rounds = play_cyclegan(
        gan.least_squares(), players, xs, ys, *opts, kept, m=32, cycle=cycle, identity=0
    )
    for _ in range(300):
        next(rounds)
    x = xs(500)
    return apart(players.F(players.G(x)), x) / abs(x.data).mean()


def test_with_the_cycle_loss_what_was_mapped_can_be_found_again():
    assert lost(10.0) < 0.2 < lost(0.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"m": 0}, "m: expected an int >= 1, got 0"),
        ({"cycle": -1}, "cycle: expected a number in .*-1"),
        ({"identity": math.nan}, "identity: expected a number in .*nan"),
        ({"cycle": "1"}, "cycle: expected a number in .*'1'"),
    ],
)
def test_nonsense_is_refused_by_name(options, message):
    players = networks()
    with pytest.raises(ValueError, match=message):
        next(
            play_cyclegan(
                gan.hinge, players, *sources(), *optimizers(players), buffers(), **options
            )
        )


def test_a_map_to_another_shape_is_refused_before_anyone_moves():
    players = networks()
    wide = players._replace(F=nn.Sequential(*players.F, nn.Upsample(scale_factor=2)))
    before = weights(*wide)
    with pytest.raises(ValueError, match=r"\(3, 2, 8, 8\) and targets \(3, 2, 4, 4\)"):
        next(play_cyclegan(gan.hinge, wide, *sources(), *optimizers(wide), buffers(), m=M))
    np.testing.assert_array_equal(weights(*wide), before)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ImageBuffer(0, rng=rng()), ValueError, "size: expected an int >= 1, got 0"),
        (lambda: ImageBuffer(5, rng=3), TypeError, "rng: .*got 3"),
    ],
)
def test_a_buffer_of_nothing_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
