"""Writing files so that they are there whole or not at all."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["append", "atomic", "flush", "flush_folder", "partials", "save_figure", "whole_lines"]

PARTIAL = ".partial"


@contextmanager
def atomic(path: str | Path) -> Iterator[BinaryIO]:
    """A file to write in place of `path`, which changes only once all of it is on the disk.

    The bytes go to a file beside it, which takes its name at the end. On an error, a full disk or
    Ctrl-C, `path` stays as it was. A process that is killed meanwhile, or a power cut, leaves the
    file beside it (`partials`), too, and nothing ever reads that.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}{PARTIAL}")
    try:
        with open(partial, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException as problem:
        partial.unlink(missing_ok=True)
        if isinstance(problem, OSError) and problem.filename in (None, str(partial)):
            problem.filename = str(path)  # the name that the user knows
        raise
    flush_folder(path.parent)


def partials(folder: str | Path, names: Iterable[str]) -> list[Path]:
    """What processes that were killed left of files in `folder` with such names."""
    starts = tuple(f".{name}." for name in names)
    return [
        path
        for path in Path(folder).iterdir()
        if path.name.startswith(starts) and path.name.endswith(PARTIAL)
    ]


def append(path: str | Path, line: str) -> None:
    """Add a line to a file of text. A disk that is full may leave half of it, at the end."""
    try:
        with open(path, "ab") as file:
            file.write(f"{line}\n".encode())
    except OSError as problem:
        problem.filename = str(path)
        raise


def whole_lines(path: str | Path) -> list[bytes]:
    """The lines of a file of text, if there is one; the last is left out if it has no end, as
    `append` leaves it on a full disk or when it is killed."""
    if not Path(path).is_file():
        return []
    return Path(path).read_bytes().rpartition(b"\n")[0].splitlines()


def flush(path: str | Path) -> None:
    """See that what was added to the file is on the disk, if there is such a file."""
    with suppress(FileNotFoundError), open(path, "rb+") as file:
        os.fsync(file.fileno())


def flush_folder(path: str | Path) -> None:
    """See that the names in a folder are on the disk, where the system can: a new file or folder is
    there after a power cut only if its name is."""
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(path, os.O_DIRECTORY)
        try:
            os.fsync(folder)
        except OSError as problem:
            problem.filename = str(path)
            raise
        finally:
            os.close(folder)


def save_figure(figure: Any, path: str | Path) -> None:
    """Write a figure of matplotlib's as PNG."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    with atomic(path) as file:
        file.write(picture.getvalue())
