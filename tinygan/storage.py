"""Files that are written completely or not at all, and checkpoints.

A checkpoint is one safetensors file with named arrays and a JSON object; there is no pickle. It
holds a SHA-256 of its contents, so that a flipped bit is an error, not a slightly wrong network.
"""

import hashlib
import io
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .errors import InputError
from .files import opened
from .plain_array import refuse_special
from .writable import check_folder, create, open_file, permissions

PARTIAL = ".partial"
KEPT = 40  # letters of a name that its partial file has: a name may be as long as the system allows


@contextmanager
def atomic(path: str | Path) -> Iterator[BinaryIO]:
    """A file that replaces `path` once all of it is on the disk. It has the permissions of `path`.
    If that is a link, the link is replaced, not followed.

    The bytes go to a partial file in the same folder, which is renamed at the end. On an error, a
    full disk or Ctrl-C, `path` does not change and the partial file is deleted. If the process is
    killed or the power fails, `path` does not change either, but the partial file remains
    (`partials`); nothing reads it.
    """
    path = Path(path)
    name = f".{path.name[:KEPT]}.{os.getpid()}.{threading.get_ident()}{PARTIAL}"
    partial = path.with_name(name)
    try:
        with create(partial, permissions(path)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        check_folder(path.parent)
        os.replace(partial, path)
    except BaseException as problem:
        with suppress(OSError):
            partial.unlink()
        if isinstance(problem, OSError) and problem.filename in (None, str(partial)):
            problem.filename = str(path)  # the name that the user knows
        raise
    flush_folder(path.parent)


def partials(folder: str | Path, names: Iterable[str]) -> list[Path]:
    """The partial files in `folder` that killed processes left while they wrote files of these
    names."""
    patterns = (f".{escape(name[:KEPT])}.*{PARTIAL}" for name in names)
    return [path for pattern in patterns for path in Path(folder).glob(pattern)]


@contextmanager
def _named(path: str | Path) -> Iterator[None]:
    """Set the file name of an OSError that is raised in the block: write and fsync set none."""
    try:
        yield
    except OSError as problem:
        problem.filename = str(path)
        raise


def append(path: str | Path, line: str, *, new: bool = False) -> None:
    """Append a line to a text file, which is made only if it may be `new`. On a full disk, the file
    may end with a part of the line.

    Raises InputError for a link, which is not followed, or for what is no file."""
    with _named(path), open_file(Path(path), "ab", new=new) as file:
        file.write(f"{line}\n".encode())


def flush(path: str | Path) -> None:
    """Force the contents of the file to the disk, if there is such a file."""
    with suppress(FileNotFoundError), open_file(Path(path), "rb+", new=False) as file:
        os.fsync(file.fileno())


def flush_folder(path: str | Path) -> None:
    """Force the names in a folder to the disk, if the system can. A new file or folder survives a
    power cut only if its name is on the disk."""
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(path, os.O_DIRECTORY)
        try:
            with _named(path):
                os.fsync(folder)
        finally:
            os.close(folder)


def save_figure(figure: Any, path: str | Path) -> None:
    """Write a matplotlib figure as a PNG, atomically."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    with atomic(path) as file:
        file.write(picture.getvalue())


KINDS = ("bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
         "float16", "float32", "float64")  # fmt: skip
REMEDY = "use an earlier checkpoint, or train again"
LIMIT = 1 << 36  # bytes of a checkpoint
KEY = "tinygan checkpoint 1"  # the only entry of the metadata: the order of several is random


def save(path: str | Path, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
    """Write `arrays` by name, and `meta`, an object that JSON can hold, to `path`, atomically.

    The same arrays and meta give the same bytes.

    Raises ValueError for values that `load` could not return; then `path` does not change.
    """
    from safetensors.numpy import save as to_bytes

    for argument, value in (("arrays", arrays), ("meta", meta)):
        if not isinstance(value, Mapping):
            raise ValueError(f"{argument}: expected a mapping of names to values, got {value!r}")
    for name, array in arrays.items():
        refuse_special(f"arrays[{name!r}]", array)
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
        raise ValueError(f"meta: expected values that JSON can hold; {problem}") from problem
    header = {KEY: json.dumps({"meta": text, "sha256": digest(whole, text)})}
    with atomic(path) as file:
        file.write(to_bytes(whole, metadata=header))


def load(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays by name and the object `meta` of a checkpoint.

    Raises InputError if there is no such file, if it is no regular file of at most LIMIT bytes, or
    if it is not a checkpoint of tinygan, truncated or changed.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with opened(path, LIMIT), safe_open(path, framework="numpy") as file:
            entries = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as problem:
        raise InputError(f"{path}: there is no such checkpoint") from problem
    except InputError:
        raise
    except (SafetensorError, OSError, AttributeError, TypeError, KeyError, ValueError) as problem:
        raise InputError(
            f"{path}: damaged or no safetensors file ({problem}); {REMEDY}"
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
            f"{path}: damaged: its SHA-256 differs from the one that is stored in it; {REMEDY}"
        )
    return arrays, meta


def digest(arrays: Mapping[str, np.ndarray], text: str) -> str:
    """The SHA-256 of a text and of the arrays with their names, dtypes and shapes."""
    found = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        found.update(f"{name} {array.dtype.str} {array.shape}".encode())
        found.update(np.asarray(array, order="C").data)
    return found.hexdigest()
