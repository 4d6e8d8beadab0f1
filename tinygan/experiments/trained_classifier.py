"""A classifier for a labeled data set, trained once and kept in the user's cache.

    classifier = trained_classifier(load("fashion-mnist"))    a minute the first time, then at once

The metrics on features and classes need one; the shipped one can only classify digits.
"""

import hashlib
import os
import re
from pathlib import Path

import numpy as np

from .. import storage
from ..data import Dataset
from ..errors import InputError, to_stderr
from ..metrics.classifier import Classifier, train

IMAGES = 10_000  # different images to learn from, at most
SEEN = 60_000  # images in all epochs together
EPOCHS = 30  # at most
SEED = 0


def trained_classifier(data: Dataset, backend: str = "numpy") -> Classifier:
    """A classifier of the classes of `data`, on `backend`. Images whose label is -1 are ignored.

    It is read from the cache if it was trained on the same images and labels before. Otherwise it
    is trained on the CPU, with a progress bar, and written there. Its seed is fixed, so the same
    data give the same classifier. If the cache cannot be written, the classifier is still used.

    Raises InputError if there are no labels, or unless height and width are divisible by 4."""
    if data.labels is None or data.classes is None or data.labels.max(initial=-1) < 0:
        raise InputError(f"data {data.name!r}: expected labels for a classifier, got none")
    _, height, width = shape = data.images.shape[1:]
    if height % 4 or width % 4:
        raise InputError(
            f"data {data.name!r}: a classifier needs images with a height and width divisible by "
            f"4, got {height} x {width}"
        )
    path, classes = _cached(data), len(data.classes)
    if os.path.exists(path):  # False for a folder that may not be read
        try:
            weights, _ = storage.load(path)
            return Classifier.restored(weights, shape, classes, backend)
        except (InputError, ValueError) as problem:
            to_stderr(f"{problem}\nthe classifier is trained again")
    classifier = _train(data)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        storage.save(path, classifier.state_dict(), {"data": data.name})
    except OSError as problem:
        to_stderr(f"the classifier cannot be kept for the next run: {problem}")
    return Classifier.restored(classifier.state_dict(), shape, classes, backend)


def _train(data: Dataset) -> Classifier:
    """A classifier trained on at most IMAGES labeled images, drawn at random."""
    from tqdm import tqdm

    images, labels = data.labeled()
    rng = np.random.default_rng(SEED)
    chosen = rng.permutation(np.flatnonzero(labels >= 0))[:IMAGES]
    x, y = images[chosen].astype(np.float32) / 255, labels[chosen]
    epochs = min(EPOCHS, -(-SEEN // len(x)))
    shape, classes = images.shape[1:], len(data.classes or ())
    learning = train(x, y, rng=rng, epochs=epochs, shape=shape, classes=classes)
    about = f"a classifier for {data.name}, trained once"
    *_, (_, _, classifier) = tqdm(learning, about, epochs, unit="epoch")
    return classifier


def _cached(data: Dataset) -> Path:
    """The path of the classifier in the cache: the name of the data, and a SHA-256 of the images,
    the labels and the constants of the training."""
    import pooch

    images, labels = data.labeled()
    digest = hashlib.sha256(repr((IMAGES, SEEN, EPOCHS, SEED, data.classes)).encode())
    for array in (images, labels):
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    name = re.sub(r"[^\w.-]+", "-", data.name)[-60:]
    folder = Path(pooch.os_cache("tinygan")) / "classifiers"
    return folder / f"{name}-{digest.hexdigest()[:16]}.safetensors"
