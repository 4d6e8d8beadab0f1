"""The doctor gives a sick game its diagnosis, a healthy one none, and changes neither."""

import json
import math
import shutil
import types
from contextlib import nullcontext
from dataclasses import replace
from itertools import islice, product

import guard  # noqa: F401  (registers the backend)
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygan import InputError, Tensor, gan, nn, ops, optim, storage
from tinygan import backend as backends
from tinygan.commands.doctor import report
from tinygan.commands.parser import main
from tinygan.data import Minibatches
from tinygan.data.mixtures import grid, ring
from tinygan.doctor import (
    PATIENCE,
    Diagnosis,
    Inspector,
    Probe,
    diagnose,
    diagnose_run,
    hook_layers,
    is_due,
    monitor,
    probe,
)
from tinygan.doctor.advice import ADVICE, remedies
from tinygan.doctor.monitor import EVERY
from tinygan.doctor.nonfinite import _op
from tinygan.experiments.toy_game import extra_g_steps, toy_game
from tinygan.gan.single_player import train_g
from tinygan.metrics.modes import modes
from tinygan.training import Config, RunFolder, Sampler, Session, health_monitor, resume, train
from tinygan.training import loop as training_loop
from tinygan.training.health_monitor import HealthMonitor, examine, health
from tinygan.training.run_folder import diverged

SMALL = {"model": "mlp-small", "batch": 16, "steps": 250}


def trained(path, doctor=True, **options):
    return train(Config(**{**SMALL, **options}), path, progress=False, doctor=doctor)


def files(folder):
    return {p.name: p.read_bytes() for p in sorted(folder.path.iterdir())}


# Sick and healthy games.


def names_of_a_run(tmp_path, change=lambda session: None, **options):
    """The names of the diagnoses of a session, which `change` changes before its first round."""
    session, texts = Session(Config(**{**SMALL, **options})), []
    change(session)
    runner = HealthMonitor(session, RunFolder.new(session.config, tmp_path / "run"), texts.append)
    with np.errstate(all="ignore"):
        for _ in range(session.config.steps):
            runner.play_round()
    names = [found.name for found in diagnose_run(runner.probes)]
    assert [text.partition(": ")[2].partition(".")[0] for text in texts] == names  # each only once
    return names


def names_of_a_toy_game(rounds, game, mixture, toy):
    """The names of the diagnoses of rounds on a mixture in the plane."""
    G, D, _, _, opt_g, opt_d = toy.players

    def minibatch(step):
        rng = np.random.default_rng([5, step])
        z = rng.standard_normal((64, 2), dtype=np.float32)
        return Tensor(mixture.sample(64, rng=rng)), Tensor(z)

    probes = monitor(rounds, game, G, D, opt_g, opt_d, minibatch=minibatch)
    return [found.name for found in diagnose_run(probes)]


def slow_averages(session):
    for layer in session.G.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 0.001  # of the new minibatch; Keras has 1 - this


def units_at_zero(session):
    session.G[0].bias.data[...] = -1000


def no_gradient(session):
    session.D[3].weight.data[...] = 0  # so G gets no gradient
    session.opt_d.lr = 0.0  # and D keeps its weights


FAST_D = {"lr_d": 1e-2, "lr_g": 1e-5}
CRITIC = {"game": "wasserstein", "penalty": "none", "lr_d": 1e-2}
DCGAN = {"model": "dcgan28-slim", "batch": 8}
SICK_RUNS = {
    "minimax, fast D": ("D too strong", FAST_D | {"game": "minimax"}),
    "fast D": ("D too strong", FAST_D),
    "relativistic, fast D": ("D too strong", FAST_D | {"game": "relativistic-average"}),
    "slow D": ("G too strong", {"lr_d": 1e-7}),
    "rates of 1/2": ("divergence", {"lr_d": 0.5, "lr_g": 0.5}),
    "a critic without penalty": ("divergence", CRITIC),
    "G of rate 0": ("G does not move", {"lr_g": 0.0}),
    "D of rate 0": ("D does not move", {"lr_d": 0.0}),
    "G without gradient": ("G does not move", {"change": no_gradient}),
    "a bias that turns units off": ("dead units", {"change": units_at_zero}),
    "rates that turn units off": ("dead units", {"lr_d": 0.05, "lr_g": 0.05, "steps": 400}),
    "averages that do not follow": ("BatchNorm drift", DCGAN | {"change": slow_averages}),
}
HEALTHY_RUNS = {
    "defaults": DCGAN,
    "DCGAN, least squares": DCGAN | {"game": "least-squares"},
    "mlp-mid": {"model": "mlp-mid", "batch": 8},
    "mlp-2014": {"model": "mlp-2014", "batch": 8},
    "mlp-small": {"steps": 800},
    "minimax": {"game": "minimax", "steps": 800},
    "least squares": {"game": "least-squares", "steps": 800},
    "hinge": {"game": "hinge", "steps": 800},
    "wasserstein": {"game": "wasserstein", "steps": 500},
    "simultaneous, R1": {"simultaneous": True, "penalty": "r1", "steps": 500},
}


