"""The classifier of digits whose features and predictions the metrics use: a small convolutional
network, trained with tinygan.

    classifier = Classifier.shipped()            the weights in this package
    features, p = classifier(images)             (N, 128) and p(class | image), (N, 10)

Images are (N, 1, 28, 28) in [0, 1]. `python benchmarks/train_classifier.py` trained the shipped
weights on the first 50,000 training images of MNIST; their accuracy on the test images is 99.44 %.
On the embedded digits alone, `python benchmarks/train_classifier.py --data digits` reaches 98.80 %.
Predictions for images other than digits mean nothing. Metrics on features are comparable only for
the same weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
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

FEATURES, CLASSES, SHAPE = 128, 10, (1, 28, 28)
FILE = Path(__file__).parent / "files" / "classifier.safetensors"
BATCH = 500  # images in one pass


def network(rng: Rng) -> tuple[nn.Sequential, nn.Sequential]:
    """The two parts of the classifier: images to features, and features to logits."""
    body = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1, rng=rng),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 64, 4, stride=2, padding=1, rng=rng),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.Conv2d(64, 64, 4, stride=2, padding=1, rng=rng),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * 7 * 7, FEATURES, rng=rng),
        nn.ReLU(),
    )
    head = nn.Sequential(nn.Dropout(0.5, rng=rng), nn.Linear(FEATURES, CLASSES, rng=rng))
    return body, head


class Classifier:
    """A trained `network` (body, head), in evaluation mode. `sha256` identifies the weights. Images
    may be on any backend; results are on the backend of the weights."""

    def __init__(self, body: nn.Sequential, head: nn.Sequential) -> None:
        self.body, self.head = body.eval(), head.eval()
        digest = hashlib.sha256()
        for name, weight in sorted(self.state_dict().items()):
            digest.update(name.encode() + of(weight).to_host(weight).tobytes())
        self.sha256 = digest.hexdigest()

    @classmethod
    def shipped(cls, backend: str = "numpy") -> Classifier:
        """The package's own classifier, on `backend`.

        Raises InputError if its file is damaged."""
        arrays, _ = load(FILE)
        body, head = network(np.random.default_rng(0))
        for part, net in (("body/", body), ("head/", head)):
            net.load_state_dict(
                {k[len(part) :]: v for k, v in arrays.items() if k.startswith(part)}
            )
            net.to(backend)
        return cls(body, head)

    def state_dict(self) -> dict[str, Any]:
        """All weights by name."""
        return {
            f"{part}/{name}": array
            for part, net in (("body", self.body), ("head", self.head))
            for name, array in net.state_dict().items()
        }

    def __call__(self, images: Any) -> tuple[Array, Array]:
        """`features` (N, 128) and `probabilities` (N, 10) of images (N, 1, 28, 28) in [0, 1].

        Raises ValueError or TypeError for other images."""
        images, like = unit_images(images, SHAPE), self.body.parameters()[0].data
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
        """p(class | image), (N, 10)."""
        return self(images)[1]

    def accuracy(self, images: Any, labels: np.ndarray) -> float:
        """The share of images whose most likely class is their label; labels (N,).

        Raises ValueError or TypeError for other labels."""
        p = self.probabilities(images)
        check_labels(labels, len(p), CLASSES)
        return float((of(p).to_host(p).argmax(axis=1) == labels).mean())


def unit_images(images: Any, *shapes: tuple[int, int, int]) -> np.ndarray:
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
) -> Iterator[tuple[int, float, Classifier]]:
    """Train a classifier on images (N, 1, 28, 28) in [0, 1] and labels (N,). After each epoch,
    yield its number from 1, its mean loss and the classifier. Images are shifted at random by up to
    two pixels.

    Raises ValueError or TypeError for other images or labels."""
    images = unit_images(images, SHAPE)
    check_labels(labels, len(images), CLASSES)
    body, head = network(rng)
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
        yield epoch, total / steps, Classifier(body, head)


def shifted(images: np.ndarray, rng: Rng, maximum: int = 2) -> np.ndarray:
    """The images (N, 1, H, W), each shifted at random by -`maximum` to `maximum` pixels along each
    axis, and filled with 0 (black)."""
    n, _, h, w = images.shape
    padded = np.pad(images[:, 0], ((0, 0), (maximum, maximum), (maximum, maximum)))
    down, right = rng.integers(0, 2 * maximum + 1, (2, n))
    rows = down[:, None] + np.arange(h)
    columns = right[:, None] + np.arange(w)
    return padded[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]][:, None]
