"""The classifier whose features and predictions the metrics use: a small convolutional network,
trained with tinygan.

    classifier = Classifier.shipped()            the weights in this package, for digits
    features, p = classifier(images)             (N, 128) and p(class | image), (N, 10)

The shipped one takes images (N, 1, 28, 28) in [0, 1]. `python benchmarks/train_classifier.py`
trained it on the first 50,000 training images of MNIST; its accuracy on the test images is 99.44 %.
On the embedded digits alone, `python benchmarks/train_classifier.py --data digits` reaches 98.80 %.
Its predictions for images other than digits mean nothing; for them, `train` trains a classifier of
images (N, C, H, W) of any classes. Metrics on features are comparable only for the same weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn, ops
from ..autograd import grad
from ..backend import Array, Rng, of, place
from ..data.dataset import check_labels
from ..losses import cross_entropy
from ..optim import Adam, cosine_decay
from ..storage import load
from ..tensor import Tensor, no_grad
from .distances import array

FEATURES, CLASSES, SHAPE = 128, 10, (1, 28, 28)  # classes and images of the shipped classifier
FILE = Path(__file__).parent / "files" / "classifier.safetensors"
BATCH = 500  # images in one pass
Shape = tuple[int, int, int]  # (C, H, W)


def network(
    rng: Rng, shape: Shape = SHAPE, classes: int = CLASSES
) -> tuple[nn.Sequential, nn.Sequential]:
    """The two parts of a classifier of images of the shape (C, H, W): images to features, and
    features to logits.

    Raises ValueError unless H and W are divisible by 4."""
    channels, height, width = shape
    if height % 4 or width % 4:
        raise ValueError(f"shape: expected a height and width divisible by 4, got {shape}")
    body = nn.Sequential(
        nn.Conv2d(channels, 32, 3, padding=1, rng=rng),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 64, 4, stride=2, padding=1, rng=rng),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.Conv2d(64, 64, 4, stride=2, padding=1, rng=rng),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * (height // 4) * (width // 4), FEATURES, rng=rng),
        nn.ReLU(),
    )
    head = nn.Sequential(nn.Dropout(0.5, rng=rng), nn.Linear(FEATURES, classes, rng=rng))
    return body, head


class Classifier:
    """A trained `network` (body, head) for images of the shape (C, H, W), in evaluation mode.
    `sha256` identifies the weights. Images may be on any backend; results are on the backend of the
    weights."""

    def __init__(self, body: nn.Sequential, head: nn.Sequential, shape: Shape = SHAPE) -> None:
        self.body, self.head, self.shape = body.eval(), head.eval(), shape
        self.classes = len(head.parameters()[-1].data)  # the biases of the last layer
        digest = hashlib.sha256()
        for name, weight in sorted(self.state_dict().items()):
            digest.update(name.encode() + of(weight).to_host(weight).tobytes())
        self.sha256 = digest.hexdigest()

    @classmethod
    def shipped(cls, backend: str = "numpy") -> Classifier:
        """The package's own classifier, on `backend`.

        Raises InputError if its file is damaged."""
        arrays, _ = load(FILE)
        return cls.restored(arrays, backend=backend)

    @classmethod
    def restored(
        cls,
        weights: Mapping[str, np.ndarray],
        shape: Shape = SHAPE,
        classes: int = CLASSES,
        backend: str = "numpy",
    ) -> Classifier:
        """The classifier with these weights, a `state_dict`, on `backend`.

        Raises ValueError for weights of another network."""
        body, head = network(np.random.default_rng(0), shape, classes)
        for part, net in (("body/", body), ("head/", head)):
            net.load_state_dict(
                {k[len(part) :]: v for k, v in weights.items() if k.startswith(part)}
            )
            net.to(backend)
        return cls(body, head, shape)

    def state_dict(self) -> dict[str, Any]:
        """All weights by name."""
        return {
            f"{part}/{name}": array
            for part, net in (("body", self.body), ("head", self.head))
            for name, array in net.state_dict().items()
        }

    def __call__(self, images: Any) -> tuple[Array, Array]:
        """`features` (N, 128) and `probabilities` (N, K) of images (N, C, H, W) in [0, 1].

        Raises ValueError or TypeError for other images."""
        images, like = unit_images(images, self.shape), self.body.parameters()[0].data
        features, p = [], []
        with no_grad():
            for start in range(0, len(images), BATCH):
                part = self.body(Tensor(place(images[start : start + BATCH], like)))
                features.append(part.data)
                p.append(ops.softmax(self.head(part)).data)
        return tuple(of(like).xp.concatenate(parts) for parts in (features, p))

    def features(self, images: Any) -> Array:
        """The activations before the last layer, (N, 128), all >= 0."""
        return self(images)[0]

    def probabilities(self, images: Any) -> Array:
        """p(class | image), (N, K)."""
        return self(images)[1]

    def accuracy(self, images: Any, labels: np.ndarray) -> float:
        """The share of images whose most likely class is their label; labels (N,).

        Raises ValueError or TypeError for other labels."""
        p = self.probabilities(images)
        check_labels(labels, len(p), self.classes)
        return float((of(p).to_host(p).argmax(axis=1) == labels).mean())


def unit_images(images: Any, *shapes: Shape) -> np.ndarray:
    """Images of any backend as a float32 NumPy array.

    Raises TypeError unless they are an array, ValueError unless they are at least one image of one
    of the shapes (C, H, W), with numbers in [0, 1]."""
    if array("images", images).dtype.kind not in "fiub":
        raise ValueError(f"images: expected numbers, got {images.dtype}")
    if images.shape[1:] not in shapes or not len(images):
        expected = " or ".join("(N, {}, {}, {})".format(*shape) for shape in shapes)
        raise ValueError(f"images: expected shape {expected}, N >= 1, got {images.shape}")
    x = of(images).to_host(images).astype(np.float32)
    if not (x.min() >= 0 and x.max() <= 1):  # also true for NaN
        raise ValueError(f"images: expected numbers in [0, 1], got {x.min():g} to {x.max():g}")
    return x


def train(
    images: Any,
    labels: np.ndarray,
    *,
    rng: Rng,
    epochs: int = 5,
    batch: int = 100,
    lr: float = 2e-3,
    shape: Shape = SHAPE,
    classes: int = CLASSES,
) -> Iterator[tuple[int, float, Classifier]]:
    """Train a classifier on images (N, C, H, W) in [0, 1], of the `shape` (C, H, W), and labels
    (N,) from 0 to `classes` - 1. After each epoch, yield its number from 1, its mean loss and the
    classifier. Images are shifted at random by up to two pixels.

    Raises ValueError or TypeError for other images or labels, or unless H and W are divisible by 4.
    """
    images = unit_images(images, shape)
    check_labels(labels, len(images), classes)
    body, head = network(rng, shape, classes)
    parameters = [*body.parameters(), *head.parameters()]
    steps = max(1, len(images) // batch)
    opt = Adam(parameters, cosine_decay(lr, epochs * steps))
    for epoch in range(1, epochs + 1):
        body.train()
        head.train()
        order, total = rng.permutation(len(images)), 0.0
        for i in range(steps):
            part = order[i * batch : (i + 1) * batch]
            loss = cross_entropy(head(body(Tensor(shifted(images[part], rng)))), labels[part])
            opt.step(grad(loss, parameters))
            total += loss.item()
        yield epoch, total / steps, Classifier(body, head, shape)


def shifted(images: np.ndarray, rng: Rng, maximum: int = 2) -> np.ndarray:
    """The images (N, C, H, W), each shifted at random by -`maximum` to `maximum` pixels along each
    axis, and filled with 0 (black)."""
    n, _, h, w = images.shape
    border = (maximum, maximum)
    padded = np.pad(images, ((0, 0), (0, 0), border, border)).transpose(0, 2, 3, 1)
    down, right = rng.integers(0, 2 * maximum + 1, (2, n))
    rows = down[:, None] + np.arange(h)
    columns = right[:, None] + np.arange(w)
    found = padded[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return found.transpose(0, 3, 1, 2)  # (N, C, H, W)
