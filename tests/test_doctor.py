"""The doctor names what ails a sick game, is silent about a healthy one, and changes neither."""

import dataclasses
import json
import math
import shutil
import types
from dataclasses import replace
from itertools import islice

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
    monitor,
    probe,
)
from tinygan.doctor.advice import ADVICE
from tinygan.doctor.monitor import EVERY
from tinygan.doctor.nonfinite import _op
from tinygan.experiments.toy_game import extra_g_steps, toy_game
from tinygan.gan.single_player import train_d, train_g
from tinygan.metrics.modes import modes
from tinygan.training import Config, RunFolder, Sampler, Session, health_monitor, resume, train
from tinygan.training import loop as training_loop
from tinygan.training.health_monitor import HealthMonitor, examine, health
from tinygan.training.run_folder import diverged


def names_of_a_run(tmp_path, tweak=lambda session: None, **options):
    """What is said while a session is played, `tweak`ed before its first round."""
    session, text = Session(Config(**options)), []
    tweak(session)
    seen = HealthMonitor(session, RunFolder.new(session.config, tmp_path / "run"), text.append)
    with np.errstate(all="ignore"):
        for _ in range(session.config.steps):
            seen.play_round()
    names = [found.name for found in diagnose_run(seen.looks)]
    assert [text.partition(": ")[2].partition(".")[0] for text in text] == names  # each once
    return names


def names_of_a_match(rounds, game, mixture, one):
    """What is said of rounds of a match on a mixture in the plane."""
    G, D, _, _, opt_g, opt_d = one.players

    def see(step):
        rng = np.random.default_rng([5, step])
        z = rng.standard_normal((64, 2), dtype=np.float32)
        return Tensor(mixture.sample(64, rng=rng)), Tensor(z)

    return [
        found.name for found in diagnose_run(monitor(rounds, game, G, D, opt_g, opt_d, see=see))
    ]


def stuck_averages(session):
    for layer in session.G.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 0.001  # the weight of the old average, in other libraries


def switched_off(session):
    session.G[0].bias.data[...] = -1000


def unlearned(session):
    session.D[3].weight.data[...] = 0  # so no gradient comes to G,
    session.opt_d.lr = 0.0  # and it stays so


SMALL = {"model": "mlp-small", "batch": 16, "steps": 250}
SICK_RUNS = {
    "minimax, D far ahead": ("D too strong", {"game": "minimax", "lr_d": 1e-2, "lr_g": 1e-5}),
    "D far ahead": ("D too strong", {"lr_d": 1e-2, "lr_g": 1e-5}),
    "D stands nearly still": ("G too strong", {"lr_d": 1e-7}),
    "rates of 1/2": ("divergence", {"lr_d": 0.5, "lr_g": 0.5}),
    "a critic on no leash": (
        "divergence",
        {"game": "wasserstein", "penalty": "none", "lr_d": 1e-2},
    ),
    "G of rate 0": ("G does not move", {"lr_g": 0.0}),
    "D of rate 0": ("D does not move", {"lr_d": 0.0}),
    "G without gradient": ("G does not move", {"tweak": unlearned}),
    "units switched off": ("dead units", {"tweak": switched_off}),
    "rates that kill units": ("dead units", {"lr_d": 0.05, "lr_g": 0.05, "steps": 400}),
    "averages that do not follow": (
        "BatchNorm drift",
        {"model": "dcgan28-slim", "batch": 8, "tweak": stuck_averages},
    ),
}
HEALTHY_RUNS = {
    "defaults": {"model": "dcgan28-slim", "batch": 8},
    "DCGAN, least squares": {"model": "dcgan28-slim", "batch": 8, "game": "least-squares"},
    "mlp-mid": {"model": "mlp-mid", "batch": 8},
    "mlp-2014": {"model": "mlp-2014", "batch": 8},
    "mlp-small": {"steps": 800},
    "minimax": {"game": "minimax", "steps": 800},
    "least squares": {"game": "least-squares", "steps": 800},
    "hinge": {"game": "hinge", "steps": 800},
    "wasserstein": {"game": "wasserstein", "steps": 500},
    "at once, R1": {"simultaneous": True, "penalty": "r1", "steps": 500},
}


@pytest.mark.parametrize("case", SICK_RUNS)
def test_a_sick_run_gets_its_diagnosis(tmp_path, case):
    name, options = SICK_RUNS[case]
    assert name in names_of_a_run(tmp_path, **{**SMALL, **options})


