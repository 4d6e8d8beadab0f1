"""IDX, the file format of MNIST and related data sets: a header with sizes, then the numbers.

    0 0 TYPE NDIM                 four bytes; TYPE 8 is uint8
    SIZE ... SIZE                 NDIM big-endian 32-bit integers
    the numbers                   big-endian, the last index varies fastest

The header may be wrong, so its sizes do not determine how much memory is allocated: the file is
read in pieces, up to one byte more than the header claims. A file with fewer or more bytes raises
InputError.
"""

import gzip
import math
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import Stream, opened, take
from .reading import read_errors

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
LIMIT = 1 << 30  # bytes of the numbers; the largest known set, EMNIST, has 638 million


def read_idx(path: str | Path) -> np.ndarray:
    """The array in an IDX file, gzipped or not (detected from the content).

    Raises InputError for a file that cannot be read, that has another format, or that is damaged,
    truncated or longer than its header claims.
    """
    with (
        read_errors(path, "an IDX file", "fetch or copy it again"),
        opened(path, 2 * LIMIT) as file,
    ):
        gzipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not gzipped:
            return _parse(path, file)
        with gzip.GzipFile(fileobj=file) as stream:
            return _parse(path, stream)


def _parse(path: str | Path, stream: Stream) -> np.ndarray:
    start = take(stream, 4)
    if len(start) < 4 or start[:2] != b"\0\0":
        raise InputError(
            f"{path}: not an IDX file; expected two zero bytes, a type and a number of "
            f"dimensions, found {start.hex(' ') or 'an empty file'}"
        )
    code, ndim = start[2:]
    if code not in TYPES or not 1 <= ndim <= 4:
        raise InputError(
            f"{path}: expected a header with 1 to 4 dimensions of a type among "
            f"{', '.join(f'{known:02x}' for known in TYPES)}; found {ndim} of type {code:02x}"
        )
    sizes = take(stream, 4 * ndim)
    if len(sizes) < 4 * ndim:
        raise InputError(
            f"{path}: truncated in its header; expected {4 * ndim} bytes of sizes, found "
            f"{len(sizes)}"
        )
    shape = np.frombuffer(sizes, ">u4").tolist()
    text = " x ".join(map(str, shape))
    dtype = np.dtype(TYPES[code])
    claimed = math.prod(shape) * dtype.itemsize
    if not 0 < claimed <= LIMIT:
        raise InputError(
            f"{path}: the IDX header says {text}, which is {claimed} bytes; expected 1 to {LIMIT}"
        )
    payload = take(stream, claimed + 1)
    if len(payload) != claimed:
        found = f"only {len(payload)}" if len(payload) < claimed else "more"
        raise InputError(
            f"{path}: the IDX header says {text}, so {claimed} bytes were expected after it, but "
            f"there are {found}; fetch or copy the file again"
        )
    return np.frombuffer(payload, dtype).astype(dtype.newbyteorder("="), copy=False).reshape(shape)
