"""The output of commands: one line for an error, with no letter that changes a terminal, and an
exit status that tells of an output that could not be written."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tinygan import errors, parallel
from tinygan.commands import shared
from tinygan.commands.parser import main
from tinygan.data import image_folder
from tinygan.training import Sampler, Session

STRANGE = "a\x1b[2J\r\u2028\u202e\x7f\x9b\nb"
SHOWN = r"a\x1b[2J\r\u2028\u202e\x7f\x9b\nb"


def test_letters_that_are_not_printable_are_escaped():
    assert errors.escaped(STRANGE) == SHOWN
    assert errors.escaped("naïve 木 \\ '\"") == "naïve 木 \\ '\""
    assert errors.escaped("\udc80") == r"\udc80"


@pytest.mark.parametrize(
    "argv",
    [
        *(["doctor", STRANGE], ["sample", STRANGE], ["train", "--resume", STRANGE]),
        *(["train", "--data", f"folder:{STRANGE}"], [STRANGE], ["info", STRANGE]),
        ["sample", "x", "-o", f"{STRANGE}/x.png"],
    ],
    ids=lambda argv: argv[0] if argv[0] != STRANGE else "no command",
)
def test_an_error_line_has_no_letter_that_changes_the_terminal(argv, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert not out and err.endswith("\n") and err[:-1].isprintable()
    assert r"\x1b[2J" in err


def test_the_output_has_no_such_letter_either(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    name = STRANGE.replace("/", "")
    train = ["train", "--model", "mlp-small", "--steps", "2", "--quiet", "--out", name]
    assert main(train) == 0
    assert main(["sample", name, "-n", "1", "-o", f"{name}.png"]) == 0
    assert main(["verify", name]) == 0 and main(["doctor", name]) == 0
    out, err = capsys.readouterr()
    assert all(line.isprintable() for line in out.split("\n")) and not err
    assert r"\x1b[2J" in out


FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")


@FULL
@pytest.mark.parametrize("command", ["info", "--help", "train --help", "--version", "reproduce"])
def test_a_full_standard_output_is_named(command):
    with open("/dev/full", "w") as full:
        argv = [sys.executable, "-m", "tinygan", *command.split()]
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, text=True)
    message = "tinygan: standard output: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, message)


def test_help_goes_to_standard_output(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["sample", "--help"])
    out, err = capsys.readouterr()
    assert not ended.value.code and out.startswith("usage: tinygan sample") and not err


def test_no_command_prints_around_say():
    """Its errors would have no name."""
    found = [
        f"{path.name}: {line.strip()}"
        for path in Path(shared.__file__).parent.glob("*.py")
        for line in path.read_text().splitlines()
        if path.name != "shared.py" and " print(" in line and "file=sys.stderr" not in line
    ]
    assert found == []


@pytest.mark.parametrize(
    "variable", ["PMI_SIZE=2", "OMPI_COMM_WORLD_SIZE=2", "PMIX_RANK=1", "PMI_RANK=1"]
)
@pytest.mark.parametrize("command", ["sample x", "evaluate x", "doctor x", "info", "bench"])
def test_a_command_for_one_process_refuses_several(command, variable, monkeypatch, capsys):
    monkeypatch.setenv(*variable.split("="))
    monkeypatch.setitem(sys.modules, "mpi4py", None)  # without MPI
    monkeypatch.setattr("tinygan.parallel.last_words", lambda status, message: message)
    assert main(command.split()) == 2
    out, err = capsys.readouterr()
    name = command.split()[0]
    assert not out and err.startswith(f"tinygan: {name}: expected one process, but mpiexec")
    assert "started 2; only train and verify" in err and err.count("\n") == 1


def test_a_launcher_that_says_only_the_rank_leaves_the_number_to_mpi(monkeypatch, capsys):
    monkeypatch.setenv("PMIX_RANK", "0")
    for size in (1, 3):
        comm = SimpleNamespace(size=size)
        monkeypatch.setattr(parallel, "join", lambda comm=comm: comm)
        assert main(["sample", "nowhere"]) == 2
        message = "expected one process, but mpiexec started 3" if size > 1 else "there is no such"
        assert message in capsys.readouterr().err


def out_of_memory(*args, **options):
    raise MemoryError


@pytest.fixture
def images(tmp_path):
    from PIL import Image

    (tmp_path / "images").mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "images" / "a.png")
    return f"folder:{tmp_path / 'images'}"


def test_out_of_memory_for_the_images_names_their_size(images, monkeypatch, capsys):
    monkeypatch.setattr(image_folder.np, "empty", out_of_memory)
    assert main(["train", "--data", images, "--size", "1024"]) == 2
    err = capsys.readouterr().err
    assert "--size 1024: 1 images take 0.0 GiB" in err and "--batch" not in err


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ([], "a smaller --batch\n"),
        (["--size", "28"], "a smaller --batch or --size\n"),
    ],
)
def test_out_of_memory_names_the_options_that_take_it(
    images, monkeypatch, capsys, tmp_path, options, remedy
):
    monkeypatch.setattr(Session, "play_round", out_of_memory)
    data = ["--data", images] if options else []
    argv = ["train", "--model", "mlp-small", "--quiet", "--out", str(tmp_path / "run")]
    assert main([*argv, *data, *options]) == 2
    assert capsys.readouterr().err == f"tinygan: out of memory; use {remedy}"
    assert main(["train", "--resume", str(tmp_path / "run"), "--quiet"]) == 2
    assert capsys.readouterr().err == "tinygan: out of memory\n"  # a resumed run keeps its options


def test_out_of_memory_of_a_sample_still_names_its_option(tmp_path, monkeypatch, capsys):
    run = str(tmp_path / "run")
    assert main(["train", "--model", "mlp-small", "--steps", "1", "--quiet", "--out", run]) == 0
    monkeypatch.setattr(Sampler, "draw", out_of_memory)
    capsys.readouterr()
    assert main(["sample", run, "-o", str(tmp_path / "x.png")]) == 2
    assert "use fewer samples by -n" in capsys.readouterr().err
