"""Writing files so that they are there whole or not at all.

Checkpoints: named arrays and a JSON object in one safetensors file. No pickle anywhere.

The file carries a SHA-256 of all that it holds, so a flipped bit is an error and not a network
that is slightly wrong.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .errors import InputError

__all__ = [
    "append",
    "atomic",
    "digest",
    "flush",
    "flush_folder",
    "load",
    "partials",
    "save",
    "save_figure",
    "whole_lines",
]

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


KINDS = ("bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
         "float16", "float32", "float64")  # fmt: skip
KEY = "tinygan checkpoint 1"  # the one entry of the header: several come in a random order


def save(path: str | Path, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
    """Write arrays and `meta` (what JSON can hold) to `path`, atomically.

    The same arrays and meta give the same bytes. Raises ValueError, and leaves `path` as it is, for
    what `load` would not give back.
    """
    from safetensors.numpy import save as to_bytes

    for what, value in (("arrays", arrays), ("meta", meta)):
        if not isinstance(value, Mapping):
            raise ValueError(f"{what}: expected values by their names, got {value!r}")
    whole = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    for name, array in whole.items():
        if not isinstance(name, str) or name == "__metadata__" or not name.isprintable():
            raise ValueError(f"arrays: expected printable names, got {name!r}")
        if array.dtype.name not in KINDS:
            raise ValueError(f"arrays: expected {', '.join(KINDS)}, got {array.dtype} for {name!r}")
        whole[name] = array.astype(array.dtype.newbyteorder("<"), copy=False)
    try:
        text = json.dumps(dict(meta), sort_keys=True)
    except (TypeError, ValueError, RecursionError) as problem:
        raise ValueError(f"meta: expected what JSON can hold, got {problem}") from problem
    header = {KEY: json.dumps({"meta": text, "sha256": digest(whole, text)})}
    with atomic(path) as file:
        file.write(to_bytes(whole, metadata=header))


def load(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the meta object of a checkpoint.

    Raises InputError if there is no such file, if it is no checkpoint of tinygan, or if it is not
    what was written (cut short, changed).
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise InputError(f"{path}: there is no such checkpoint")
    try:
        with safe_open(path, framework="numpy") as file:
            entries = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, AttributeError, TypeError, KeyError, ValueError) as problem:
        raise InputError(
            f"{path}: damaged or no safetensors file ({problem}); use an earlier checkpoint, or "
            "train again"
        ) from problem
    if set(entries) != {KEY}:
        raise InputError(
            f"{path}: a safetensors file, but no checkpoint of tinygan (its header has "
            f"{sorted(entries) or 'no metadata'}, expected {KEY!r})"
        )
    try:
        header = json.loads(entries[KEY])
        whole = digest(arrays, header["meta"]) == header["sha256"]
        meta = json.loads(header["meta"]) if whole else None
    except (AttributeError, ValueError, TypeError, KeyError, RecursionError):
        meta = None
    if not isinstance(meta, dict):
        raise InputError(
            f"{path}: damaged, its SHA-256 is not the one recorded when it was written; use an "
            "earlier checkpoint, or train again"
        )
    return arrays, meta


def digest(arrays: Mapping[str, np.ndarray], text: str) -> str:
    """The SHA-256 of the arrays, their names, dtypes and shapes, and of a text."""
    found = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        found.update(f"{name} {array.dtype.str} {array.shape}".encode())
        found.update(np.asarray(array, order="C").data)
    return found.hexdigest()
