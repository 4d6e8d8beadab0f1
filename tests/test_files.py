"""`files.opened` opens every file that is read: a regular one, of a limited size."""

import os
import re
from pathlib import Path

import pytest
import special_files

import tinygan
from tinygan import InputError, files
from tinygan.data import fetch

PACKAGE = Path(tinygan.__file__).parent
pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")


@pytest.mark.parametrize("kind", special_files.KINDS)
@pytest.mark.parametrize("read", [files.read, lambda path, _: list(files.whole_lines(path))])
def test_only_a_regular_file_is_opened(tmp_path, kind, read):
    special_files.make(tmp_path / "file", kind)
    with pytest.raises(InputError, match=f"/file: expected a regular file, found a {kind}"):
        read(tmp_path / "file", 10)


def test_a_pipe_that_takes_the_place_of_the_file_does_not_wait(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "file")
    about = os.stat(__file__)
    monkeypatch.setattr(os, "stat", lambda path: about)
    with pytest.raises(InputError, match="expected a regular file, found a pipe"):
        files.read(tmp_path / "file", 1 << 30)


def test_a_link_to_a_regular_file_is_followed(tmp_path):
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "link").symlink_to("file")
    assert files.read(tmp_path / "link", 4) == b"text"
    with pytest.raises(InputError, match="link: expected a file of at most 3 bytes, found 4"):
        files.read(tmp_path / "link", 3)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
def test_a_file_that_grows_is_read_up_to_the_limit():
    """The system's own files say that they have no bytes."""
    with pytest.raises(InputError, match="expected a file of at most 2 bytes, found more"):
        files.read("/proc/self/status", 2)


def test_a_file_of_lines_may_be_missing_and_end_within_a_line(tmp_path):
    path = tmp_path / "lines"
    assert list(files.whole_lines(path)) == []
    path.write_bytes(b"one\r\ntwo\nthr")
    assert list(files.whole_lines(path)) == [b"one", b"two"]
    path.write_bytes(b"one\n" + bytes(files.LINE))
    with pytest.raises(InputError, match="lines: damaged: a line has more than"):
        list(files.whole_lines(path))


def test_a_pipe_in_the_cache_of_downloads_is_refused(tmp_path):
    os.mkfifo(tmp_path / "a.gz")
    file = fetch.File(("a.gz",), ("http://localhost:9/",), "0" * 64)
    with pytest.raises(InputError, match=r"a\.gz: expected a regular file, found a pipe"):
        fetch._retrieve("http://localhost:9/a.gz", file, tmp_path)


# Files of the system or of the package, and those that are written.
OTHERS = {
    "backend/cores.py": 3,
    "backend/cuda/kernels.py": 1,
    "commands/bench/worker.py": 1,
    "commands/compare.py": 1,
    "environment.py": 1,
    "lab/exhibits.py": 1,
    "lab/export.py": 1,
    "lab/server.py": 1,
    "writable.py": 2,
}


def test_no_other_function_opens_a_file_to_read_it():
    """But safetensors, after `opened` has found that the file is regular."""
    ways = (
        r"(?<![\w.])open\((?!partial, \"wb\"|path, \"(ab|rb\+)\")|\.read_(bytes|text)\(|\.open\(\)"
    )
    found = {
        path.relative_to(PACKAGE).as_posix(): len(re.findall(ways, path.read_text()))
        for path in PACKAGE.rglob("*.py")
    }
    assert {name: count for name, count in found.items() if count} == OTHERS
