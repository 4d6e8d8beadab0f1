"""A checkpoint is there whole or not at all, and what is read is what was written."""

import errno
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save as safetensors_bytes

from tinygan import InputError, checkpoint
from tinygan.files import atomic

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
    checkpoint.save(path, ARRAYS, META)
    return path


def test_what_is_read_is_what_was_written(written):
    arrays, meta = checkpoint.load(written)
    assert meta == META
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype and arrays[name].shape == array.shape
        np.testing.assert_array_equal(arrays[name], array)


def test_the_same_state_gives_the_same_bytes(written, tmp_path):
    checkpoint.save(tmp_path / "again", dict(reversed(ARRAYS.items())), META)
    assert (tmp_path / "again").read_bytes() == written.read_bytes()


def read(path, content):
    path.write_bytes(content)
    return checkpoint.load(path)


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


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(InputError, match="nothing-here: there is no such checkpoint"):
        checkpoint.load(tmp_path / "nothing-here")


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_failing_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    if step != "write":
        monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space left"), atomic(path) as file:
        file.write(b"half of the new")
        if step == "write":
            full()
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_ctrl_c_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), atomic(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]
