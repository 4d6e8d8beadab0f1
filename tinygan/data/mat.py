"""The numeric arrays of a MATLAB file, version 5 to 7 (what `save` writes unless told otherwise).

    128 bytes           text, version 0x0100, and IM or MI: the order of bytes
    TYPE SIZE content   an element; again and again, also inside a matrix, there to 8 bytes
    15 SIZE zlib        a compressed one; unpacked, it is an element
    14 SIZE matrix      flags, sizes, name and numbers: four elements

SciPy reads more kinds of it, but kills the process on some damaged files; this reads numbers only,
and no more of them than there are bytes.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from ..errors import InputError

__all__ = ["read_mat"]

MATRIX, COMPRESSED = 14, 15
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CLASSES = range(6, 16)  # double, single and the integers; others are text, cells, structures
COMPLEX = 0x0800
LIMIT = 1 << 30  # bytes of all that is unpacked; the faces of TFD_48x48.mat have 236 million
PIECE = 1 << 16


class Damaged(Exception):
    """What is wrong with the file, in a few words."""


def read_mat(path: str | Path) -> dict[str, np.ndarray]:
    """The real numeric arrays in a MATLAB file, by name. Other variables are passed over.

    Numbers come in the type in which they are stored. As in SciPy, this may be narrower than their
    class: MATLAB stores doubles that are small integers as bytes.

    Raises InputError for a file that cannot be read, is of another format, or is damaged.
    """
    try:
        with open(path, "rb") as file:
            return _variables(file)
    except (Damaged, zlib.error) as problem:
        raise InputError(
            f"{path}: cannot be read as a MATLAB file of version 5 to 7 ({problem}); fetch or copy "
            "it again"
        ) from problem
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror or problem})") from problem


def _variables(file: IO[bytes]) -> dict[str, np.ndarray]:
    header = file.read(128)
    order = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}.get(header[124:])
    if order is None:
        raise Damaged("its first 128 bytes are not the header of one")
    left = os.fstat(file.fileno()).st_size - len(header)
    found, room = {}, LIMIT
    while left:
        kind, size = _tag(file.read(8), order)
        left -= 8 + size
        if left < 0:
            raise Damaged(f"cut short by {-left} bytes")
        content = memoryview(file.read(size))
        if kind == COMPRESSED:
            content = memoryview(_inflate(content, room))
            room -= len(content)
            kind, size = _tag(content[:8], order)
            content = content[8:]
        if kind != MATRIX or size != len(content):
            raise Damaged(f"a variable of {len(content)} bytes says it is {size} of kind {kind}")
        name, array = _matrix(content, order)
        if array is not None:
            found[name] = array
    return found


def _tag(start: bytes | memoryview, order: str) -> tuple[int, int]:
    if len(start) < 8:
        raise Damaged("cut short")
    kind, size = struct.unpack(f"{order}II", start)
    return kind, size


def _inflate(packed: memoryview, room: int) -> bytearray:
    unpacker, unpacked = zlib.decompressobj(), bytearray()
    for start in range(0, len(packed), PIECE):
        unpacked += unpacker.decompress(packed[start : start + PIECE])
        if len(unpacked) > room:
            raise Damaged(f"its variables have more than {LIMIT} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise Damaged("its compressed data end too early or too late")
    return unpacked


def _matrix(content: memoryview, order: str) -> tuple[str, np.ndarray | None]:
    """A variable: its name, and the array if it is one of real numbers."""
    flags, content = _numbers(content, order, "u4")
    sizes, content = _numbers(content, order, "i4")
    letters, content = _numbers(content, order, "i1")
    if len(flags) != 2 or not 2 <= len(sizes) <= 32 or min(sizes) < 0:
        raise Damaged("a variable's flags or sizes make no sense")
    name, shape = letters.tobytes().decode("latin-1"), [int(size) for size in sizes]
    if int(flags[0]) & 0xFF not in CLASSES or flags[0] & COMPLEX:
        return name, None
    values, _ = _numbers(content, order)
    if len(values) != math.prod(shape):
        raise Damaged(f"{name!r} has {len(values)} numbers, but its sizes are {shape}")
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    return name, native.reshape(shape, order="F")


def _numbers(
    content: memoryview, order: str, kind: str | None = None
) -> tuple[np.ndarray, memoryview]:
    """The numbers of an element, and what comes after it. Up to 4 bytes fit into the tag itself."""
    code, size = _tag(content[:8], order)
    start = 8
    if code >> 16:
        code, size, start = code & 0xFFFF, code >> 16, 4
    stored = TYPES.get(code)
    if stored is None or (kind and stored != kind):
        raise Damaged(f"numbers of the unknown or unexpected type {code}")
    dtype = np.dtype(order + stored)
    end = start + size
    if end > (8 if start == 4 else len(content)) or size % dtype.itemsize:
        raise Damaged(f"{size} bytes of numbers do not fit")
    return np.frombuffer(content[start:end], dtype), content[end + -end % 8 :]
