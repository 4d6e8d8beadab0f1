"""The embedded digits are images of MNIST; a change raises an error."""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import make_digits
import numpy as np
import pytest

import tinygan
from tinygan.data import digits as module
from tinygan.data import load
from tinygan.errors import InputError

FILES = {name: sha256 for part in module.PARTS.values() for name, sha256 in part.items()}
# The number of images of each digit, and the SHA-256 of the pixels and labels without any header.
HELD = {
    "train": (
        [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978],
        "2f7182bf021ffc5c1f62db987487f14d899b5c639f421a80f3095affc09a7db2",
        "2f345bad07338ec537641465e169cc4b7288a44244f251211c7f842641e7d927",
    ),
    "test": (
        [189, 222, 212, 242, 196, 186, 158, 215, 193, 187],
        "f0d1250f0e1c81ed67029fd6a06f6781e6a9151cec42d9fac4a16c7f77c0c06c",
        "221abe75a4dacf229f1de7c9c10a0c614576749d93ef93f8a70bf32587b4ea2f",
    ),
}


@pytest.mark.parametrize("split", HELD)
def test_gray_images_with_labels(split):
    digits, (counts, images, labels) = load("digits", split), HELD[split]
    assert digits.name == "digits" and digits.classes == tuple("0123456789")
    assert (digits.images.shape, digits.images.dtype) == ((sum(counts), 1, 28, 28), np.uint8)
    assert digits.labels.dtype == np.int64 and np.bincount(digits.labels).tolist() == counts
    assert hashlib.sha256(digits.images.tobytes()).hexdigest() == images
    assert hashlib.sha256(digits.labels.astype(np.uint8).tobytes()).hexdigest() == labels


def test_no_test_image_is_a_training_image():
    known, test = ({bytes(x) for x in load("digits", split).images} for split in HELD)
    assert not known & test and len(test) == 2000


@pytest.mark.skipif(
    not Path(os.environ.get("TINYGAN_DATA", ""), "mnist").is_dir(),
    reason="$TINYGAN_DATA has no folder mnist to compare with",
)
@pytest.mark.parametrize(
    ("split", "taken"), [("train", slice(10_000)), ("test", slice(None, None, 5))]
)
def test_they_are_images_of_mnist(split, taken):
    digits, mnist = load("digits", split), load("mnist", split)
    np.testing.assert_array_equal(digits.images, mnist.images[taken])
    np.testing.assert_array_equal(digits.labels, mnist.labels[taken])


@pytest.mark.parametrize("name", FILES)
def test_a_changed_or_missing_file_is_refused(tmp_path, monkeypatch, name):
    for each in FILES:
        shutil.copy(module.FOLDER / each, tmp_path)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    split = "test" if "test" in name else "train"
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: .*was changed.*reinstall"):
        load("digits", split)
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match=f"{name}: .*cannot be read.*reinstall"):
        load("digits", split)


def test_the_origin_names_the_authors_the_license_and_the_pinned_files():
    text = (module.FOLDER / "ORIGIN.md").read_text(encoding="utf-8")
    for part in ("LeCun", "Cortes", "Attribution-Share Alike", *FILES, *FILES.values()):
        assert part in text


def test_the_script_makes_the_files_from_those_of_mnist(tmp_path, monkeypatch, capsys):
    """20 training images and 15 test images stand for MNIST's; the script takes 10,000 and every
    fifth."""
    (source := tmp_path / "mnist").mkdir()
    rng, pixels, classes = np.random.default_rng(0), {}, {}
    for name, n in (("train", 20), ("t10k", 15)):
        pixels[name] = rng.integers(0, 256, (n, 28, 28), np.uint8)
        classes[name] = rng.integers(0, 10, n, np.uint8)
        monkeypatch.setattr(make_digits, "FOLDER", source)
        make_digits.write(f"{name}-images-idx3-ubyte.gz", pixels[name])
        make_digits.write(f"{name}-labels-idx1-ubyte.gz", classes[name])
    for folder in (make_digits, module):
        monkeypatch.setattr(folder, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["make_digits.py", str(source)])
    make_digits.main()
    found = {split: [*make_digits.read_pair(*(tmp_path / name for name in names))]
             for split, names in module.PARTS.items()}  # fmt: skip
    np.testing.assert_array_equal(found["train"][0][:, 0], pixels["train"])
    np.testing.assert_array_equal(found["train"][1], classes["train"])
    np.testing.assert_array_equal(found["test"][0][:, 0], pixels["t10k"][::5])
    np.testing.assert_array_equal(found["test"][1], classes["t10k"][::5])
    labels = tmp_path / "digits-test-labels-idx1-ubyte.gz"
    assert hashlib.sha256(labels.read_bytes()).hexdigest() in capsys.readouterr().out


def test_the_embedded_labels_are_packed_by_the_script(tmp_path, monkeypatch):
    """The smaller files only: level 9 on the images takes seconds."""
    monkeypatch.setattr(make_digits, "FOLDER", tmp_path)
    for name, sha256 in FILES.items():
        if "labels" in name:
            content = gzip.decompress((module.FOLDER / name).read_bytes())
            make_digits.write(name, np.frombuffer(content[8:], np.uint8))
            assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == sha256


def test_importing_the_readers_imports_no_optional_library():
    heavy = "{'pooch', 'PIL', 'scipy', 'requests', 'tqdm', 'matplotlib', 'cupy', 'safetensors'}"
    code = f"import sys, tinygan.data; print({heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(tinygan.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"
