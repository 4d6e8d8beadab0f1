"""The files of a run: nothing is written outside its folder, and all are looked at before the first
write. Permissions are kept, and a fault of the disk names its file."""

import errno
import os
import shutil
import stat
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from tinygan import InputError, storage
from tinygan.commands.parser import main
from tinygan.training import Config, RunFolder, Session, health_monitor, loop, resume, train

CONFIG = Config(model="mlp-small", batch=4, steps=20)
FILES = [
    *("config.json", "log.csv", "states.jsonl", "checkpoint.safetensors", "health.jsonl"),
    *("data.png", "samples.png", "progress.gif", "curves.png"),
]
posix = pytest.mark.skipif(os.name == "nt", reason="needs links, pipes and permissions")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a run of 20 rounds with probes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(health_monitor, "EVERY", 10)
        out = tmp_path_factory.mktemp("runs") / "run"
        folder = train(CONFIG, out, progress=False)
    assert sorted(os.listdir(folder.path)) == sorted(FILES)
    return folder


@pytest.fixture
def run(trained, tmp_path, monkeypatch):
    """A copy of this folder, in which a test changes something."""
    monkeypatch.setattr(health_monitor, "EVERY", 10)
    return RunFolder(shutil.copytree(trained.path, tmp_path / "run"))


def contents(path):
    """The kind and the content of everything in a folder."""
    found = {}
    for each in sorted(path.iterdir()):
        mode = os.lstat(each).st_mode
        content = os.readlink(each) if each.is_symlink() else each.is_file() and each.read_bytes()
        found[each.name] = stat.S_IFMT(mode), content
    return found


def one_line(capsys, *parts):
    out, err = capsys.readouterr()
    return not out and err.count("\n") == 1 and all(str(part) in err for part in parts)


def link_to_file(path):
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def link_to_nothing(path):
    path.unlink()
    path.symlink_to(path.parent.parent / "elsewhere")


def link_to_itself(path):
    path.unlink()
    path.symlink_to(path.name)


def a_folder(path):
    path.unlink()
    path.mkdir()


def a_pipe(path):
    path.unlink()
    os.mkfifo(path)


KINDS = [link_to_file, link_to_nothing, link_to_itself, a_folder, a_pipe]


@posix
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILES)
def test_what_is_no_regular_file_is_refused_before_anything_is_read(
    run, capsys, monkeypatch, name, kind
):
    kind(run.path / name)
    opened, open_ = [], os.open
    monkeypatch.setattr(
        os, "open", lambda path, *a, **k: opened.append(path) or open_(path, *a, **k)
    )
    inside = contents(run.path)
    outside = {p.name: p.read_bytes() for p in run.path.parent.iterdir() if p.is_file()}
    assert main(["train", "--resume", str(run.path), "--steps", "40", "--quiet"]) == 2
    assert one_line(capsys, run.path / name if run.checkpoint.exists() else run.path)
    assert run.path / name not in opened
    assert contents(run.path) == inside
    assert {p.name: p.read_bytes() for p in run.path.parent.iterdir() if p.is_file()} == outside


@posix
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILES)
def test_nothing_is_written_through_a_link_that_appears_later(run, monkeypatch, capsys, name, kind):
    """It is replaced, or refused in one line. A pipe has no reader: nobody waits for one. The
    options are not read again."""
    play, path, elsewhere = Session.play_round, run.path / name, run.path.parent / "elsewhere"
    moved = []

    def play_round(self):
        if self.step == 25:
            kind(path)
            moved.extend(elsewhere.read_bytes() for _ in range(elsewhere.exists()))
        return play(self)

    monkeypatch.setattr(Session, "play_round", play_round)
    status = main(["train", "--resume", str(run.path), "--steps", "40", "--quiet"])
    assert [elsewhere.read_bytes() for _ in range(elsewhere.exists())] == moved
    assert status == 0 or (status == 2 and one_line(capsys, path) and name != "config.json")


@posix
@pytest.mark.parametrize("name", ["curves.png", "log.csv"])
def test_a_partial_file_that_is_a_link_is_not_followed(tmp_path, name):
    path, other = tmp_path / name, tmp_path / "other"
    other.write_bytes(b"kept")

    def plant(target, *rest):
        (tmp_path / f".{name}.{os.getpid()}.{storage.threading.get_ident()}.partial").symlink_to(
            target
        )

    plant(other)
    with storage.atomic(path) as file:
        file.write(b"new")
    assert other.read_bytes() == b"kept" and path.read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path)) == sorted([name, "other"])


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_permissions_are_kept(run, mode):
    for name in FILES:
        os.chmod(run.path / name, mode)
    resume(run.path, steps=40, progress=False)
    assert {stat.S_IMODE(os.stat(run.path / name).st_mode) for name in FILES} == {mode}


