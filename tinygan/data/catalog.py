"""The data sets by name, each with its reader."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ..errors import choose
from .cifar10 import cifar10
from .dataset import Dataset
from .digits import digits
from .image_folder import image_folder
from .mnist import read_mnist
from .tfd import tfd

__all__ = ["DATASETS", "load", "names"]


class Entry(NamedTuple):
    """A named data set: its reader and its properties."""

    read: Callable[[str], Dataset]  # of a split, "train" or "test"
    test_set: str | None = None  # the data set whose test split is not part of this one
    classified: bool = False  # `tinygan evaluate` has a classifier for its images
    digits: bool = False  # its classes are those of that classifier


DATASETS = {
    "digits": Entry(digits, test_set="mnist", classified=True, digits=True),
    "mnist": Entry(partial(read_mnist, "mnist"), test_set="mnist", classified=True, digits=True),
    "fashion-mnist": Entry(
        partial(read_mnist, "fashion-mnist"), test_set="fashion-mnist", classified=True
    ),
    "cifar10": Entry(cifar10, test_set="cifar10"),
    "tfd": Entry(tfd),
}


def names() -> tuple[str, ...]:
    """The names that `load` accepts; PATH stands for a folder of images."""
    return (*DATASETS, "folder:PATH")


def load(
    name: str, split: str = "train", *, folder_size: int = 28, folder_mode: str = "gray"
) -> Dataset:
    """The data set called `name`, its "train" or "test" split.

    "digits" is embedded. The others come from $TINYGAN_DATA, the cache or the network.
    "folder:PATH" reads the images under PATH, resized to `folder_size` pixels, "gray" or "color".

    Raises InputError that says what to do, if the data are missing or damaged.
    """
    choose("split", split, ("train", "test"))
    if not isinstance(name, str):
        raise TypeError(f"data: expected a name, as 'digits' or 'folder:PATH', got {name!r}")
    if name.startswith("folder:"):
        path = name.removeprefix("folder:")
        return image_folder(path, split, size=folder_size, mode=folder_mode)
    return DATASETS[choose("data", name, names())].read(split)
