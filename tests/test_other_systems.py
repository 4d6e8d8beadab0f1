"""The commands on Windows and macOS, as far as Linux can imitate them (`other_system.py`): in a
folder with blanks and Hangul, on a console of CP949, without a network."""

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tinygan.errors import as_argument

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "tests" / "other_system.py"
CONSOLES = {
    "Windows": {"PYTHONIOENCODING": "cp949", "PYTHONUTF8": "0"},
    "macOS": {"PYTHONIOENCODING": "utf-8"},
}
# Each command, with a part of what it prints. The last is refused.
COMMANDS = {
    "train --model mlp-small --batch 4 --steps 2 --quiet --out RUN": "train --resume RUN --steps 4",
    "train --resume RUN --steps 4 --quiet": "\nNAME\n",
    "sample RUN -n 4 -o 표본.png": "표본.png: 4 samples of NAME, seed 0",
    "sample RUN --interpolate -o walk.png": "walk.png",
    "verify RUN": "NAME: all states agree",
    "doctor RUN": "The last row of log.csv: step 4",
    "train --batch 2 --steps 1 --quiet": "runs/001-dcgan28-slim-non-saturating",
    "info": "numpy   works",
    "lab --rounds 2": "round 2: loss of D",
    "lab --export 사이트": "사이트: a static site",
    "train --steps 1 --ranks 2": "",
}


@pytest.mark.parametrize("system", CONSOLES)
def test_each_command_works_in_a_folder_with_blanks_and_hangul(tmp_path, system):
    """In one process, which loads the modules once."""
    folder, name, console = tmp_path / "수업 1", "나의 run", CONSOLES[system]
    folder.mkdir()
    lines = "".join(f"{command}\n" for command in COMMANDS).replace("RUN", f"'{name}'")
    fresh = {"PYTHONPATH": str(ROOT), "PYTHONWARNDEFAULTENCODING": "1", "TMPDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), system],
        input=lines,
        cwd=folder,
        env={**os.environ, **fresh, **console},
        capture_output=True,
        encoding=console["PYTHONIOENCODING"],
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    *answers, rest = re.split(r"^status (\d+)\n", done.stdout, flags=re.M)
    assert rest == "" and answers[1::2] == ["0"] * (len(COMMANDS) - 1) + ["2"], done.stderr
    for answer, expected in zip(answers[::2], COMMANDS.values(), strict=True):
        assert expected.replace("RUN", f"'{name}'").replace("NAME", name) in answer
    refused = "tinygan: 2 ranks: expected 1, because this system lacks fork or memfd_create"
    assert done.stderr.splitlines()[-1].startswith(refused)
    files = {path.name for path in (folder / name).iterdir()}
    assert {"config.json", "samples.png", "checkpoint.safetensors"} < files
    assert not list(folder.rglob("*.partial"))


IMITATION = """
import sys
import other_system
other_system.imitate("Windows")
import os, socket
kept = open("file.txt", "rb")
for wrong in (
    lambda: os.replace("file.txt", "file.txt"),
    lambda: open("aux.txt", "w"),
    lambda: os.mkdir("a:b"),
    lambda: os.open(".", os.O_RDONLY),
    lambda: socket.create_connection(("192.0.2.1", 9)),
    lambda: exec("open('file.txt')", {"__name__": "tinygan.x"}),
):
    try:
        wrong()
    except (OSError, EncodingWarning) as problem:
        continue
    print("nothing is refused")
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_the_imitation_refuses_what_windows_refuses(tmp_path):
    (tmp_path / "file.txt").touch()
    command = [sys.executable, "-X", "warn_default_encoding", "-c", IMITATION]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parent)}
    options = {"capture_output": True, "text": True, "env": environment}
    done = subprocess.run(command, cwd=tmp_path, **options)
    assert (done.stdout, done.stderr) == ("", "")


def test_a_path_with_blanks_can_be_copied_into_a_shell(monkeypatch):
    for path in ("runs/001-a", "나의 run", "it's", "a$b"):
        assert shlex.split(as_argument(path)) == [path]
    assert as_argument("runs/001-a") == "runs/001-a"
    monkeypatch.setattr(os, "name", "nt")
    assert as_argument("C:\\my run") == '"C:\\my run"'


def unspecified(tree):
    """The lines of calls that read or write text in the encoding of the system."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            options = {keyword.arg for keyword in node.keywords}
            opens = name == "open" and all(
                isinstance(a, ast.Constant) and "b" not in a.value for a in node.args[1:2]
            )
            opens = opens or name.endswith((".read_text", ".write_text"))
            if "text" in options or (opens and "encoding" not in options):
                yield node.lineno


@pytest.mark.parametrize("folder", ["tinygan", "examples", "benchmarks"])
def test_text_is_read_and_written_as_utf_8(folder):
    """On a Korean Windows, the encoding of the system is CP949."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in unspecified(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert wrong == []
