"""The command line for a newcomer: `tinygan` alone, shell completion, colors, and no network."""

import os
import re
import subprocess
import sys
import time

import pytest

from tinygan.commands import parser
from tinygan.commands.parser import main
from tinygan.data import DATASETS, fetch
from tinygan.experiments.reproduce import EXPERIMENTS

NAMES = [module.__name__.split(".")[2] for module in parser.commands()]


def printed(capsys, *argv):
    with pytest.raises(SystemExit) as ended:
        main(list(argv))
    assert not ended.value.code
    return " ".join(capsys.readouterr().out.split())


def test_tinygan_alone_prints_the_commands_to_begin_with(capsys):
    assert main([]) == 0
    out, err = capsys.readouterr()
    begin = re.findall(r"^  tinygan (\w+)", out, re.M)
    assert begin == ["train", "lab", "evaluate"] and set(begin) <= set(NAMES) and not err


# Shell completion.

TRY = """
source completion.bash
complete() {
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _shtab_tinygan; echo "${COMPREPLY[*]}"
}
"""
COMPLETED = {
    "tinygan rep": "reproduce",
    "tinygan train --ga": "--game",
    "tinygan train --game least": "least-squares",
    "tinygan train --data mn": "mnist",
    "tinygan train --backend n": "numpy",
    "tinygan train --doctor of": "off",
    "tinygan train --resume a-r": "a-run",
    "tinygan sample a-r": "a-run",
    "tinygan sample a-run -o pic": "picture.png",
    "tinygan evaluate a-run --against te": "test",
    "tinygan reproduce va": "vae",
    "tinygan bench mlp-s": "mlp-small",
    "tinygan bench mlp-small --against torch-e": "torch-eager",
}


@pytest.fixture
def shtab():
    return pytest.importorskip("shtab")