@pytest.mark.parametrize("case", HEALTHY_RUNS)
def test_of_a_healthy_run_nothing_is_said(tmp_path, case):
    assert names_of_a_run(tmp_path, **{**SMALL, **HEALTHY_RUNS[case]}) == []


RING = ring(sd=0.1)


def test_a_trained_discriminator_shuts_the_saturating_game_of_a_slow_generator():
    one = toy_game(RING, seed=3)
    one.players[4].lr = 1e-5
    list(islice(train_d(gan.minimax, *one.players, m=one.m), 1500))
    rounds = islice(gan.play(gan.minimax, *one.players, m=one.m), 300)
    assert "D too strong" in names_of_a_match(rounds, gan.minimax, RING, one)


def test_a_generator_alone_collapses():
    one = toy_game(RING, seed=3)

    def rounds():
        yield from islice(gan.play(gan.non_saturating, *one.players, m=one.m), 200)
        assert modes(one.samples(), RING).captured == 8
        one.players[4].lr = 5e-3
        yield from islice(train_g(gan.non_saturating, *one.players, m=one.m), 500)

    assert "mode collapse" in names_of_a_match(rounds(), gan.non_saturating, RING, one)
    assert modes(one.samples(), RING).captured <= 3


def test_a_hasty_generator_runs_from_mode_to_mode():
    one = toy_game(RING, seed=3)
    rounds = islice(extra_g_steps(gan.non_saturating, one, 10), 1100)
    assert "mode collapse" in names_of_a_match(rounds, gan.non_saturating, RING, one)
    assert modes(one.samples(), RING).captured <= 4


@pytest.mark.parametrize("game", ["non-saturating", "least-squares", "minimax"])
@pytest.mark.parametrize("mixture", [RING, grid(3, 0.7, 0.1)], ids=["ring", "grid"])
def test_of_a_healthy_match_nothing_is_said(game, mixture):
    one = toy_game(mixture, seed=3)
    rounds = islice(gan.play(gan.GAMES[game], *one.players, m=one.m), 800)
    assert names_of_a_match(rounds, gan.GAMES[game], mixture, one) == []
    assert modes(one.samples(), mixture).captured == len(mixture.means)


# The run is the same, watched or not.


def files(folder):
    return {p.name: p.read_bytes() for p in sorted(folder.path.iterdir())}


UNTOUCHED = {
    "dropout": {"model": "mlp-2014"},
    "BatchNorm": {"model": "dcgan28-slim"},
    "noise on labels, philox": {"label_noise": 0.3, "label_flips": 0.1, "rng": "philox"},
    "penalty": {"game": "wasserstein"},
    "recorded rounds": {"model": "dcgan28-slim", "backend": "guard"},
    "dropout of philox, recorded": {"model": "mlp-2014", "backend": "guard", "rng": "philox"},
}


@pytest.mark.parametrize("case", UNTOUCHED)
def test_watching_does_not_change_a_bit_of_the_run(tmp_path, monkeypatch, case, narrow_2014):
    monkeypatch.setattr(health_monitor, "EVERY", 2)
    options = Config(**{"model": "mlp-small", "batch": 4, "steps": 7, **UNTOUCHED[case]})
    on, off = (
        train(options, tmp_path / str(doctor), progress=False, doctor=doctor)
        for doctor in (True, False)
    )
    seen = files(on)
    assert len(seen.pop("health.jsonl").splitlines()) == 3
    assert seen == files(off)


def test_one_look_in_fifty_rounds(tmp_path, monkeypatch):
    looked = []
    monkeypatch.setattr(
        health_monitor,
        "examine",
        lambda session, moved: looked.append(session.step) or examine(session),
    )
    train(Config(**{**SMALL, "steps": 120}), tmp_path / "run", progress=False)
    assert looked == [EVERY, 2 * EVERY] and EVERY >= 50


def test_what_was_said_is_not_said_again(tmp_path, capsys):
    options = Config(**{**SMALL, "lr_g": 0.0, "steps": 400, "sample_every": 100})
    straight = train(options, tmp_path / "straight", progress=False)
    text = capsys.readouterr().err
    assert text.count("G does not move") == 1 and "--game non-saturating" not in text
    short = dataclasses.replace(options, steps=220)
    stopped = train(short, tmp_path / "stopped", progress=False)
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


