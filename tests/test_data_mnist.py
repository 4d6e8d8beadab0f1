"""MNIST and Fashion-MNIST: the user's own files are read under any usual name, and checked."""

from __future__ import annotations

import gzip
import hashlib

import numpy as np
import pooch
import pytest

from tinygan.data import load, mnist
from tinygan.errors import InputError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (7, 28, 28), np.uint8)
LABELS = np.array([3, 0, 9, 1, 1, 8, 5], np.uint8)


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "mnist"
    folder.mkdir()
    monkeypatch.setenv("TINYGAN_DATA", str(tmp_path))
    monkeypatch.setattr(pooch, "retrieve", lambda *a, **k: pytest.fail("no download expected"))
    return folder


def write(folder, images=IMAGES, labels=LABELS):
    (folder / "train-images-idx3-ubyte").write_bytes(idx(images))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(labels))


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
@pytest.mark.parametrize(("split", "prefix"), [("train", "train"), ("test", "t10k")])
@pytest.mark.parametrize("dash", ["-", "."])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_both_sets_and_splits_are_read_under_every_usual_name(
    tmp_path, monkeypatch, name, split, prefix, dash, suffix
):
    monkeypatch.setenv("TINYGAN_DATA", str(tmp_path))
    (tmp_path / name).mkdir()
    pack = gzip.compress if suffix else bytes
    for kind, array in ((f"images{dash}idx3", IMAGES), (f"labels{dash}idx1", LABELS)):
        path = tmp_path / name / f"{prefix}-{kind}-ubyte{suffix}"
        path.write_bytes(pack(idx(array)))
    data = load(name, split)
    assert data.name == name
    np.testing.assert_array_equal(data.images, IMAGES[:, None])
    np.testing.assert_array_equal(data.labels, LABELS)
    assert (data.images.dtype, data.labels.dtype) == (np.uint8, np.int64)
    assert len(data.classes) == 10


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (IMAGES[:, :27], LABELS, r"images.*\(N, 28, 28\), found uint8 \(7, 27, 28\)"),
        (IMAGES.reshape(7, 784), LABELS, r"images.*found uint8 \(7, 784\)"),
        (LABELS, LABELS, r"images.*found uint8 \(7,\)"),
        (IMAGES, IMAGES, r"labels.*found uint8 \(7, 28, 28\)"),
        (IMAGES, LABELS[:6], "6 labels, but .* has 7 images"),
        (IMAGES, LABELS + 1, "expected labels 0 to 9, found 10"),
    ],
)
def test_files_that_are_not_such_a_set_are_refused(folder, images, labels, words):
    write(folder, images, labels)
    with pytest.raises(InputError, match=words):
        load("mnist")


def test_images_without_their_labels_are_refused(folder):
    write(folder)
    (folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(InputError, match=r"but not train-labels-idx1-ubyte\.gz"):
        load("mnist")


def test_a_damaged_file_is_refused_by_name(folder):
    write(folder)
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=f"{path}: "):
        load("mnist")


def test_the_labels_of_another_set_or_split_are_recognized(folder, monkeypatch):
    write(folder)
    digest = hashlib.sha256(idx(LABELS)).hexdigest()
    monkeypatch.setitem(mnist.KNOWN, digest, ("fashion-mnist", "train"))
    with pytest.raises(InputError, match="are the train labels of fashion-mnist, expected"):
        load("mnist")
    monkeypatch.setitem(mnist.KNOWN, digest, ("mnist", "test"))
    with pytest.raises(InputError, match="are the test labels of mnist, expected the train"):
        load("mnist")
    monkeypatch.setitem(mnist.KNOWN, digest, ("mnist", "train"))
    assert len(load("mnist").images) == 7


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_download_asks_for_the_published_files_by_their_checksums(
    tmp_path, monkeypatch, name, split
):
    monkeypatch.delenv("TINYGAN_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)
    asked = {}

    def retrieve(url, known_hash, fname, path, progressbar):
        asked[fname] = (url, known_hash)
        path.mkdir(exist_ok=True)
        (path / fname).write_bytes(idx(IMAGES if "images" in fname else LABELS))
        return str(path / fname)

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    assert len(load(name, split).images) == 7
    prefix, source = {"train": "train", "test": "t10k"}[split], mnist.SOURCES[name]
    images, labels = f"{prefix}-images-idx3-ubyte.gz", f"{prefix}-labels-idx1-ubyte.gz"
    assert asked == {
        images: (source.urls[0] + images, f"sha256:{source.images[split]}"),
        labels: (source.urls[0] + labels, f"sha256:{source.labels[split]}"),
    }


def test_no_two_published_files_have_one_checksum():
    sums = [s for each in mnist.SOURCES.values() for d in each[1:] for s in d.values()]
    sums += mnist.KNOWN
    assert len(set(sums)) == len(sums) == 12
    assert all(len(bytes.fromhex(each)) == 32 for each in sums)
