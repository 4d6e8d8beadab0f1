"""Generators in two stages, and discriminators of images with captions (Zhang et al. 2017).

    StageI    noise (N, 32 + 32), words (N, L)        ->  images (N, 3, 14, 14)
    StageII   noise (N, 32 + 32 + 32), words (N, L)   ->  images (N, 3, 28, 28)

Each also returns the KL of its conditioning augmentation (`gan.variants.text_to_image`). They are
about as deep as DCGAN; those of the paper are larger.
"""

from .. import nn
from ..backend import Rng
from ..errors import choose
from ..gan.variants.text_to_image import (
    CaptionEmbedding,
    ConditioningAugmentation,
    ProjectionDiscriminator,
)
from ..ops import broadcast_to, concatenate
from ..tensor import Tensor, no_grad
from .pair import scaled

Z, C = 32, 32  # sizes of the noise and of c, the augmented caption
EMBEDDING = 128  # size of a caption's embedding in G; in D it is half of this


class StageI(nn.Module):
    """G of stage I: noise and c to 14x14. The noise (N, `size`) is z and that of c; `words` is the
    number of known words."""

    def __init__(self, words: int, *, rng: Rng, width: float = 1) -> None:
        super().__init__()
        c, c2 = scaled(24, width), scaled(48, width)
        self.size = Z + C
        self.augment = _augmentation(words, rng)
        self.net = nn.Sequential(
            nn.Linear(Z + C, c2 * 49, rng=rng),
            nn.Unflatten(1, (c2, 7, 7)),
            nn.BatchNorm2d(c2),
            nn.ReLU(),
            *_up(c2, c, rng),
            nn.Conv2d(c, 3, 3, 1, 1, rng=rng),
            nn.Tanh(),
        )

    def forward(self, noise: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        code, kl = self.augment(words, noise[:, Z:])
        return self.net(concatenate([noise[:, :Z], code], axis=1)), kl


class StageII(nn.Module):
    """G of stage II: the image that `first`, a trained G of stage I, draws from the first part of
    the noise, and another c of the same caption, to 28x28. `first` is not trained."""

    def __init__(self, first: StageI, words: int, *, rng: Rng, width: float = 1) -> None:
        super().__init__()
        c, c2 = scaled(24, width), scaled(48, width)
        self.size = first.size + C
        self._first = first  # a name with _ is not part of the module
        self.augment = _augmentation(words, rng)
        self.encode = nn.Sequential(*_down(3, c, rng, 3, 1), *_down(c, c2, rng))
        self.net = nn.Sequential(
            *_down(c2 + C, c2, rng, 3, 1),
            nn.Residual(*_down(c2, c2, rng, 3, 1), *_down(c2, c2, rng, 3, 1)[:2]),
            nn.ReLU(),
            *_up(c2, c, rng),
            nn.ConvTranspose2d(c, 3, 4, 2, 1, rng=rng),
            nn.Tanh(),
        )

    def forward(self, noise: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        with no_grad():
            small, _ = self._first(noise[:, :-C], words)
        code, kl = self.augment(words, noise[:, -C:])
        planes = broadcast_to(code.reshape(-1, C, 1, 1), (len(code), C, 7, 7))
        return self.net(concatenate([self.encode(small), planes], axis=1)), kl


def discriminator(size: int, words: int, *, rng: Rng, width: float = 1) -> ProjectionDiscriminator:
    """D of images (N, 3, size, size), of size 14 or 28, and words.

    Raises InputError for another size."""
    choose("size", str(size), ("14", "28"))
    c, c2 = scaled(24, width), scaled(48, width)
    kernel, stride = (3, 1) if size == 14 else (4, 2)
    net = nn.Sequential(
        nn.Conv2d(3, c, 4, 2, 1, rng=rng),
        nn.LeakyReLU(0.2),
        *_down(c, c2, rng, kernel, stride, slope=0.2),
        nn.Flatten(),
        nn.Linear(c2 * 49, 1 + EMBEDDING // 2, rng=rng),
    )
    return ProjectionDiscriminator(net, CaptionEmbedding(words, EMBEDDING // 2, rng=rng))


def _augmentation(words: int, rng: Rng) -> ConditioningAugmentation:
    return ConditioningAugmentation(CaptionEmbedding(words, EMBEDDING, rng=rng), C, rng=rng)


def _down(
    a: int, b: int, rng: Rng, kernel: int = 4, stride: int = 2, slope: float = 0.0
) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(a, b, kernel, stride, 1, rng=rng)
    return convolution, nn.BatchNorm2d(b), nn.LeakyReLU(slope)


def _up(a: int, b: int, rng: Rng) -> tuple[nn.Module, ...]:
    return nn.ConvTranspose2d(a, b, 4, 2, 1, rng=rng), nn.BatchNorm2d(b), nn.ReLU()
