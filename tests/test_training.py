"""The same config gives the same run, bit for bit: undisturbed, sampled, stopped or killed."""

import functools
import itertools
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tinygan import InputError, Tensor, data, gan, models, optim, storage
from tinygan.backend.philox import Philox
from tinygan.nn import BatchNorm2d
from tinygan.training import Config, RunFolder, Sampler, Session, resume, train
from tinygan.training import loop as training_loop

VARIANTS = {
    "non-saturating": {},
    "maxout and dropout": {"model": "mlp-2014"},
    "convolutions and BatchNorm": {"model": "dcgan28-slim", "batch": 8},
    "gradient penalty": {"game": "wasserstein", "penalty": "wgan-gp", "k": 2},
    "label noise and flips": {"label_noise": 0.3, "label_flips": 0.1, "smoothing": 0.1},
    "SGD": {"optimizer": "sgd", "lr_d": 0.01, "lr_g": 0.01},
    "simultaneous, no average": {"simultaneous": True, "ema": 0.0, "penalty": "r1"},
}


def config(**options):
    return Config(**{"model": "mlp-small", "batch": 16, "steps": 12, "sample_every": 4, **options})


def contents(folder):
    return {p.name: p.read_bytes() for p in sorted(folder.path.iterdir())}


def trained(path, **options):
    return train(config(**options), path, progress=False)


@pytest.fixture
def run(tmp_path):
    """The folder of a run of two rounds."""
    return trained(tmp_path / "run", steps=2)


def saved_step(path):
    return storage.load(path / "checkpoint.safetensors")[1]["step"]


def played(rounds, **options):
    session = Session(config(**options))
    for _ in range(rounds):
        session.play_round()
    return session


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_resumed_run_equals_one_that_was_not_stopped(tmp_path, variant, narrow_2014):
    options = VARIANTS[variant]
    straight = trained(tmp_path / "straight", **options)
    trained(tmp_path / "stopped", **options, steps=5)
    stopped = resume(tmp_path / "stopped", steps=12, progress=False)
    extra = ("log.csv", "curves.png", "states.jsonl")  # they also have round 5, the last one then
    assert contents(stopped) == contents(straight) | {
        name: contents(stopped)[name] for name in extra
    }
    rows = stopped.log.read_text().splitlines()
    assert [row for row in rows if not row.startswith("5,")] == straight.log.read_text().split()


def test_another_seed_gives_another_run():
    one, two = (played(1, seed=seed).state()[0] for seed in (1, 2))
    assert any((a != two[name]).any() for name, a in one.items() if a.ndim)


def test_readings_and_samples_do_not_change_the_run():
    sampled = Session(config(model="mlp-2014"))
    for _ in range(3):
        sampled.readings(sampled.play_round())
        sampled.generate(sampled.fixed_z)
    assert sampled.sha256() == played(3, model="mlp-2014").sha256()


def test_both_players_learn_and_the_average_follows():
    before, after = (played(rounds).state()[0] for rounds in (0, 1))
    for part in ("G", "D", "ema"):
        assert all((before[k] != after[k]).any() for k in before if k.startswith(f"{part}/"))


COMMAND = [sys.executable, "-m", "tinygan", "train", "--model", "mlp-small", "--steps", "400"]


