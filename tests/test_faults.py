"""Faults of a run: it is killed at any moment, its disk is full, its files are damaged.

It resumes from its last complete checkpoint to the same bits, or prints one line with the reason
and leaves the disk as it is.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from tinygan import InputError, storage
from tinygan.commands.parser import main
from tinygan.training import Config, RunFolder, loop, resume, train

CONFIG = Config(model="mlp-small", batch=4, steps=40)

# A process that trains or resumes, saves all the time, and kills itself at the call number
# sys.argv[2] of os.fsync or os.replace. In fsync, it first cuts the file to half its length.
CHILD = """
import os, signal, sys
from tinygan.training import Config, RunFolder, loop, resume, train

at, calls = int(sys.argv[2]), 0

def kill(file=None):
    name = f"/proc/self/fd/{file}"
    if os.path.islink(name) and os.readlink(name).endswith(".partial"):
        os.ftruncate(file, os.fstat(file).st_size // 2)
    os.kill(os.getpid(), signal.SIGKILL)

def counted(file=None):
    global calls
    calls += 1
    if calls == at:
        kill(file)

fsync, replace = os.fsync, os.replace
os.fsync = lambda file: (counted(file), fsync(file))
os.replace = lambda *names: (counted(), replace(*names), counted())
loop.SAVE_EVERY, loop.HASH_EVERY = 0.0 if at else 0.01, 5
loop.draw = lambda *args: None
print("begins", flush=True)
if RunFolder(sys.argv[1]).checkpoint.is_file():
    resume(sys.argv[1], progress=False)
else:
    train(Config(model="mlp-small", batch=4, steps=40), sys.argv[1], progress=False)
print(calls)
"""
NEVER = 10**9


def command(out, at=0):
    return [sys.executable, "-c", CHILD, str(out), str(at)]


def contents(path):
    return {p.name: p.read_bytes() for p in sorted(path.iterdir())}


@pytest.fixture
def quick(monkeypatch):
    """No pictures and more hashes, as in the child process."""
    monkeypatch.setattr(loop, "draw", lambda *args: None)
    monkeypatch.setattr(loop, "HASH_EVERY", 5)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The files of a run without faults, its seconds, and its number of calls of fsync and
    replace."""
    out = tmp_path_factory.mktemp("faults")
    with subprocess.Popen(command(out / "run"), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begins\n"
        begun = time.monotonic()
        process.communicate()
    seconds = time.monotonic() - begun
    saved = subprocess.run(
        command(out / "saved", NEVER), capture_output=True, text=True, check=True
    )
    assert contents(out / "run") == contents(out / "saved")
    return contents(out / "run"), seconds, int(saved.stdout.split()[-1])


def continued(path):
    """The files of a run after `resume`, or after `train` if it has no checkpoint yet."""
    if RunFolder(path).checkpoint.is_file():
        return contents(resume(path, progress=False).path)
    with pytest.raises(InputError, match=r"not a run folder|no such run folder"):
        resume(path, progress=False)
    return contents(train(CONFIG, path, progress=False).path)


@pytest.mark.parametrize("number", range(10))
def test_a_run_killed_at_any_moment_resumes_to_the_same_bits(tmp_path, quick, undisturbed, number):
    files, seconds, _ = undisturbed
    moments = random.Random(number)
    for _ in range(2):  # the first part, and the resumed one
        run = command(tmp_path / "run")
        with subprocess.Popen(run, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "begins\n"
            time.sleep(moments.uniform(0, seconds))
            process.kill()
    assert continued(tmp_path / "run") == files


@pytest.mark.parametrize("number", range(10))
def test_a_run_killed_while_it_writes_resumes_to_the_same_bits(
    tmp_path, quick, undisturbed, number
):
    files, _, calls = undisturbed
    # Calls 1 to 5 make the folder and the first checkpoint; 1 to 10 of a resumed run are its files.
    at = 1 + number if number < 5 else random.Random(number).randint(6, calls)
    for each in (at, 1 + number):
        killed = subprocess.run(command(tmp_path / "run", each), capture_output=True)
        assert killed.returncode == -signal.SIGKILL
    assert continued(tmp_path / "run") == files


FULL = """
import resource, sys
from tinygan.commands.parser import main

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a run of two rounds."""
    return train(replace(CONFIG, steps=2), tmp_path_factory.mktemp("runs") / "run", progress=False)


@pytest.fixture
def run(trained, tmp_path):
    """A copy of this folder, which a test damages."""
    return RunFolder(shutil.copytree(trained.path, tmp_path / "run"))


def is_refused(argv, run, message, capsys):
    """Return whether the command prints this message on one line; it must not change a file."""
    before = contents(run.path)
    assert main([*argv.split(), str(run.path)]) == 2
    out, err = capsys.readouterr()
    assert contents(run.path) == before
    return str(message) in err and err.count("\n") == 1 and not out


@pytest.mark.parametrize(
    ("room", "name"), [(10_000, "checkpoint.safetensors"), (0, "log.csv")], ids=["some", "none"]
)
def test_a_full_disk_keeps_the_last_checkpoint(run, room, name):
    pytest.importorskip("resource")
    before = contents(run.path)
    argv = ["train", "--resume", str(run.path), "--steps", "30", "--quiet"]
    full = [sys.executable, "-c", FULL, str(room), *argv]
    result = subprocess.run(full, capture_output=True, text=True)
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert result.stderr.count("\n") == 1 and str(run.path / name) in result.stderr
    after = contents(run.path)
    assert after["checkpoint.safetensors"] == before["checkpoint.safetensors"]
    assert after.keys() == before.keys()  # no partial file is left
    resume(run.path, steps=30, progress=False)


def flip(at):
    """Flip one bit of the byte number `at`, or, if that is a float, of the byte at this share of
    the content."""

    def damage(content):
        byte = int(at * len(content)) if isinstance(at, float) else at
        return content[:byte] + bytes([content[byte] ^ 16]) + content[byte + 1 :]

    return damage


def header(content):
    """The number of bytes of a safetensors file's header."""
    return 8 + int.from_bytes(content[:8], "little")


DAMAGED = {
    "empty": lambda c: b"",
    "cut in the header's length": lambda c: c[:5],
    "cut in the header": lambda c: c[:100],
    "cut after the header": lambda c: c[: header(c)],
    "cut in the numbers": lambda c: c[: len(c) // 2],
    "cut by one byte": lambda c: c[:-1],
    "one byte too many": lambda c: c + b"\0",
    "a bit of the header's length": flip(0),
    "a high bit of the header's length": flip(7),
    "a bit of the header": flip(20),
    "a bit of the options": lambda c: flip(c.index(b"mlp-small"))(c),
    "a bit of a shape": lambda c: flip(c.index(b'"shape":[') + 9)(c),
    "a bit of an offset": lambda c: flip(c.index(b'"data_offsets":[') + 16)(c),
    "a bit of the hash": lambda c: flip(c.index(b"sha256") + 15)(c),
    "a bit of the first number": lambda c: flip(header(c))(c),
    "a bit in the middle": flip(0.5),
    "a bit of the last number": flip(-1),
    "a page of zeros": lambda c: c[:8192] + bytes(4096) + c[12288:],
    "two pages exchanged": lambda c: c[:8192] + c[12288:16384] + c[8192:12288] + c[16384:],
    "another kind of file": lambda c: b"\x89PNG\r\n\x1a\n" + c,
    "a pickle": lambda c: b"\x80\x04}\x94.",
}


@pytest.mark.parametrize("command", ["train --resume", "sample", "verify", "evaluate"])
@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_checkpoint_is_refused(run, capsys, command, name):
    run.checkpoint.write_bytes(DAMAGED[name](run.checkpoint.read_bytes()))
    (run.path / ".config.json.1.partial").write_bytes(b"left by a killed process")
    assert is_refused(command, run, run.checkpoint, capsys)


@pytest.mark.parametrize("file", ["config.json", "log.csv", "states.jsonl"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda c: b"[" * 100_000 + b"\n",
        lambda c: b"\x89PNG\n" + c,
        lambda c: c.replace(b"2", b"two"),
        lambda c: b"\0" * len(c) + b"\n",
    ],
    ids=["deep", "foreign", "words", "zeros"],
)
def test_another_damaged_file_is_refused(run, capsys, file, damage):
    path = run.path / file
    path.write_bytes(damage(path.read_bytes()))
    assert is_refused("train --steps 4 --quiet --resume", run, path, capsys)


def test_a_checkpoint_of_another_run_is_refused(tmp_path, run, capsys):
    other = train(replace(CONFIG, steps=2, seed=1), tmp_path / "other", progress=False)
    shutil.copy(other.checkpoint, run.path)
    message = "differs from the options in checkpoint.safetensors"
    assert is_refused("train --steps 4 --resume", run, message, capsys)


@pytest.mark.parametrize(
    "change",
    [
        {"step": -1},
        {"step": "2"},
        {"step": 1e999},
        {"rngs": {}},
        {"rngs": None},
        {"data": {"seed": -1, "epoch": 0, "position": 0}},
        {"data": {"seed": 1, "epoch": 1e999, "position": 0}},
        {"data": {"seed": 1, "epoch": 0, "position": "0"}},
        {"data": {"seed": 1, "epoch": 0, "position": 0.5}},
        {"data": []},
        {"ema_updates": None},
        {"ema_updates": 1e999},
        {"config": []},
        {"images_sha256": 3},
        {"frames": np.zeros((2, 3))},
        {"frames": np.zeros((0, 4, 4), np.uint8)},
        {"frames": np.uint8(3)},
        {"frames": np.zeros((1, 2), np.uint8)},
        {"frames": np.zeros((2, 8, 8), np.uint8)},
    ],
    ids=str,
)
def test_a_checkpoint_that_another_program_wrote_is_refused(run, change):
    """Its SHA-256 is correct, but no run has such contents."""
    arrays, meta = storage.load(run.checkpoint)
    for name, value in change.items():
        (arrays if name in arrays else meta)[name] = value
    storage.save(run.checkpoint, arrays, meta)
    before = contents(run.path)
    problem = r"holds (no run|frames \(8, 8\), expected \(\d+, \d+)" if "frames" in change else ""
    with pytest.raises(InputError, match=rf"checkpoint\.safetensors: {problem}"):
        resume(run.path, steps=4, progress=False)
    assert contents(run.path) == before


def test_a_power_cut_leaves_the_old_file_or_the_complete_new_one(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace

    def synced(file):
        done.append("folder" if os.path.isdir(f"/proc/self/fd/{file}") else "file")
        fsync(file)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("replace"), replace(*names)))
    storage.save(tmp_path / "c.safetensors", {"a": np.zeros(3)}, {})
    assert done == ["file", "replace", "folder"] if os.path.isdir("/proc/self/fd") else done
