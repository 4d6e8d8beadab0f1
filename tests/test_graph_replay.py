"""Captured rounds equal eager ones, bit for bit."""

import itertools
from dataclasses import replace

import guard
import numpy as np
import pytest
from captures import played_and_captured
from cases_devices import PENALTIES, PLAYS, WRAPPED_GAMES, Match, on_host, state_of

from tinygan import Tensor, backend, gan, grad, models, nn, ops, optim, storage
from tinygan.backend import inputs
from tinygan.backend.graph_replay import AHEAD, WARM_UP, GraphReplay
from tinygan.conv import im2col, winograd
from tinygan.training import Config, resume, train

ROUNDS = 6  # two warm-up rounds, the capture, and launches

CASES = [
    *({"game": game, "wrapper": wrapper} for game, wrapper in WRAPPED_GAMES),
    *({"model": model} for model in models.MODELS),
    *(
        {"model": model, "penalty": penalty}
        for model in ("mlp-small", "dcgan28-slim")
        for penalty in PENALTIES
        if penalty != "none"
    ),
]


@pytest.mark.parametrize("play", PLAYS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case.values()))
def test_every_game_wrapper_model_and_penalty(case, play):
    def setup(backend):
        m = Match(**{"model": "mlp-small", **case}, backend=backend, dtype=np.float32, play=play)
        return m.start, (m.G, m.D, m.opt_g, m.opt_d)

    _, launched = played_and_captured(setup, ROUNDS)
    assert launched.captured and launched.why == ""


def small(backend, **options):
    """Small players, with every layer that has a state or draws random numbers. Return a function
    that starts their rounds, the objects that have a state, and the sources of x and z."""
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
    """A source of minibatches that the host draws: of `self.m` examples, or of m if it is None."""

    def __init__(self, seed, size, backend):
        self.rng, self.size, self.m = np.random.default_rng(seed), size, None
        self.like = Tensor(np.ones(1, np.float32)).to(backend).data

    def __call__(self, m):
        def make():
            return self.rng.standard_normal((self.m or m, self.size), np.float32)

        return Tensor(inputs.host_input(make, self.like))


def captured(start, rounds=4):
    """A GraphReplay that has played `rounds` rounds; the fourth is a launch."""
    replay = GraphReplay(start, backend.get("guard"))
    for _ in range(rounds):
        next(replay)
    return replay


def compare(rounds, before=lambda i, *sources: None, **options):
    """Assert that eager and captured rounds, and the states after them, are equal bit for bit. Call
    before(i, x, z) before round i. Return the GraphReplay."""
    (played, *ours), (start, *theirs) = small("guard", **options), small("guard", **options)
    plain, launched = played(), GraphReplay(start, backend.get("guard"))
    for i in range(rounds):
        before(i, *ours[1])
        before(i, *theirs[1])
        outputs = [on_host(next(r)) for r in (plain, launched)]
        states = [on_host(state_of(*objects)) for objects in (ours[0], theirs[0])]
        for got, expected in zip(outputs[1] + states[1], outputs[0] + states[0], strict=True):
            np.testing.assert_array_equal(got, expected)
    return launched


@pytest.mark.parametrize("k", [1, 2, 3])
def test_states_and_random_numbers_of_layers_optimizers_and_averages(k):
    assert compare(10, k=k).captured


@pytest.mark.parametrize("when", range(6))
def test_another_minibatch_size_is_captured_again(when):
    def change(i, x, z):
        x.m = 3 if i >= when else None

    launched = compare(when + 5, change)
    assert launched.captured and not launched.why


def test_every_seventh_minibatch_of_another_size():
    def change(i, x, z):
        x.m = 2 if i % 7 == 5 else None

    assert compare(20, change).why == ""


def test_rounds_in_which_the_host_reads_a_value_stay_eager():
    def reading(l):
        return ops.softplus(l) * (1 + 0 * l.sum().item())

    launched = compare(6, game=replace(gan.non_saturating, fake_loss=reading))
    assert not launched.captured
    assert "D2H transfers are disallowed" in launched.why and "\n" not in launched.why


