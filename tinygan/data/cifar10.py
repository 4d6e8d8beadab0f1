"""CIFAR-10: 50,000 training and 10,000 test photographs, 32 x 32 in color, ten classes.

The reader takes the binary version, as an archive or unpacked: a record is a label, then the
32 x 32 red, green and blue pixels. (The Python version consists of pickles, which can run code, so
it is not read.) Archives with fewer or shorter batches are accepted.
"""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import InputError
from .dataset import Dataset
from .fetch import File, locate

__all__ = ["cifar10"]

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
FOLDER = "cifar-10-batches-bin"
ARCHIVE = "cifar-10-binary.tar.gz"
FILE = File(
    (ARCHIVE, FOLDER),
    (f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}",),
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
BATCHES = {
    "train": tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    "test": ("test_batch.bin",),
}
RECORD = 1 + 3 * 32 * 32
BATCH_LIMIT = 10_000 * RECORD  # bytes of a published batch
ARCHIVE_LIMIT = 7 * BATCH_LIMIT  # bytes unpacked; the published one has six batches


def cifar10(split: str) -> Dataset:
    """The photographs of Krizhevsky, Nair and Hinton, "train" or "test".

    Raises InputError if the files are missing or damaged."""
    [path] = locate(["cifar-10", "cifar10"], [FILE])
    names = BATCHES[split]
    batches = _from_folder(path, names) if path.is_dir() else _from_archive(path, names)
    if not batches:
        raise InputError(
            f"{path}: holds no {split} images; expected {FOLDER}/{names[0]}"
            + (f" to {names[-1]}" if len(names) > 1 else "")
            + ", at least one of them"
        )
    records = [_records(f"{path}, {name}", batches[name]) for name in names if name in batches]
    images = np.concatenate([each[:, 1:] for each in records]).reshape(-1, 3, 32, 32)
    labels = np.concatenate([each[:, 0] for each in records]).astype(np.int64)
    return Dataset("cifar10", images, labels, CLASSES)


def _records(backend: str, batch: bytes) -> np.ndarray:
    """The records of a batch, uint8 (n, 3073)."""
    count, rest = divmod(len(batch), RECORD)
    if rest or not count:
        raise InputError(
            f"{backend}: expected records of {RECORD} bytes, found {len(batch)} bytes, which is "
            f"{count} records and {rest} bytes"
        )
    records = np.frombuffer(batch, np.uint8).reshape(count, RECORD)
    if records[:, 0].max() > 9:
        raise InputError(f"{backend}: expected labels 0 to 9, found {records[:, 0].max()}")
    return records


def _from_folder(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    batches = {}
    for path in (folder / name for name in names):
        if not path.exists():
            continue
        try:
            _check_size(path, path.name, path.stat().st_size)
            batches[path.name] = path.read_bytes()
        except OSError as problem:
            raise InputError(f"{path}: cannot be read ({problem.strerror})") from problem
    return batches


def _from_archive(path: Path, names: Iterable[str]) -> dict[str, bytes]:
    """The batches in the archive, by name. They are read in memory: no file is extracted."""
    wanted = {f"{start}{FOLDER}/{name}": name for name in names for start in ("", "./")}
    batches = {}
    try:
        with _Limited(path) as stream:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for member in archive:
                    # A sparse member can claim any number of zeros without storing them.
                    if member.name not in wanted or not member.isreg() or member.issparse():
                        continue
                    name = wanted[member.name]
                    _check_size(path, name, member.size)
                    content = archive.extractfile(member)
                    batches[name] = content.read() if content else b""
            while stream.read(1 << 20):  # gzip checks its CRC at the end
                pass
    except (InputError, MemoryError):
        raise
    except Exception as problem:  # tarfile raises many kinds of errors for damaged files
        raise InputError(
            f"{path}: cannot be read as a .tar.gz ({problem}); expected the published {ARCHIVE}, "
            "so fetch or copy it again"
        ) from problem
    return batches


def _check_size(path: Path, name: str, size: int) -> None:
    if size > BATCH_LIMIT:
        raise InputError(
            f"{path}, {name}: expected at most 10000 records of {RECORD} bytes, found more"
        )


class _Limited(gzip.GzipFile):
    """A gzip file that raises InputError beyond `ARCHIVE_LIMIT` unpacked bytes."""

    left = ARCHIVE_LIMIT

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.left -= len(data)
        if self.left < 0:
            raise InputError(
                f"{self.name}: unpacks to more than {ARCHIVE_LIMIT} bytes; expected {ARCHIVE}"
            )
        return data
