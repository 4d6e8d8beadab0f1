"""The embedded digits, for runs without a download: the first 10,000 training images of MNIST, and
every fifth of its test images.

See files/ORIGIN.md for their source and license.
"""

import hashlib
from pathlib import Path

from ..errors import InputError
from ..files import read
from .dataset import Dataset
from .mnist import DIGITS, read_pair
from .reading import read_errors

FOLDER = Path(__file__).parent / "files"
# Each part: its files with their SHA-256, the images first.
PARTS = {
    "train": {
        "digits-images-idx3-ubyte.gz": (
            "36707bfd63bcc1baf911512db8f40af1940d9fc513cb862f99741a994da05181"
        ),
        "digits-labels-idx1-ubyte.gz": (
            "ddb336c35d26d6499f325832214cfd852954d037817de7f291d8e80ad0912b32"
        ),
    },
    "test": {
        "digits-test-images-idx3-ubyte.gz": (
            "63ab0e7e480bd341675edf1d411f6f81d57c3453b0be9b4c341d4319a9be0c00"
        ),
        "digits-test-labels-idx1-ubyte.gz": (
            "a61618755f7c2f42008ead8dd519547384db7a3bf7b8bc7bcaf354a2010312f7"
        ),
    },
}
LIMIT = 1 << 24  # bytes of a file


def digits(split: str) -> Dataset:
    """The "train" split, 10,000 handwritten digits (N, 1, 28, 28), or the "test" split, 2,000.

    Raises InputError if the installed files were changed.
    """
    for name, expected in PARTS[split].items():
        with read_errors(FOLDER / name, "a file of tinygan", "reinstall tinygan"):
            found = hashlib.sha256(read(FOLDER / name, LIMIT)).hexdigest()
        if found != expected:
            raise InputError(
                f"{FOLDER / name}: this file of tinygan was changed: its SHA-256 is {found}, "
                f"expected {expected}; reinstall tinygan"
            )
    images, labels = (FOLDER / name for name in PARTS[split])
    return Dataset("digits", *read_pair(images, labels), DIGITS)