@pytest.mark.parametrize("case", SICK_RUNS)
def test_a_sick_run_gets_its_diagnosis(tmp_path, case):
    name, options = SICK_RUNS[case]
    assert name in names_of_a_run(tmp_path, **options)


@pytest.mark.parametrize("case", HEALTHY_RUNS)
def test_a_healthy_run_gets_no_diagnosis(tmp_path, case):
    assert names_of_a_run(tmp_path, **HEALTHY_RUNS[case]) == []


RING = ring(sd=0.1)


def g_alone(toy):
    yield from islice(gan.play(gan.non_saturating, *toy.players, m=toy.m), 200)
    assert modes(toy.samples(), RING, 2).above_noise == 8
    toy.players[4].lr = 5e-3
    yield from islice(train_g(gan.non_saturating, *toy.players, m=toy.m), 500)


def g_ten_times(toy):
    return islice(extra_g_steps(gan.non_saturating, toy, 10), 1100)


@pytest.mark.parametrize(("rounds", "maximum"), [(g_alone, 3), (g_ten_times, 4)])
def test_a_generator_with_too_many_steps_collapses(rounds, maximum):
    toy = toy_game(RING, seed=3)
    names = names_of_a_toy_game(iter(rounds(toy)), gan.non_saturating, RING, toy)
    assert "mode collapse" in names and modes(toy.samples(), RING, 2).above_noise <= maximum


@pytest.mark.parametrize("game", ["non-saturating", "least-squares", "minimax"])
@pytest.mark.parametrize("mixture", [RING, grid(3, 0.7, 0.1)], ids=["ring", "grid"])
def test_a_healthy_toy_game_gets_no_diagnosis(game, mixture):
    toy = toy_game(mixture, seed=3)
    rounds = islice(gan.play(gan.GAMES[game], *toy.players, m=toy.m), 800)
    assert names_of_a_toy_game(rounds, gan.GAMES[game], mixture, toy) == []
    assert (modes(toy.samples(), mixture).counts > 0).all()  # none is missing; not all are sharp


# The run is the same with and without the doctor.


UNCHANGED = {
    "dropout": {"model": "mlp-2014"},
    "BatchNorm": {"model": "dcgan28-slim"},
    "noise on labels, philox": {"label_noise": 0.3, "label_flips": 0.1, "rng": "philox"},
    "penalty": {"game": "wasserstein"},
    "captured rounds": {"model": "dcgan28-slim", "backend": "guard"},
    "dropout by philox, captured": {"model": "mlp-2014", "backend": "guard", "rng": "philox"},
}


@pytest.mark.parametrize("case", UNCHANGED)
def test_probes_do_not_change_a_bit_of_the_run(tmp_path, monkeypatch, case, narrow_2014):
    monkeypatch.setattr(health_monitor, "EVERY", 2)
    options = {"batch": 4, "steps": 7, **UNCHANGED[case]}
    with_doctor = files(trained(tmp_path / "on", **options))
    assert len(with_doctor.pop("health.jsonl").splitlines()) == 4  # after rounds 1, 2, 4, 6
    assert with_doctor == files(trained(tmp_path / "off", doctor=False, **options))


def test_a_resumed_run_does_not_repeat_a_diagnosis(tmp_path, capsys):
    options = {"lr_g": 0.0, "sample_every": 100}
    straight = trained(tmp_path / "straight", steps=400, **options)
    text = capsys.readouterr().err
    assert text.count("G does not move") == 1 and "--game non-saturating" not in text
    stopped = trained(tmp_path / "stopped", steps=220, **options)
    assert capsys.readouterr().err.count("after round 200: G does not move") == 1
    kept = stopped.checkpoint.read_bytes()
    with open(stopped.health, "a") as file:
        file.write('{"step": 250, "d_lo')  # cut by a kill
    for _ in range(2):  # then again from the older checkpoint
        resume(stopped.path, steps=400, progress=False)
        assert "G does not move" not in capsys.readouterr().err
        assert stopped.health.read_bytes() == straight.health.read_bytes()
        assert stopped.checkpoint.read_bytes() == straight.checkpoint.read_bytes()
        stopped.checkpoint.write_bytes(kept)
        stopped.config.unlink()


# The first number that is not finite.


def error_of(tmp_path, **options):
    """The message of the error that ends a run."""
    with pytest.raises(InputError) as caught:
        trained(tmp_path / "run", **{"steps": 30, **options})
    return str(caught.value)