def start(out, handler=signal.SIG_DFL):
    """A run in a process, after its first rounds. `handler` is that of the signals in STOPS; a
    process in the background, or under nohup, ignores some."""
    process = subprocess.Popen(
        [*COMMAND, "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: [signal.signal(each, handler) for each in STOPS],
    )
    log = out / "log.csv"
    while process.poll() is None and not (log.is_file() and len(log.read_text()) > 300):
        time.sleep(0.01)
    return process


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "undisturbed"
    return train(Config(model="mlp-small", steps=400), out, progress=False)


STOPS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


@pytest.mark.parametrize("number", STOPS)
def test_ctrl_c_saves_a_run_that_resumes_without_a_difference(tmp_path, undisturbed, number):
    process = start(tmp_path / "run")
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"tinygan train --resume {tmp_path / 'run'}" in err and "Traceback" not in err
    assert 0 < saved_step(tmp_path / "run") < 400
    assert contents(resume(tmp_path / "run", progress=False)) == contents(undisturbed)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs SIGHUP")
def test_a_run_under_nohup_goes_on(tmp_path, undisturbed):
    process = start(tmp_path / "run", signal.SIG_IGN)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 0 and contents(RunFolder(tmp_path / "run")) == contents(
        undisturbed
    )


def test_a_checkpoint_of_an_older_format_is_refused():
    session = Session(Config(model="mlp-small", steps=1))
    arrays, meta = session.state()
    del meta["format"]
    with pytest.raises(InputError, match="format 1, expected 2: another version of tinygan"):
        session.restore(arrays, meta)


def test_a_killed_run_resumes_from_its_last_checkpoint(tmp_path, undisturbed):
    process = start(tmp_path / "run")
    process.kill()
    process.communicate(timeout=60)
    log = tmp_path / "run" / "log.csv"
    log.write_text(log.read_text() + "399,0.1")  # a row cut in the middle
    assert contents(resume(tmp_path / "run", progress=False)) == contents(undisturbed)


def test_divergence_stops_the_run_and_keeps_the_checkpoint(tmp_path, monkeypatch):
    readings = {"d_loss": float("nan"), "g_loss": 1.0, "d_real": 0.5, "d_fake": 0.5}
    monkeypatch.setattr(Session, "readings", lambda self, result: readings)
    with pytest.raises(InputError, match=r"diverged by round 10 .*d_loss = nan"):
        trained(tmp_path / "run")
    assert saved_step(tmp_path / "run") == 0


def full_disk(*args):
    raise OSError(28, "No space left on device")


def test_a_full_disk_keeps_the_last_checkpoint(run, monkeypatch):
    before = contents(run)
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        resume(run.path, steps=10, progress=False)
    assert contents(run) == before


@pytest.mark.parametrize("player", ["G", "D"])
def test_a_diverged_network_does_not_replace_the_last_checkpoint(
    tmp_path, monkeypatch, recwarn, player
):
    play = Session.play_round

    def diverge(self):
        result = play(self)
        if self.step == 5:  # the last reading is a good one
            getattr(self, player).parameters()[0].data[:] = np.nan
        return result

    monkeypatch.setattr(Session, "play_round", diverge)
    with pytest.raises(InputError, match=rf"diverged by round 5 \({player}/.* is not finite\)"):
        trained(tmp_path / "run", steps=5)
    assert saved_step(tmp_path / "run") == 0
    assert not recwarn.list


def test_an_overflow_is_one_error_without_warnings(tmp_path, recwarn):
    with pytest.raises(InputError, match=r"diverged by round \d+ \(.*(nan|inf|not finite)\)"):
        trained(tmp_path / "run", lr_d=1e30, lr_g=1e30)
    assert not recwarn.list


def test_the_pictures_of_a_finished_run_are_drawn_again(run):
    folder = run
    before = contents(folder)
    with pytest.raises(InputError, match=r"--steps 2: .* has played 2 rounds already"):
        resume(folder.path, steps=2)
    for picture in (folder.samples, folder.progress, folder.curves):
        picture.unlink()
    assert contents(resume(folder.checkpoint, progress=False)) == before  # the file names its run


def test_the_animation_ends_with_the_last_samples(tmp_path):
    folder = trained(tmp_path / "run", steps=6, sample_every=4)
    with Image.open(folder.progress) as animation, Image.open(folder.samples) as samples:
        assert animation.n_frames == 3  # rounds 0, 4 and 6
        animation.seek(2)
        last, drawn = (np.asarray(p.convert("L"), float) for p in (animation, samples))
    shown = last[:: last.shape[0] // 242, :: last.shape[0] // 242]
    drawn = drawn[:: drawn.shape[0] // 242, :: drawn.shape[0] // 242]
    assert np.abs(shown - drawn).max() <= 16  # sixteen levels


HEAD = b"step,d_loss,g_loss,d_real,d_fake\n"
DAMAGED_LOGS = {
    "another head": b"step,loss\n1,2\n",
    "a step that is no integer": HEAD + b"2.0,1,1,1,1\n",
    "no number": HEAD + b"2,1,1,one,1\n",
    "a short row": HEAD + b"2,1,1\n",
    "a long row": HEAD + b"2,1,1,1,1,1\n",
    "an empty row": HEAD + b"\n2,1,1,1,1\n",
    "no text": b"\xff\xfe\n",
}


@pytest.mark.parametrize("text", DAMAGED_LOGS.values(), ids=DAMAGED_LOGS)
def test_a_damaged_log_is_refused_before_a_round_is_played(run, text):
    run.log.write_bytes(text)
    before = contents(run)
    with pytest.raises(InputError, match=r"log\.csv: damaged at"):
        resume(run.path, steps=4, progress=False)
    assert contents(run) == before


@pytest.mark.parametrize("text", [b'{"model": "mlp-mid"}', b"{}", b"[1]", b"{", b"\xff"])
def test_a_config_that_was_edited_is_refused(run, text):
    run.config.write_bytes(text)
    with pytest.raises(
        InputError, match=r"config\.json: (differs from|is not JSON|expected the options)"
    ):
        resume(run.path, steps=4, progress=False)
    run.config.unlink()
    assert resume(run.path, steps=4, progress=False).config.is_file()


def test_a_run_is_not_resumed_on_other_images(tmp_path, monkeypatch):
    def paint(level):
        for i in range(3):
            Image.new("L", (28, 28), level + i).save(tmp_path / "images" / f"{i}.png")

    (tmp_path / "images").mkdir()
    paint(100)
    monkeypatch.chdir(tmp_path)
    folder = trained("run", data="folder:images", steps=2)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # the folder's path is kept whole
    folder = resume(tmp_path / "run", steps=3, progress=False)
    paint(50)
    with pytest.raises(InputError, match="are not those that the run was trained on"):
        resume(folder.path, steps=4, progress=False)


@pytest.mark.parametrize(("works", "name"), [(0, ""), (1, "run/checkpoint.safetensors")])
def test_a_folder_can_be_used_again_after_a_start_that_failed(tmp_path, monkeypatch, works, name):
    calls = iter([lambda *args: None] * works)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: next(calls, full_disk)(file))
        with pytest.raises(OSError, match="No space left") as caught:
            trained(tmp_path / "run", steps=2)
    assert caught.value.filename == str(tmp_path / name)
    assert os.listdir(tmp_path / "run") == []
    trained(tmp_path / "run", steps=2)


def test_two_processes_do_not_train_in_one_folder(run):
    pytest.importorskip("fcntl")
    with run.locked(), pytest.raises(InputError, match="another process is training there"):
        resume(run.path, steps=4, progress=False)
    resume(run.path, steps=4, progress=False)


@pytest.mark.parametrize(
    ("options", "penalty"),
    [
        ({"game": "wasserstein"}, "wgan-gp"),
        ({"game": "wasserstein", "penalty": "none"}, "none"),
        ({"penalty": "r1"}, "r1"),
        ({}, "none"),
    ],
)
def test_a_penalty_has_a_discriminator_without_batchnorm(options, penalty):
    session = Session(config(model="dcgan28-slim", **options))
    assert session.config.penalty_used == penalty
    mixes = any(isinstance(layer, BatchNorm2d) for layer in session.D.modules())
    assert mixes == (penalty == "none")


def test_a_checkpoint_of_another_model_is_refused(run):
    arrays, meta = storage.load(run.checkpoint)
    meta["config"]["model"] = "mlp-mid"
    storage.save(run.checkpoint, arrays, meta)
    run.config.unlink()
    with pytest.raises(InputError, match="does not fit model 'mlp-mid'"):
        resume(run.path, steps=4)
    with pytest.raises(InputError, match="holds no generator"):
        Sampler(run.path)


def test_samples_come_from_the_checkpoint_alone_and_depend_on_the_seed(run, monkeypatch):
    monkeypatch.setattr(training_loop, "Session", None)  # no Session, and so no data, is made
    sampler = Sampler(run.path)
    images = sampler.draw(5, seed=3)
    assert images.shape == (5, 1, 28, 28)
    np.testing.assert_array_equal(images, Sampler(run.checkpoint).draw(5, seed=3))
    np.testing.assert_allclose(images, sampler.draw(5, seed=3, batch=2), atol=1e-6)
    assert (images != sampler.draw(5, seed=4)).any()
    walk = sampler.walk(2, 7, seed=3)
    assert walk.shape == (14, 1, 28, 28)
    np.testing.assert_allclose(walk[[0, 6, 7, 13]], sampler.draw(4, seed=3), atol=1e-5)


def test_numbered_folders_never_collide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = [RunFolder.new(config(), None).path.name for _ in range(3)]
    assert made == [f"00{i}-mlp-small-non-saturating" for i in (1, 2, 3)]


# Each option does what it says: a game of the library's parts has the same bits.

OPTIONS = {
    "defaults": {},
    "game": {"game": "hinge"},
    "k": {"k": 3},
    "batch": {"batch": 7},
    "rates": {"lr_g": 3e-3, "lr_d": 1e-3},
    "Adam": {"beta1": 0.9, "beta2": 0.99},
    "no average": {"ema": 0.0},
    "smoothing": {"smoothing": 0.2},
    "label noise": {"label_noise": 0.3},
    "label flips": {"label_flips": 0.4},
    "simultaneous": {"simultaneous": True},
    "r1": {"penalty": "r1"},
    "wasserstein": {"game": "wasserstein"},  # with its default penalty, wgan_gp
    "model": {"model": "mlp-2014"},
    "seed": {"seed": 5},
    "philox": {"rng": "philox", "model": "mlp-2014"},
}


def play_parts(rounds, o):
    """G, D and the average after some rounds with the options o, without a Session."""
    net_rng, game_rng, data_rng, _ = map(
        np.random.default_rng, np.random.SeedSequence(o.seed).spawn(4)
    )
    images = data.load(o.data).images
    pair = models.build(o.model, (1, 28, 28), rng=net_rng)
    G, D = pair.G, pair.D
    ema = optim.EMA(G, o.ema)
    betas = (o.beta1, o.beta2)
    opt_g = optim.Adam(G.parameters(), o.lr_g or pair.lr_g, betas)
    opt_d = optim.Adam(D.parameters(), o.lr_d or pair.lr_d, betas)
    x = data.Minibatches(images, rng=data_rng, low=pair.low)
    if o.rng == "philox":
        dropout, game_rng = Philox(o.seed, 0), Philox(o.seed, 1)
        for layer in D.modules():
            layer.rng = dropout
    game = gan.GAMES[o.game]
    game = gan.one_sided_smoothing(game, o.smoothing) if o.smoothing else game
    game = gan.label_noise(game, o.label_noise, rng=game_rng) if o.label_noise else game
    game = gan.label_flips(game, o.label_flips, rng=game_rng) if o.label_flips else game
    penalty = gan.r1() if o.penalty == "r1" else None
    penalty = gan.wgan_gp(rng=game_rng) if o.game == "wasserstein" else penalty
    players = (game, G, D, x, pair.noise(game_rng), opt_g, opt_d)
    play = gan.play_simultaneously if o.simultaneous else functools.partial(gan.play, k=o.k)
    for _ in itertools.islice(play(*players, m=o.batch, penalty=penalty), rounds):
        ema.update()
    return {"G": G, "D": D, **({"ema": ema.module} if o.ema else {})}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_session_plays_what_its_options_say(name):
    session = played(3, **OPTIONS[name])
    arrays, _ = session.state()
    for part, net in play_parts(3, session.config).items():
        for key, value in net.state_dict().items():
            np.testing.assert_array_equal(arrays[f"{part}/{key}"], value)


def test_no_two_options_play_the_same():
    seen = set()
    for options in OPTIONS.values():
        arrays, _ = played(2, **options).state()
        seen.add(storage.digest(arrays, ""))
    assert len(seen) == len(OPTIONS)


def test_samples_come_from_the_average_in_evaluation_mode():
    session = Session(config(model="dcgan28-slim", batch=4))
    before = session.generate(session.fixed_z)
    session.ema.module.parameters()[-1].data[...] += 1
    assert (session.generate(session.fixed_z) != before).mean() > 0.9
    without = Session(config(model="dcgan28-slim", batch=4, ema=0.0))
    state = {key: value.copy() for key, value in without.G.state_dict().items()}
    all_of_them = without.generate(without.fixed_z)
    np.testing.assert_allclose(without.generate(without.fixed_z[:1]), all_of_them[:1], atol=1e-5)
    for key, value in without.G.state_dict().items():  # running statistics do not change either
        np.testing.assert_array_equal(value, state[key])


@pytest.mark.parametrize(("game", "seen"), [("least-squares", 3.0), ("minimax", 0.9525741)])
def test_readings_are_probabilities_if_the_game_has_them(game, seen):
    session = Session(config(game=game))
    logits = Tensor(np.full((4, 1), 3, np.float32))
    result = gan.Round(Tensor(1.0), Tensor(2.0), logits, logits)
    expected = {"d_loss": 1, "g_loss": 2, "d_real": seen, "d_fake": seen}
    assert session.readings(result) == pytest.approx(expected)


def test_checkpoints_are_written_during_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(training_loop, "SAVE_EVERY", 0)
    play = Session.play_round

    def fail_in_time(session):
        if session.step == 6:
            raise OSError("a power cut")
        return play(session)

    monkeypatch.setattr(Session, "play_round", fail_in_time)
    with pytest.raises(OSError, match="power cut"):
        trained(tmp_path / "run")
    assert saved_step(tmp_path / "run") == 6


def test_the_progress_bar_shows_the_remaining_time(tmp_path, capsys):
    train(config(), tmp_path / "run")
    assert re.search(r"\d\d:\d\d<\d\d:\d\d", capsys.readouterr().err)


def test_samples_that_are_not_finite_end_a_run_and_are_never_drawn(tmp_path, monkeypatch):
    generate = Session.generate
    spoilt = lambda self, z: generate(self, z) * (np.nan if self.step == 3 else 1)  # noqa: E731
    monkeypatch.setattr(Session, "generate", spoilt)
    with pytest.raises(InputError, match=r"diverged by round 3 \(G's samples are not finite\)"):
        trained(tmp_path / "run", steps=5, sample_every=1)
    assert not (tmp_path / "run" / "samples.png").exists()