# Not finite.


def dies(tmp_path, **options):
    """The message of a run that ends with it."""
    with pytest.raises(InputError) as caught:
        train(Config(**{**SMALL, "steps": 30, **options}), tmp_path / "run", progress=False)
    return str(caught.value)


def test_among_several_ranks_none_is_kept_waiting_by_a_post_mortem(tmp_path, monkeypatch):
    config = Config(**SMALL)
    session, folder = Session(config), RunFolder.new(config, tmp_path / "run")
    monkeypatch.setattr(health_monitor, "first_not_finite", lambda *_: pytest.fail("it was opened"))
    session.comm = types.SimpleNamespace(rank=0, size=2)
    with pytest.raises(InputError, match=r"by step 3 .as seen.*--lr-g$"):  # noqa: SIM117
        with HealthMonitor(session, folder, print).explaining():
            raise diverged(3, "as seen")
    (_, (death,)) = health(folder)  # all the same it is known
    assert death.name == "not finite" and "the run has several ranks" in death.seen


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"lr_d": 1e30, "lr_g": 1e30}, "In round 1: .* from linear in D.3 (Linear)"),
        ({"model": "dcgan28-slim", "lr_d": 1e20}, "In round 1: .* from conv2d in D.2 (Conv2d)"),
        ({"lr_d": 1e39}, "In round 1: .* from Adam's step, of learning rate 1e+39, at D."),
        ({"lr_g": 3e37}, "In round 1: .* linear in G.0 (Linear), when samples were drawn"),
        ({"lr_g": 3e37, "ema": 0.0}, "In round 1: .* in G.0 (Linear), when samples were drawn"),
    ],
)
def test_a_rate_beyond_all_reason(tmp_path, options, found):
    message = dies(tmp_path, **options)
    first, _, second = found.partition(" .* ")
    assert "diverged by step " in message and first in message and second in message
    assert storage.load(tmp_path / "run" / "checkpoint.safetensors")[1]["step"] == 0
    text = report(tmp_path / "run")
    assert "not finite" in text and second in text
    assert "ended before the first probe" in text and "no diagnosis is made" not in text


def test_data_that_are_not_finite(tmp_path, monkeypatch, capsys):
    honest, calls = Minibatches.__call__, []

    def spoilt(self, m):
        calls.append(m)
        x = honest(self, m)
        return x * math.nan if self.position == 5 * 16 else x

    monkeypatch.setattr(Minibatches, "__call__", spoilt)
    message = dies(tmp_path)
    assert "In round 5" in message and "in what comes into D.0 (Flatten)" in message
    assert "doctor, after round 5: not finite" in capsys.readouterr().err
    (tmp_path / "off").mkdir()
    with pytest.raises(InputError, match=r"Lower --lr-d and --lr-g$"):
        train(Config(**SMALL), tmp_path / "off", progress=False, doctor=False)


def test_a_run_that_does_not_repeat_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(Session, "readings", lambda self, result: {"d_loss": math.nan})
    assert dies(tmp_path).endswith("Lower --lr-d and --lr-g")
    assert "after round 10: not finite" in report(tmp_path / "run")


@pytest.mark.parametrize("trouble", [MemoryError(), InputError("no such images"), OSError("gone")])
def test_a_post_mortem_that_fails_does_not_hide_the_death(tmp_path, monkeypatch, trouble):
    def fails(folder, until):
        raise trouble

    monkeypatch.setattr(health_monitor, "first_not_finite", fails)
    assert dies(tmp_path, lr_g=3e37).endswith("Lower --lr-d and --lr-g")
    assert str(trouble) in report(tmp_path / "run")


def test_what_could_not_be_saved_is_explained(tmp_path, monkeypatch):
    """Losses and weights stay finite here, not the squares of gradients that Adam keeps."""
    honest = Minibatches.__call__
    monkeypatch.setattr(Minibatches, "__call__", lambda self, m: honest(self, m) * 1e22)
    message = dies(tmp_path, lr_d=0.0)
    assert "opt_d/v is not finite" in message
    assert "In round 1" in message and "Adam's step, of learning rate 0, at D.1." in message
    assert message.endswith(", in its v")