def test_a_run_of_several_ranks_is_not_replayed(tmp_path, monkeypatch):
    config = Config(**SMALL)
    session, folder = Session(config), RunFolder.new(config, tmp_path / "run")
    monkeypatch.setattr(health_monitor, "first_not_finite", lambda *_: pytest.fail("a replay"))
    session.comm = types.SimpleNamespace(rank=0, size=2)
    with pytest.raises(InputError, match=r"by round 3 .a loss.*--resume .*/run` plays on"):  # noqa: SIM117
        with HealthMonitor(session, folder, print).explaining():
            raise diverged(3, "a loss")
    (_, (found,)) = health(folder)
    assert found.name == "not finite" and "`tinygan train --resume RUN` plays on" in found.seen


@pytest.mark.parametrize(
    ("options", "origin"),
    [
        ({"lr_d": 1e30, "lr_g": 1e30}, "linear in D.3 (Linear)"),
        ({"model": "dcgan28-slim", "lr_d": 1e20}, "conv2d in D.2 (Conv2d)"),
        ({"lr_d": 1e39}, "Adam's step with learning rate 1e+39, in D."),
        ({"lr_g": 3e37}, "linear in G.0 (Linear), when samples were drawn"),
        ({"lr_g": 3e37, "ema": 0.0}, "G.0 (Linear), when samples were drawn"),
    ],
)
def test_the_origin_of_an_overflow_by_a_huge_learning_rate(tmp_path, options, origin):
    message = error_of(tmp_path, **options)
    assert "diverged by round " in message and "In round 1: " in message and origin in message
    assert storage.load(tmp_path / "run" / "checkpoint.safetensors")[1]["step"] == 0
    text = report(tmp_path / "run")
    assert "not finite" in text and origin in text
    assert "1 probes" in text and "no problem found" not in text


def test_the_origin_can_be_an_input(tmp_path, monkeypatch, capsys):
    original = Minibatches.__call__

    def with_nan(self, m):
        return original(self, m) * (math.nan if self.position == 5 * 16 else 1)

    monkeypatch.setattr(Minibatches, "__call__", with_nan)
    message = error_of(tmp_path)
    assert "In round 5" in message and "in the input of D.0 (Flatten)" in message
    assert "doctor, after round 5: not finite" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"Lower --lr-d and --lr-g$"):
        trained(tmp_path / "off", doctor=False)


def test_a_replay_that_differs_from_the_run_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(Session, "readings", lambda self, result: {"d_loss": math.nan})
    assert error_of(tmp_path).endswith("Lower --lr-d and --lr-g")
    assert "after round 10: not finite. All numbers of the replay" in report(tmp_path / "run")


@pytest.mark.parametrize("problem", [MemoryError(), InputError("no such images"), OSError("gone")])
def test_a_replay_that_fails_does_not_hide_the_error(tmp_path, monkeypatch, problem):
    def fails(folder, until):
        raise problem

    monkeypatch.setattr(health_monitor, "first_not_finite", fails)
    assert error_of(tmp_path, lr_g=3e37).endswith("Lower --lr-d and --lr-g")
    assert str(problem) in report(tmp_path / "run")


def test_the_origin_can_be_the_state_of_an_optimizer(tmp_path, monkeypatch):
    """Losses and weights stay finite, but the squares of gradients in Adam's state overflow."""
    original = Minibatches.__call__
    monkeypatch.setattr(Minibatches, "__call__", lambda self, m: original(self, m) * 1e22)
    message = error_of(tmp_path, lr_d=0.0)
    assert "opt_d/v is not finite" in message
    assert "In round 1" in message and "Adam's step with learning rate 0, in v of D.1." in message


def test_samples_that_are_not_finite_are_not_saved(tmp_path, monkeypatch):
    original = Session.generate
    monkeypatch.setattr(
        Session,
        "generate",
        lambda self, z: original(self, z) * (math.nan if self.step == 30 else 1),
    )
    assert "In round 30: " in error_of(tmp_path, sample_every=20)  # between two frames
    folder = RunFolder(tmp_path / "run")
    assert storage.load(folder.checkpoint)[1]["step"] == 0 and not folder.samples.exists()


def changed_weights(tmp_path, change, **options):
    """The folder of a run of two rounds; `change` changes the arrays in its checkpoint."""
    folder = trained(tmp_path / "run", steps=2, **options)
    arrays, meta = storage.load(folder.checkpoint)
    change(arrays)
    storage.save(folder.checkpoint, arrays, meta)
    return folder


def test_an_overflow_gives_no_warning(tmp_path):
    """Samples of huge weights are finite: tanh is bounded. The weights have one sign, so that no
    BLAS adds infinities of both."""

    def change(arrays):
        for net in ("G", "ema"):
            arrays[f"{net}/2.weight"][...] = 3e38

    folder = changed_weights(tmp_path, change, lr_g=0.0)
    resume(folder.path, steps=12, progress=False)  # a warning would be an error here
    assert (Sampler(folder.path).draw(16) == 1).all()


