"""MNIST and Fashion-MNIST: 60,000 training and 10,000 test images, gray, 28 x 28, ten classes.

Both have the same file names, shapes and ranges, so the reader compares the hash of the labels with
those of the other set and split, and raises an error if one of these is equal.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from .dataset import Dataset
from .fetch import File, locate
from .idx import read_idx
from .reading import require, require_labels

DIGITS = tuple("0123456789")
CLOTHES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


class Source(NamedTuple):
    """A published data set: its classes, the URLs of the folders with its files, and for each split
    the SHA-256 of the gzipped images, of the gzipped labels, and of the unpacked labels."""

    classes: tuple[str, ...]
    urls: tuple[str, ...]
    sha256: dict[str, tuple[str, str, str]]


SOURCES = {
    # LeCun, Cortes and Burges: handwritten digits
    "mnist": Source(
        DIGITS,
        (
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
        ),
        {
            "train": (
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            "test": (
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        },
    ),
    # Xiao, Rasul and Vollgraf 2017: articles of clothing
    "fashion-mnist": Source(
        CLOTHES,
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        {
            "train": (
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
            "test": (
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        },
    ),
}


def read_mnist(name: str, split: str) -> Dataset:
    """The data set called `name` in SOURCES, its "train" or "test" split.

    Raises InputError if the files are missing or damaged, or belong to another set or split."""
    source = SOURCES[name]
    prefix = {"train": "train", "test": "t10k"}[split]
    kinds = (f"{prefix}-images", "idx3-ubyte"), (f"{prefix}-labels", "idx1-ubyte")
    files = [
        File(
            tuple(f"{stem}{sign}{kind}{end}" for sign in "-." for end in (".gz", "")),
            source.urls,
            sha256,
        )
        for (stem, kind), sha256 in zip(kinds, source.sha256[split][:2], strict=True)
    ]
    images_path, labels_path = locate([name], files)
    images, labels = read_pair(images_path, labels_path)
    content = b"\0\0\x08\x01" + len(labels).to_bytes(4, "big") + labels.astype(np.uint8).tobytes()
    found = hashlib.sha256(content).hexdigest()
    for is_set, other in SOURCES.items():
        for is_split, (*_, sha256) in other.sha256.items():
            if sha256 == found and (is_set, is_split) != (name, split):
                raise InputError(
                    f"{labels_path}: these are the {is_split} labels of {is_set}, expected the "
                    f"{split} labels of {name}; keep each set in a folder of its own, "
                    f"$TINYGAN_DATA/{name}/"
                )
    return Dataset(name, images, labels, source.classes)


def read_pair(images_path: Path, labels_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 1, 28, 28) and labels (N,) from a pair of IDX files.

    Raises InputError unless images are 28 x 28 bytes, with one label in 0..9 for each.
    """
    images, labels = read_idx(images_path), read_idx(labels_path)
    fits = images.dtype == np.uint8 and images.ndim == 3 and images.shape[1:] == (28, 28)
    require(fits, images_path, "images of 28 x 28 bytes, uint8 (N, 28, 28)", images)
    fits = labels.dtype == np.uint8 and labels.ndim == 1
    require(fits, labels_path, "labels 0 to 9, uint8 (N,)", labels)
    require_labels(labels_path, labels, 10)
    if len(images) != len(labels):
        raise InputError(
            f"{labels_path}: has {len(labels)} labels, but {images_path} has {len(images)} images; "
            "expected one label for each image"
        )
    return images[:, None], labels.astype(np.int64)
