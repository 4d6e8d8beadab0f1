"""Writing files so that they are there whole or not at all."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["atomic", "save_figure"]


@contextmanager
def atomic(path: str | Path) -> Iterator[BinaryIO]:
    """A file to write in place of `path`, which changes only once all of it is on the disk.

    The bytes go to a file beside it, which takes its name at the end. On an error, a full disk or
    Ctrl-C, `path` stays as it was.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
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
    if hasattr(os, "O_DIRECTORY"):  # the new name is on the disk when its folder is
        folder = os.open(path.parent, os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def save_figure(figure: Any, path: str | Path) -> None:
    """Write a figure of matplotlib's as PNG."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    with atomic(path) as file:
        file.write(picture.getvalue())