@pytest.mark.parametrize(
    ("value", "origin"), [(3e38, r"linear in G.0 \(Linear\)"), (math.nan, r"weight of G.0 \(Lin")]
)
def test_averaged_weights_that_are_not_finite_in_the_checkpoint(tmp_path, value, origin):
    def change(arrays):
        arrays["ema/0.weight"] += np.float32(value)

    folder = changed_weights(tmp_path, change)
    with pytest.raises(InputError, match=rf"by round 2 .*{origin}.*, when samples"):
        resume(folder.path, progress=False)


class Layer(nn.Module):
    """A function as a layer."""

    def __init__(self, function):
        super().__init__()
        self._function = function

    def forward(self, x):
        return self._function(x)


BAD_LOSS = replace(gan.wasserstein, real_loss=lambda l: ops.log(l - l - 1))
BAD_G_LOSS = replace(gan.relativistic_pairing, g_loss=lambda f, r: ops.mean(ops.log(f - f - 1)))
ORIGINS = {  # with a function in D, or with a game
    "exp in D.1 (Layer)": lambda x: ops.exp(x * 100 + 200) + 1,
    "log in D.1 (Layer)": lambda x: ops.log(ops.tanh(x) - 2),
    "D.1 (Layer)": lambda x: x + Tensor(x.data * np.nan),
    "div in the backward pass, at the gradient of D.0.bias": (
        lambda x: ops.sqrt(ops.relu(x) * 0) + x
    ),
    "Adam's step with learning rate 0, in v of D.0.weight": lambda x: x * 1e25,
    "log in D's loss": BAD_LOSS,
    "log in G's loss": BAD_G_LOSS,
}


@pytest.mark.parametrize("backend", ["numpy", "guard"])
@pytest.mark.parametrize("origin", ORIGINS)
def test_the_origin_is_an_op_and_its_layer(origin, backend):
    given = ORIGINS[origin]
    function, game = (given, gan.non_saturating) if callable(given) else (lambda x: x, given)
    rng = np.random.default_rng(0)
    G = nn.Sequential(nn.Linear(2, 3, rng=rng)).to(backend)
    D = nn.Sequential(nn.Linear(3, 4, rng=rng), Layer(function), nn.Linear(4, 1, rng=rng))
    D = D.to(backend)
    opt_g, opt_d = (optim.Adam(net.parameters(), 0.0) for net in (G, D))

    def source(size):
        like = G.parameters()[0].data
        return lambda m: Tensor(backends.place(rng.standard_normal((m, size), np.float32), like))

    inspector = Inspector(G, D, opt_g, opt_d)
    rounds = gan.play(inspector.wrap_game(game), G, D, source(3), source(2), opt_g, opt_d, m=4)
    with np.errstate(all="ignore"), inspector:
        next(rounds)
    assert inspector.found == origin
    assert all(each.hook is None for net in (G, D) for each in net.modules())
    assert opt_g.hook is None and opt_d.hook is None


def test_the_origin_can_be_running_statistics():
    rng = np.random.default_rng(0)
    G = nn.Sequential(nn.Linear(2, 3, rng=rng), Layer(lambda x: x * 1e25), nn.BatchNorm1d(3))
    D = nn.Sequential(nn.Linear(3, 1, rng=rng))
    inspector = Inspector(G, D, *(optim.SGD(net.parameters(), 0.0) for net in (G, D)))
    with np.errstate(all="ignore"), inspector:
        assert np.isfinite(G(rng.standard_normal((4, 2), np.float32)).data).all()
    assert inspector.found == "running_var of G.2 (BatchNorm1d)"


def test_an_inspected_round_is_the_same_round():
    states = []
    for inspected in (True, False):
        session = Session(Config(model="mlp-2014", batch=8, game="wasserstein"))
        inspector = Inspector(session.G, session.D, session.opt_g, session.opt_d)
        session.game = inspector.wrap_game(session.game)
        with inspector if inspected else nullcontext():
            session.play_round()
        assert inspector.found == ""
        states.append(session.state()[0])
    for name, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][name])


def test_the_names_of_ops():
    x = Tensor(np.ones((2, 3), np.float32))
    for name in ("abs", "exp", "log", "relu", "sigmoid", "softplus", "sqrt", "tanh", "sum", "max"):
        assert _op(getattr(ops, name)(x)) == name
    images, rng = Tensor(np.ones((2, 3, 4, 4), np.float32)), np.random.default_rng(0)
    assert _op(nn.Conv2d(3, 2, 3, rng=rng)(images)) == "conv2d"
    assert _op(nn.ConvTranspose2d(3, 2, 3, rng=rng)(images)) == "conv_transpose2d"


# Probes of games whose numbers are known.


