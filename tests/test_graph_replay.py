"""Rounds that are recorded and launched equal rounds that are played, bit for bit."""

import dataclasses
import itertools
from dataclasses import replace

import guard
import numpy as np
import pytest
from cases_devices import PENALTIES, PLAYS, WRAPPERS, Match, on_host, state_of
from replays import played_and_replayed

from tinygan import Tensor, backend, gan, grad, models, nn, ops, optim, storage
from tinygan.backend import inputs
from tinygan.backend.graph_replay import AHEAD, REHEARSALS, GraphReplay
from tinygan.conv import winograd
from tinygan.training import Config, resume, train

ROUNDS = 6  # two rehearsals, the recording, and launches of it

ROUNDS_OF_GAMES = [
    (name, wrapper)
    for name, game in gan.GAMES.items()
    for wrapper in WRAPPERS
    if isinstance(game, gan.SeparableGame) or wrapper == "plain"
]


def matches(model="mlp-small", **options):
    def match(backend):
        m = Match(model, backend, np.float32, **options)
        return m.start, (m.G, m.D, m.opt_g, m.opt_d)

    _, replayed = played_and_replayed(match, ROUNDS)
    assert replayed.recorded and replayed.why == ""


@pytest.mark.parametrize("play", PLAYS)
@pytest.mark.parametrize("game, wrapper", ROUNDS_OF_GAMES)
def test_every_game_and_wrapper(game, wrapper, play):
    matches(game=game, wrapper=wrapper, play=play)


@pytest.mark.parametrize("play", PLAYS)
@pytest.mark.parametrize("model", models.MODELS)
def test_every_model(model, play):
    matches(model, play=play)


@pytest.mark.parametrize("play", PLAYS)
@pytest.mark.parametrize("model", ["mlp-small", "dcgan28-slim"])
@pytest.mark.parametrize("penalty", sorted(set(PENALTIES) - {"none"}))
def test_every_penalty(penalty, model, play):
    matches(model, penalty=penalty, play=play)


def small(backend, **options):
    """A game of small players with every layer that keeps or draws something."""
    rng = np.random.default_rng(0)
    G = nn.Sequential(
        nn.Linear(3, 8, rng=rng), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 5, rng=rng)
    )
    D = nn.Sequential(
        nn.GaussianNoise(0.1, rng=rng),
        nn.SpectralNorm(nn.Linear(5, 8, rng=rng), rng=rng),
        nn.LeakyReLU(0.2),
        nn.Dropout(0.3, rng=rng),
        nn.WeightNorm(nn.Linear(8, 4, rng=rng)),
        nn.WeightNorm(nn.Linear(4, 1, rng=rng), learned_scale=False),
    )
    G, D = G.to(backend), D.to(backend)
    x, z = (Source(seed, size, backend) for seed, size in ((1, 5), (2, 3)))
    opt_g = optim.SGD(G.parameters(), optim.exponential_decay(0.1, 1.1), optim.linear(0.5, 0.7, 5))
    opt_d = optim.RMSprop(D.parameters(), optim.cosine_decay(0.01, 6))
    ema = optim.EMA(G, 0.9)
    players = (options.pop("game", gan.non_saturating), G, D, x, z, opt_g, opt_d)

    def start():
        for result in gan.play(*players, **{"m": 4, **options}):
            ema.update()
            yield result

    return start, (G, D, opt_g, opt_d, ema.module), (x, z)


class Source:
    """Numbers made anew for each minibatch, of m numbers, or of `m` where that is set."""

    def __init__(self, seed, size, backend):
        self.rng, self.size, self.m = np.random.default_rng(seed), size, None
        self.like = Tensor(np.ones(1, np.float32)).to(backend).data

    def __call__(self, m):
        def make():
            return self.rng.standard_normal((self.m or m, self.size), np.float32)

        return Tensor(inputs.host_input(make, self.like))


def both(rounds, between=lambda i, *sources: None, **options):
    """Play and replay; what `between` does before round i is done to both. The Replay."""
    (played, *ours), (start, *theirs) = small("guard", **options), small("guard", **options)
    plain, replayed = played(), GraphReplay(start, backend.get("guard"))
    for i in range(rounds):
        between(i, *ours[1])
        between(i, *theirs[1])
        left = [on_host(next(r)) for r in (plain, replayed)]
        states = [on_host(state_of(*owners)) for owners in (ours[0], theirs[0])]
        for got, expected in zip(left[1] + states[1], left[0] + states[0], strict=True):
            np.testing.assert_array_equal(got, expected)
    return replayed


@pytest.mark.parametrize("k", [1, 2, 3])
def test_all_that_layers_optimizers_and_averages_keep_or_draw(k):
    assert both(10, k=k).recorded


@pytest.mark.parametrize("when", range(6))
def test_another_size_of_minibatch_is_recorded_anew(when):
    def change(i, x, z):
        x.m = 3 if i >= when else None

    replayed = both(when + 5, change)
    assert replayed.recorded and not replayed.why


def test_an_odd_minibatch_now_and_then():
    def change(i, x, z):
        x.m = 2 if i % 7 == 5 else None

    assert both(20, change).why == ""


