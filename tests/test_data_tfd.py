"""The Toronto Face Database: splits and labels of a file in its format; other files are refused."""

import numpy as np
import pytest

from tinygan.data import load
from tinygan.errors import InputError

FIELDS = {
    "images": np.arange(6 * 48 * 48, dtype=np.uint64).reshape(6, 48, 48).astype(np.uint8),
    "labs_ex": np.array([[-1], [1], [2], [7], [-1], [4]], np.int16),
    "folds": np.array([[0, 1, 2, 3, 1], *([i, 0, 0, 0, 0] for i in (1, 2, 3, 0, 1))], np.uint8),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "tfd").mkdir()
    monkeypatch.setenv("TINYGAN_DATA", str(tmp_path))
    return tmp_path / "tfd"


def write(folder, **changed):
    fields = {k: v for k, v in (FIELDS | changed).items() if v is not None}
    np.savez(folder / "TFD_48x48.npz", **fields)


@pytest.mark.parametrize(
    ("split", "chosen", "labels"), [("train", [0, 1, 4, 5], [-1, 0, -1, 3]), ("test", [3], [6])]
)
@pytest.mark.parametrize("dtype", [np.int16, float])
def test_train_has_the_unlabeled_images_and_a_split_has_its_part_of_the_first_fold(
    folder, split, chosen, labels, dtype
):
    write(folder, labs_ex=FIELDS["labs_ex"].astype(dtype))
    data = load("tfd", split)
    np.testing.assert_array_equal(data.images, FIELDS["images"][chosen][:, None])
    assert data.labels.tolist() == labels
    assert (data.images.dtype, data.labels.dtype) == (np.uint8, np.int64)
    assert data.classes[0] == "anger" and len(data.classes) == 7


@pytest.mark.parametrize("given", [True, False])
def test_the_error_for_a_missing_file_says_how_to_get_it_and_its_path(tmp_path, monkeypatch, given):
    monkeypatch.setenv("TINYGAN_DATA", str(tmp_path) if given else "")
    with pytest.raises(InputError) as caught:
        load("tfd")
    for part in (
        "cannot be downloaded",
        "on request",
        "$TINYGAN_DATA/tfd/TFD_48x48.npz",
        "scipy.io.loadmat('TFD_48x48.mat')",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"images": None}, r"no item named 'images\.npy' .*make it by python -c"),
        ({"folds": None}, r"no item named 'folds\.npy'"),
        ({"labs_ex": "seven"}, "6 times -1 or 1 to 7, found <U5"),
        ({"images": FIELDS["images"].astype(float)}, "expected images.*found float64"),
        ({"images": FIELDS["images"].reshape(6, -1)}, r"expected images.*found uint8 \(6, 2304\)"),
        ({"images": np.zeros((48, 48, 6), np.uint8)}, r"expected images.*\(48, 48, 6\)"),
        ({"labs_ex": FIELDS["labs_ex"][:5]}, r"6 times -1 or 1 to 7, found int16 \(5, 1\)"),
        ({"labs_ex": FIELDS["labs_ex"] + 1}, "from 0 to 8"),
        ({"labs_ex": np.full((6, 1), np.nan)}, "-1 or 1 to 7"),
        ({"folds": FIELDS["folds"][:5]}, r"expected folds, \(6, 5\)"),
        ({"folds": FIELDS["folds"] + 1}, "from 1 to 4"),
        ({"folds": np.zeros((6, 0), np.uint8)}, "expected folds"),
        ({"folds": np.full((6, 5), 2, np.uint8)}, "no train images"),
    ],
)
def test_a_file_with_other_arrays_is_refused(folder, changed, words):
    write(folder, **changed)
    with pytest.raises(InputError, match=words) as caught:
        load("tfd")
    assert str(caught.value).startswith(str(folder / "TFD_48x48.npz"))


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04" + bytes(200), None])
def test_a_file_of_another_format_is_refused(folder, content):
    path = folder / "TFD_48x48.npz"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(
        InputError,
        match=r"TFD_48x48\.npz: (cannot be read|expected a regular file, found a folder)",
    ):
        load("tfd")