def probe_of(backend="numpy", G=None, D=None, x=None, z=None, game=gan.non_saturating):
    rng = np.random.default_rng(0)
    G = G or nn.Sequential(nn.Linear(2, 2, rng=rng))
    D = D or nn.Sequential(nn.Linear(2, 1, rng=rng))
    x = rng.standard_normal((40, 2)) if x is None else x
    z = rng.standard_normal((40, 2)) if z is None else z
    x, z = (Tensor(np.asarray(values, np.float32)).to(backend) for values in (x, z))
    return probe(game, G.to(backend), D.to(backend), x, z)


def linear(weight, bias):
    layer = nn.Linear(len(weight[0]), len(weight), rng=np.random.default_rng(0))
    layer.weight.data[...], layer.bias.data[...] = weight, bias
    return layer


@pytest.mark.parametrize("backend", ["numpy", "guard"])
def test_the_numbers_of_a_probe(backend):
    x = np.array([[0, 0], [4, 0], [0, 4], [4, 4]])
    G = nn.Sequential(linear([[0.5, 0], [0, 0.5]], [10, 0]))  # half the distances, 10 to the right
    D = nn.Sequential(linear([[-1, 0]], [7]))
    found = probe_of(backend, G, D, x, x)
    real, fake = np.array([7, 3, 7, 3]), np.array([-3, -5, -3, -5])
    sigmoid = 1 / (1 + np.exp(-fake))
    assert (found.real, found.fake, found.order) == (5, -4, 1)
    assert found.push == pytest.approx((1 - sigmoid).mean(), rel=1e-5)
    distances = np.linalg.norm(x[:, None] - (x / 2 + [10, 0]), axis=2)
    assert (found.spread, found.apart) == pytest.approx((0.5, np.median(distances)))
    assert found.blind == pytest.approx(2 * math.log(2))
    losses = np.log1p(np.exp(-real)).mean() + np.log1p(np.exp(fake)).mean()
    assert found.d_loss == pytest.approx(losses, rel=1e-5)
    assert found.g_loss == pytest.approx(np.log1p(np.exp(-fake)).mean(), rel=1e-5)
    gradient = -((1 / (1 + np.exp(real))).mean()) + sigmoid.mean()
    assert found.norms["D.0.bias"] == pytest.approx(abs(gradient), rel=1e-4)
    norms = found.norms["D.0.bias"], found.norms["D.0.weight"]
    assert found.length("D") == pytest.approx(math.hypot(*norms))


def test_the_slope_of_the_minimax_game_is_d_of_g_of_z():
    D = nn.Sequential(linear([[0, 0]], [-5]))
    assert probe_of(D=D, game=gan.minimax).push == pytest.approx(1 / (1 + math.exp(5)), rel=1e-4)
    assert probe_of(D=D).order == 0.5


@pytest.mark.parametrize("backend", ["numpy", "guard"])
def test_dead_units_and_batchnorm_drift(backend):
    G = nn.Sequential(
        linear([[1, 0], [0, 1], [1, 1], [1, 0]], [0, 0, -1e3, -1e3]),
        nn.ReLU(),
        nn.BatchNorm1d(4),
        linear(np.eye(2, 4), 0),
    )
    found = probe_of(backend, G=G)
    assert found.dead == {"G.1 (ReLU)": 0.5}
    assert list(found.drift) == ["G.2 (BatchNorm1d)"] and found.drift["G.2 (BatchNorm1d)"] > 0.3
    G = nn.Sequential(nn.BatchNorm1d(2))
    z = np.array([[1.0, 3], [3, 3.5]])  # means 2 and 3.25, standard deviations 1 and 0.25
    exact = math.sqrt((0 + 2**2 + 0.75**2 + 3.25**2) / 2)
    found = probe_of(backend, G=G, z=z)
    assert found.drift["G.0 (BatchNorm1d)"] == pytest.approx(exact, rel=1e-3)


def test_a_probe_does_not_change_the_networks():
    rng = np.random.default_rng(0)
    G = nn.Sequential(nn.Linear(2, 3, rng=rng), nn.BatchNorm1d(3), nn.Linear(3, 2, rng=rng))
    D = nn.Sequential(
        nn.SpectralNorm(nn.Linear(2, 3, rng=rng), rng=rng),
        nn.Dropout(0.5, rng=rng),
        nn.Linear(3, 1, rng=rng),
    )
    G.eval()
    before = [{**net.state_dict()} for net in (G, D)], rng.bit_generator.state
    probe_of(G=G, D=D)
    for kept, net in zip(before[0], (G, D), strict=True):
        for name, array in net.state_dict().items():
            np.testing.assert_array_equal(array, kept[name])
    assert rng.bit_generator.state == before[1] and not G[1].training


