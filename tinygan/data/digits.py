"""The embedded digits: the first 10,000 training images of MNIST, for runs without a download.

See files/ORIGIN.md for their source and license.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..errors import InputError
from .dataset import Dataset
from .mnist import DIGITS, read_pair

__all__ = ["digits"]

FOLDER = Path(__file__).parent / "files"
SHA256 = {
    "digits-images-idx3-ubyte.gz": (
        "36707bfd63bcc1baf911512db8f40af1940d9fc513cb862f99741a994da05181"
    ),
    "digits-labels-idx1-ubyte.gz": (
        "ddb336c35d26d6499f325832214cfd852954d037817de7f291d8e80ad0912b32"
    ),
}


def digits(split: str) -> Dataset:
    """10,000 handwritten digits, (N, 1, 28, 28); there is only the "train" split.

    Raises InputError for another split, or if the installed files were changed.
    """
    if split != "train":
        raise InputError(
            f"digits, split {split!r}: the embedded sample has only the train split; the full "
            "MNIST has a test split, --data mnist"
        )
    images, labels = (FOLDER / name for name in SHA256)
    for path in (images, labels):
        _check(path)
    return Dataset("digits", *read_pair(images, labels), DIGITS)


def _check(path: Path) -> None:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as problem:
        raise InputError(
            f"{path}: a file of tinygan's own cannot be read ({problem.strerror}); reinstall "
            "tinygan"
        ) from problem
    if found != SHA256[path.name]:
        raise InputError(
            f"{path}: a file of tinygan's own was changed, its SHA-256 is {found}, expected "
            f"{SHA256[path.name]}; reinstall tinygan"
        )