def test_what_the_host_reads_is_not_recorded_and_the_rounds_go_on():
    curious = replace(
        gan.non_saturating, fake_loss=lambda l: ops.softplus(l) * (1 + 0 * l.sum().item())
    )
    replayed = both(6, game=curious)
    assert not replayed.recorded
    assert "D2H transfers are disallowed" in replayed.why and "\n" not in replayed.why


def test_numbers_that_come_in_no_order_are_not_recorded():
    flip = itertools.count()

    def price(l):
        like = l.data
        shape = (1, 2)[next(flip) // 2 % 2]
        return ops.softplus(l) + 0 * ops.sum(
            Tensor(inputs.host_input(lambda: np.zeros(shape, "f4"), like))
        )

    replayed = both(12, game=replace(gan.non_saturating, fake_loss=price))
    assert "the host's numbers change in shape" in replayed.why


def test_a_round_that_asks_for_fewer_numbers_is_rehearsed_again():
    """In the recording, the host is not asked for what was the last of the rounds before."""
    (played, *ours), (start, *theirs) = (small("guard") for _ in range(2))
    rounds, like = itertools.count(), theirs[1][0].like

    def asking():
        for result in start():
            if next(rounds) < REHEARSALS:
                inputs.host_input(lambda: np.zeros(1, "f4"), like)
            yield result

    plain, replayed = played(), GraphReplay(asking, backend.get("guard"))
    for _ in range(8):
        np.testing.assert_array_equal(*(on_host(next(r))[0] for r in (plain, replayed)))
    for got, expected in zip(*(on_host(state_of(*o[0])) for o in (theirs, ours)), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert replayed.recorded and not replayed.why


def test_numpy_has_nothing_to_record():
    start, _, _ = small("numpy")
    rounds = GraphReplay(start, backend.get("numpy"))
    assert "computed by the host" in rounds.why
    assert isinstance(next(rounds), gan.Round)


def test_the_host_does_not_run_ahead_of_a_letter_that_is_still_read():
    waits = []

    class Slow(guard.Recorder):
        def send(self, host, device):
            super().send(host, device)
            return lambda: waits.append(host)

    start, _, _ = small("guard")
    rounds = GraphReplay(start, backend.get("guard"))
    rounds._recorder = Slow()
    for _ in range(3 + AHEAD):
        next(rounds)
    assert len(waits) == 1


def test_a_graph_built_before_a_launch_is_refused():
    """A launch writes parameters, as a step does; the host must know."""
    start, (_, D, *_), (x, _) = small("guard")
    rounds = GraphReplay(start, backend.get("guard"))
    for _ in range(4):
        next(rounds)
    loss = ops.mean(D(x(4)))
    next(rounds)
    with pytest.raises(RuntimeError, match="was assigned to"):
        grad(loss, D.parameters())


@pytest.mark.parametrize("model", ["mlp-small", "mlp-2014", "dcgan28-slim"])
def test_a_recorded_run_equals_one_that_is_not_and_one_that_was_stopped(
    tmp_path, model, monkeypatch, narrow_2014
):
    """And with Philox, the same run on NumPy, where convolutions are made to go the same way."""
    monkeypatch.setattr(winograd, "pays", lambda *sizes: False)
    options = {"model": model, "batch": 4, "rng": "philox", "sample_every": 4}

    def run(name, steps, **others):
        config = Config(steps=steps, **{"backend": "guard", **options, **others})
        return train(config, tmp_path / name, progress=False)

    straight, played = run("straight", 8), run("played", 8, no_graph=True)
    stopped, on_numpy = run("stopped", 5), run("numpy", 8, backend="numpy")
    resume(stopped.path, steps=8, progress=False)
    expected, _ = storage.load(straight.checkpoint)
    for other in (played, stopped, on_numpy):
        arrays, _ = storage.load(other.checkpoint)
        assert arrays.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(arrays[name], array)


def test_a_run_that_cannot_be_recorded_says_so_once(tmp_path, monkeypatch, capsys):
    def refuse():
        raise RuntimeError("no CUDA graphs: cuBLAS is not found")

    plain = dataclasses.replace(backend.get("guard"), recorder=refuse)
    monkeypatch.setattr(backend, "get", lambda name: plain if name == "guard" else backend.numpy)
    train(Config(model="mlp-small", batch=4, steps=6, backend="guard"), tmp_path / "run")
    err = capsys.readouterr().err
    assert err.count("rounds are not recorded: no CUDA graphs: cuBLAS is not found") == 1


def test_a_network_that_was_moved_is_refused_by_the_next_launch():
    start, (G, *_), _ = small("guard")
    rounds = GraphReplay(start, backend.get("guard"))
    for _ in range(4):
        next(rounds)
    G.to("guard")
    with pytest.raises(RuntimeError, match="got another array after this optimizer was built"):
        next(rounds)


def test_a_round_has_no_more_nodes_than_it_had():
    """Each is a launch where no kernel stands for several; a rise is a cost that wants a reason."""
    most = {"mlp-small": 203, "mlp-mid": 357, "mlp-2014": 485, "dcgan28": 1359}
    for model, limit in most.items():
        match = Match(model, "guard", np.float32)
        rounds = GraphReplay(match.start, backend.get("guard"))
        for _ in range(3):
            next(rounds)
        assert 0.9 * limit < len(rounds._launch.__self__.nodes) <= limit