def test_hooks_are_removed_after_an_error():
    D = nn.Sequential(nn.Linear(2, 1, rng=np.random.default_rng(0)))
    labels = []

    def visit(label, layer, forward, inputs):
        labels.append(label)
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"), hook_layers("D", D, visit):
        D(np.ones((1, 2), np.float32))
    assert labels == ["D.0 (Linear)"] and D(np.ones((1, 2), np.float32)).shape == (1, 1)


# Rules and remedies.

HEALTHY = Probe(
    step=0, d_loss=1.0, g_loss=0.9, blind=1.386, real=0.5, fake=-0.5, order=0.8, push=0.5,
    spread=0.9, apart=10.0, size=1.0, norms={"G.0.weight": 1.0, "D.0.weight": 1.0},
    dead={"G.1 (ReLU)": 0.1}, drift={"G.2 (BatchNorm2d)": 0.1}, moved={"G": 1e-3, "D": 1e-3},
)  # fmt: skip
SURE = {"order": 1.0}
SIGNS = {
    "D too strong": [SURE | {"push": 1e-3}, SURE | {"d_loss": 1e-3}],
    "G too strong": [{"order": 0.01}],
    "mode collapse": [{"spread": 0.01}],
    "divergence": [{"real": 200.0}, {"fake": 2e3, "real": 2e3}, {"d_loss": 2e3}],
    "G does not move": [{"moved": {"G": 0.0, "D": 1e-3}}],
    "D does not move": [{"moved": {"G": 1e-3, "D": 1e-9}}],
    "dead units": [{"dead": {"G.1 (ReLU)": 0.95}}],
    "BatchNorm drift": [{"drift": {"G.2 (BatchNorm2d)": 0.9}}],
}


def probes(*changes):
    return [HEALTHY._replace(step=EVERY * (i + 1), **change) for i, change in enumerate(changes)]


@pytest.mark.parametrize("name", SIGNS)
def test_a_diagnosis_requires_its_sign_in_successive_probes(name):
    for sign in SIGNS[name]:
        sick = probes(*[{}] * 3, *[sign] * PATIENCE)
        found = list(diagnose_run(sick))
        assert [each.name for each in found] == [name] and found[0].step == sick[-1].step
        assert list(diagnose_run(sick[:-1])) == []
        assert list(diagnose_run(probes(*[sign, sign, sign, {}] * 4))) == []
        assert len(list(diagnose_run(probes(*[sign] * 30)))) == 1  # once
        text = str(found[0])
        assert name in text and all(str(remedy) in text for remedy in ADVICE[name])


AT_ONCE = {
    "divergence": [
        {"d_loss": 1e6},
        {"g_loss": 1e6, "fake": -1e6},
        {"real": 2e5, "fake": 2e5},
        {"d_loss": math.nan},
        {"moved": {"G": 1e-3, "D": 20.0}},
        {"moved": {"G": math.inf, "D": 1e-3}},
    ],
    "mode collapse": [{"spread": 0.0}, {"spread": 5e-5}],
}
IN_RANGE = {"d_loss": 9e3, "real": 4e3, "fake": -4e3, "spread": 2e-4, "moved": {"G": 5.0, "D": 9.0}}


@pytest.mark.parametrize("name", AT_ONCE)
def test_a_probe_that_is_beyond_doubt_suffices_from_the_first_round_on(name):
    for sign in AT_ONCE[name]:
        early = HEALTHY._replace(step=1, **sign)
        (found,) = diagnose([early])
        assert (found.name, found.step) == (name, 1)
        assert [each.name for each in diagnose(probes(*[{}] * 6, sign))] == [name]
    assert diagnose(probes({}, IN_RANGE)) == diagnose([]) == []


def test_early_probes_count_for_nothing_else():
    for sign, *_ in SIGNS.values():
        early = [HEALTHY._replace(step=step, **sign) for step in range(1, EVERY)]
        assert list(diagnose_run([*early, *probes({}, sign, sign, sign)])) == []


def test_probes_are_taken_early_and_then_rarely():
    assert [n for n in range(1, 201) if is_due(n)] == [1, 10, 20, 30, 40, 50, 100, 150, 200]
    assert [n for n in range(1, 61) if is_due(n, 25)] == [1, 10, 20, 25, 50]
    assert [n for n in range(1, 8) if is_due(n, 2)] == [1, 2, 4, 6]


def test_every_diagnosis_is_tested_and_has_remedies_with_sources():
    assert set(SIGNS) | {"not finite"} == set(ADVICE)
    assert all(len(remedies) >= 3 for remedies in ADVICE.values())
    assert all(each.what and each.source for remedies in ADVICE.values() for each in remedies)


def test_remedies_that_a_run_uses_already_are_left_out():
    found = Diagnosis("D too strong", 200, "Evidence.")
    options = {"game": "non-saturating", "penalty": "r1", "lr_d": 0.1, "batch": 64}
    whole, rest = str(found).splitlines(), found.report(options).splitlines()
    gone = [line for line in whole if line not in rest]
    assert len(gone) == 2 and "--game non-saturating" in gone[0] and "--penalty r1" in gone[1]
    assert found.report({"game": "minimax"}) == str(found)