def test_the_last_checkpoint_is_of_what_can_be_shown(tmp_path, monkeypatch):
    honest = Session.generate
    monkeypatch.setattr(
        Session, "generate", lambda self, z: honest(self, z) * (math.nan if self.step == 30 else 1)
    )
    assert "In round 30: " in dies(tmp_path, sample_every=20)  # between two frames
    folder = RunFolder(tmp_path / "run")
    assert storage.load(folder.checkpoint)[1]["step"] == 0 and not folder.samples.exists()


def test_what_overflows_needs_no_warning_of_numpys(tmp_path):
    """Samples of weights beyond all reason are finite: tanh has an end. The weights have one sign,
    so that no BLAS adds infinities of both."""
    folder = train(Config(**{**SMALL, "steps": 2, "lr_g": 0.0}), tmp_path / "run", progress=False)
    arrays, meta = storage.load(folder.checkpoint)
    for net in ("G", "ema"):
        arrays[f"{net}/2.weight"][...] = 3e38
    storage.save(folder.checkpoint, arrays, meta)
    resume(folder.path, steps=12, progress=False)  # a warning would be an error here
    assert (Sampler(folder.path).draw(16) == 1).all()


def test_of_a_run_that_dies_where_it_was_saved_the_samples_are_looked_at(tmp_path):
    folder = train(Config(**{**SMALL, "steps": 2}), tmp_path / "run", progress=False)
    arrays, meta = storage.load(folder.checkpoint)
    arrays["ema/0.weight"] += np.float32(3e38)
    storage.save(folder.checkpoint, arrays, meta)
    with pytest.raises(InputError, match=r"by step 2 .*linear in G.0 \(Linear\), when samples"):
        resume(folder.path, progress=False)


class Layer(nn.Module):
    """A function as a layer."""

    def __init__(self, function):
        super().__init__()
        self._function = function

    def forward(self, x):
        return self._function(x)


PATHS = {
    "forward": (
        lambda x: ops.exp(x * 100 + 200) + 1,
        gan.non_saturating,
        "exp in D.1 (Layer)",
    ),
    "deeper": (lambda x: ops.log(ops.tanh(x) - 2), gan.non_saturating, "log in D.1 (Layer)"),
    "on the way back": (
        lambda x: ops.sqrt(ops.relu(x) * 0) + x,
        gan.non_saturating,
        "div on the way back, in the gradient at D.0.bias",
    ),
    "what Adam keeps": (
        lambda x: x * 1e25,
        gan.non_saturating,
        "Adam's step, of learning rate 0, at D.0.weight, in its v",
    ),
    "price": (
        lambda x: x,
        replace(gan.wasserstein, real_loss=lambda l: ops.log(l - l - 1)),
        "log in the price that D pays",
    ),
}


@pytest.mark.parametrize("backend", ["numpy", "guard"])
@pytest.mark.parametrize("case", PATHS)
def test_the_first_op_and_its_layer_are_named(case, backend):
    function, game, expected = PATHS[case]
    rng = np.random.default_rng(0)
    G = nn.Sequential(nn.Linear(2, 3, rng=rng)).to(backend)
    D = nn.Sequential(nn.Linear(3, 4, rng=rng), Layer(function), nn.Linear(4, 1, rng=rng)).to(
        backend
    )
    opt_g, opt_d = (optim.Adam(net.parameters(), 0.0) for net in (G, D))

    def source(size):
        like = G.parameters()[0].data
        return lambda m: Tensor(backends.place(rng.standard_normal((m, size), np.float32), like))

    inspector = Inspector(G, D, opt_g, opt_d)
    rounds = gan.play(inspector.wrap_game(game), G, D, source(3), source(2), opt_g, opt_d, m=4)
    with np.errstate(all="ignore"), inspector:
        next(rounds)
    assert inspector.found == expected
    assert not any("forward" in vars(m) for net in (G, D) for m in net.modules())
    assert not any("step" in vars(o) for o in (opt_g, opt_d))


def test_statistics_that_overflow_are_named_with_their_layer():
    rng = np.random.default_rng(0)
    G = nn.Sequential(nn.Linear(2, 3, rng=rng), Layer(lambda x: x * 1e25), nn.BatchNorm1d(3))
    D = nn.Sequential(nn.Linear(3, 1, rng=rng))
    inspector = Inspector(G, D, *(optim.SGD(net.parameters(), 0.0) for net in (G, D)))
    with np.errstate(all="ignore"), inspector:
        assert np.isfinite(G(rng.standard_normal((4, 2), np.float32)).data).all()
    assert inspector.found == "running_var, which G.2 (BatchNorm1d) keeps"


