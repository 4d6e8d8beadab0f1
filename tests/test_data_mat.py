"""read_mat against SciPy, and against bytes as MATLAB writes them; damage is one InputError."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygan.data import mat
from tinygan.data.mat import read_mat
from tinygan.errors import InputError

fuzz = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
arrays = st.sampled_from(["i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8", "i8", "u8"]).flatmap(
    lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=2, max_dims=4, max_side=4))
)


def element(order: str, kind: int, content: bytes) -> bytes:
    """Up to 4 bytes go into the tag, as MATLAB does it."""
    if len(content) <= 4:
        return struct.pack(f"{order}I", len(content) << 16 | kind) + content.ljust(4, b"\0")
    return struct.pack(f"{order}II", kind, len(content)) + content + bytes(-len(content) % 8)


def variable(order: str, *parts: tuple[int, bytes]) -> bytes:
    content = b"".join(element(order, kind, part) for kind, part in parts)
    return struct.pack(f"{order}II", 14, len(content)) + content


def matlab(order: str, *variables: bytes) -> bytes:
    mark = b"\x00\x01IM" if order == "<" else b"\x01\x00MI"
    return b"MATLAB 5.0 MAT-file".ljust(124) + mark + b"".join(variables)


def bytes_of_class(order: str, code: int, flags: int = 0, name: bytes = b"x") -> bytes:
    """A 2 x 3 variable of a MATLAB class, stored as bytes: 0 to 5."""
    return variable(
        order,
        (6, struct.pack(f"{order}II", flags | code, 0)),
        (5, struct.pack(f"{order}ii", 2, 3)),
        (1, name),
        (2, bytes(range(6))),
    )


def packed(content: bytes) -> bytes:
    squeezed = zlib.compress(content)
    return struct.pack("<II", 15, len(squeezed)) + squeezed


def write(folder, content: bytes):
    path = folder / "a.mat"
    path.write_bytes(content)
    return path


def refuse(folder, content: bytes, words: str = "cannot be read") -> None:
    path = write(folder, content)
    with pytest.raises(InputError, match=words) as caught:
        read_mat(path)
    assert str(caught.value).startswith(f"{path}: ")


@fuzz
@given(array=arrays, compressed=st.booleans())
def test_what_scipy_writes_comes_back_equal(tmp_path, array, compressed):
    io = pytest.importorskip("scipy.io", reason="SciPy is not installed")
    others = {"text": "seven", "cell": np.array(["x", 1], object), "wave": np.array([1j])}
    io.savemat(
        tmp_path / "a.mat", {"x": array, "a_name": array.T} | others, do_compression=compressed
    )
    found = read_mat(tmp_path / "a.mat")
    assert set(found) == {"x", "a_name"}
    for name, expected in (("x", array), ("a_name", array.T)):
        assert found[name].dtype == expected.dtype
        np.testing.assert_array_equal(found[name], expected)


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_and_short_elements_are_read(tmp_path, order):
    numbers = struct.pack(f"{order}2h", -5, 300)
    content = variable(
        order,
        (6, struct.pack(f"{order}II", 10, 0)),
        (5, struct.pack(f"{order}ii", 1, 2)),
        (1, b"abc"),
        (3, numbers),
    )
    found = read_mat(write(tmp_path, matlab(order, content)))
    assert found["abc"].tolist() == [[-5, 300]]
    assert found["abc"].dtype.isnative


def test_doubles_that_matlab_stores_as_bytes_come_as_bytes(tmp_path):
    found = read_mat(write(tmp_path, matlab("<", bytes_of_class("<", 6))))
    assert found["x"].dtype == np.uint8
    assert found["x"].tolist() == [[0, 2, 4], [1, 3, 5]]  # the first index runs fastest


def test_other_variables_are_passed_over(tmp_path):
    text, wave = bytes_of_class("<", 4, name=b"t"), bytes_of_class("<", 6, 0x0800, b"w")
    found = read_mat(write(tmp_path, matlab("<", text, packed(bytes_of_class("<", 9)), wave)))
    assert list(found) == ["x"]


WHOLE = {
    "plain": matlab("<", bytes_of_class("<", 9)),
    "compressed": matlab("<", packed(bytes_of_class("<", 9))),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_cut_anywhere_inside_is_refused(tmp_path, kind):
    for length in range(len(WHOLE[kind])):
        if length == 128:  # a header and no variable is a whole file
            assert read_mat(write(tmp_path, WHOLE[kind][:length])) == {}
        else:
            refuse(tmp_path, WHOLE[kind][:length])


@pytest.mark.parametrize("content", [b"", b"not MATLAB" * 20, b"\x89HDF\r\n\x1a\n".ljust(128)])
def test_a_file_of_another_format_is_refused(tmp_path, content):
    refuse(tmp_path, content, "not the header")


def test_a_wrong_checksum_is_refused(tmp_path):
    content = bytearray(WHOLE["compressed"])
    content[-1] ^= 1
    refuse(tmp_path, bytes(content), "incorrect data check")


def test_sizes_that_do_not_fit_the_numbers_are_refused(tmp_path):
    content = WHOLE["plain"].replace(struct.pack("<ii", 2, 3), struct.pack("<ii", 2, 2**30))
    refuse(tmp_path, content, "has 6 numbers, but its sizes are")
    content = WHOLE["plain"].replace(struct.pack("<ii", 2, 3), struct.pack("<ii", -2, -3))
    refuse(tmp_path, content, "make no sense")


def memory_to_refuse(folder, content, words):
    """The most bytes that were held meanwhile."""
    tracemalloc.start()
    try:
        refuse(folder, content, words)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_element_is_not_believed_before_its_bytes_are_there(tmp_path):
    content = matlab("<", struct.pack("<II", 14, 2**32 - 1), bytes(1000))
    assert memory_to_refuse(tmp_path, content, "cut short") < 1 << 20


def test_a_compression_bomb_is_unpacked_no_further_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(mat, "LIMIT", 1 << 20)
    monkeypatch.setattr(mat, "PIECE", 1 << 10)
    small = variable(
        "<",
        (6, struct.pack("<II", 9, 0)),
        (5, struct.pack("<ii", 1, 300_000)),
        (1, b"x"),
        (2, bytes(300_000)),
    )
    for parts in ([bytes(16 << 20)], [small] * 4):  # one is too much, or all together
        content = matlab("<", *map(packed, parts))
        assert memory_to_refuse(tmp_path, content, "more than 1048576 bytes") < 6 << 20


def test_what_cannot_be_opened_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(InputError, match="cannot be read"):
            read_mat(path)


@pytest.mark.parametrize("kind", WHOLE)
@settings(parent=fuzz, max_examples=200)
@given(data=st.data())
def test_a_damaged_file_gives_arrays_or_an_input_error(tmp_path, kind, data):
    content = bytearray(WHOLE[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(124, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_mat(write(tmp_path, bytes(content)))
    except InputError:
        return
    assert all(isinstance(array, np.ndarray) for array in found.values())