def test_bash_completes_commands_options_names_and_files(shtab, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--completion", "bash"])
    (tmp_path / "completion.bash").write_text(capsys.readouterr().out)
    (tmp_path / "a-run").mkdir()
    (tmp_path / "picture.png").touch()
    code = TRY + "\n".join(f"complete {words}" for words in COMPLETED)
    done = subprocess.run(["bash", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.splitlines() == list(COMPLETED.values()) and not done.stderr


def test_each_shell_has_its_script_and_another_is_refused(shtab, capsys):
    for shell in shtab.SUPPORTED_SHELLS:
        assert "tinygan" in printed(capsys, "--completion", shell)
    assert main(["--completion", "bas"]) == 2
    assert "--completion 'bas' is unknown; expected one of bash" in capsys.readouterr().err


def test_without_shtab_the_command_that_installs_it_is_printed(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["--completion", "bash"]) == 2
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1 and "pip install 'tinygan[completion]'" in err
    assert "pip install 'tinygan[completion]'" in printed(capsys, "--help")


# Colors.


TRAIN = "train --model mlp-small --ranks 1 --steps"


@pytest.mark.parametrize("words", ["", "train --help", "nonsense", f"{TRAIN} 2"])
def test_a_terminal_gets_no_colors_and_no_escaped_ones(words, tmp_path):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    colored = {"TERM": "xterm-256color", "FORCE_COLOR": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tinygan", *words.split()],
        **{"stdin": theirs, "stdout": theirs, "stderr": theirs, "cwd": tmp_path},
        env={**kept, **colored},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # Linux: the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert process.wait() in (0, 2) and shown
    assert b"\x1b[" not in shown and b"x1b" not in shown


# Without a network.


def test_each_help_says_whether_a_network_is_needed(capsys):
    sizes = {name: f"{name} ({e.megabytes} MB)" for name, e in DATASETS.items() if e.megabytes}
    assert sizes.keys() == {"mnist", "fashion-mnist", "cifar10"}
    for command in NAMES:
        text = printed(capsys, command, "--help")
        assert "network" in text
        if command in ("train", "verify", "doctor", "evaluate"):
            assert all(size in text for size in sizes.values())
    assert all(size in printed(capsys, "--help") for size in sizes.values())


def test_the_list_says_which_experiments_need_a_download(capsys):
    assert main(["reproduce", "--list"]) == 0
    found = re.findall(r"^(\S+)\n(?:  .*\n)*?  data +(.*)$", capsys.readouterr().out, re.M)
    assert [name for name, _ in found] == list(EXPERIMENTS)
    for name, data in found:
        assert ("needs no network" in data) == (name in ("theory", "mixtures"))
        assert ("mnist, downloaded once (12 MB)" in data) == (name not in ("theory", "mixtures"))


@pytest.fixture
def no_network(tmp_path, monkeypatch):
    """Refuse every connection; return the list of those that were tried."""
    pooch = pytest.importorskip("pooch")
    tried = []

    def refuse(host, *address, **options):
        tried.append(host)
        raise OSError(f"no route to {host}")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.delenv("TINYGAN_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    return tried


@pytest.mark.parametrize(
    "command",
    [
        *(f"train --data {name}" for name, entry in DATASETS.items() if entry.megabytes),
        *(f"reproduce {name}" for name, experiment in EXPERIMENTS.items() if experiment.data),
    ],
)
def test_a_failed_download_is_one_line_with_a_remedy_at_once(command, no_network, capsys):
    started = time.monotonic()
    assert main(command.split()) == 2
    out, err = capsys.readouterr()
    assert no_network and not out and err.count("\n") == 1 and err.startswith("tinygan: ")
    assert "Without a network, put " in err and "$TINYGAN_DATA/" in err
    assert time.monotonic() - started < 10 and len(no_network) <= 2 and os.listdir() == []


def test_a_download_does_not_wait_long_for_a_connection(tmp_path, monkeypatch):
    requests, given = pytest.importorskip("requests"), []
    monkeypatch.setattr(requests, "get", lambda url, **o: given.append(o["timeout"]) or 1 / 0)
    file = fetch.File(("x",), ("https://nowhere.invalid/",), "0" * 64)
    assert "division by zero" in fetch._retrieve("https://nowhere.invalid/x", file, tmp_path)
    assert given == [(5, 30)]


def test_what_the_help_calls_offline_tries_no_connection(no_network, capsys):
    for command in (
        f"{TRAIN} 2 --quiet --out run",
        "sample run",
        "doctor run",
        "verify run",
        "info",
        "check",
    ):
        assert main(command.split()) == 0
    assert main(["lab", "--rounds", "1"]) == 0 and main(["reproduce", "--list"]) == 0
    assert main(["train", "--resume", "run", "--steps", "3", "--quiet"]) == 0 and not no_network


# Imports.

BLOCKED = """
import sys

allowed = {*sys.stdlib_module_names, "numpy", "tinygan"}

class Block:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] not in allowed and "tinygan" not in name:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)

sys.meta_path.insert(0, Block)
for name in [name for name in sys.modules if name.partition(".")[0] not in allowed]:
    if "tinygan" not in name:
        del sys.modules[name]
"""
USED = """
import numpy as np
import tinygan
from tinygan import data, gan, losses, metrics, models, nn, ops, optim, play
from tinygan.gan import variants
from tinygan.metrics import distances, frechet, modes, precision_recall

rng = np.random.default_rng(0)
pair = models.build("mlp-small", (1, 28, 28), rng=rng)
images = data.Minibatches(data.load("digits").images, rng=rng)
for _, (d_loss, g_loss, *_) in zip(range(2), play(gan.hinge, *pair.players(images, rng))):
    pass
assert np.isfinite(d_loss.item()) and all(map(gan.GAMES.get, gan.GAMES))
frechet.frechet_distance(rng.normal(size=(64, 4)), rng.normal(size=(64, 4)))
"""
HELP = """
from tinygan.commands.parser import main
try:
    main(["--help"])
except SystemExit:
    pass
"""


@pytest.mark.parametrize("code", [USED, HELP], ids=["the library", "tinygan --help"])
def test_numpy_alone_is_needed(code):
    done = subprocess.run([sys.executable, "-c", BLOCKED + code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