def test_an_inspected_round_is_the_same_round_and_finds_nothing():
    ends = []
    for inspected in (True, False):
        session = Session(Config(model="mlp-2014", batch=8, game="wasserstein"))
        inspector = Inspector(session.G, session.D, session.opt_g, session.opt_d)
        session.game = inspector.wrap_game(session.game)
        if inspected:
            with inspector:
                session.play_round()
        else:
            session.play_round()
        assert inspector.found == ""
        ends.append(session.state()[0])
    for name, array in ends[0].items():
        np.testing.assert_array_equal(array, ends[1][name])


def test_an_op_is_called_by_its_name():
    x = Tensor(np.ones((2, 3), np.float32))
    for name in ("abs", "exp", "log", "relu", "sigmoid", "softplus", "sqrt", "tanh", "sum", "max"):
        assert _op(getattr(ops, name)(x)) == name
    images, kernels = (Tensor(np.ones((2, 3, 4, 4), np.float32)) for _ in range(2))
    assert _op(nn.Conv2d(3, 2, 3, rng=np.random.default_rng(0))(images)) == "conv2d"
    layer = nn.ConvTranspose2d(3, 2, 3, rng=np.random.default_rng(0))
    assert _op(layer(kernels)) == "conv_transpose2d"


# What a look sees, where it is known.


def scene(backend="numpy", G=None, D=None, x=None, z=None, game=gan.non_saturating):
    def there(values):
        return Tensor(np.asarray(values, np.float32)).to(backend)

    rng = np.random.default_rng(0)
    G = G or nn.Sequential(nn.Linear(2, 2, rng=rng))
    D = D or nn.Sequential(nn.Linear(2, 1, rng=rng))
    x = rng.standard_normal((40, 2)) if x is None else x
    z = rng.standard_normal((40, 2)) if z is None else z
    return probe(game, G.to(backend), D.to(backend), there(x), there(z))


def linear(weight, bias):
    layer = nn.Linear(len(weight[0]), len(weight), rng=np.random.default_rng(0))
    layer.weight.data[...], layer.bias.data[...] = weight, bias
    return layer


@pytest.mark.parametrize("backend", ["numpy", "guard"])
def test_a_look_sees_what_is_there(backend):
    x = np.array([[0, 0], [4, 0], [0, 4], [4, 4]])
    G = nn.Sequential(
        linear([[0.5, 0], [0, 0.5]], [10, 0])
    )  # half as far apart, and 10 to the right
    D = nn.Sequential(linear([[-1, 0]], [7]))
    seen = scene(backend, G, D, x, x)
    real, fake = np.array([7, 3, 7, 3]), np.array([-3, -5, -3, -5])
    sigmoid = 1 / (1 + np.exp(-fake))
    assert (seen.real, seen.fake, seen.order) == (5, -4, 1)
    assert seen.push == pytest.approx((1 - sigmoid).mean(), rel=1e-5)
    assert (seen.spread, seen.apart) == pytest.approx((0.5, np.median(np.hypot(*(
        x[:, None] - x / 2 - [10, 0]).transpose(2, 0, 1)))))  # fmt: skip
    assert seen.blind == pytest.approx(2 * math.log(2))
    losses = np.log1p(np.exp(-real)).mean() + np.log1p(np.exp(fake)).mean()
    assert seen.d_loss == pytest.approx(losses, rel=1e-5)
    assert seen.g_loss == pytest.approx(np.log1p(np.exp(-fake)).mean(), rel=1e-5)
    gradient = -((1 / (1 + np.exp(real))).mean()) + sigmoid.mean()
    assert seen.norms["D.0.bias"] == pytest.approx(abs(gradient), rel=1e-4)
    assert seen.length("D") == pytest.approx(
        math.hypot(seen.norms["D.0.bias"], seen.norms["D.0.weight"])
    )


def test_the_price_of_the_minimax_game_is_shut_by_d_of_g_of_z():
    D = nn.Sequential(linear([[0, 0]], [-5]))
    assert scene(D=D, game=gan.minimax).push == pytest.approx(1 / (1 + math.exp(5)), rel=1e-4)
    assert scene(D=D).order == 0.5