def test_rounds_whose_host_inputs_change_shape_stay_eager():
    calls = itertools.count()

    def changing(l):
        shape = (1, 2)[next(calls) // 2 % 2]
        zeros = inputs.host_input(lambda: np.zeros(shape, "f4"), l.data)
        return ops.softplus(l) + 0 * ops.sum(Tensor(zeros))

    launched = compare(12, game=replace(gan.non_saturating, fake_loss=changing))
    assert "the host inputs change their shapes" in launched.why


def test_a_round_with_fewer_host_inputs_is_warmed_up_again():
    """The captured round lacks the last host input of the warm-up rounds."""
    (played, *ours), (start, *theirs) = (small("guard") for _ in range(2))
    rounds, like = itertools.count(), theirs[1][0].like

    def with_more_inputs():
        for result in start():
            if next(rounds) < WARM_UP:
                inputs.host_input(lambda: np.zeros(1, "f4"), like)
            yield result

    plain, launched = played(), GraphReplay(with_more_inputs, backend.get("guard"))
    for _ in range(8):
        np.testing.assert_array_equal(*(on_host(next(r))[0] for r in (plain, launched)))
    for got, expected in zip(*(on_host(state_of(*o[0])) for o in (theirs, ours)), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert launched.captured and not launched.why


def test_numpy_rounds_are_not_captured():
    start, _, _ = small("numpy")
    rounds = GraphReplay(start, backend.get("numpy"))
    assert "nothing to capture" in rounds.why
    assert isinstance(next(rounds), gan.Round)


def test_the_host_waits_before_it_overwrites_a_staging_buffer():
    waits = []

    class Slow(guard.Capturer):
        def send(self, host, device):
            super().send(host, device)
            return lambda: waits.append(host)

    start, _, _ = small("guard")
    rounds = GraphReplay(start, backend.get("guard"))
    rounds._capturer = Slow()
    for _ in range(3 + AHEAD):
        next(rounds)
    assert len(waits) == 1


def test_gradients_of_a_loss_from_before_a_launch_are_refused():
    """A launch changes parameters, as a step does, and renews their age."""
    start, (_, D, *_), (x, _) = small("guard")
    rounds = captured(start)
    loss = ops.mean(D(x(4)))
    next(rounds)
    with pytest.raises(RuntimeError, match="was assigned to"):
        grad(loss, D.parameters())


@pytest.mark.parametrize("model", ["mlp-small", "mlp-2014", "dcgan28-slim"])
def test_a_captured_run_equals_an_eager_one_and_a_resumed_one(
    tmp_path, model, monkeypatch, narrow_2014
):
    """The same run on NumPy, with Philox and the same method of convolution, is equal too."""
    monkeypatch.setattr(winograd, "faster", lambda *sizes: None)
    monkeypatch.setattr(im2col, "flips_kernels", lambda geometry: False)
    options = {"model": model, "batch": 4, "rng": "philox", "sample_every": 4}

    def run(name, steps, **others):
        config = Config(steps=steps, **{"backend": "guard", **options, **others})
        return train(config, tmp_path / name, progress=False)

    straight, eager = run("straight", 8), run("eager", 8, no_graph=True)
    resumed, on_numpy = run("resumed", 5), run("numpy", 8, backend="numpy")
    resume(resumed.path, steps=8, progress=False)
    expected, _ = storage.load(straight.checkpoint)
    for other in (eager, resumed, on_numpy):
        arrays, _ = storage.load(other.checkpoint)
        assert arrays.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(arrays[name], array)


def test_a_run_that_cannot_be_captured_prints_the_reason_once(tmp_path, monkeypatch, capsys):
    def refuse():
        raise RuntimeError("no CUDA graphs: cuBLAS is not found")

    plain = replace(backend.get("guard"), capturer=refuse)
    monkeypatch.setattr(backend, "get", lambda name: plain if name == "guard" else backend.numpy)
    train(Config(model="mlp-small", batch=4, steps=6, backend="guard"), tmp_path / "run")
    err = capsys.readouterr().err
    assert err.count("rounds are not captured: no CUDA graphs: cuBLAS is not found") == 1


def test_a_network_that_was_moved_is_refused_by_the_next_launch():
    start, (G, *_), _ = small("guard")
    rounds = captured(start)
    G.to("guard")
    with pytest.raises(RuntimeError, match="got another array after this optimizer was built"):
        next(rounds)


def test_the_number_of_nodes_of_a_round_does_not_rise():
    """On the guard, each call of a CuPy function is a node. A higher number needs a reason."""
    maximum = {"mlp-small": 215, "mlp-mid": 399, "mlp-2014": 539, "dcgan28": 1383}
    for model, limit in maximum.items():
        rounds = captured(Match(model, "guard", np.float32).start, 3)
        assert 0.9 * limit < len(rounds._graph.__self__.nodes) <= limit