VALUES = {
    "smoothing": 0.1, "label_noise": 0.1, "label_flips": 0.1, "k": 2, "beta1": 0.4,
    "lr_d": 1e-3, "lr_g": 1e-3, "batch": 32,
}  # fmt: skip


@pytest.mark.parametrize("game", gan.GAMES)
def test_remedies_name_options_that_the_run_accepts(game):
    for simultaneous, optimizer in product((False, True), optim.OPTIMIZERS):
        run = {"game": game, "simultaneous": simultaneous, "optimizer": optimizer}
        options = Config(**run).as_dict()
        named = {o for name in ADVICE for each in remedies(name, options) for o in each.options}
        for option in named:
            name, _, value = option.removeprefix("--").partition(" ")
            name = name.replace("-", "_")
            Config(**{**run, name: value or VALUES[name]})  # raises InputError if it is refused
        for name, value in VALUES.items():
            if f"--{name.replace('_', '-')}" not in named:
                with pytest.raises(InputError, match=f"--{name.replace('_', '-')}: "):
                    Config(**{**run, name: value})


def test_a_discriminator_that_ranks_all_pairs_correctly_alone_is_no_failure():
    assert diagnose(probes(*[SURE] * 9)) == []
    assert diagnose(probes(*[{"push": 1e-3}] * 9)) == []
    wasserstein = SURE | {"blind": 0.0, "d_loss": -3.0}
    assert diagnose(probes(*[wasserstein] * 9)) == []


def test_a_gradient_that_was_small_from_the_start_has_not_vanished():
    small = SURE | {"norms": {"G.0.weight": 1e-4, "D.0.weight": 1.0}}
    names = [found.name for found in diagnose(probes(*[{}] * 4, *[small] * 4))]
    assert names == ["D too strong"] and diagnose(probes(*[small] * 8)) == []


def test_samples_that_are_alike_at_first_may_spread():
    spreads = np.linspace(0.06, 0.5, 40)
    assert list(diagnose_run(probes(*[{"spread": float(s)} for s in spreads]))) == []
    (found,) = diagnose_run(probes(*[{"spread": 0.1}] * 25))
    assert found.name == "mode collapse" and "alike since round 50" in found.seen
    (found,) = diagnose_run(probes(*[{}] * 5, *[{"spread": 0.15}] * 4))
    assert "become alike" in found.seen and "0.9 before" in found.seen


NUMBERS = st.floats(width=32) | st.sampled_from([0.0, 1.0, math.nan, math.inf])
PARTS = st.dictionaries(st.sampled_from(["G", "D", "G.0.weight", "D.1 (ReLU)"]), NUMBERS)
MAPPINGS = ("norms", "dead", "drift", "moved")
NUMBERS_OF_A_PROBE = [name for name in Probe._fields if name not in ("step", *MAPPINGS)]


@given(
    st.lists(
        st.builds(
            Probe,
            step=st.integers(0, 10**6),
            **dict.fromkeys(NUMBERS_OF_A_PROBE, NUMBERS),
            **dict.fromkeys(MAPPINGS, PARTS),
        ),
        max_size=25,
    )
)
def test_any_probes_can_be_diagnosed(found):
    assert all(each.name in ADVICE and str(each) for each in diagnose_run(found))


def test_a_probe_of_weights_that_are_not_finite():
    session = Session(Config(model="dcgan28-slim", batch=8))
    session.D.parameters()[0].data[0] = np.nan
    session.G.parameters()[0].data[0] = np.inf
    with np.errstate(all="ignore"):
        found = examine(session)
    assert math.isnan(found.d_loss) and math.isnan(found.length("D"))
    assert [each.name for each in diagnose([found])] == ["divergence"]


def test_the_run_continues_without_memory_for_a_probe(tmp_path, monkeypatch, capsys):
    def fails(session, moved=None):
        raise MemoryError

    plain = trained(tmp_path / "plain", steps=110, doctor=False)
    monkeypatch.setattr(health_monitor, "examine", fails)
    assert files(trained(tmp_path / "run", steps=110)) == files(plain)
    assert capsys.readouterr().err.count("not enough memory for a probe") == 1
    monkeypatch.setattr(Session, "play_round", fails)
    with pytest.raises(MemoryError):
        trained(tmp_path / "other", steps=110)


# The command, and health.jsonl.


@pytest.fixture(scope="module")
def sick(tmp_path_factory):
    """A finished run of a G that does not move."""
    return trained(tmp_path_factory.mktemp("runs") / "sick", lr_g=0.0)