@pytest.mark.parametrize("backend", ["numpy", "guard"])
def test_dead_units_and_averages_that_drift(backend):
    G = nn.Sequential(
        linear([[1, 0], [0, 1], [1, 1], [1, 0]], [0, 0, -1e3, -1e3]),
        nn.ReLU(),
        nn.BatchNorm1d(4),
        linear(np.eye(2, 4), 0),
    )
    off = scene(backend, G=G)
    assert off.dead == {"G.1 (ReLU)": 0.5}
    assert list(off.drift) == ["G.2 (BatchNorm1d)"] and off.drift["G.2 (BatchNorm1d)"] > 0.3
    G = nn.Sequential(nn.BatchNorm1d(2))
    z = np.array([[1.0, 3], [3, 3.5]])  # means 2 and 3.25, standard deviations 1 and 0.25
    seen = scene(backend, G=G, z=z)
    exact = math.sqrt((0 + 2**2 + 0.75**2 + 3.25**2) / 2)
    assert seen.drift["G.0 (BatchNorm1d)"] == pytest.approx(exact, rel=1e-3)


def test_looking_leaves_the_networks_as_they_were():
    rng = np.random.default_rng(0)
    G = nn.Sequential(nn.Linear(2, 3, rng=rng), nn.BatchNorm1d(3), nn.Linear(3, 2, rng=rng))
    D = nn.Sequential(nn.SpectralNorm(nn.Linear(2, 3, rng=rng), rng=rng), nn.Dropout(0.5, rng=rng))
    D = nn.Sequential(*D, nn.Linear(3, 1, rng=rng))
    G.eval()
    before = [{**net.state_dict()} for net in (G, D)], rng.bit_generator.state
    scene(G=G, D=D)
    for kept, net in zip(before[0], (G, D), strict=True):
        for name, array in net.state_dict().items():
            np.testing.assert_array_equal(array, kept[name])
    assert rng.bit_generator.state == before[1] and not G[1].training


def test_attending_is_undone_after_an_error():
    D = nn.Sequential(nn.Linear(2, 1, rng=np.random.default_rng(0)))
    seen = []

    def visit(label, layer, forward, inputs):
        seen.append(label)
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"), hook_layers("D", D, visit):
        D(np.ones((1, 2), np.float32))
    assert seen == ["D.0 (Linear)"] and D(np.ones((1, 2), np.float32)).shape == (1, 1)


# The rules, on looks made by hand.

WELL = Probe(
    step=0, d_loss=1.0, g_loss=0.9, blind=1.386, real=0.5, fake=-0.5, order=0.8, push=0.5,
    spread=0.9, apart=10.0, size=1.0, norms={"G.0.weight": 1.0, "D.0.weight": 1.0},
    dead={"G.1 (ReLU)": 0.1}, drift={"G.2 (BatchNorm2d)": 0.1}, moved={"G": 1e-3, "D": 1e-3},
)  # fmt: skip
SURE = {"order": 1.0}
SIGNS = {
    "D too strong": [SURE | {"push": 1e-3}, SURE | {"d_loss": 1e-3}],
    "G too strong": [{"order": 0.01}],
    "mode collapse": [{"spread": 0.01}],
    "divergence": [{"real": 200.0}, {"fake": 2e3, "real": 2e3}, {"d_loss": math.nan}],
    "G does not move": [{"moved": {"G": 0.0, "D": 1e-3}}],
    "D does not move": [{"moved": {"G": 1e-3, "D": 1e-9}}],
    "dead units": [{"dead": {"G.1 (ReLU)": 0.95}}],
    "BatchNorm drift": [{"drift": {"G.2 (BatchNorm2d)": 0.9}}],
}


def row(*changes):
    return [WELL._replace(step=EVERY * (i + 1), **change) for i, change in enumerate(changes)]


@pytest.mark.parametrize("name", SIGNS)
def test_a_sign_counts_once_it_is_there_for_long_enough(name):
    for sign in SIGNS[name]:
        ill = row(*[{}] * 3, *[sign] * PATIENCE)
        found = list(diagnose_run(ill))
        assert [each.name for each in found] == [name] and found[0].step == ill[-1].step
        assert list(diagnose_run(ill[:-1])) == []
        assert list(diagnose_run(row(*[sign, sign, sign, {}] * 4))) == []
        assert len(list(diagnose_run(row(*[sign] * 30)))) == 1  # once
        text = str(found[0])
        assert name in text and all(source in text for _, source in ADVICE[name])


