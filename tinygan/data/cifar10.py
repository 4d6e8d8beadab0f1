"""CIFAR-10: 50,000 training and 10,000 test photographs, 32 x 32 in color, ten classes.

The reader takes the binary version, as an archive or unpacked. A record is a label, then the
32 x 32 red, green and blue pixels, one byte each. The Python version consists of pickles, which can
run code, so it is not read. Archives with fewer or shorter batches are accepted.
"""

import gzip
import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import opened, read, take
from .dataset import Dataset
from .fetch import File, locate
from .reading import read_errors, require_labels

CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
FOLDER = "cifar-10-batches-bin"
ARCHIVE = "cifar-10-binary.tar.gz"
FILE = File(
    (ARCHIVE, FOLDER),
    ("https://www.cs.toronto.edu/~kriz/",),
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
BATCHES = {
    "train": tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    "test": ("test_batch.bin",),
}
RECORD = 1 + 3 * 32 * 32  # bytes
BATCH = 10_000  # records in a published batch
ARCHIVE_LIMIT = 7 * BATCH * RECORD  # bytes unpacked; the published archive has six batches


def cifar10(split: str) -> Dataset:
    """The photographs of Krizhevsky, Nair and Hinton, "train" or "test".

    Raises InputError if the files are missing or damaged."""
    [path] = locate(["cifar-10", "cifar10"], [FILE])
    names = BATCHES[split]
    batches = _from_folder(path, names) if path.is_dir() else _from_archive(path, names)
    if not batches:
        raise InputError(
            f"{path}: holds no {split} images; expected at least one of "
            + ", ".join(f"{FOLDER}/{name}" for name in names)
        )
    records = np.concatenate(
        [_records(f"{path}, {name}", batches[name]) for name in names if name in batches]
    )
    images = np.ascontiguousarray(records[:, 1:]).reshape(-1, 3, 32, 32)
    return Dataset("cifar10", images, records[:, 0].astype(np.int64), CLASSES)


def _records(name: str, batch: bytes) -> np.ndarray:
    """The records of a batch, uint8 (n, 3073)."""
    count, rest = divmod(len(batch), RECORD)
    if rest or not 1 <= count <= BATCH:
        raise InputError(
            f"{name}: expected 1 to {BATCH} records of {RECORD} bytes, found {len(batch)} bytes"
        )
    records = np.frombuffer(batch, np.uint8).reshape(count, RECORD)
    require_labels(name, records[:, 0], len(CLASSES))
    return records


def _from_folder(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """The batches in the folder, by name."""
    batches = {}
    for path in (folder / name for name in names):
        if path.exists():
            with read_errors(path, "a batch of CIFAR-10", "fetch or copy it again"):
                batches[path.name] = bytes(read(path, ARCHIVE_LIMIT))
    return batches


def _from_archive(path: Path, names: Iterable[str]) -> dict[str, bytes]:
    """The batches in the archive, by name. The archive is unpacked in memory, not to files."""
    wanted = {f"{start}{FOLDER}/{name}": name for name in names for start in ("", "./")}
    batches = {}
    with read_errors(path, "a .tar.gz", f"expected the published {ARCHIVE}; fetch it again"):
        with opened(path, ARCHIVE_LIMIT) as packed, gzip.GzipFile(fileobj=packed) as stream:
            content = take(stream, ARCHIVE_LIMIT + 1)
        if len(content) > ARCHIVE_LIMIT:
            raise InputError(
                f"{path}: unpacks to more than {ARCHIVE_LIMIT} bytes; expected {ARCHIVE}"
            )
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in archive:
                # A sparse member can claim any number of zeros without storing them.
                if member.name in wanted and member.isreg() and not member.issparse():
                    file = archive.extractfile(member)
                    batches[wanted[member.name]] = file.read() if file else b""
    return batches
