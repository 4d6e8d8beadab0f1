"""A checkpoint is written completely or not at all, and is read as it was written."""

import errno
import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save as safetensors_bytes

from tinygan import InputError, storage
from tinygan.storage import atomic

ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "count": np.array(7, dtype=np.int64),
    "view": np.arange(12.0).reshape(3, 4).T,
    "frames": np.arange(8, dtype=np.uint8).reshape(2, 2, 2),
}
META = {"step": 3, "rng": {"state": 2**127 + 1}, "text": "λ"}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "c.safetensors"
    storage.save(path, ARRAYS, META)
    return path


def test_a_checkpoint_is_read_as_it_was_written(written):
    arrays, meta = storage.load(written)
    assert meta == META
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype and arrays[name].shape == array.shape
        np.testing.assert_array_equal(arrays[name], array)


def test_the_same_state_gives_the_same_bytes(written, tmp_path):
    storage.save(tmp_path / "again", dict(reversed(ARRAYS.items())), META)
    assert (tmp_path / "again").read_bytes() == written.read_bytes()


def read(path, content):
    path.write_bytes(content)
    return storage.load(path)


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 9, 40, 200, -200, -8, -1])
def test_a_truncated_checkpoint_is_refused(written, tmp_path, keep):
    with pytest.raises(InputError, match="damaged or no safetensors file"):
        read(tmp_path / "cut", written.read_bytes()[:keep])


@given(st.data())
def test_any_flipped_bit_is_refused(written, tmp_path_factory, data):
    content = bytearray(written.read_bytes())
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InputError):
        read(tmp_path_factory.getbasetemp() / "flipped", bytes(content))


@given(st.binary(max_size=400))
def test_a_foreign_file_is_refused(tmp_path_factory, content):
    with pytest.raises(InputError, match="damaged or no safetensors file"):
        read(tmp_path_factory.getbasetemp() / "foreign", content)


def test_a_safetensors_file_of_another_program_is_refused(tmp_path):
    with pytest.raises(InputError, match="no checkpoint of tinygan"):
        read(tmp_path / "other", safetensors_bytes({"a": np.zeros(3)}, metadata={"format": "pt"}))


@pytest.mark.parametrize("kind", ["F4", "F8_E4M3", "F8_E5M2", "F8_E8M0", "BF16", "C64", "X"])
def test_types_that_numpy_does_not_have_are_refused(tmp_path, kind):
    numbers = {"F4": 32, "BF16": 8, "C64": 2}.get(kind, 16)
    about = {"a": {"dtype": kind, "shape": [numbers], "data_offsets": [0, 16]}}
    header = json.dumps(about).encode()
    with pytest.raises(InputError, match=r"no safetensors file|no checkpoint of tinygan"):
        read(tmp_path / "other", len(header).to_bytes(8, "little") + header + bytes(16))


@pytest.mark.parametrize(
    ("arrays", "meta", "message"),
    [
        (None, {}, "arrays: expected a mapping of names to values, got None"),
        ({}, [1], r"meta: expected a mapping of names to values, got \[1\]"),
        ({}, {"a": {1, 2}}, "meta: expected values that JSON can hold; Object of type set is not"),
        (
            {"a": np.zeros(2, complex)},
            {},
            "arrays: expected bool, int8, .* float64, got complex128 for 'a'",
        ),
        ({"a": np.zeros(2, "m8[s]")}, {}, r"got timedelta64\[s\] for 'a'"),
        ({"a": "text"}, {}, "got <U4 for 'a'"),
        ({"__metadata__": np.zeros(2)}, {}, "arrays: expected printable names, got '__metadata__'"),
        ({"\ud800": np.zeros(2)}, {}, "arrays: expected printable names"),
        ({3: np.zeros(2)}, {}, "arrays: expected printable names, got 3"),
    ],
)
def test_values_that_could_not_be_read_again_are_not_written(
    written, tmp_path, arrays, meta, message
):
    path = tmp_path / "c"
    path.write_bytes(written.read_bytes())
    with pytest.raises(ValueError, match=message):
        storage.save(path, arrays, meta)
    assert path.read_bytes() == written.read_bytes()


def test_the_byte_order_does_not_matter(tmp_path):
    for i, dtype in enumerate((">f4", "<f4")):
        storage.save(tmp_path / str(i), {"a": np.arange(3, dtype=dtype)}, {})
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()
    np.testing.assert_array_equal(storage.load(tmp_path / "0")[0]["a"], [0, 1, 2])


def test_the_error_for_a_missing_checkpoint_names_it(tmp_path):
    with pytest.raises(InputError, match="nothing-here: there is no such checkpoint"):
        storage.load(tmp_path / "nothing-here")


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("step", "error"),
    [("write", FULL), ("fsync", FULL), ("replace", FULL), ("write", KeyboardInterrupt())],
)
def test_a_full_disk_or_ctrl_c_leaves_the_old_file_alone(tmp_path, monkeypatch, step, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*args):
        raise error

    if step != "write":
        monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(error), match=r"No space left|^$"), atomic(path) as file:
        file.write(b"half of the new")
        if step == "write":
            fail()
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]
