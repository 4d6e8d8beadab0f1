"""MNIST and Fashion-MNIST: 60,000 training and 10,000 test images, gray, 28 x 28, ten classes.

The two have the same file names, sizes and ranges, so the reader compares hashes and rejects the
labels of another set or split.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from .dataset import Dataset
from .fetch import File, locate
from .idx import read_idx

__all__ = ["fashion_mnist", "mnist", "read_pair"]

DIGITS = tuple("0123456789")
CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


class Source(NamedTuple):
    """The published files of a data set: addresses, and the SHA-256 of each split's .gz files."""

    urls: tuple[str, ...]
    images: dict[str, str]
    labels: dict[str, str]


SOURCES = {
    "mnist": Source(
        (
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
        ),
        {
            "train": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "test": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        },
        {
            "train": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "test": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
    ),
    "fashion-mnist": Source(
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        {
            "train": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "test": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        },
        {
            "train": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "test": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
    ),
}

# SHA-256 of the uncompressed label files.
KNOWN = {
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5": ("mnist", "train"),
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2": ("mnist", "test"),
    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9": ("fashion-mnist", "train"),
    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34": ("fashion-mnist", "test"),
}


def mnist(split: str) -> Dataset:
    """The handwritten digits of LeCun, Cortes and Burges, "train" or "test".

    Raises InputError if the files are missing or damaged."""
    return _load("mnist", split, DIGITS)


def fashion_mnist(split: str) -> Dataset:
    """The articles of clothing of Xiao, Rasul and Vollgraf, "train" or "test".

    Raises InputError if the files are missing or damaged."""
    return _load("fashion-mnist", split, CLOTHES)


def _load(name: str, split: str, classes: tuple[str, ...]) -> Dataset:
    source, prefix = SOURCES[name], {"train": "train", "test": "t10k"}[split]
    images_path, labels_path = locate(
        [name],
        [
            _file(f"{prefix}-images", "idx3-ubyte", source.urls, source.images[split]),
            _file(f"{prefix}-labels", "idx1-ubyte", source.urls, source.labels[split]),
        ],
    )
    images, labels = read_pair(images_path, labels_path)
    content = b"\0\0\x08\x01" + len(labels).to_bytes(4, "big") + labels.astype(np.uint8).tobytes()
    is_set, is_split = KNOWN.get(hashlib.sha256(content).hexdigest(), (name, split))
    if (is_set, is_split) != (name, split):
        raise InputError(
            f"{labels_path}: these are the {is_split} labels of {is_set}, expected the {split} "
            f"labels of {name}; keep each set in a folder of its own, $TINYGAN_DATA/{name}/"
        )
    return Dataset(name, images, labels, classes)


def _file(stem: str, kind: str, urls: tuple[str, ...], sha256: str) -> File:
    names = (f"{stem}-{kind}.gz", f"{stem}-{kind}", f"{stem}.{kind}.gz", f"{stem}.{kind}")
    return File(names, tuple(url + names[0] for url in urls), sha256)


def read_pair(images_path: Path, labels_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 1, 28, 28) and labels (N,) from a pair of IDX files.

    Raises InputError unless images are 28 x 28 bytes, with one label in 0..9 for each.
    """
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (28, 28):
        raise InputError(
            f"{images_path}: expected images of 28 x 28 bytes, uint8 (N, 28, 28), found "
            f"{images.dtype} {images.shape}"
        )
    if labels.dtype != np.uint8 or labels.ndim != 1:
        raise InputError(
            f"{labels_path}: expected labels, uint8 (N,), found {labels.dtype} {labels.shape}"
        )
    if len(images) != len(labels):
        raise InputError(
            f"{labels_path}: has {len(labels)} labels, but {images_path} has {len(images)} images; "
            "expected one label for each image"
        )
    if labels.max() > 9:
        raise InputError(f"{labels_path}: expected labels 0 to 9, found {labels.max()}")
    return images[:, None], labels.astype(np.int64)
