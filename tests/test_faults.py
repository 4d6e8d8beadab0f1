"""What happens to a run happens here: it is killed at any moment, its disk is full, its files are
cut, changed and exchanged. It goes on from its last whole checkpoint to the same bits, or says in
one line what is wrong and leaves the disk as it is."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tinygan import InputError, storage
from tinygan.commands.parser import main
from tinygan.training import Config, RunFolder, loop, resume, train

CONFIG = Config(model="mlp-small", batch=4, steps=40)

# A process that trains, or goes on with what it began, saves all the time, and kills itself in the
# middle of writing: at the call number sys.argv[2] of os.fsync or os.replace. In fsync, only half
# of what was written is there.
CHILD = """
import os, signal, sys
from tinygan.training import Config, RunFolder, loop, resume, train

at, calls = int(sys.argv[2]), 0

def die(file=None):
    name = f"/proc/self/fd/{file}"
    if os.path.islink(name) and os.readlink(name).endswith(".partial"):
        os.ftruncate(file, os.fstat(file).st_size // 2)
    os.kill(os.getpid(), signal.SIGKILL)

def counted(file=None):
    global calls
    calls += 1
    if calls == at:
        die(file)

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
    """No pictures, and more hashes: as the child has it."""
    monkeypatch.setattr(loop, "draw", lambda *args: None)
    monkeypatch.setattr(loop, "HASH_EVERY", 5)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The files of a run that nothing happened to, its seconds, and its calls of fsync and such."""
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


def goes_on(path):
    """Resumed; begun anew, if it was killed before it had anything to go on with."""
    if RunFolder(path).checkpoint.is_file():
        return contents(resume(path, progress=False).path)
    with pytest.raises(InputError, match=r"no (such )?run folder"):
        resume(path, progress=False)
    return contents(train(CONFIG, path, progress=False).path)


@pytest.mark.parametrize("number", range(10))
def test_a_run_killed_at_any_moment_ends_where_an_undisturbed_one_ends(
    tmp_path, quick, undisturbed, number
):
    files, seconds, _ = undisturbed
    moments = random.Random(number)
    for _ in range(2):  # in its first part, and where it goes on
        run = command(tmp_path / "run")
        with subprocess.Popen(run, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "begins\n"
            time.sleep(moments.uniform(0, seconds))
            process.kill()
    assert goes_on(tmp_path / "run") == files


@pytest.mark.parametrize("number", range(10))
def test_a_run_killed_while_it_writes_ends_where_an_undisturbed_one_ends(
    tmp_path, quick, undisturbed, number
):
    files, _, calls = undisturbed
    # 1 to 5: the new folder and the first save; 1 to 10 of a run that goes on: its records
    at = 1 + number if number < 5 else random.Random(number).randint(6, calls)
    for each in (at, 1 + number):
        killed = subprocess.run(command(tmp_path / "run", each), capture_output=True)
        assert killed.returncode == -signal.SIGKILL
    assert goes_on(tmp_path / "run") == files


FULL = """
import resource, sys
from tinygan.commands.parser import main

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two rounds, to be copied before it is spoilt."""
    return train(
        Config(model="mlp-small", batch=4, steps=2),
        tmp_path_factory.mktemp("runs") / "run",
        progress=False,
    ).path


@pytest.mark.parametrize(
    ("room", "name"), [(10_000, "checkpoint.safetensors"), (0, "log.csv")], ids=["some", "none"]
)
def test_a_full_disk_is_one_line_and_the_last_checkpoint_is_kept(tmp_path, run, room, name):
    pytest.importorskip("resource")
    shutil.copytree(run, tmp_path / "run")
    before = contents(run)
    argv = ["train", "--resume", str(tmp_path / "run"), "--steps", "30", "--quiet"]
    full = [sys.executable, "-c", FULL, str(room), *argv]
    result = subprocess.run(full, capture_output=True, text=True)
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert result.stderr.count("\n") == 1 and str(tmp_path / "run" / name) in result.stderr
    after = contents(tmp_path / "run")
    assert after["checkpoint.safetensors"] == before["checkpoint.safetensors"]
    assert after.keys() == before.keys()  # nothing half-written is left
    resume(tmp_path / "run", steps=30, progress=False)


def flipped(at):
    """With one bit turned, at that share of the bytes or at that byte."""

    def spoil(content):
        byte = int(at * len(content)) if isinstance(at, float) else at
        return content[:byte] + bytes([content[byte] ^ 16]) + content[byte + 1 :]

    return spoil


def header(content):
    """How many bytes the header of a safetensors file has."""
    return 8 + int.from_bytes(content[:8], "little")


SPOILT = {
    "empty": lambda c: b"",
    "cut in the header's length": lambda c: c[:5],
    "cut in the header": lambda c: c[:100],
    "cut after the header": lambda c: c[: header(c)],
    "cut in the numbers": lambda c: c[: len(c) // 2],
    "cut by one byte": lambda c: c[:-1],
    "one byte too many": lambda c: c + b"\0",
    "a bit of the header's length": flipped(0),
    "a high bit of the header's length": flipped(7),
    "a bit of the header": flipped(20),
    "a bit of the options": lambda c: flipped(c.index(b"mlp-small"))(c),
    "a bit of a shape": lambda c: flipped(c.index(b'"shape":[') + 9)(c),
    "a bit of an offset": lambda c: flipped(c.index(b'"data_offsets":[') + 16)(c),
    "a bit of the hash": lambda c: flipped(c.index(b"sha256") + 15)(c),
    "a bit of the first number": lambda c: flipped(header(c))(c),
    "a bit in the middle": flipped(0.5),
    "a bit of the last number": flipped(-1),
    "a page of zeros": lambda c: c[:8192] + bytes(4096) + c[12288:],
    "two pages exchanged": lambda c: c[:8192] + c[12288:16384] + c[8192:12288] + c[16384:],
    "another kind of file": lambda c: b"\x89PNG\r\n\x1a\n" + c,
    "a pickle": lambda c: b"\x80\x04}\x94.",
}


@pytest.mark.parametrize("what", ["train --resume", "sample", "verify", "evaluate"])
@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_checkpoint_is_one_line_and_changes_nothing(tmp_path, run, capsys, what, name):
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / "checkpoint.safetensors"
    path.write_bytes(SPOILT[name](path.read_bytes()))
    (tmp_path / "run" / ".config.json.1.partial").write_bytes(b"left by a killed process")
    before = contents(tmp_path / "run")
    assert main([*what.split(), str(tmp_path / "run")]) == 2
    out, err = capsys.readouterr()
    assert str(path) in err and err.count("\n") == 1 and not out
    assert contents(tmp_path / "run") == before


@pytest.mark.parametrize("file", ["config.json", "log.csv", "states.jsonl"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: b"[" * 100_000 + b"\n",
        lambda c: b"\x89PNG\n" + c,
        lambda c: c.replace(b"2", b"two"),
        lambda c: b"\0" * len(c) + b"\n",
    ],
    ids=["deep", "foreign", "words", "zeros"],
)
def test_another_spoilt_file_is_one_line_and_changes_nothing(tmp_path, run, capsys, file, spoil):
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / file
    path.write_bytes(spoil(path.read_bytes()))
    before = contents(tmp_path / "run")
    assert main(["train", "--resume", str(tmp_path / "run"), "--steps", "4", "--quiet"]) == 2
    err = capsys.readouterr().err
    assert str(path) in err and err.count("\n") == 1
    assert contents(tmp_path / "run") == before


def test_a_checkpoint_of_another_run_is_refused(tmp_path, run, capsys):
    shutil.copytree(run, tmp_path / "run")
    other = train(
        Config(model="mlp-small", batch=4, steps=2, seed=1), tmp_path / "b", progress=False
    )
    shutil.copy(other.checkpoint, tmp_path / "run")
    before = contents(tmp_path / "run")
    assert main(["train", "--resume", str(tmp_path / "run"), "--steps", "4"]) == 2
    assert "differs from the options in checkpoint.safetensors" in capsys.readouterr().err
    assert contents(tmp_path / "run") == before


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
    ],
    ids=str,
)
def test_a_checkpoint_that_another_program_wrote_is_refused(tmp_path, run, change):
    """Whole, by its SHA-256; but what it says cannot be."""
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / "checkpoint.safetensors"
    arrays, meta = storage.load(path)
    storage.save(path, arrays, {**meta, **change})
    with pytest.raises(InputError, match=r"checkpoint.safetensors: |config.json: differs"):
        resume(tmp_path / "run", steps=4, progress=False)


@pytest.mark.parametrize(
    "frames",
    [np.zeros((2, 3)), np.zeros((0, 4, 4), np.uint8), np.uint8(3), np.zeros((1, 2), np.uint8)],
)
def test_a_checkpoint_with_other_frames_is_refused(tmp_path, run, frames):
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / "checkpoint.safetensors"
    arrays, meta = storage.load(path)
    storage.save(path, {**arrays, "frames": frames}, meta)
    with pytest.raises(InputError, match=r"checkpoint.safetensors: holds no run of tinygan"):
        resume(tmp_path / "run", steps=4, progress=False)


def test_a_checkpoint_with_frames_of_another_size_is_refused(tmp_path, run):
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run" / "checkpoint.safetensors"
    arrays, meta = storage.load(path)
    storage.save(path, {**arrays, "frames": np.zeros((2, 8, 8), np.uint8)}, meta)
    before = contents(tmp_path / "run")
    with pytest.raises(InputError, match=r"holds frames \(8, 8\), expected \(\d+, \d+\)"):
        resume(tmp_path / "run", steps=4, progress=False)
    assert contents(tmp_path / "run") == before


def test_a_file_and_its_folder_are_on_the_disk_before_the_old_one_is_gone(tmp_path, monkeypatch):
    """What a power cut leaves: the old file, or all of the new one."""
    done = []
    fsync, replace = os.fsync, os.replace

    def synced(file):
        done.append("folder" if os.path.isdir(f"/proc/self/fd/{file}") else "file")
        fsync(file)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("replace"), replace(*names)))
    storage.save(tmp_path / "c.safetensors", {"a": np.zeros(3)}, {})
    assert done == ["file", "replace", "folder"] if os.path.isdir("/proc/self/fd") else done
