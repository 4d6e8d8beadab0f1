"""Features of a random convolutional network, for images without labels.

    network = RandomFeatures(real)              real: (N, C, H, W) in [0, 1], of any size and colors
    features, _ = network(images)               (N, 128)

Random filters see edges and colors at several scales, and no data have shaped them: Naeem et al.
2020 ("Reliable fidelity and diversity metrics for generative models") use a random VGG16 for images
unlike those of ImageNet. The last layer alone hardly tells blur from real images. So a feature is
the mean of a channel over the image, for the channels of all layers, divided by its standard
deviation among the real images:

    h_0 = 2 x - 1       h_i = ReLU(conv_i(h_{i - 1}))       f = [mean h_1, mean h_2, mean h_3] / std

The means ignore where in the image something is, and the filters do not know objects: such features
find noise, blur, wrong colors and missing variety, but not a face with three eyes. Metrics on them
are comparable only for the same real images.
"""

import hashlib
from typing import Any

import numpy as np

from .. import nn, ops
from ..backend import Array, of, place
from ..nn import init
from ..tensor import Tensor, no_grad
from .classifier import BATCH, unit_images

SEED = 0
CHANNELS = (32, 32, 64)  # of the layers, each of which halves height and width


class RandomFeatures:
    """The network with He's initialization (`init.kaiming_normal_`) from the seed SEED, on
    `backend`, and the scale of its features, from `real`: images (N, C, H, W) in [0, 1]. It knows
    no classes. `sha256` identifies weights and scale.

    Raises ValueError or TypeError for other images."""

    classes = 0

    def __init__(self, real: Any, backend: str = "numpy") -> None:
        rng, self.shape = np.random.default_rng(SEED), real.shape[1:]
        sizes = zip((self.shape[0], *CHANNELS), CHANNELS, strict=False)
        self.layers = [nn.Conv2d(n, m, 3, stride=2, padding=1, rng=rng) for n, m in sizes]
        digest = hashlib.sha256()
        for layer in self.layers:
            init.kaiming_normal_(layer.weight, rng=rng)
            init.constant_(layer.parameters()[-1], 0.0)
            digest.update(layer.weight.numpy().tobytes())
            layer.to(backend)
        spread = self._means(real).std(axis=0)
        self.scale = of(spread).xp.where(spread > 0, spread, 1)  # 0: a channel that is never active
        digest.update(of(spread).to_host(self.scale).tobytes())
        self.sha256 = digest.hexdigest()

    def __call__(self, images: Any) -> tuple[Array, Array]:
        """The features (N, 128) of images (N, C, H, W) in [0, 1], and no probabilities: (N, 0).

        Raises ValueError or TypeError for other images."""
        features = self._means(images) / self.scale
        return features, features[:, :0]

    def _means(self, images: Any) -> Array:
        images, like = unit_images(images, self.shape), self.layers[0].weight.data
        parts = []
        with no_grad():
            for start in range(0, len(images), BATCH):
                h, means = Tensor(place(2 * images[start : start + BATCH] - 1, like)), []
                for layer in self.layers:
                    h = ops.relu(layer(h))
                    means.append(h.data.mean(axis=(2, 3)))
                parts.append(of(like).xp.concatenate(means, axis=1))
        return of(like).xp.concatenate(parts)
