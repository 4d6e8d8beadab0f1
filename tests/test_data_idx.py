"""read_idx: what is well formed comes back equal; everything else is one InputError."""

from __future__ import annotations

import contextlib
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


def refuse(folder: Path, content: bytes, *words: str) -> str:
    """The InputError's message; it is one line that names the file and has the words."""
    path = write(folder, content)
    with pytest.raises(InputError) as caught:
        read_idx(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    for word in words:
        assert word in message
    return message


arrays = st.sampled_from(["u1", "i1", "i2", "i4", "f4", "f8"]).flatmap(
    lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=1, max_dims=4, max_side=5))
)


@fuzz
@given(array=arrays, gzipped=st.booleans())
def test_an_array_of_any_type_and_shape_comes_back_equal(tmp_path, array, gzipped):
    content = idx(array)
    got = read_idx(write(tmp_path, gzip.compress(content) if gzipped else content))
    assert got.dtype == array.dtype
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, array)


def test_what_is_read_can_be_written_to(tmp_path):
    read_idx(write(tmp_path, idx(IMAGES)))[0] = 0


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_a_file_cut_anywhere_is_refused(tmp_path, pack):
    content = pack(idx(IMAGES))
    for length in range(len(content)):
        refuse(tmp_path, content[:length])


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_trailing_bytes_are_refused(tmp_path, pack):
    refuse(tmp_path, pack(idx(IMAGES) + b"\0"), "60 bytes were expected", "there are more")


def test_bytes_after_the_gzip_data_are_refused(tmp_path):
    refuse(tmp_path, gzip.compress(idx(IMAGES)) + b"more", "damaged gzip data")


def test_a_wrong_checksum_is_refused(tmp_path):
    content = bytearray(gzip.compress(idx(IMAGES)))
    content[-8] ^= 1
    refuse(tmp_path, bytes(content), "CRC")


def test_an_empty_file_is_refused(tmp_path):
    refuse(tmp_path, b"", "an empty file")
    refuse(tmp_path, gzip.compress(b""), "an empty file")


@pytest.mark.parametrize(
    "foreign", [b"\x89PNG\r\n\x1a\n", b"<!DOCTYPE html>", b"PK\x03\x04", b"\0"]
)
def test_a_file_of_another_format_is_refused(tmp_path, foreign):
    refuse(tmp_path, foreign, "not an IDX file", "expected two zero bytes", foreign[:4].hex(" "))


def test_an_unknown_type_is_refused(tmp_path):
    refuse(tmp_path, b"\0\0\x0a\x01\0\0\0\x01\0", "type 0a is unknown", "08, 09, 0b, 0c, 0d, 0e")


@pytest.mark.parametrize("ndim", [0, 5, 255])
def test_a_strange_number_of_dimensions_is_refused(tmp_path, ndim):
    refuse(tmp_path, bytes([0, 0, 8, ndim]) + bytes(4 * 255), f"found {ndim} dimensions")


def test_no_images_are_refused(tmp_path):
    refuse(tmp_path, b"\0\0\x08\x03" + struct.pack(">3I", 0, 28, 28), "0 x 28 x 28", "no data")


@pytest.mark.parametrize("sizes", [(2**31, 28, 28), (2**32 - 1,) * 3, (LIMIT // 784, 28, 28)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_a_header_is_not_believed_before_the_bytes_are_there(tmp_path, sizes, pack):
    content = pack(b"\0\0\x08\x03" + struct.pack(">3I", *sizes) + bytes(1000))
    tracemalloc.start()
    try:
        refuse(tmp_path, content, " x ".join(map(str, sizes)))
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_gzip_bomb_is_unpacked_no_further_than_its_header_claims(tmp_path):
    bomb = gzip.compress(b"\0\0\x08\x01" + struct.pack(">I", 10) + bytes(64 << 20), 1)
    tracemalloc.start()
    try:
        refuse(tmp_path, bomb, "there are more")
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_what_cannot_be_opened_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_idx(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        read_idx(tmp_path / "nothing")


@fuzz
@given(data=st.data(), gzipped=st.booleans())
def test_damaged_bytes_give_an_array_or_an_input_error(tmp_path, data, gzipped):
    content = bytearray(gzip.compress(idx(IMAGES)) if gzipped else idx(IMAGES))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        got = read_idx(write(tmp_path, bytes(content)))
    except InputError:
        return
    assert isinstance(got, np.ndarray)
    if gzipped and got.dtype == np.uint8:  # the checksum saw every change that matters
        np.testing.assert_array_equal(got, IMAGES)


@fuzz
@given(
    content=st.binary(max_size=64), start=st.sampled_from([b"", b"\0\0\x08\x01", b"\x1f\x8b\x08"])
)
def test_any_bytes_give_an_array_or_an_input_error(tmp_path, content, start):
    with contextlib.suppress(InputError):
        assert isinstance(read_idx(write(tmp_path, start + content)), np.ndarray)