@posix
def test_a_new_file_has_the_usual_permissions(tmp_path):
    before = os.umask(0o027)
    try:
        with storage.atomic(tmp_path / "a") as file:
            file.write(b"1")
        (tmp_path / "link").symlink_to(tmp_path / "b")
        (tmp_path / "b").touch(mode=0o600)
        with storage.atomic(tmp_path / "link") as file:
            file.write(b"2")
    finally:
        os.umask(before)
    modes = {p.name: stat.S_IMODE(os.lstat(p).st_mode) for p in tmp_path.iterdir()}
    assert modes == {"a": 0o640, "link": 0o640, "b": 0o600}


@posix
@pytest.mark.parametrize("name", FILES)
def test_a_read_only_file_is_refused_before_anything_is_written(run, monkeypatch, capsys, name):
    """Root may write it, so the answer of the system is replaced."""
    access = os.access
    refused = run.path / name
    monkeypatch.setattr(os, "access", lambda path, *rest: path != refused and access(path, *rest))
    before = contents(run.path)
    assert main(["train", "--resume", str(run.path), "--steps", "40", "--quiet"]) == 2
    assert one_line(capsys, refused, "read-only") and contents(run.path) == before


class Moved:
    """Changes of a run's folder by another process."""

    def renamed(path):
        path.rename(path.with_name("new-name"))

    def made_anew(path):
        path.rename(path.with_name("new-name"))
        path.mkdir()

    def copied_over(path):
        path.rename(path.with_name("new-name"))
        shutil.copytree(path.with_name("new-name"), path)

    def a_link(path):
        path.rename(path.with_name("new-name"))
        path.with_name("other").mkdir()
        path.symlink_to(path.with_name("other"))

    def removed(path):
        shutil.rmtree(path)


@posix
@pytest.mark.parametrize("how", [name for name in vars(Moved) if name[0] != "_"])
@pytest.mark.parametrize("at", [25, 29, 39])
def test_a_folder_that_is_renamed_while_it_trains_ends_the_run(run, monkeypatch, capsys, how, at):
    play, now, seen = Session.play_round, run.path.with_name("new-name"), []

    def play_round(self):
        if self.step == at:
            getattr(Moved, how)(run.path)
            seen.extend(contents(p) for p in run.path.parent.iterdir() if p != now)
        return play(self)

    with monkeypatch.context() as patch:
        patch.setattr(Session, "play_round", play_round)
        assert main(["train", "--resume", str(run.path), "--steps", "40", "--quiet"]) == 2
    assert one_line(capsys, f"{run.path}: was renamed, removed or replaced", "by --resume")
    assert [contents(p) for p in run.path.parent.iterdir() if p != now] == seen
    if how != "removed":
        resume(now, steps=40, progress=False)


def test_a_log_that_is_removed_while_it_trains_is_named(run, monkeypatch, capsys):
    play = Session.play_round

    def play_round(self):
        if self.step == 25:
            run.log.unlink()
        return play(self)

    monkeypatch.setattr(Session, "play_round", play_round)
    assert main(["train", "--resume", str(run.path), "--steps", "40", "--quiet"]) == 2
    assert one_line(capsys, f"{run.log}: No such file") and not run.log.exists()


@pytest.fixture
def closed():
    """Take the permission to write from a folder: for root, by the flag that binds root, too."""
    folders = []

    def close(path):
        if os.name == "nt":
            pytest.skip("needs permissions of folders")
        if os.geteuid():
            os.chmod(path, 0o555)
        elif (
            not shutil.which("chattr")
            or subprocess.run(["chattr", "+i", path], capture_output=True).returncode
        ):
            pytest.skip("root may write to every folder of this file system")
        folders.append(path)

    def open_again(path):
        folders.remove(path)
        if os.geteuid():
            os.chmod(path, 0o755)
        else:
            subprocess.run(["chattr", "-i", path], check=True)

    close.end = open_again
    yield close
    for path in folders[:]:
        open_again(path)


def test_a_read_only_folder_is_refused_before_anything_is_written(run, closed, capsys):
    before = contents(run.path)
    closed(run.path)
    assert main(["train", "--resume", str(run.path), "--steps", "40", "--quiet"]) == 2
    assert one_line(capsys, f"{run.path}: the folder is read-only")
    assert contents(run.path) == before


def test_a_folder_that_loses_its_permission_keeps_its_checkpoint(run, closed, monkeypatch, capsys):
    play, before = Session.play_round, contents(run.path)

    def play_round(self):
        if self.step == 25:
            closed(run.path)
        return play(self)

    with monkeypatch.context() as patch:
        patch.setattr(Session, "play_round", play_round)
        assert main(["train", "--resume", str(run.path), "--steps", "40", "--quiet"]) == 2
    assert one_line(capsys, run.checkpoint) and ".partial" not in capsys.readouterr().err
    assert contents(run.path)["checkpoint.safetensors"] == before["checkpoint.safetensors"]
    closed.end(run.path)
    resume(run.path, steps=40, progress=False)


