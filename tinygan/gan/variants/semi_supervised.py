"""Semi-supervised learning with a GAN: D is a classifier that takes fakes for one class more.

    p(y | x) = softmax of (l_1, ..., l_K, 0)   the last class is "fake"   (Salimans et al. 2016, 5)
    D(x) = Z / (Z + 1),  Z = sum_k exp(l_k)        that x is none of it; its logit is log Z

So the logits of K classes are a discriminator, too, and learn from images without labels that these
are real and those of G are not. G either fools it, as ever (Odena 2016), or matches its features:

    |E f(x) - E f(G(z))|^2 / |E f(x)|^2            f: what comes out of D's body (their eq. 3.1)

(They do not divide. But the features of D grow while it wins, and a gradient that grows with them
stops Adam for G, for as long as it remembers.)

That an image without a label is real does not say that it is of one class, nor that not all are of
the same. A reward for D may, for what the classes that it sees tell of the images:

    I(x; y) = H(E p) - E H(p),  p = softmax of (l_1, ..., l_K), H(p) = -sum_k p_k log p_k

(Springenberg 2016, eq. 7). By the second part alone, D grows sure of its first mistakes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from ... import checks
from ...losses import cross_entropy, mse
from ...nn import Module, Sequential
from ...ops import exp, log_softmax, logsumexp, mean, sum
from ...optim import Optimizer
from ...tensor import Tensor, no_grad
from .. import AnyGame, Round, Source, discriminate, non_saturating, update
from ..algorithm import check_players

__all__ = ["mutual_information", "play_semi_supervised", "real_logit"]


def real_logit(logits: Tensor) -> Tensor:
    """log Z: of the logits of K classes (N, K), the logit of being real, (N, 1)."""
    checks.tensors(logits=logits)
    return logsumexp(logits, axis=1, keepdims=True)


def mutual_information(logits: Tensor) -> Tensor:
    """H(E p) - E H(p) in nats, p the softmax of logits (N, K): from 0, where all rows are alike, to
    log K, where each is sure of a class and the classes are all as many."""
    checks.tensors(logits=logits)
    log_p = log_softmax(logits, axis=1)
    log_mean = logsumexp(log_p, axis=0) - math.log(len(logits))
    return mean(sum(exp(log_p) * log_p, axis=1)) - sum(exp(log_mean) * log_mean)


def play_semi_supervised(
    G: Module,
    D: Sequential,
    labelled: Callable[[int], tuple[Tensor, Tensor]],
    unlabelled: Source,
    noise: Source,
    opt_g: Optimizer,
    opt_d: Optimizer,
    *,
    m: int = 100,
    game: AnyGame = non_saturating,
    feature_matching: bool = True,
    information: float = 0.0,
) -> Iterator[Round]:
    """Rounds of a step for D and one for G, each on m labelled and m unlabelled images and m fakes.

    D is Sequential(body, head): images to features, features to the logits of K classes. `labelled`
    gives images and integer labels (m,). Without `feature_matching` G pays as in `game`. D is paid
    `information` times the `mutual_information` of unlabelled images. Raises ValueError if D is not
    of two parts.
    """
    checks.sizes(m=m)
    checks.between(0, math.inf, information=information)
    if not isinstance(D, Sequential) or len(D) != 2:
        raise ValueError(f"D: expected Sequential(body, head), got {type(D).__name__}")
    sources = {"labelled": labelled, "unlabelled": unlabelled, "noise": noise}
    check_players(game, {"G": G}, {"D": D}, opt_g, opt_d, **sources)
    body = D[0]

    def d_step() -> tuple[Tensor, Tensor, Tensor]:
        x_labelled, labels = labelled(m)
        x, z = unlabelled(m), noise(m)
        with no_grad():
            fake = G(z)
        logits, *others = discriminate(D, x_labelled, x, fake)
        real, fakes = (real_logit(l) for l in others)
        # Half, as in their code: it is the loss of two minibatches.
        loss = cross_entropy(logits, labels) + game.d_loss(real, fakes) / 2
        if information:
            loss = loss - information * mutual_information(others[0])
        return update(opt_d, loss), real.detach(), fakes.detach()

    def g_step() -> Tensor:
        x, z = unlabelled(m), noise(m)
        if feature_matching:
            wanted, got = (mean(f, axis=0) for f in discriminate(body, x, G(z)))
            return update(opt_g, mse(got, wanted) / mean(wanted * wanted))
        real = real_logit(D(x)) if game.g_uses_real else None
        return update(opt_g, game.g_loss(real_logit(D(G(z))), real))

    while True:
        d_loss, real_logits, fake_logits = d_step()
        yield Round(d_loss, g_step(), real_logits, fake_logits)
