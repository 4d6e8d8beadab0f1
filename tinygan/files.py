"""Files that are read: every one is opened by `opened`.

It opens regular files only, up to a size that the caller knows. A pipe, a device, a socket, a
folder or a file that is too large raises InputError with its name. So no read waits for another
process, and none goes on until memory ends.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from .errors import InputError

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# A pipe that takes the place of the file after `stat` is opened without waiting for a writer.
FLAGS = os.O_RDONLY | sum(getattr(os, f"O_{name}", 0) for name in ("NONBLOCK", "NOCTTY", "BINARY"))
PIECE = 1 << 20  # bytes
LINE, LINES = 1 << 20, 1 << 30  # bytes of a line and of a file of lines


class Stream(Protocol):
    """A source of bytes, as an open file."""

    def read(self, size: int, /) -> bytes: ...


def opened(path: str | Path, limit: int) -> BinaryIO:
    """The regular file at `path`, open for reading. Links are followed.

    Raises InputError if it is not a regular file, or has more than `limit` bytes; OSError if there
    is none or it may not be read."""
    _check(path, os.stat(path), limit)
    file = os.fdopen(os.open(path, FLAGS), "rb")
    try:
        _check(path, os.fstat(file.fileno()), limit)
    except InputError:
        file.close()
        raise
    return file


def _check(path: str | Path, about: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(about.st_mode):
        kind = KINDS.get(stat.S_IFMT(about.st_mode), "something else")
        raise InputError(f"{path}: expected a regular file, found {kind}")
    if about.st_size > limit:
        raise _too_large(path, f"{about.st_size}", limit)


def _too_large(path: str | Path, size: str, limit: int) -> InputError:
    return InputError(f"{path}: expected a file of at most {limit} bytes, found {size}")


def take(stream: Stream, count: int) -> bytearray:
    """The next `count` bytes, or all that are left. They are read in pieces, so a wrong count from
    a header does not allocate memory. A gzip stream checks its CRC at its end."""
    taken = bytearray()
    while len(taken) < count and (piece := stream.read(min(PIECE, count - len(taken)))):
        taken += piece
    return taken


def read(path: str | Path, limit: int) -> bytearray:
    """The contents of a file.

    Raises the errors of `opened`, also for a file that grows over `limit` bytes."""
    with opened(path, limit) as file:
        content = take(file, limit + 1)
    if len(content) > limit:
        raise _too_large(path, "more", limit)
    return content


def whole_lines(path: str | Path) -> Iterator[bytes]:
    """The complete lines of a text file, without newlines; none if there is no such file. A last
    line without a newline is left out: `storage.append` leaves one if the disk is full or the
    process is killed.

    Raises InputError for a line of more than LINE bytes, and the errors of `opened`."""
    try:
        file = opened(path, LINES)
    except FileNotFoundError:
        return
    with file:
        while (line := file.readline(LINE)).endswith(b"\n"):
            yield line.rstrip(b"\r\n")
        if len(line) == LINE:
            raise InputError(f"{path}: damaged: a line has more than {LINE} bytes; remove it")
