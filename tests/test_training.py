"""The same config gives the same run, bit for bit: undisturbed, looked at, stopped, killed."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tinygan import InputError, checkpoint
from tinygan.nn import BatchNorm2d
from tinygan.training import Config, RunFolder, Sampler, Session, resume, train
from tinygan.training import loop as training_loop

VARIANTS = {
    "non-saturating": {},
    "maxout and dropout": {"model": "mlp-2014"},
    "convolutions and BatchNorm": {"model": "dcgan28-slim", "batch": 8},
    "gradient penalty": {"game": "wasserstein", "penalty": "wgan-gp", "k": 2},
    "label noise and flips": {"label_noise": 0.3, "label_flips": 0.1, "smoothing": 0.1},
    "simultaneous, no average": {"simultaneous": True, "ema": 0.0, "penalty": "r1"},
}


def config(**options):
    return Config(**{"model": "mlp-small", "batch": 16, "steps": 12, "sample_every": 4, **options})


def contents(folder):
    return {p.name: p.read_bytes() for p in sorted(folder.path.iterdir())}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_run_that_stopped_and_went_on_equals_one_that_did_not(tmp_path, variant):
    options = VARIANTS[variant]
    straight = train(config(**options), tmp_path / "straight", progress=False)
    train(config(**options, steps=5), tmp_path / "stopped", progress=False)
    stopped = resume(tmp_path / "stopped", steps=12, progress=False)
    assert contents(stopped) == {
        **contents(straight),
        # the shorter run logged its last round, which is no tenth one
        "log.csv": contents(stopped)["log.csv"],
        "curves.png": contents(stopped)["curves.png"],
    }
    rows = stopped.log.read_text().splitlines()
    assert [row for row in rows if not row.startswith("5,")] == straight.log.read_text().split()


def test_another_seed_gives_another_run(tmp_path):
    one, two = (Session(config(seed=seed)) for seed in (1, 2))
    for session in (one, two):
        session.play_round()
    assert any((a != two.state()[0][k]).any() for k, a in one.state()[0].items() if a.ndim)


def test_looking_does_not_change_what_is_learned():
    quiet, watched = Session(config(model="mlp-2014")), Session(config(model="mlp-2014"))
    for _ in range(3):
        result = watched.play_round()
        watched.readings(result)
        watched.generate(watched.fixed_z)
        quiet.play_round()
    (arrays, meta), (seen, seen_meta) = quiet.state(), watched.state()
    assert meta == seen_meta
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, seen[name])


def test_both_players_learn_and_the_average_follows():
    session = Session(config())
    before, _ = session.state()
    session.play_round()
    after, _ = session.state()
    for part in ("G", "D", "ema"):
        assert all((before[k] != after[k]).any() for k in before if k.startswith(f"{part}/"))


COMMAND = [sys.executable, "-m", "tinygan", "train", "--model", "mlp-small", "--steps", "400"]


def start(out):
    process = subprocess.Popen(
        [*COMMAND, "--out", str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    log = out / "log.csv"
    while process.poll() is None and not (log.is_file() and len(log.read_text()) > 300):
        time.sleep(0.01)
    return process


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "undisturbed"
    return train(Config(model="mlp-small", steps=400), out, progress=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_saves_and_the_run_goes_on_as_if_nothing_happened(tmp_path, undisturbed, number):
    process = start(tmp_path / "run")
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"tinygan train --resume {tmp_path / 'run'}" in err and "Traceback" not in err
    reached = checkpoint.load(tmp_path / "run" / "checkpoint.safetensors")[1]["step"]
    assert 0 < reached < 400
    assert contents(resume(tmp_path / "run", progress=False)) == contents(undisturbed)


def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path, undisturbed):
    process = start(tmp_path / "run")
    process.kill()
    process.communicate(timeout=60)
    log = tmp_path / "run" / "log.csv"
    log.write_text(log.read_text() + "399,0.1")  # a row cut in the middle
    assert contents(resume(tmp_path / "run", progress=False)) == contents(undisturbed)


def test_divergence_stops_the_run_and_keeps_the_checkpoint(tmp_path, monkeypatch):
    readings = {"d_loss": float("nan"), "g_loss": 1.0, "d_real": 0.5, "d_fake": 0.5}
    monkeypatch.setattr(Session, "readings", lambda self, result: readings)
    with pytest.raises(InputError, match=r"diverged by step 10 .*d_loss = nan"):
        train(config(), tmp_path / "run", progress=False)
    assert checkpoint.load(tmp_path / "run" / "checkpoint.safetensors")[1]["step"] == 0


def test_a_full_disk_keeps_the_last_checkpoint(tmp_path, monkeypatch):
    folder = train(config(steps=5), tmp_path / "run", progress=False)
    before = contents(folder)

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        resume(folder.path, steps=10, progress=False)
    assert contents(folder) == before


def test_a_diverged_network_never_replaces_the_last_good_checkpoint(tmp_path, monkeypatch, recwarn):
    play = Session.play_round

    def diverge(self):
        result = play(self)
        self.G.parameters()[0].data[:] = np.nan  # and no reading before the end
        return result

    monkeypatch.setattr(Session, "play_round", diverge)
    with pytest.raises(InputError, match=r"diverged by step 5 \(.* is not finite\)|= nan"):
        train(config(steps=5), tmp_path / "run", progress=False)
    assert checkpoint.load(tmp_path / "run" / "checkpoint.safetensors")[1]["step"] == 0
    assert not recwarn.list


def test_an_overflow_is_one_error_without_warnings(tmp_path, recwarn):
    with pytest.raises(InputError, match="diverged by step 10"):
        train(config(lr_d=1e30, lr_g=1e30), tmp_path / "run", progress=False)
    assert not recwarn.list


def test_a_finished_run_is_not_played_on_and_its_pictures_are_drawn_anew(tmp_path):
    folder = train(config(steps=2), tmp_path / "run", progress=False)
    before = contents(folder)
    with pytest.raises(InputError, match=r"--steps 2: .* has played 2 rounds already"):
        resume(folder.path, steps=2)
    for picture in (folder.samples, folder.progress, folder.curves):
        picture.unlink()
    assert contents(resume(folder.checkpoint, progress=False)) == before  # the file names its run


def test_the_animation_rests_on_what_the_last_generator_draws(tmp_path):
    folder = train(config(steps=6, sample_every=4), tmp_path / "run", progress=False)
    with Image.open(folder.progress) as animation, Image.open(folder.samples) as samples:
        assert animation.n_frames == 3  # rounds 0, 4 and 6
        animation.seek(2)
        last, drawn = (np.asarray(p.convert("L"), float) for p in (animation, samples))
    shown = last[:: last.shape[0] // 242, :: last.shape[0] // 242]
    drawn = drawn[:: drawn.shape[0] // 242, :: drawn.shape[0] // 242]
    assert np.abs(shown - drawn).max() <= 16  # sixteen levels


def damaged_logs():
    head = "step,d_loss,g_loss,d_real,d_fake\n"
    return {
        "another head": b"step,loss\n1,2\n",
        "a step that is no integer": (head + "2.0,1,1,1,1\n").encode(),
        "no number": (head + "2,1,1,one,1\n").encode(),
        "a short row": (head + "2,1,1\n").encode(),
        "a long row": (head + "2,1,1,1,1,1\n").encode(),
        "an empty row": (head + "\n2,1,1,1,1\n").encode(),
        "no text": b"\xff\xfe\n",
    }


@pytest.mark.parametrize("case", damaged_logs())
def test_a_damaged_log_is_refused_before_a_round_is_played(tmp_path, case):
    folder = train(config(steps=2), tmp_path / "run", progress=False)
    folder.log.write_bytes(damaged_logs()[case])
    before = contents(folder)
    with pytest.raises(InputError, match=r"log\.csv: damaged at"):
        resume(folder.path, steps=4, progress=False)
    assert contents(folder) == before


@pytest.mark.parametrize("text", ['{"model": "mlp-mid"}', "[1]", "{", b"\xff"])
def test_a_config_that_was_edited_is_refused(tmp_path, text):
    folder = train(config(steps=2), tmp_path / "run", progress=False)
    folder.config.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=r"config\.json: (differs from|is no JSON)"):
        resume(folder.path, steps=4, progress=False)
    folder.config.unlink()
    assert resume(folder.path, steps=4, progress=False).config.is_file()


def test_a_run_is_not_resumed_on_other_images(tmp_path, monkeypatch):
    def paint(level):
        for i in range(3):
            Image.new("L", (28, 28), level + i).save(tmp_path / "images" / f"{i}.png")

    (tmp_path / "images").mkdir()
    paint(100)
    monkeypatch.chdir(tmp_path)
    folder = train(config(data="folder:images", steps=2), "run", progress=False)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # the folder's path is kept whole
    folder = resume(tmp_path / "run", steps=3, progress=False)
    paint(50)
    with pytest.raises(InputError, match="are not those that the run was trained on"):
        resume(folder.path, steps=4, progress=False)


def test_a_start_that_fails_leaves_a_folder_that_can_be_used_again(tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left") as caught:
            train(config(steps=2), tmp_path / "run", progress=False)
    assert caught.value.filename == str(tmp_path / "run" / "checkpoint.safetensors")
    assert os.listdir(tmp_path / "run") == []
    train(config(steps=2), tmp_path / "run", progress=False)


def test_two_processes_do_not_train_in_one_folder(tmp_path):
    pytest.importorskip("fcntl")
    folder = train(config(steps=2), tmp_path / "run", progress=False)
    with folder.locked(), pytest.raises(InputError, match="another process is training there"):
        resume(folder.path, steps=4, progress=False)
    resume(folder.path, steps=4, progress=False)


def test_a_penalty_has_a_discriminator_without_batchnorm():
    for options, penalty in (
        ({"game": "wasserstein"}, "wgan-gp"),
        ({"game": "wasserstein", "penalty": "none"}, "none"),
        ({"penalty": "r1"}, "r1"),
        ({}, "none"),
    ):
        session = Session(config(model="dcgan28-slim", **options))
        assert session.config.penalty_used == penalty
        mixes = any(isinstance(layer, BatchNorm2d) for layer in session.D.modules())
        assert mixes == (penalty == "none")


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    folder = train(config(steps=2), tmp_path / "run", progress=False)
    arrays, meta = checkpoint.load(folder.checkpoint)
    meta["config"]["model"] = "mlp-mid"
    checkpoint.save(folder.checkpoint, arrays, meta)
    folder.config.unlink()
    with pytest.raises(InputError, match="does not fit model 'mlp-mid'"):
        resume(folder.path, steps=4)
    with pytest.raises(InputError, match="holds no generator"):
        Sampler(folder.path)


def test_samples_come_from_the_checkpoint_alone_and_depend_on_the_seed(tmp_path, monkeypatch):
    folder = train(config(steps=2), tmp_path / "run", progress=False)
    monkeypatch.setattr(training_loop, "Session", None)  # nothing of the data is touched
    sampler = Sampler(folder.path)
    images = sampler.draw(5, seed=3)
    assert images.shape == (5, 1, 28, 28)
    np.testing.assert_array_equal(images, Sampler(folder.checkpoint).draw(5, seed=3))
    np.testing.assert_allclose(images, sampler.draw(5, seed=3, batch=2), atol=1e-6)
    assert (images != sampler.draw(5, seed=4)).any()
    walk = sampler.walk(2, 7, seed=3)
    assert walk.shape == (14, 1, 28, 28)
    np.testing.assert_allclose(walk[[0, 6, 7, 13]], sampler.draw(4, seed=3), atol=1e-5)


def test_numbered_folders_never_collide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = [RunFolder.new(config(), None).path.name for _ in range(3)]
    assert made == [f"00{i}-mlp-small-non-saturating" for i in (1, 2, 3)]
