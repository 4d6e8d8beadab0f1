"""load: the error for an unknown name or split lists the known ones."""

import numpy as np
import pytest

from tinygan.data import Minibatches, load, names
from tinygan.errors import InputError
from tinygan.training import Config


@pytest.mark.parametrize("name", ["", "nothing like it", "folder", "../mnist"])
def test_the_error_for_an_unknown_name_lists_all_names(name):
    with pytest.raises(InputError, match="is unknown; expected one of") as caught:
        load(name)
    for known in names():
        assert known in str(caught.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("minst", "mnist"),
        ("fashion_mnist", "fashion-mnist"),
        ("DIGITS", "digits"),
        ("fash", "fashion-mnist"),
    ],
)
def test_the_error_suggests_a_similar_name(name, meant):
    with pytest.raises(InputError, match=f"did you mean '{meant}'"):
        load(name)


def test_the_error_for_the_path_of_a_folder_says_how_to_write_it(tmp_path):
    with pytest.raises(InputError, match="data: for the images in a folder") as caught:
        load(str(tmp_path))
    assert f"expected folder:{tmp_path}, got {tmp_path}" in str(caught.value)
    with pytest.raises(InputError, match="--data: for the images in a folder"):
        Config(data=str(tmp_path))


@pytest.mark.parametrize("name", ["digits", "mnist", "cifar10", "tfd", "folder:."])
def test_an_unknown_split_is_refused_before_any_file_is_read(name):
    with pytest.raises(InputError, match="split 'valid' is unknown; expected one of train, test"):
        load(name, "valid")


def test_the_length_of_a_data_set_is_the_number_of_its_images():
    digits = load("digits")
    assert len(digits) == len(Minibatches(digits.images, rng=np.random.default_rng(0))) == 10_000
