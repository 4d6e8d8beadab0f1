"""The commands: a wrong one prints one line and exits with status 2."""

import csv
import json
import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tinygan import backend, models, storage
from tinygan.commands.parser import _parser, main
from tinygan.environment import blas

QUICK = ["--model", "mlp-small", "--steps", "20", "--quiet"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "run"
    assert main(["train", *QUICK, "--out", str(out)]) == 0
    return out


def test_train_writes_all_files_of_a_run(run):
    assert sorted(os.listdir(run)) == [
        "checkpoint.safetensors",
        "config.json",
        "curves.png",
        "data.png",
        "health.jsonl",
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


@pytest.mark.parametrize(
    ("options", "probes"),
    [([], 1), (["--doctor", "off"], 0)],
)
def test_train_prints_its_files_and_the_next_commands(tmp_path, capsys, options, probes):
    assert main(["train", *QUICK, *options, "--out", str(tmp_path / "run")]) == 0
    out = capsys.readouterr().out
    named = re.findall(r"^  (\w+\.\w+) ", out, re.M)
    assert len(named) == 8 + probes and ("health.jsonl" in named) == probes
    assert all((tmp_path / "run" / name).is_file() for name in named)
    assert f"tinygan sample {tmp_path / 'run'}" in out


def test_the_progress_bar_shows_losses_and_outputs(tmp_path, capsys):
    assert main(["train", *QUICK[:-1], "--out", str(tmp_path / "run")]) == 0
    err = capsys.readouterr().err
    for part in ("20/20", "loss D", "loss G", "D(x)", "D(G(z))", "round/s"):
        assert part in err


@pytest.fixture
def draw(run, tmp_path, capsys):
    """Draw samples with some options; return the bytes of the picture and the printed number."""

    def sample(options=""):
        out = tmp_path / "grid.png"
        assert main(["sample", str(run), "-o", str(out), *options.split()]) == 0
        with Image.open(out) as picture:
            assert np.ptp(np.asarray(picture)) > 0
        (printed,) = re.findall(rf"{out}: (.*) of {run}", capsys.readouterr().out)
        return out.read_bytes(), printed

    return sample


def test_samples_depend_on_their_seed_and_number(draw):
    assert draw("--seed 1") == draw("--seed 1") != draw("--seed 2")
    assert draw("--interpolate --seed 1") != draw("--interpolate --seed 2")
    pictures, printed = zip(*(draw(f"-n {n}") for n in (1, 8, 9, 64)), strict=True)
    assert printed == ("1 sample", "8 samples", "9 samples", "64 samples")
    assert len(set(pictures)) == 4 and pictures[3] == draw()[0]


@pytest.mark.parametrize(("n", "drawn"), [(1, 2), (5, 5), (8, 8), (20, 24)])
def test_interpolations_fill_whole_rows(draw, n, drawn):
    assert draw(f"-n {n} --interpolate")[1].startswith(f"{drawn} samples, ")


def test_info_prints_versions_threads_and_how_to_get_a_backend(capsys):
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert f"numpy     {np.__version__}" in out and "numpy   works" in out
    assert "thread" in out and blas() in out
    problem = backend.survey()["cupy"]
    assert problem is None or f"cupy    does not work: {problem}" in out


@pytest.fixture
def no_cupy(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(backend.arrays, "_by_type", {np.ndarray: backend.numpy})


def test_without_cupy_the_command_that_installs_it_is_printed(
    no_cupy, tmp_path, monkeypatch, capsys
):
    assert main(["info"]) == 0
    assert "pip install 'tinygan[cuda13]'" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path)
    assert main(["train", *QUICK, "--backend", "cupy"]) == 2
    err = capsys.readouterr().err
    assert "CuPy is not installed" in err and "tinygan[cuda13]" in err and err.count("\n") == 1
    assert os.listdir(tmp_path) == []


BAD = [
    ("train --model dcgan2", "--model 'dcgan2' is unknown; expected one of auto, mlp-small"),
    ("train --game hing", "did you mean 'hinge'?"),
    ("train --data digit", "--data 'digit' is unknown; expected one of digits"),
    ("train --penalty gp", "--penalty 'gp' is unknown; expected one of auto, none"),
    ("train --optimizer nothing", "--optimizer 'nothing' is unknown"),
    ("train --doctor of", "--doctor 'of' is unknown; expected one of"),
    ("train --backend torch", "backend 'torch' is unknown"),
    ("train --lr-d nan", "--lr-d: expected a finite number of at least 0, got nan"),
    ("train --beta1 1", "--beta1: expected in [0, 1), got 1.0"),
    ("train --smoothing 2", "--smoothing: expected in [0, 1], got 2"),
    ("train --size 64", "--size: works only with --data folder"),
    ("train --simultaneous --k 2", "--k: expected 1 with --simultaneous"),
    (
        "train --optimizer sgd --beta1 0.9",
        "--beta1: works only with optimizers that take betas, and sgd",
    ),
    (
        "train --game relativistic-average --label-noise 0.1",
        "--label-noise: works only with games whose losses are means over single logits",
    ),
    (
        "train --game wasserstein --smoothing 0.1",
        "--smoothing: works only with games that have labels",
    ),
    ("train --model dcgan32", "makes images of 32x32"),
    ("train --data folder:~nobody-of-that-name/x", "folder that exists"),
    ("train --data folder:", "folder:PATH"),
    ("train --out ''", "expected a path, got ''"),
    (f"train --model mlp-small --out {__file__}/run", "test_cli.py/run: Not a directory"),
    ("train --resume ''", "expected a path, got ''"),
    ("train --resume nowhere", "nowhere: there is no such run folder"),
    ("train --resume x --seed 1", "--seed: --resume keeps the options of the run"),
    ("train --resume x --out y", "--out: --resume keeps the options of the run"),
    (
        "train --steps abc",
        "--steps: expected a whole number from 1 to 9007199254740992, got 'abc'",
    ),
    ("train --stops 5", "--stops: no such argument; see tinygan train --help"),
    ("train --st 5", "--st: no such argument"),  # an abbreviated option
    ("info x", "x: no such argument; see tinygan info --help"),
    ("--stops", "--stops: no such argument; see tinygan --help"),
    ("trian", "command 'trian' is unknown; expected one of train, lab, "),
    ("trian", "; did you mean 'train'?"),
    ("sample nowhere", "nowhere: there is no such run folder"),
    ("sample x -n 0", "-n: expected a whole number from 1 to 65536, got '0'; see"),
    ("sample x --seed -1", "--seed: expected a whole number from 0 to 9007199254740992, got '-1'"),
    ("sample x -o x.jpg", "-o: expected the name of a .png file"),
    ("sample x -o ''", "-o: expected the name of a .png file, got ''"),
    ("sample x -o no/x.png", "-o no/x.png: there is no folder"),
    ("bench -o .", "-o: expected a file to write, got '.'"),
    ("doctor nowhere", "nowhere: there is no such run folder"),
    ("doctor 'no\nsuch'", "tinygan: no\\nsuch: there is no such run folder"),
    (f"doctor {__file__}", "test_cli.py: is not a run folder; expected a"),
]


@pytest.mark.parametrize(("command", "message"), BAD, ids=[command for command, _ in BAD])
def test_wrong_input_is_one_line_and_status_2(tmp_path, monkeypatch, capsys, command, message):
    monkeypatch.chdir(tmp_path)
    argv = shlex.split(command)
    assert main([*argv, *(["--quiet"] if argv[:1] == ["train"] else [])]) == 2
    out, err = capsys.readouterr()
    assert message in err and err.startswith("tinygan: ") and err.count("\n") == 1 and not out
    assert os.listdir(tmp_path) == []


def whole_numbers():
    """Each option of each command that takes a whole number."""
    (parsers,) = (each for each in _parser()._actions if isinstance(each.choices, dict))
    for command, parser in parsers.choices.items():
        for action in parser._actions:
            if action.metavar == "N":
                yield command, action.option_strings[0]


@pytest.mark.parametrize(("command", "option"), list(whole_numbers()))
def test_no_whole_number_is_without_a_limit(tmp_path, monkeypatch, capsys, command, option):
    monkeypatch.chdir(tmp_path)
    named = {"sample", "evaluate", "compare", "reproduce"}.intersection([command]) and ["x"]
    assert main([command, *named, option, "9" * 400]) == 2
    err = capsys.readouterr().err
    assert f"{option}: expected" in err and err.count("\n") == 1 and "9" * 50 not in err
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("how", [[], ["--interpolate"]])
@pytest.mark.parametrize("value", [np.nan, 3e38])  # the second overflows in a layer
def test_samples_that_are_not_finite_are_refused_in_one_line(run, tmp_path, capsys, how, value):
    arrays, meta = storage.load(run / "checkpoint.safetensors")
    arrays["ema/0.weight"][:] = value
    storage.save(tmp_path / "checkpoint.safetensors", arrays, meta)
    out = tmp_path / "grid.png"
    assert main(["sample", str(tmp_path), "-n", "9", "-o", str(out), *how]) == 2
    err = capsys.readouterr().err
    assert f"{tmp_path}: the generator makes NaN or infinity, in " in err and err.count("\n") == 1
    assert os.listdir(tmp_path) == ["checkpoint.safetensors"]


def test_a_generator_of_two_channels_is_refused(run, tmp_path, capsys):
    arrays, meta = storage.load(run / "checkpoint.safetensors")
    meta["shape"] = [2, 28, 28]
    G = models.build("mlp-small", (2, 28, 28), rng=np.random.default_rng(0)).G
    arrays.update({f"ema/{name}": array for name, array in G.state_dict().items()})
    storage.save(tmp_path / "checkpoint.safetensors", arrays, meta)
    assert main(["sample", str(tmp_path), "-o", str(tmp_path / "grid.png")]) == 2
    assert "shape: expected one channel or three, and a height" in capsys.readouterr().err


def test_a_folder_that_is_not_empty_is_refused(run, capsys):
    before = sorted(os.listdir(run))
    assert main(["train", *QUICK, "--out", str(run)]) == 2
    assert "is not an empty folder" in capsys.readouterr().err
    assert sorted(os.listdir(run)) == before


def shell(command, **environment):
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m tinygan {command}"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")


@needs_full
@pytest.mark.parametrize("stderr", ["2>/dev/full", "2>&-"])
def test_a_run_continues_if_its_progress_cannot_be_printed(tmp_path, stderr):
    out = tmp_path / "run"
    assert shell(f"train --model mlp-small --steps 20 --out {out} {stderr}").returncode == 0
    assert (out / "curves.png").is_file()


@pytest.mark.parametrize(
    ("command", "environment", "expected"),
    [
        ("info | head -c 1", {}, (0, "t", "")),
        (
            "sample naïve 2>&1 | head -c 46",  # in an encoding without the letter
            {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
            (2, "tinygan: na\\xefve: there is no such run folder", ""),
        ),
    ],
)
def test_output_that_cannot_be_written_gives_no_traceback(command, environment, expected):
    result = shell(command, **environment)
    assert (result.returncode, result.stdout, result.stderr) == expected


def test_out_of_memory_names_the_option_to_lower(run, monkeypatch, capsys):
    def draw(self, n, seed):
        raise MemoryError

    monkeypatch.setattr("tinygan.training.Sampler.draw", draw)
    assert main(["sample", str(run)]) == 2
    assert "out of memory; use fewer samples by -n" in capsys.readouterr().err


IMPORTING = """
import os, signal, sys

class CtrlC:
    def find_spec(name, path=None, target=None):
        if name == "tinygan.training":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, CtrlC)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
from tinygan.commands.parser import main
sys.exit(main(["info"]))
"""


def test_ctrl_c_while_the_commands_are_imported_is_one_line():
    result = subprocess.run([sys.executable, "-c", IMPORTING], capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "tinygan: stopped\n")
