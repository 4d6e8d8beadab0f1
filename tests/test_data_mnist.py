"""MNIST and Fashion-MNIST: local files with any of the usual names are read and checked."""

import gzip
import hashlib
from itertools import product

import numpy as np
import pooch
import pytest

from tinygan.data import load, mnist
from tinygan.errors import InputError

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 28, 28), np.uint8)
LABELS = np.array([3, 0, 9, 1, 1, 8, 5], np.uint8)
PREFIX = {"train": "train", "test": "t10k"}
both = pytest.mark.parametrize(("name", "split"), [*product(mnist.SOURCES, PREFIX)])


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in mnist.SOURCES:
        (tmp_path / name).mkdir()
    monkeypatch.setenv("TINYGAN_DATA", str(tmp_path))
    monkeypatch.setattr(pooch, "retrieve", lambda *a, **k: pytest.fail("no download expected"))
    return tmp_path / "mnist"


def write(folder, images=IMAGES, labels=LABELS):
    (folder / "train-images-idx3-ubyte").write_bytes(idx(images))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(labels))


@both
@pytest.mark.parametrize("dash", ["-", "."])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_both_sets_and_splits_are_read_under_every_usual_name(folder, name, split, dash, suffix):
    pack = gzip.compress if suffix else bytes
    for kind, array in ((f"images{dash}idx3", IMAGES), (f"labels{dash}idx1", LABELS)):
        path = folder.parent / name / f"{PREFIX[split]}-{kind}-ubyte{suffix}"
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
        (IMAGES, LABELS + 1, "expected labels 0 to 9, found 10 at index"),
    ],
)
def test_other_contents_are_refused(folder, images, labels, words):
    write(folder, images, labels)
    with pytest.raises(InputError, match=words):
        load("mnist")


def test_the_labels_of_another_set_or_split_are_recognized(folder, monkeypatch):
    write(folder)
    digest = hashlib.sha256(idx(LABELS)).hexdigest()
    for name, split in (("fashion-mnist", "train"), ("mnist", "test"), ("mnist", "train")):
        with monkeypatch.context() as patch:
            patch.setitem(mnist.SOURCES[name].sha256, split, ("", "", digest))
            if (name, split) == ("mnist", "train"):
                assert len(load("mnist").images) == 7
                continue
            with pytest.raises(InputError, match=f"are the {split} labels of {name}, expected the"):
                load("mnist")


@both
def test_a_download_asks_for_the_published_files_by_their_checksums(
    tmp_path, monkeypatch, name, split
):
    monkeypatch.delenv("TINYGAN_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)
    requests = {}

    def retrieve(url, known_hash, fname, path, downloader):
        requests[fname] = (url, known_hash)
        path.mkdir(exist_ok=True)
        (path / fname).write_bytes(idx(IMAGES if "images" in fname else LABELS))
        return str(path / fname)

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    assert len(load(name, split).images) == 7
    source = mnist.SOURCES[name]
    stems = f"{PREFIX[split]}-images-idx3", f"{PREFIX[split]}-labels-idx1"
    assert requests == {
        f"{stem}-ubyte.gz": (f"{source.urls[0]}{stem}-ubyte.gz", f"sha256:{sha256}")
        for stem, sha256 in zip(stems, source.sha256[split][:2], strict=True)
    }


def test_no_two_published_files_have_one_checksum():
    sums = [each for source in mnist.SOURCES.values() for s in source.sha256.values() for each in s]
    assert len(set(sums)) == len(sums) == 6 * len(mnist.SOURCES)
    assert all(len(bytes.fromhex(each)) == 32 for each in sums)
