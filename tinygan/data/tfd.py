"""The Toronto Face Database: 98,058 unlabeled and 4,178 labeled faces, gray, 48 x 48.

It is one of the data sets of Goodfellow et al. 2014. It may not be redistributed; its authors at
the University of Toronto give TFD_48x48.mat on request. The command `CONVERT` converts it by SciPy
to TFD_48x48.npz, which this reader reads:

    images    uint8 (N, 48, 48)
    labs_ex   (N, 1), the expression 1 to 7, or -1 if unlabeled
    folds     (N, 5), the part in each of five folds; 0: unlabeled, 1: train, 2: valid, 3: test
"""

import math
import zipfile

import numpy as np

from ..errors import InputError
from ..files import opened
from .dataset import Dataset
from .fetch import find_local
from .reading import read_errors, require

EXPRESSIONS = ("anger", "disgust", "fear", "happy", "sad", "surprise", "neutral")
NAMES = ("images", "labs_ex", "folds")
NAME = "TFD_48x48.npz"
CONVERT = (
    "python -c \"import numpy, scipy.io; faces = scipy.io.loadmat('TFD_48x48.mat'); "
    f"numpy.savez('{NAME}', **{{name: faces[name] for name in {NAMES}}})\""
)
LIMIT = 1 << 30  # bytes of an array; the images of the data set have 236 million


def tfd(split: str) -> Dataset:
    """The faces of Susskind, Anderson and Hinton, uint8 (N, 1, 48, 48). As in the paper, "train" is
    the unlabeled images and the training part of the first fold; "test" is its test part.

    Labels are indices 0 to 6 into EXPRESSIONS, or -1 if unlabeled.

    Raises InputError if the file is missing or damaged.
    """
    found = find_local(["tfd"], [(NAME,)])
    if not found:
        raise InputError(
            f"tfd: {NAME} not found. It cannot be downloaded: the Toronto Face Database is given "
            "by its authors at the University of Toronto on request. Convert TFD_48x48.mat by "
            f"{CONVERT}, and put {NAME} at $TINYGAN_DATA/tfd/{NAME}, where TINYGAN_DATA names a "
            "folder of your data sets; or use the embedded sample, --data digits"
        )
    [path] = found
    errors = read_errors(path, "an .npz file of arrays", f"make it by {CONVERT}")
    with errors, opened(path, 4 * LIMIT) as file, zipfile.ZipFile(file) as archive:
        images, expressions, folds = (_array(archive, name) for name in NAMES)
    fits = images.dtype == np.uint8 and images.ndim == 3 and images.shape[1:] == (48, 48)
    require(fits, path, "images, uint8 (N, 48, 48)", images)
    n = len(images)
    fits = expressions.size == n and bool(np.isin(expressions, (-1, *range(1, 8))).all())
    require(fits, path, f"labs_ex, {n} times -1 or 1 to 7", expressions)
    fits = folds.shape == (n, 5) and bool(np.isin(folds, range(4)).all())
    require(fits, path, f"folds, ({n}, 5) of 0 to 3", folds)
    chosen = np.isin(folds[:, 0], {"train": (0, 1), "test": (3,)}[split])
    if not chosen.any():
        raise InputError(f"{path}: its first fold has no {split} images")
    labels = expressions.reshape(-1).astype(np.int64)
    labels = np.where(labels > 0, labels - 1, -1)[chosen]
    return Dataset("tfd", images[chosen][:, None], labels, EXPRESSIONS)


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """An array of the .npz file. Its size is checked before memory is allocated for it."""
    size = archive.getinfo(f"{name}.npy").file_size
    with archive.open(f"{name}.npy") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError(f"{name}: an unknown version of .npy")
        shape, by_column, dtype = np.lib.format.read_array_header_1_0(file)
        count = math.prod(shape)
        if dtype.hasobject or not 0 <= count * dtype.itemsize <= min(size, LIMIT):
            raise ValueError(f"{name}: {shape} of {dtype} does not fit into {size} bytes")
        values = np.frombuffer(file.read(count * dtype.itemsize), dtype, count)
    return values.reshape(shape, order="F" if by_column else "C")