def test_every_diagnosis_has_its_sign_here_and_remedies_with_sources():
    assert set(SIGNS) | {"not finite"} == set(ADVICE)
    assert all(len(remedies) >= 3 and all(map(all, remedies)) for remedies in ADVICE.values())


def test_remedies_that_a_run_has_taken_are_left_out():
    found = Diagnosis("D too strong", 200, "Told.")
    taken = {"game": "non-saturating", "penalty": "r1", "lr_d": 0.1, "batch": 64}
    whole, rest = str(found).splitlines(), found.told(taken).splitlines()
    gone = [line for line in whole if line not in rest]
    assert len(gone) == 2 and "--game non-saturating" in gone[0] and "--penalty r1" in gone[1]
    assert found.told({"game": "minimax"}) == str(found)


def test_certainty_alone_is_no_illness():
    assert diagnose(row(*[SURE] * 9)) == []
    assert diagnose(row(*[{"push": 1e-3}] * 9)) == []
    wasserstein = SURE | {"blind": 0.0, "d_loss": -3.0}
    assert diagnose(row(*[wasserstein] * 9)) == []


def test_a_gradient_that_vanishes_is_one_that_was_there():
    gone = SURE | {"norms": {"G.0.weight": 1e-4, "D.0.weight": 1.0}}
    assert [d.name for d in diagnose(row(*[{}] * 4, *[gone] * 4))] == ["D too strong"]
    assert diagnose(row(*[gone] * 8)) == []


def test_samples_that_begin_alike_may_grow_apart():
    spreads = np.linspace(0.06, 0.5, 40)
    assert list(diagnose_run(row(*[{"spread": float(s)} for s in spreads]))) == []
    (found,) = diagnose_run(row(*[{"spread": 0.1}] * 25))
    assert found.name == "mode collapse" and "since round 50" in found.seen
    (found,) = diagnose_run(row(*[{}] * 5, *[{"spread": 0.15}] * 4))
    assert "grown alike" in found.seen and "0.9 before" in found.seen


NUMBERS = st.floats(width=32) | st.sampled_from([0.0, 1.0, math.nan, math.inf])
PARTS = st.dictionaries(st.sampled_from(["G", "D", "G.0.weight", "D.1 (ReLU)"]), NUMBERS)


@given(
    st.lists(
        st.builds(
            Probe,
            step=st.integers(0, 10**6),
            **dict.fromkeys(
                (f for f in Probe._fields if f not in ("step", "norms", "dead", "drift", "moved")),
                NUMBERS,
            ),
            **dict.fromkeys(("norms", "dead", "drift", "moved"), PARTS),
        ),
        max_size=25,
    )
)
def test_whatever_is_seen_has_words(looks):
    assert all(found.name in ADVICE and str(found) for found in diagnose_run(looks))


def test_a_look_at_what_is_not_finite_is_a_look():
    session = Session(Config(model="dcgan28-slim", batch=8))
    session.D.parameters()[0].data[0] = np.nan
    session.G.parameters()[0].data[0] = np.inf
    with np.errstate(all="ignore"):
        seen = examine(session)
    assert math.isnan(seen.d_loss) and math.isnan(seen.length("D")) and not diagnose([seen] * 3)
    assert [found.name for found in diagnose([seen] * 4)] == ["divergence"]


def test_without_memory_for_a_look_the_run_goes_on(tmp_path, monkeypatch, capsys):
    def full(session, moved):
        raise MemoryError

    options = Config(**{**SMALL, "steps": 110})
    plain = train(options, tmp_path / "plain", progress=False, doctor=False)
    monkeypatch.setattr(health_monitor, "examine", full)
    assert files(train(options, tmp_path / "run", progress=False)) == files(plain)
    assert capsys.readouterr().err.count("no memory for a look") == 1
    monkeypatch.setattr(Session, "play_round", lambda session: full(session, None))
    with pytest.raises(MemoryError):
        train(options, tmp_path / "other", progress=False)


# tinygan doctor, and health.jsonl.


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "still"
    return train(Config(**{**SMALL, "lr_g": 0.0}), out, progress=False)


def test_the_doctor_reads_a_finished_run(still, capsys):
    assert main(["doctor", str(still.path)]) == 0
    text = capsys.readouterr().out
    assert "5 probes" in text and "after round 200: G does not move" in text
    assert "log.csv: step 250" in text and "--lr-g" in text
    assert "--game non-saturating" not in text  # the run has it
    assert main(["doctor", str(still.checkpoint)]) == 0
    assert capsys.readouterr().out == text


