"""The same config gives the same run, bit for bit: undisturbed, looked at, stopped, killed."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tinygan import InputError, checkpoint
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


def test_a_finished_run_says_so(tmp_path):
    folder = train(config(steps=2), tmp_path / "run", progress=False)
    with pytest.raises(InputError, match="2 rounds are played, 2 were asked for"):
        resume(folder.path)


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    folder = train(config(steps=2), tmp_path / "run", progress=False)
    arrays, meta = checkpoint.load(folder.checkpoint)
    meta["config"]["model"] = "mlp-mid"
    checkpoint.save(folder.checkpoint, arrays, meta)
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
