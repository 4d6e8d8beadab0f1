"""Images from captions: G generates an image for a caption; D checks that both belong together.

    G   noise, words -> image        c ~ N(mu(e), sigma(e)^2),  e the embedding of the caption
    D   image, words -> logit        that the image is real and matches the words

    G's loss   generator_loss(D(G(z, c), words)) + kl * KL(N(mu(e), sigma(e)^2) || N(0, 1))
    D's loss   real_loss(D(x, words))
               + (fake_loss(D(G(z, c), words)) + fake_loss(D(x, other words))) / 2

A real image with another image's caption counts as a fake (Reed et al. 2016, algorithm 1);
otherwise D could ignore the captions. Conditioning augmentation (Zhang et al. 2017, section 3.2)
adds noise to the embedding, so that G also trains on points between the captions of the data and
generalizes to other captions. The KL prevents sigma from shrinking to 0.
"""

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


class CaptionEmbedding(Module):
    """The embedding of a caption, the sum of its words' embeddings: (N, L) integers in
    0..words - 1 to (N, K), K = `size`.

    Scaled by 1/sqrt(L), so that a caption of L distinct words starts with unit variance. The order
    of the words is lost.

    Raises ValueError if the words are not integers (N, L) with L >= 1.
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
    """Conditioning augmentation: words (N, L) and normal noise (N, size) to c = mu(e) + sigma(e) *
    noise, (N, size), and KL(N(mu, sigma^2) || N(0, 1)) in nats, the mean over N * size numbers.
    e = caption(words), (N, K); mu and log sigma^2 are affine in e.

    Raises ValueError for noise of another shape or dtype."""

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
    """A discriminator of images and captions: logit = net(x)[0] + net(x)[1:] . caption(words),
    (N, 1), where `net` gives 1 + K numbers per image (Miyato and Koyama 2018, eq. 3; StackGAN
    concatenates the caption with image features instead).

    Raises ValueError if `net` gives another number of outputs."""

    def __init__(self, net: Module, caption: CaptionEmbedding) -> None:
        super().__init__()
        checks.modules(net=net)
        _check_caption(caption)
        self.net, self.caption = net, caption

    def forward(self, x: Tensor, words: Tensor) -> Tensor:
        return self.match(self.net(x), words)

    def match(self, seen: Tensor, words: Tensor) -> Tensor:
        """The logits (N, 1) from `seen` = net(x) and words; net(x) can be used with other words."""
        e = self.caption(words)
        if seen.shape != (len(e), 1 + e.shape[1]):
            raise ValueError(f"net: expected to give {(len(e), 1 + e.shape[1])}, got {seen.shape}")
        return seen[:, :1] + sum(seen[:, 1:] * e, axis=1, keepdims=True)


def _check_caption(caption: Any) -> None:
    if not isinstance(caption, CaptionEmbedding):
        raise TypeError(f"caption: expected a CaptionEmbedding, got {type(caption).__name__}")


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
    """Play rounds of a step for D and one for G, on m images with captions and m fakes with the
    same captions.

    captioned(m) gives images and words, integers (m, L); G(noise, words) gives images and the KL of
    its augmentation. Mismatched words are those of the next image in the minibatch. (They may be
    equal by chance; use data with many captions.) The logits in a Round are those of images with
    their own captions.

    Raises ValueError for m = 1, where no mismatched words exist.
    """
    checks.sizes(m=m)
    if m == 1:
        raise ValueError("m: expected an int >= 2, because each image needs other words too, got 1")
    checks.between(0, math.inf, kl=kl)
    check_separable(game)
    check_players(game, {"G": G}, {"D": D}, opt_g, opt_d, captioned=captioned, noise=noise)

    def one_round() -> Round:
        x, words = captioned(m)
        fake, divergence = G(noise(m), words)

        def d_step() -> tuple[Tensor, Tensor, Tensor]:
            seen, others = D.net(x), concatenate([words[1:], words[:1]])
            real, wrong = D.match(seen, words), D.match(seen, others)
            fake_logits = D(fake.detach(), words)
            loss = mean(game.real_loss(real))
            loss = loss + (mean(game.fake_loss(fake_logits)) + mean(game.fake_loss(wrong))) / 2
            return update(opt_d, loss), real.detach(), fake_logits.detach()

        d_loss, real_logits, fake_logits = d_step()
        g_loss = update(opt_g, game.g_loss(D(fake, words)) + kl * divergence)
        return Round(d_loss, g_loss, real_logits, fake_logits)

    while True:
        yield one_round()
