"""The embedded digits are the first 10,000 training images of MNIST; a change raises an error."""

import hashlib
import json
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

HISTOGRAM = [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
# SHA-256 of the pixels and of the labels, without any header.
IMAGES = "2f7182bf021ffc5c1f62db987487f14d899b5c639f421a80f3095affc09a7db2"
LABELS = "2f345bad07338ec537641465e169cc4b7288a44244f251211c7f842641e7d927"


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def test_there_are_ten_thousand_gray_images_with_labels(digits):
    assert digits.name == "digits"
    assert (digits.images.shape, digits.images.dtype) == ((10_000, 1, 28, 28), np.uint8)
    assert (digits.labels.shape, digits.labels.dtype) == ((10_000,), np.int64)
    assert digits.classes == tuple("0123456789")
    assert np.bincount(digits.labels).tolist() == HISTOGRAM
    assert (digits.images.min(), digits.images.max()) == (0, 255)


def test_their_pixels_and_labels_are_pinned(digits):
    assert hashlib.sha256(digits.images.tobytes()).hexdigest() == IMAGES
    assert hashlib.sha256(digits.labels.astype(np.uint8).tobytes()).hexdigest() == LABELS


@pytest.mark.skipif(
    not Path(os.environ.get("TINYGAN_DATA", ""), "mnist").is_dir(),
    reason="$TINYGAN_DATA has no folder mnist to compare with",
)
def test_they_are_the_first_of_mnist(digits):
    mnist = load("mnist")
    np.testing.assert_array_equal(digits.images, mnist.images[:10_000])
    np.testing.assert_array_equal(digits.labels, mnist.labels[:10_000])


def test_there_is_no_test_split_and_the_message_names_the_set_that_has_one():
    with pytest.raises(InputError, match="--data mnist"):
        load("digits", "test")


@pytest.mark.parametrize("name", module.SHA256)
def test_a_changed_or_missing_file_is_refused(tmp_path, monkeypatch, name):
    for each in module.SHA256:
        shutil.copy(module.FOLDER / each, tmp_path)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: .*was changed.*reinstall"):
        load("digits")
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match=f"{name}: .*cannot be read.*reinstall"):
        load("digits")


def test_the_origin_names_the_authors_the_license_and_the_pinned_files():
    text = (module.FOLDER / "ORIGIN.md").read_text(encoding="utf-8")
    for part in ("LeCun", "Cortes", "Share Alike 3.0", "Juan Cazala", *module.SHA256.values()):
        assert part in text


def test_the_script_makes_the_same_files_again(digits, tmp_path):
    """The files of the npm package are one per digit, with numbers of three decimals."""
    groups = [digits.images[digits.labels == digit].reshape(-1, 784) for digit in range(10)]
    values = np.round(groups[5].reshape(-1) / 255, 3).tolist()
    (tmp_path / "5.json").write_text(json.dumps({"data": values}))
    np.testing.assert_array_equal(make_digits.read(tmp_path / "5.json"), groups[5])
    labels = digits.labels.astype(np.uint8)
    images = make_digits.arrange(groups, labels)
    np.testing.assert_array_equal(images.reshape(-1, 1, 28, 28), digits.images)
    with pytest.raises(SystemExit, match=r"images of \d, but"):
        make_digits.arrange(groups, labels[:-1])
    # The smaller file only: level 9 on the images takes seconds.
    make_digits.FILES = tmp_path
    make_digits.write("digits-labels-idx1-ubyte.gz", labels)
    found = hashlib.sha256((tmp_path / "digits-labels-idx1-ubyte.gz").read_bytes()).hexdigest()
    assert found == module.SHA256["digits-labels-idx1-ubyte.gz"]


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