def test_a_run_that_nobody_watched_is_looked_at_as_it_is(tmp_path):
    folder = RunFolder(tmp_path / "run")
    options = Config(**{**SMALL, "lr_d": 1e-7})
    train(options, folder.path, progress=False, doctor=False)
    assert not folder.health.exists()
    before = files(folder)
    text = report(folder.path)
    assert "it was trained without the doctor" in text and "after round 250: G too strong" in text
    assert files(folder) == before
    early = dataclasses.replace(options, steps=60)
    train(early, tmp_path / "early", progress=False, doctor=False)
    assert "no diagnosis is made before round 200" in report(tmp_path / "early")


def test_healthy_and_early_runs_are_said_to_be_so(tmp_path):
    folder = train(Config(**SMALL), tmp_path / "run", progress=False)
    assert "no problem found" in report(folder.path)


def test_the_doctor_can_be_silenced(tmp_path, capsys):
    argv = ["train", "--model", "mlp-small", "--steps", "210", "--lr-g", "0", "--quiet", "--out"]
    assert main([*argv, str(tmp_path / "on"), "--doctor", "on"]) == 0
    assert "doctor, after round 200: G does not move" in capsys.readouterr().err
    assert main([*argv, str(tmp_path / "off"), "--doctor", "off"]) == 0
    assert capsys.readouterr().err == ""
    assert not (tmp_path / "off" / "health.jsonl").exists()
    assert main([*argv, str(tmp_path / "no"), "--doctor", "of"]) == 2
    assert "did you mean 'off'?" in capsys.readouterr().err and not (tmp_path / "no").exists()


def test_a_closed_stderr_does_not_stop_the_run(tmp_path, monkeypatch):
    class Full:
        def write(self, text):
            raise OSError(28, "No space left on device")

        flush = write

    monkeypatch.setattr(training_loop.sys, "stderr", Full())
    train(Config(**{**SMALL, "lr_g": 0.0, "steps": 210}), tmp_path / "full", progress=False)
    monkeypatch.setattr(training_loop.sys, "stderr", None)
    train(Config(**{**SMALL, "lr_g": 0.0, "steps": 210}), tmp_path / "none", progress=False)


LINES = {
    "no JSON": "{",
    "no object": "[1]",
    "another object": '{"step": 50}',
    "a word": json.dumps(WELL._replace(spread="wide")._asdict()),
    "a number for many": json.dumps(WELL._replace(norms=1.0)._asdict()),
    "half a step": json.dumps(WELL._replace(step=1.5)._asdict()),
    "a number beyond floats": json.dumps(WELL._replace(order=10**400)._asdict()),
    "one of many beyond floats": json.dumps(WELL._replace(norms={"G.0.bias": 10**400})._asdict()),
    "another player": json.dumps(WELL._replace(moved={"F": 1.0, "D": 1.0})._asdict()),
    "nobody moved": json.dumps(WELL._replace(moved={})._asdict()),
    "another name": '{"name": "gout", "step": 1, "seen": ""}',
    "no text": "\xff",
}


@pytest.mark.parametrize("case", LINES)
def test_damaged_looks_are_refused_before_a_round_is_played(still, tmp_path, case):
    folder = RunFolder(shutil.copytree(still.path, tmp_path / "run"))
    folder.health.write_text((LINES[case] + "\n") * PATIENCE, encoding="latin-1")
    before = files(folder)
    with pytest.raises(InputError, match=r"health\.jsonl: damaged at"):
        resume(folder.path, steps=300, progress=False)
    with pytest.raises(InputError, match=r"health\.jsonl: damaged at"):
        report(folder.path)
    assert files(folder) == before
    resume(folder.path, steps=260, progress=False, doctor=False)


@given(st.data())
def test_changed_bytes_of_looks_are_told_of_or_one_error(still, tmp_path_factory, data):
    """By the command, which also makes a table of them."""
    whole = bytearray(still.health.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    folder = RunFolder(tmp_path_factory.mktemp("fuzz") / "run")
    shutil.copytree(still.path, folder.path)
    folder.health.write_bytes(bytes(whole))
    try:
        assert "looks" in report(folder.path)
    except InputError as problem:
        assert "damaged at" in str(problem)
