"""The data sets by name, each with its reader."""

import os
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ..errors import InputError, choose
from .cifar10 import cifar10
from .dataset import Dataset
from .digits import digits
from .image_folder import MODES, image_folder
from .mnist import read_mnist
from .tfd import tfd

__all__ = ["DATASETS", "PATHS", "check_name", "downloads", "image_shape", "load", "names"]


class Entry(NamedTuple):
    """A named data set, with a train and a test split: its reader and its properties."""

    read: Callable[[str], Dataset]  # of a split, "train" or "test"
    shape: tuple[int, int, int] = (1, 28, 28)  # of an image
    digits: bool = False  # its classes are those of the digit classifier
    megabytes: int = 0  # of the files that are downloaded; 0: none is


DATASETS = {
    "digits": Entry(digits, digits=True),
    "mnist": Entry(partial(read_mnist, "mnist"), digits=True, megabytes=12),
    "fashion-mnist": Entry(partial(read_mnist, "fashion-mnist"), megabytes=31),
    "cifar10": Entry(cifar10, (3, 32, 32), megabytes=170),
    "tfd": Entry(tfd, (1, 48, 48)),
}

# The user's own images, named "KIND:PATH", with the reader of each kind.
PATHS: dict[str, Callable[..., Dataset]] = {"folder": image_folder}


def names() -> tuple[str, ...]:
    """The names that `load` accepts; PATH is the path of the user's own images."""
    return (*DATASETS, *(f"{kind}:PATH" for kind in PATHS))


def check_name(what: str, name: str) -> None:
    """Check that `name` is that of a data set; `what` is the option or argument.

    Raises InputError if it is not; for the path of a folder, the message says how to write it."""
    if name not in DATASETS and os.path.isdir(name):
        raise InputError(f"{what}: for the images in a folder, expected folder:{name}, got {name}")
    choose(what, name, names())


def downloads() -> str:
    """The data sets that are downloaded, and their sizes."""
    found = (f"{name} ({e.megabytes} MB)" for name, e in DATASETS.items() if e.megabytes)
    return ", ".join(found)


def load(
    name: str,
    split: str = "train",
    *,
    size: int = 32,
    mode: str = "color",
    skip: Callable[[str], object] | None = None,
) -> Dataset:
    """The data set called `name`, its "train" or "test" split.

    "digits" is embedded. The others come from $TINYGAN_DATA, the cache or the network.
    "folder:PATH" reads the images under PATH, resized to `size` x `size` pixels, in the `mode`
    "gray" or "color". With `skip`, images that cannot be read are left out, and skip(reason) is
    called for each; without it, one ends in an error.

    Raises InputError, with a remedy, if the name is unknown or the data are missing or damaged;
    TypeError unless `name` is a str.
    """
    choose("split", split, ("train", "test"))
    if not isinstance(name, str):
        raise TypeError(f"data: expected a name such as 'digits' or 'folder:PATH', got {name!r}")
    kind, colon, path = name.partition(":")
    if colon and kind in PATHS:
        return PATHS[kind](path, split, size=size, mode=mode, skip=skip)
    check_name("data", name)
    return DATASETS[name].read(split)


def image_shape(name: str, *, size: int, mode: str) -> tuple[int, int, int]:
    """The shape (C, H, W) of the images that `load` returns, of which none is read."""
    if name.partition(":")[0] in PATHS:
        return len(MODES[mode]), size, size
    return DATASETS[name].shape
