"""Semi-supervised learning with a GAN: D is a classifier with one extra class for fakes.

    p(y | x) = softmax of (l_1, ..., l_K, 0)   the last class is "fake"   (Salimans et al. 2016, 5)
    D(x) = Z / (Z + 1),  Z = sum_k exp(l_k)        p(x is real); its logit is log Z

So the K class logits also define a discriminator, which learns from unlabeled images: they are
real, fakes are not. G minimizes its usual loss (Odena 2016), or matches D's features:

    |E f(x) - E f(G(z))|^2 / |E f(x)|^2            f: the output of D's body (section 3.1)

(The paper does not divide. But D's features grow during training; their large gradients then remain
in Adam's second moment and make G's steps tiny.)

That an image is real does not determine its class. Optionally D also maximizes the mutual
information between image and predicted class:

    I(x; y) = H(E p) - E H(p),  p = softmax of (l_1, ..., l_K), H(p) = -sum_k p_k log p_k

(Springenberg 2016, eq. 7). The second term alone would make D confident in its early mistakes.
"""

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


def real_logit(logits: Tensor) -> Tensor:
    """log Z, the logit of being real, (N, 1), from class logits (N, K)."""
    checks.tensors(logits=logits)
    return logsumexp(logits, axis=1, keepdims=True)


def mutual_information(logits: Tensor) -> Tensor:
    """H(E p) - E H(p) in nats, p the softmax of logits (N, K): from 0, if all rows are equal, to
    log K, if every prediction is certain and the classes are equally frequent."""
    checks.tensors(logits=logits)
    log_p = log_softmax(logits, axis=1)
    log_mean = logsumexp(log_p, axis=0) - math.log(len(logits))
    return mean(sum(exp(log_p) * log_p, axis=1)) - sum(exp(log_mean) * log_mean)


def matching_loss(body: Module, x: Tensor, fake: Tensor) -> Tensor:
    """|E f(x) - E f(G(z))|^2 / |E f(x)|^2, f(x) being the features (N, ...) that `body` gives."""
    of_real, of_fake = (mean(f, axis=0) for f in discriminate(body, x, fake))
    return mse(of_fake, of_real) / mean(of_real * of_real)


def play_semi_supervised(
    G: Module,
    D: Sequential,
    labeled: Callable[[int], tuple[Tensor, Tensor]],
    unlabeled: Source,
    noise: Source,
    opt_g: Optimizer,
    opt_d: Optimizer,
    *,
    m: int = 100,
    game: AnyGame = non_saturating,
    feature_matching: bool = True,
    information: float = 0.0,
) -> Iterator[Round]:
    """Play rounds of a step for D, on m labeled images, m unlabeled images and m fakes, and a step
    for G, on m unlabeled images and m fakes.

    D is Sequential(body, head): images to features, features to K class logits. labeled(m) gives
    images and integer labels (m,). Without `feature_matching`, G minimizes its loss in `game`. D's
    loss is lowered by `information` times the `mutual_information` of unlabeled images.

    Raises ValueError if D does not have two parts.
    """
    checks.sizes(m=m)
    checks.between(0, math.inf, information=information)
    if not isinstance(D, Sequential) or len(D) != 2:
        raise ValueError(f"D: expected Sequential(body, head), got {type(D).__name__}")
    sources = {"labeled": labeled, "unlabeled": unlabeled, "noise": noise}
    check_players(game, {"G": G}, {"D": D}, opt_g, opt_d, **sources)

    def d_step() -> tuple[Tensor, Tensor, Tensor]:
        x_labeled, labels = labeled(m)
        x, z = unlabeled(m), noise(m)
        with no_grad():
            fake = G(z)
        logits, *others = discriminate(D, x_labeled, x, fake)
        real, fakes = map(real_logit, others)
        # Halved, as in the authors' code: this loss sums over two minibatches.
        loss = cross_entropy(logits, labels) + game.d_loss(real, fakes) / 2
        if information:
            loss = loss - information * mutual_information(others[0])
        return update(opt_d, loss), real.detach(), fakes.detach()

    def g_step() -> Tensor:
        x, z = unlabeled(m), noise(m)
        if feature_matching:
            return update(opt_g, matching_loss(D[0], x, G(z)))
        real = real_logit(D(x)) if game.g_uses_real else None
        return update(opt_g, game.g_loss(real_logit(D(G(z))), real))

    while True:
        d_loss, real_logits, fake_logits = d_step()
        yield Round(d_loss, g_step(), real_logits, fake_logits)
