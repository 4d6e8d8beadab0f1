"""Checks of a file before it is written: never through a link, into a pipe, or into a folder that
has taken the place of another. A lock lets one process at a time write into a folder."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal

from .errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# A link is not followed, and a pipe is not waited for, even if it appears after `check_file`.
DIRECT = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_kept: dict[Path, int] = {}  # open folders by their paths


def check_file(path: str | Path) -> None:
    """Check that `path` is a regular file, or that there is nothing with this name.

    Raises InputError for a link, a folder, a pipe, a device, or a file that may not be written."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        kind = "a link" if stat.S_ISLNK(mode) else "a folder" if stat.S_ISDIR(mode) else "no file"
        raise InputError(f"{path}: is {kind}; expected a regular file, so remove it or rename it")
    if not os.access(path, os.W_OK):
        raise InputError(f"{path}: is read-only; give yourself the permission to write it")


@contextmanager
def locked(folder: Path, *, wait: bool = False) -> Iterator[int | None]:
    """Within this block, lock the folder against other processes, if the system has locks. Yields
    the open folder, or None without locks. The system unlocks the folder of a killed process.

    Raises BlockingIOError if another process holds the lock, unless this is to `wait` for it."""
    if fcntl is None:
        yield None
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise
        except OSError:
            pass  # a file system without locks
        yield handle
    finally:
        os.close(handle)


@contextmanager
def kept(folder: Path, handle: int) -> Iterator[None]:
    """Within this block, refuse to write into `folder` once its path leads to another folder than
    the open one, `handle`."""
    _kept[folder] = handle
    try:
        yield
    finally:
        _kept.pop(folder, None)


def check_folder(folder: Path) -> None:
    """Check that a folder that is `kept` is still the same.

    Raises InputError if it was renamed, removed or replaced."""
    if folder not in _kept:
        return
    try:
        same = os.path.samestat(os.stat(folder), os.fstat(_kept[folder]))
    except OSError:
        same = False
    if not same:
        raise InputError(
            f"{folder}: was renamed, removed or replaced while its run was training, so it ends. "
            "If it was renamed, continue it by --resume with its new name"
        )


def open_file(path: Path, mode: Literal["ab", "rb+"], *, new: bool) -> BinaryIO:
    """Open a regular file. It is made only if it may be `new`.

    Raises the errors of `check_file` and `check_folder`."""
    check_folder(path.parent)
    check_file(path)

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags & ~(0 if new else os.O_CREAT) | DIRECT, 0o666)

    return open(path, mode, opener=opener)


def create(path: Path, permissions: int | None) -> BinaryIO:
    """Create a file with these permissions, or with the usual ones. A file or a link that has its
    name, left by a killed process, is removed."""
    check_folder(path.parent)
    path.unlink(missing_ok=True)
    usual = 0o666 if permissions is None else permissions
    file = open(path, "xb", opener=lambda name, flags: os.open(name, flags, usual))  # noqa: SIM115
    if permissions not in (None, stat.S_IMODE(os.fstat(file.fileno()).st_mode)):
        os.chmod(path, usual)
    return file


def permissions(path: Path) -> int | None:
    """The permissions of a regular file; None if there is no such file."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return None
    return mode & 0o777 if stat.S_ISREG(mode) else None
