"""The embedded digits: the first 10,000 training images of MNIST, for runs without a download.

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
SHA256 = {
    "digits-images-idx3-ubyte.gz": (
        "36707bfd63bcc1baf911512db8f40af1940d9fc513cb862f99741a994da05181"
    ),
    "digits-labels-idx1-ubyte.gz": (
        "ddb336c35d26d6499f325832214cfd852954d037817de7f291d8e80ad0912b32"
    ),
}
LIMIT = 1 << 24  # bytes of a file


def digits(split: str) -> Dataset:
    """10,000 handwritten digits, (N, 1, 28, 28); there is only the "train" split.

    Raises InputError for another split, or if the installed files were changed.
    """
    if split != "train":
        raise InputError(
            f"digits, split {split!r}: the embedded sample has only the train split; the full "
            "MNIST has a test split, --data mnist"
        )
    for name, expected in SHA256.items():
        with read_errors(FOLDER / name, "a file of tinygan", "reinstall tinygan"):
            found = hashlib.sha256(read(FOLDER / name, LIMIT)).hexdigest()
        if found != expected:
            raise InputError(
                f"{FOLDER / name}: this file of tinygan was changed: its SHA-256 is {found}, "
                f"expected {expected}; reinstall tinygan"
            )
    images, labels = (FOLDER / name for name in SHA256)
    return Dataset("digits", *read_pair(images, labels), DIGITS)
