"""read_idx: the array of a valid file is read back equal; any other file raises InputError."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygan.data.idx import LIMIT, TYPES, read_idx
from tinygan.errors import InputError

CODES = {np.dtype(kind): code for code, kind in TYPES.items()}
IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)

fuzz = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def idx(array: np.ndarray) -> bytes:
    big = array.astype(array.dtype.newbyteorder(">"))
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, CODES[big.dtype], array.ndim]) + sizes + big.tobytes()


def write(folder: Path, content: bytes) -> Path:
    path = folder / "some-idx3-ubyte.gz"
    path.write_bytes(content)
    return path


def refuse(folder: Path, content: bytes, *words: str) -> None:
    """Assert that read_idx raises InputError with one line, which starts with the path of the file
    and contains the words."""
    path = write(folder, content)
    with pytest.raises(InputError) as caught:
        read_idx(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    for word in words:
        assert word in message


arrays = st.sampled_from(["u1", "i1", "i2", "i4", "f4", "f8"]).flatmap(
    lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=1, max_dims=4, max_side=5))
)


@fuzz
@given(array=arrays, gzipped=st.booleans())
def test_an_array_of_any_type_and_shape_is_read_back_equal(tmp_path, array, gzipped):
    content = idx(array)
    got = read_idx(write(tmp_path, gzip.compress(content) if gzipped else content))
    assert got.dtype == array.dtype
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, array)


def test_the_array_can_be_written_to(tmp_path):
    read_idx(write(tmp_path, idx(IMAGES)))[0] = 0


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_a_file_cut_anywhere_is_refused(tmp_path, pack):
    content = pack(idx(IMAGES))
    for length in range(len(content)):
        refuse(tmp_path, content[:length])


WRONG = {
    "trailing bytes": (idx(IMAGES) + b"\0", "60 bytes were expected", "there are more"),
    "trailing bytes in gzip": (gzip.compress(idx(IMAGES) + b"\0"), "there are more"),
    "bytes after gzip": (gzip.compress(idx(IMAGES)) + b"more", "cannot be read as an IDX file"),
    "a wrong checksum": (gzip.compress(idx(IMAGES))[:-8] + bytes(8), "CRC", "copy it again"),
    "nothing": (b"", "an empty file"),
    "nothing in gzip": (gzip.compress(b""), "an empty file"),
    **{
        foreign.hex(): (foreign, "not an IDX file", "two zero bytes", foreign[:4].hex(" "))
        for foreign in (b"\x89PNG\r\n\x1a\n", b"<!DOCTYPE html>", b"PK\x03\x04", b"\0")
    },
    "another type": (b"\0\0\x0a\x01\0\0\0\x01\0", "08, 09, 0b, 0c, 0d, 0e; found 1 of type 0a"),
    **{
        f"{ndim} dimensions": (bytes([0, 0, 8, ndim]) + bytes(1020), f"found {ndim} of type 08")
        for ndim in (0, 5, 255)
    },
    "no images": (idx(IMAGES[:0]), "0 x 4 x 5", "0 bytes; expected 1 to"),
}


@pytest.mark.parametrize(("content", "words"), [(c, w) for c, *w in WRONG.values()], ids=WRONG)
def test_a_wrong_file_is_refused(tmp_path, content, words):
    refuse(tmp_path, content, *words)


@pytest.mark.parametrize("pack", [bytes, lambda c: gzip.compress(c, 1)], ids=["plain", "gzipped"])
@pytest.mark.parametrize(
    ("sizes", "length"),
    [((2**31, 28, 28), 1000), ((2**32 - 1,) * 3, 1000), ((LIMIT // 784, 28, 28), 1000),
     ((1, 1, 10), 64 << 20)],
)  # fmt: skip
def test_no_memory_is_allocated_beyond_the_file_or_its_header(tmp_path, sizes, length, pack):
    content = pack(b"\0\0\x08\x03" + struct.pack(">3I", *sizes) + bytes(length))
    tracemalloc.start()
    try:
        refuse(tmp_path, content, " x ".join(map(str, sizes)))
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_folder_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(InputError, match="expected a regular file, found a folder"):
        read_idx(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        read_idx(tmp_path / "nothing")