@pytest.mark.parametrize("name", [n for n in FILES if n not in ("health.jsonl", "data.png")])
def test_a_disk_that_fills_names_the_file_and_loses_nothing(run, monkeypatch, capsys, name):
    """The disk is full when the last bytes of this file are forced to it."""
    before, fsync = contents(run.path), os.fsync

    def full(handle):
        written = os.readlink(f"/proc/self/fd/{handle}")
        if os.path.basename(written).startswith(f".{name}."):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert main(["train", "--resume", str(run.path), "--steps", "40", "--quiet"]) == 2
    assert one_line(capsys, f"{run.path / name}: No space left on device")
    after = contents(run.path)
    assert after.keys() == before.keys() and after[name] == before[name]
    resumed = resume(run.path, steps=None if name.endswith(("png", "gif")) else 40, progress=False)
    assert resumed.read_log()["step"][-1] == 40


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of its own with little room, or none to be had."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(path)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a disk can be mounted by root only")
    yield path
    subprocess.run(["umount", str(path)], check=True)


@pytest.mark.parametrize("room", [0, 4096, 200_000, 2_000_000])
def test_a_disk_that_is_full_keeps_what_it_has(small_disk, trained, capsys, room):
    run = RunFolder(shutil.copytree(trained.path, small_disk / "run"))
    before = contents(run.path)
    with open(small_disk / "filler", "wb") as filler:
        free = os.statvfs(small_disk)
        filler.write(bytes(max(0, free.f_bavail * free.f_frsize - room)))
    argv = ["train", "--resume", str(run.path), "--steps", "40", "--quiet"]
    assert main(argv) == 2
    assert one_line(capsys, run.path, "No space left on device")
    after = contents(run.path)
    assert after.keys() == before.keys()
    checkpoint, step = storage.load(run.checkpoint)
    assert step["step"] in (20, 40) and checkpoint
    (small_disk / "filler").unlink()
    assert main([*argv[:3], "--quiet", *(argv[3:5] if step["step"] == 20 else [])]) == 0


def test_a_clock_that_is_set_back_changes_nothing(tmp_path, monkeypatch):
    """A checkpoint is due by the monotonic clock. Files of the future are files like others."""
    still = train(replace(CONFIG, steps=40), tmp_path / "still", progress=False)
    hours, real = iter(range(10**6)), loop.time.time
    monkeypatch.setattr("time.time", lambda: real() - 3600 * next(hours))
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    folder = train(CONFIG, tmp_path / "back", progress=False)
    for path in folder.path.iterdir():
        os.utime(path, (2**33, 2**33))
    resume(folder.path, steps=40, progress=False)
    names = ["checkpoint.safetensors", "log.csv", "samples.png", "progress.gif"]
    assert [(folder.path / n).read_bytes() for n in names] == [
        (still.path / n).read_bytes() for n in names
    ]


def test_a_name_as_long_as_the_system_allows_can_be_written(run, capsys):
    longest = run.path / ("n" * 251 + ".png")
    assert main(["sample", str(run.path), "-n", "1", "-o", str(longest)]) == 0
    assert longest.is_file()
    capsys.readouterr()
    assert (
        main(["sample", str(run.path), "-n", "1", "-o", str(longest.with_name("n" * 260 + ".png"))])
        == 2
    )
    assert one_line(capsys, "-o", "File name too long") and not list(run.path.glob(".*"))


@pytest.mark.parametrize("letter", ["ü", "木", "\N{SNAKE}"])
def test_a_long_name_in_any_letters_can_be_written(tmp_path, letter):
    path = tmp_path / (letter * (255 // len(letter.encode())))
    storage.save(path, {"a": np.zeros(1)}, {})
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", ["n" * 200, "**", "a[b]*?"])
def test_the_partial_files_of_an_unusual_name_are_found(tmp_path, name):
    with storage.atomic(tmp_path / name) as file:
        file.write(b"1")
        assert len(storage.partials(tmp_path, [name])) == 1
    assert storage.partials(tmp_path, [name]) == []


@posix
@pytest.mark.parametrize("argv", ["sample RUN -o", "bench -o", "reproduce mixtures --out"])
def test_an_output_that_is_no_file_is_refused_before_anything_is_computed(run, capsys, argv):
    path = run.path.parent / "pipe.png"
    os.mkfifo(path)
    assert main([*argv.replace("RUN", str(run.path)).split(), str(path)]) == 2
    assert one_line(capsys, "expected a file to write", path) and stat.S_ISFIFO(
        os.stat(path).st_mode
    )


def test_evaluate_looks_at_both_of_its_files_before_it_measures(run, capsys):
    (run.path / "evaluation.png").mkdir()
    before = contents(run.path)
    assert main(["evaluate", str(run.path), "--against", "train"]) == 2
    assert one_line(capsys, "expected a file to write", run.path / "evaluation.png")
    assert contents(run.path) == before


def test_a_folder_is_held_by_any_name(trained, tmp_path, monkeypatch):
    shutil.copytree(trained.path, tmp_path / "run")
    monkeypatch.chdir(tmp_path / "run")
    resume(".", steps=30, progress=False)
    monkeypatch.chdir(tmp_path)
    with RunFolder("run").locked():
        storage.append("run/log.csv", "")
        (tmp_path / "run").rename(tmp_path / "new")
        with pytest.raises(InputError, match="was renamed"):
            storage.append("run/log.csv", "")
