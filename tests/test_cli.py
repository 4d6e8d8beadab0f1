"""Every wrong command is one clear line and exit status 2; the right ones do what they say."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tinygan import backend, models, storage
from tinygan.commands.parser import main
from tinygan.environment import blas

QUICK = ["--model", "mlp-small", "--steps", "20", "--quiet"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "run"
    assert main(["train", *QUICK, "--out", str(out)]) == 0
    return out


def test_train_leaves_all_that_it_promises(run):
    assert sorted(os.listdir(run)) == [
        "checkpoint.safetensors",
        "config.json",
        "curves.png",
        "log.csv",
        "progress.gif",
        "samples.png",
        "states.jsonl",
    ]
    assert json.loads((run / "config.json").read_text())["steps"] == 20
    rows = list(csv.DictReader((run / "log.csv").read_text().splitlines()))
    assert [row["step"] for row in rows] == ["10", "20"]
    assert all(0 < float(row["d_real"]) < 1 for row in rows)
    with Image.open(run / "samples.png") as samples:
        assert samples.size == (484, 484) and np.ptp(np.asarray(samples)) > 0
    with Image.open(run / "progress.gif") as progress:
        assert progress.n_frames == 21


def test_train_says_where_things_are_and_what_is_next(tmp_path, capsys):
    assert main(["train", *QUICK, "--out", str(tmp_path / "run")]) == 0
    out = capsys.readouterr().out
    for name in ("samples.png", "progress.gif", "curves.png", "log.csv", "checkpoint.safetensors"):
        assert name in out
    assert f"tinygan sample {tmp_path / 'run'}" in out


@pytest.mark.parametrize(
    ("options", "looks"),
    [([], 0), (["--steps", "50"], 1), (["--steps", "50", "--doctor", "off"], 0)],
)
def test_the_farewell_names_files_that_are_there(tmp_path, capsys, options, looks):
    assert main(["train", *QUICK, *options, "--out", str(tmp_path / "run")]) == 0
    named = re.findall(r"^  (\w+\.\w+) ", capsys.readouterr().out, re.M)
    assert len(named) == 5 + looks and ("health.jsonl" in named) == looks
    assert all((tmp_path / "run" / name).is_file() for name in named)


def test_the_progress_bar_shows_losses_and_outputs(tmp_path, capsys):
    assert main(["train", *QUICK[:-1], "--out", str(tmp_path / "run")]) == 0
    err = capsys.readouterr().err
    for part in ("20/20", "loss D", "loss G", "D(x)", "D(G(z))", "round/s"):
        assert part in err


@pytest.mark.parametrize("extra", [[], ["--interpolate"], ["-n", "5"], ["--seed", "4"]])
def test_sample_writes_a_picture(run, tmp_path, extra, capsys):
    out = tmp_path / "grid.png"
    assert main(["sample", str(run), "-o", str(out), *extra]) == 0
    assert str(out) in capsys.readouterr().out
    with Image.open(out) as picture:
        assert np.ptp(np.asarray(picture)) > 0


def test_samples_are_told_by_their_seed_and_number(run, tmp_path, capsys):
    def draw(*extra):
        out = tmp_path / "grid.png"
        assert main(["sample", str(run), "-o", str(out), *extra]) == 0
        return out.read_bytes()

    assert draw("--seed", "1") == draw("--seed", "1") != draw("--seed", "2")
    assert draw("--interpolate", "--seed", "1") != draw("--interpolate", "--seed", "2")
    capsys.readouterr()
    pictures = set()
    for n in (1, 8, 9, 64):
        pictures.add(draw("-n", str(n)))
        assert f": {n} sample{'s' * (n > 1)} of" in capsys.readouterr().out
    assert len(pictures) == 4


@pytest.mark.parametrize(("n", "drawn"), [(1, 2), (5, 5), (8, 8), (20, 24)])
def test_walks_come_in_whole_rows(run, tmp_path, n, drawn, capsys):
    out = tmp_path / "walk.png"
    assert main(["sample", str(run), "-n", str(n), "--interpolate", "-o", str(out)]) == 0
    assert f"{drawn} samples" in capsys.readouterr().out


def test_info_names_versions_threads_and_what_mends_a_backend(capsys):
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert f"numpy     {np.__version__}" in out and "numpy   works" in out
    assert "thread" in out and blas() in out
    problem = backend.survey()["cupy"]
    assert problem is None or f"cupy    does not work: {problem}" in out


def test_info_says_how_to_install_what_is_missing(capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(backend.arrays, "_by_type", {np.ndarray: backend.numpy})
    assert main(["info"]) == 0
    assert "pip install 'tinygan[cuda13]'" in capsys.readouterr().out


BAD = {
    "unknown model": (
        ["train", "--model", "dcgan2"],
        "--model 'dcgan2' is unknown; expected one of mlp-small",
    ),
    "unknown game": (["train", "--game", "hing"], "did you mean 'hinge'?"),
    "unknown data": (
        ["train", "--data", "digit"],
        "--data 'digit' is unknown; expected one of digits",
    ),
    "unknown penalty": (
        ["train", "--penalty", "gp"],
        "--penalty 'gp' is unknown; expected one of auto, none",
    ),
    "no steps": (["train", "--steps", "0"], "--steps: expected in [1, inf), got 0"),
    "negative seed": (["train", "--seed", "-1"], "--seed: expected in [0, inf), got -1"),
    "rate that is no number": (["train", "--lr-d", "nan"], "--lr-d: expected in [0, inf), got nan"),
    "batch beyond all memory": (
        ["train", "--batch", "9999999999"],
        "--batch: expected in [1, 65536]",
    ),
    "rate without end": (["train", "--lr-g", "inf"], "--lr-g: expected in [0, inf), got inf"),
    "size of no folder": (
        ["train", "--folder-size", "32"],
        "--folder-size: goes with --data folder",
    ),
    "home of nobody": (["train", "--data", "folder:~nobody-of-that-name/x"], "folder that exists"),
    "folder without a name": (["train", "--data", "folder:"], "folder:PATH"),
    "no name for the run": (["train", "--out", ""], "expected a path, got ''"),
    "no name to resume": (["train", "--resume", ""], "expected a path, got ''"),
    "nothing to draw": (["sample", "x", "-n", "0"], "-n: expected 1 to 65536, got 0"),
    "seed of noise": (["sample", "x", "--seed", "-1"], "--seed: expected at least 0, got -1"),
    "decay of one": (["train", "--beta1", "1"], "--beta1: expected in [0, 1), got 1.0"),
    "smoothing over one": (["train", "--smoothing", "2"], "--smoothing: expected in [0, 1], got 2"),
    "k at once": (["train", "--simultaneous", "--k", "2"], "--k: simultaneous steps have k = 1"),
    "images of another size": (["train", "--model", "dcgan32"], "makes images of 32x32"),
    "unknown backend": (["train", "--backend", "torch"], "backend 'torch' is unknown"),
    "no number": (
        ["train", "--steps", "abc"],
        "invalid int value: 'abc'; see tinygan train --help",
    ),
    "no such option": (
        ["train", "--stops", "5"],
        "--stops: no such argument; see tinygan train --h",
    ),
    "part of an option": (["train", "--st", "5"], "--st: no such argument"),
    "one too many": (["info", "x"], "x: no such argument; see tinygan info --help"),
    "no command": ([], "required: COMMAND; see tinygan --help"),
    "no such command": (["trian"], "invalid choice: 'trian'"),
    "an optimizer without betas": (
        ["train", "--optimizer", "sgd", "--beta1", "0.9"],
        "--beta1: goes with optimizers that take betas, and sgd does not",
    ),
    "no such optimizer": (["train", "--optimizer", "lion"], "--optimizer 'lion' is unknown"),
    "labels of a relativistic game": (
        ["train", "--game", "relativistic-average", "--label-noise", "0.1"],
        "--label-noise: goes with games whose losses are means over single logits",
    ),
    "no labels to smooth": (
        ["train", "--game", "wasserstein", "--smoothing", "0.1"],
        "--smoothing: goes with games that have labels",
    ),
    "no picture": (
        ["sample", "x", "-o", "x.jpg"],
        "-o: expected the name of a .png file",
    ),
    "no name": (["sample", "x", "-o", ""], "-o: expected the name of a .png file, got ''"),
    "no folder": (["sample", "x", "-o", "no/x.png"], "-o no/x.png: there is no folder"),
    "a folder": (["bench", "-o", "."], "-o: expected a file to write, got '.'"),
    "neither on nor off": (
        ["train", "--doctor", "of"],
        "--doctor 'of' is unknown; expected one of",
    ),
    "no run to examine": (["doctor", "nowhere"], "nowhere: there is no such run folder"),
    "no run but a file": (["doctor", __file__], "test_cli.py: is no run folder; expected a"),
    "missing run": (["sample", "nowhere"], "nowhere: there is no such run folder"),
    "nothing to resume": (["train", "--resume", "nowhere"], "nowhere: there is no such run folder"),
    "resume with options": (
        ["train", "--resume", "x", "--seed", "1"],
        "--seed: --resume keeps the options of the run",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_wrong_input_is_one_line_and_status_2(tmp_path, monkeypatch, capsys, case):
    monkeypatch.chdir(tmp_path)
    argv, message = BAD[case]
    assert main([*argv, *(["--quiet"] if argv[:1] == ["train"] else [])]) == 2
    out, err = capsys.readouterr()
    assert message in err and err.startswith("tinygan: ") and err.count("\n") == 1 and not out
    assert os.listdir(tmp_path) == []


def test_sample_refuses_what_it_cannot_write_or_draw(run, tmp_path, capsys):
    for argv in (
        ["-n", "0"],
        ["--seed", "-1"],
        ["-o", str(tmp_path / "grid.txt")],
        ["-o", str(tmp_path / "no" / "grid.png")],
    ):
        assert main(["sample", str(run), *argv]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("how", [[], ["--interpolate"]])
@pytest.mark.parametrize("value", [np.nan, 3e38])  # the second overflows on the way
def test_samples_that_are_not_finite_are_refused_in_one_line(run, tmp_path, capsys, how, value):
    arrays, meta = storage.load(run / "checkpoint.safetensors")
    arrays["ema/0.weight"][:] = value
    storage.save(tmp_path / "checkpoint.safetensors", arrays, meta)
    out = tmp_path / "grid.png"
    assert main(["sample", str(tmp_path), "-n", "9", "-o", str(out), *how]) == 2
    err = capsys.readouterr().err
    assert f"{tmp_path}: the generator draws NaN or infinity, in " in err and err.count("\n") == 1
    assert os.listdir(tmp_path) == ["checkpoint.safetensors"]


def test_a_generator_of_pictures_that_nobody_can_show_is_refused(run, tmp_path, capsys):
    arrays, meta = storage.load(run / "checkpoint.safetensors")
    meta["shape"] = [2, 28, 28]
    G = models.build("mlp-small", (2, 28, 28), rng=np.random.default_rng(0)).G
    arrays.update({f"ema/{name}": array for name, array in G.state_dict().items()})
    storage.save(tmp_path / "checkpoint.safetensors", arrays, meta)
    assert main(["sample", str(tmp_path), "-o", str(tmp_path / "grid.png")]) == 2
    assert "images of shape (2, 28, 28), expected one channel or three" in capsys.readouterr().err


def test_a_full_folder_is_not_written_into(run, capsys):
    before = sorted(os.listdir(run))
    assert main(["train", *QUICK, "--out", str(run)]) == 2
    assert "is not an empty folder" in capsys.readouterr().err
    assert sorted(os.listdir(run)) == before


def test_a_damaged_checkpoint_is_named_and_kept(run, tmp_path, capsys):
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-5])
    before = {p.name: p.read_bytes() for p in path.parent.iterdir()}
    for argv in (["train", "--resume", str(path.parent)], ["sample", str(path.parent)]):
        assert main(argv) == 2
        err = capsys.readouterr().err
        assert str(path) in err and "damaged" in err and err.count("\n") == 1
    assert {p.name: p.read_bytes() for p in path.parent.iterdir()} == before


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs a POSIX file system")
def test_a_name_of_two_lines_is_told_in_one(capsys):
    assert main(["doctor", "no\nsuch"]) == 2
    assert capsys.readouterr().err.startswith("tinygan: no\\nsuch: there is no such run folder")


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    result = subprocess.run(
        [sys.executable, "-m", "tinygan", "train", *QUICK, "--out", str(blocked / "run")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 2
    assert "Traceback" not in result.stderr and result.stderr.startswith("tinygan: ")


def test_cupy_where_there_is_none_is_one_line_and_status_2(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.chdir(tmp_path)
    assert main(["train", *QUICK, "--backend", "cupy"]) == 2
    err = capsys.readouterr().err
    assert "CuPy is not installed" in err and "tinygan[cuda13]" in err and err.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_a_reader_that_has_enough_is_no_error(run):
    command = f"{sys.executable} -m tinygan info | head -c 1"
    result = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, timeout=60
    )
    assert result.stdout == "t" and result.stderr == "" and result.returncode == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("stderr", ["2>/dev/full", "2>&-"])
def test_a_run_goes_on_when_nobody_can_see_its_progress(tmp_path, stderr):
    out = tmp_path / "run"
    command = f"{sys.executable} -m tinygan train --model mlp-small --steps 20 --out {out} {stderr}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60)
    assert result.returncode == 0
    assert (out / "curves.png").is_file()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_status_2_without_a_traceback():
    command = f"{sys.executable} -m tinygan info >/dev/full"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert result.returncode == 2 and result.stderr == "tinygan: No space left on device\n"


def test_a_name_that_the_terminal_has_no_letters_for_is_shown_escaped(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "tinygan", "sample", "naïve"],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 2 and "na\\xefve: there is no such run folder" in result.stderr


def test_out_of_memory_names_what_to_ask_less_of(run, monkeypatch, capsys):
    def draw(self, n, seed):
        raise MemoryError

    monkeypatch.setattr("tinygan.training.Sampler.draw", draw)
    assert main(["sample", str(run)]) == 2
    assert "out of memory; ask for fewer samples by -n" in capsys.readouterr().err


IMPORTING = """
import os, signal, sys

class CtrlC:
    def find_spec(name, path=None, target=None):
        if name == "tinygan.training":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, CtrlC)
from tinygan.commands.parser import main
sys.exit(main(["info"]))
"""


def test_ctrl_c_while_the_commands_are_imported_is_one_line():
    result = subprocess.run([sys.executable, "-c", IMPORTING], capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "tinygan: stopped\n")