def test_the_report_of_a_finished_run(sick, capsys):
    assert main(["doctor", str(sick.path)]) == 0
    text = capsys.readouterr().out
    assert "10 probes" in text and "after round 200: G does not move" in text
    assert "log.csv: step 250" in text and "--lr-g" in text
    assert "--game non-saturating" not in text  # the run has it
    assert main(["doctor", str(sick.checkpoint)]) == 0
    assert capsys.readouterr().out == text


def test_the_report_of_a_run_without_probes(tmp_path):
    folder = trained(tmp_path / "run", lr_d=1e-7, doctor=False)
    before = files(folder)
    text = report(folder.path)
    assert "no probes of its training; 4 of its checkpoint" in text
    assert "after round 250: G too strong" in text
    assert files(folder) == before and not folder.health.exists()
    early = trained(tmp_path / "early", steps=60, doctor=False)
    text = report(early.path)
    assert "1 of its checkpoint" in text and "no problem found; before round 200, only" in text


def test_the_report_of_a_healthy_run(tmp_path):
    assert "no problem found" in report(trained(tmp_path / "run").path)


@pytest.mark.parametrize("steps", [60, 5])
def test_a_short_run_with_huge_rates_ends_with_its_problem_and_the_remedy(tmp_path, capsys, steps):
    run, sick = str(tmp_path / "run"), ["--lr-d", "1000", "--lr-g", "1000"]
    argv = ["train", "--model", "mlp-small", "--quiet", "--steps", str(steps), "--out", run]
    assert main([*argv, *sick]) == 0
    out, err = capsys.readouterr()
    assert err.count("doctor, after round 1: divergence. One round changed the weights") == 1
    assert "\nProblems (all remedies: tinygan doctor " in out
    assert "\n  divergence after round 1; remedy: lower learning rates (--lr-d, --lr-g)" in out
    assert main(["doctor", run]) == 0
    text = capsys.readouterr().out
    assert "after round 1: divergence. One round changed" in text and "--lr-d, --lr-g" in text
    (tmp_path / "run" / "health.jsonl").unlink()
    assert "divergence. D's logits are far out of range" in report(run)


def test_a_short_healthy_run_ends_without_a_problem(tmp_path, capsys):
    argv = ["train", "--model", "mlp-small", "--quiet", "--steps", "60", "--out"]
    assert main([*argv, str(tmp_path / "run")]) == 0
    out, err = capsys.readouterr()
    assert "Try next" in out and "Problems" not in out and err == ""


def test_the_option_doctor(tmp_path, capsys):
    argv = ["train", "--model", "mlp-small", "--steps", "210", "--lr-g", "0", "--quiet", "--out"]
    assert main([*argv, str(tmp_path / "on"), "--doctor", "on"]) == 0
    assert "doctor, after round 200: G does not move" in capsys.readouterr().err
    assert main([*argv, str(tmp_path / "off"), "--doctor", "off"]) == 0
    assert capsys.readouterr().err == ""
    assert not (tmp_path / "off" / "health.jsonl").exists()


def test_a_closed_stderr_does_not_stop_the_run(tmp_path, monkeypatch):
    class Full:
        def write(self, text):
            raise OSError(28, "No space left on device")

        flush = write

    for name, stderr in (("full", Full()), ("none", None)):
        monkeypatch.setattr(training_loop.sys, "stderr", stderr)
        trained(tmp_path / name, lr_g=0.0, steps=210)


LINES = {
    "no JSON": "{",
    "no object": "[1]",
    "another object": '{"step": 50}',
    "a word": {"spread": "wide"},
    "a number in place of many": {"norms": 1.0},
    "many in place of a number": {"order": {"D": 1.0}},
    "half a step": {"step": 1.5},
    "a number beyond floats": {"order": 10**400},
    "one of many beyond floats": {"norms": {"G.0.bias": 10**400}},
    "another player": {"moved": {"F": 1.0, "D": 1.0}},
    "no player": {"moved": {}},
    "another diagnosis": '{"name": "gout", "step": 1, "seen": ""}',
    "no text": "\xff",
}


@pytest.mark.parametrize("case", LINES)
def test_damaged_probes_are_refused_before_a_round_is_played(sick, tmp_path, case):
    line = LINES[case]
    if isinstance(line, dict):
        line = json.dumps(HEALTHY._replace(**line)._asdict())
    folder = RunFolder(shutil.copytree(sick.path, tmp_path / "run"))
    folder.health.write_text((line + "\n") * PATIENCE, encoding="latin-1")
    before = files(folder)
    with pytest.raises(InputError, match=r"health\.jsonl: damaged at"):
        resume(folder.path, steps=300, progress=False)
    with pytest.raises(InputError, match=r"health\.jsonl: damaged at"):
        report(folder.path)
    assert files(folder) == before
    resume(folder.path, steps=260, progress=False, doctor=False)
