"""Images from captions: what is said is to be seen, and D reads what was said.

    G   noise, words -> image        c ~ N(mu(e), sigma(e)^2),  e the vector of the caption
    D   image, words -> logit        of being real, and of being what the words say

    G pays   fool(D(G(z, c), words))  +  kl * KL(N(mu(e), sigma(e)^2) || N(0, 1))
    D pays   real(D(x, words)) + (fake(D(G(z, c), words)) + fake(D(x, other words))) / 2

A real image with the caption of another counts as a fake (Reed et al. 2016, algorithm 1): else D
could ask for good images and never read. The noise on what G reads, conditioning augmentation
(Zhang et al. 2017, section 3.2), fills the space between captions, with which G learns of captions
that it never got; the KL keeps mu and sigma from shrinking the noise away.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from ... import checks
from ...backend import Rng
from ...losses import gaussian_kl
from ...nn import Embedding, Linear, Module
from ...ops import concatenate, exp, mean, sum
from ...optim import Optimizer
from ...tensor import Tensor
from .. import Round, SeparableGame, Source, update
from ..algorithm import check_players
from ..games import check_separable

__all__ = [
    "CaptionEmbedding",
    "ConditioningAugmentation",
    "ProjectionDiscriminator",
    "play_text_to_image",
]


class CaptionEmbedding(Module):
    """The vector of a caption: the sum of one learned for each word, (N, L) integers in
    0..words - 1 to (N, K), K = `size`.

    It is divided by sqrt(L): of different words it begins with variance 1. A sum does not know
    their order. Raises ValueError for other words.
    """

    def __init__(self, words: int, size: int, *, rng: Rng) -> None:
        super().__init__()
        words, size = checks.sizes(words=words, size=size)
        self.vectors = Embedding(words, size, rng=rng)

    def forward(self, words: Tensor) -> Tensor:
        checks.arrays(words=words)
        if words.ndim != 2 or not words.shape[1] or words.dtype.kind not in "iu":
            raise ValueError(
                f"words: expected integers (N, L), L >= 1, got {words.dtype} {words.shape}"
            )
        return sum(self.vectors(words), axis=1) / math.sqrt(words.shape[1])


class ConditioningAugmentation(Module):
    """Conditioning augmentation: words (N, L) and normal noise (N, size) to c = mu(e) + sigma(e)
    noise, (N, size), e their `caption` (N, K); and KL(N(mu, sigma^2) || N(0, 1)), the mean of all
    N * size, in nats. mu and log sigma^2 are affine in e. Raises ValueError for noise of another
    shape or dtype."""

    def __init__(self, caption: CaptionEmbedding, size: int, *, rng: Rng) -> None:
        super().__init__()
        (size,) = checks.sizes(size=size)
        _check_caption(caption)
        self.caption, wide = caption, caption.vectors.embedding_dim
        self.mu = Linear(wide, size, rng=rng)
        self.log_variance = Linear(wide, size, rng=rng)

    def forward(self, words: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        checks.arrays(noise=noise)
        e = self.caption(words)
        mu, v = self.mu(e), self.log_variance(e)
        if (noise.dtype, noise.shape) != (mu.dtype, mu.shape):
            raise ValueError(
                f"noise: expected {mu.dtype} {mu.shape}, got {noise.dtype} {noise.shape}"
            )
        return mu + exp(v / 2) * noise, gaussian_kl(mu, v)


class ProjectionDiscriminator(Module):
    """A D that reads: logit = first(x) + rest(x) . caption(words), of the 1 + K numbers that `net`
    gives for an image, (N, 1) (Miyato and Koyama 2018, eq. 3; StackGAN joins the caption to
    features of the image instead). Raises ValueError if it gives another number of them."""

    def __init__(self, net: Module, caption: CaptionEmbedding) -> None:
        super().__init__()
        checks.modules(net=net)
        _check_caption(caption)
        self.net, self.caption = net, caption

    def forward(self, x: Tensor, words: Tensor) -> Tensor:
        return self.match(self.net(x), words)

    def match(self, seen: Tensor, words: Tensor) -> Tensor:
        """The logits for what `net` saw, with words: the same images can be asked twice."""
        e = self.caption(words)
        if seen.shape != (len(e), 1 + e.shape[1]):
            raise ValueError(f"net: expected to give {(len(e), 1 + e.shape[1])}, got {seen.shape}")
        return seen[:, :1] + sum(seen[:, 1:] * e, axis=1, keepdims=True)


def _check_caption(caption: Any) -> None:
    if not isinstance(caption, CaptionEmbedding):
        raise TypeError(f"caption: expected a Caption, got {type(caption).__name__}")


def play_text_to_image(
    game: SeparableGame,
    G: Module,
    D: ProjectionDiscriminator,
    captioned: Callable[[int], tuple[Tensor, Tensor]],
    noise: Source,
    opt_g: Optimizer,
    opt_d: Optimizer,
    *,
    m: int = 64,
    kl: float = 1.0,
) -> Iterator[Round]:
    """Rounds of a step for D and one for G, both on m images with captions and m fakes with the
    same captions.

    `captioned` gives images and words, (m, L) integers; G(noise, words) gives images, and the KL
    of its augmentation. The other words are those of the next image in the minibatch. (They may
    happen to be the same: let captions be many.) The logits in a Round are those of images with
    their own captions. Raises ValueError for an m of 1, with which no words are another's.
    """
    checks.sizes(m=m)
    if m == 1:
        raise ValueError("m: expected an int >= 2, for each image needs another's words, got 1")
    checks.between(0, math.inf, kl=kl)
    check_separable(game)
    check_players(game, {"G": G}, {"D": D}, opt_g, opt_d, captioned=captioned, noise=noise)

    def one_round() -> Round:
        x, words = captioned(m)
        fake, divergence = G(noise(m), words)

        def d_step() -> tuple[Tensor, Tensor, Tensor]:
            seen, others = D.net(x), concatenate([words[1:], words[:1]])
            real, wrong = D.match(seen, words), D.match(seen, others)
            made = D(fake.detach(), words)
            loss = mean(game.real_loss(real))
            loss = loss + (mean(game.fake_loss(made)) + mean(game.fake_loss(wrong))) / 2
            return update(opt_d, loss), real.detach(), made.detach()

        d_loss, real_logits, fake_logits = d_step()
        g_loss = update(opt_g, game.g_loss(D(fake, words)) + kl * divergence)
        return Round(d_loss, g_loss, real_logits, fake_logits)

    while True:
        yield one_round()
