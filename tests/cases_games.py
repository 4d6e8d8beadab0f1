"""Cases for losses, games, the wrappers of games, and penalties."""

import numpy as np
import scipy.special
from cases import (
    Cases,
    Point,
    generator,
    near_halves,
    near_integers,
    positive,
    shape,
    smooth,
)
from functional import functional
from hypothesis import strategies as st

from tinygan import Tensor, gan, losses, nn

LOSSES, GAMES, PENALTIES = Cases(), Cases(), Cases()


def _reduced(value, reduction):
    return {"mean": np.mean, "sum": np.sum, "none": np.asarray}[reduction](value)


reductions = st.sampled_from(["mean", "sum", "none"])


def log_sigmoid(l):
    return -np.logaddexp(0, -l)


def _of_two(name, loss, formula, predictions, targets):
    @LOSSES.add(name, "targets of the same shape")
    def tensors(draw):
        rng, sizes, reduction = generator(draw), shape(draw), draw(reductions)
        return Point(
            lambda p, t: loss(p, t, reduction),
            (predictions(rng, sizes), targets(rng, sizes)),
            lambda p, t: _reduced(formula(p, t), reduction),
        )

    @LOSSES.add(name, "one number for all targets")
    def number(draw):
        rng, reduction = generator(draw), draw(reductions)
        t = draw(st.sampled_from([float, np.float64]))(targets(rng, ()))
        return Point(
            lambda p: loss(p, t, reduction),
            (predictions(rng, shape(draw)),),
            lambda p: _reduced(formula(p, t), reduction),
        )


def _bce(l, t):
    return -t * log_sigmoid(l) - (1 - t) * log_sigmoid(-l)


def _shares(rng, sizes):
    return rng.uniform(0.05, 0.95, sizes)  # a step of the differences stays in [0, 1]


_of_two("bce_with_logits", losses.bce_with_logits, _bce, smooth, _shares)
_of_two(
    "gaussian_kl", losses.gaussian_kl, lambda m, v: (m * m + np.exp(v) - 1 - v) / 2, smooth, smooth
)
_of_two("mse", losses.mse, lambda p, t: (p - t) ** 2, smooth, smooth)
_of_two("l1", losses.l1, lambda p, t: np.abs(p - t), near_integers, near_halves)


@LOSSES.add("cross_entropy")
def cross_entropy(draw):
    rng, (n, k), reduction = generator(draw), shape(draw, 2, 2), draw(reductions)
    labels = rng.integers(0, k, n)

    def value(l):
        chosen = scipy.special.log_softmax(l, axis=1)[np.arange(n), labels]
        return _reduced(-chosen, reduction)

    return Point(
        lambda l: losses.cross_entropy(l, labels, reduction), (smooth(rng, (n, k)),), value
    )


# Games: D's loss per logit on a real image and on a fake, and G's on a fake, in plain NumPy.


def cross_entropy_loss(l):
    """-log D of an image that is said to be real; of -l, if it is said to be a fake."""
    return -log_sigmoid(l)


def square(target):
    return lambda l: (l - target) ** 2 / 2


def negative(function):
    return lambda l: function(-l)


PER_LOGIT = {
    "minimax": (cross_entropy_loss, negative(cross_entropy_loss), negative(log_sigmoid)),
    "non-saturating": (cross_entropy_loss, negative(cross_entropy_loss), cross_entropy_loss),
    "least-squares": (square(1), square(0), square(1)),
    "hinge": (lambda l: np.maximum(0, 1 - l), lambda l: np.maximum(0, 1 + l), np.negative),
    "wasserstein": (np.negative, np.positive, np.negative),
}


def _game(name, make, losses_of):
    """`make()` and `losses_of()` start the random numbers anew at each call."""

    @GAMES.add(name, "D")
    def discriminator(draw):
        rng = generator(draw)
        sizes = [(draw(st.integers(1, 4)), *shape(draw, most=1)) for _ in range(2)]

        def value(real, fake):
            on_real, on_fake, _ = losses_of()
            return np.mean(on_real(real)) + np.mean(on_fake(fake))

        logits = [near_halves(rng, size) for size in sizes]  # the hinge is at integers
        return Point(lambda real, fake: make().d_loss(real, fake), logits, value)

    @GAMES.add(name, "G")
    def generator_(draw):
        fake = near_halves(generator(draw), shape(draw, minimum=1))
        return Point(lambda l: make().g_loss(l), (fake,), lambda l: np.mean(losses_of()[2](l)))


def _mix(right, wrong, share):
    """The loss of labels of which `share` of the logit's shape says the opposite."""

    def loss(l):
        u = share(l.shape)
        return (1 - u) * right(l) + u * wrong(l)

    return loss


def _wrapped(name):
    game, (real, fake, of_g) = gan.GAMES[name], PER_LOGIT[name]

    def mixed(share):
        def losses_of():
            rng = np.random.default_rng(3)
            u = lambda shape: share(rng.random(shape))  # noqa: E731
            return _mix(real, fake, u), _mix(fake, real, u), of_g

        return losses_of

    two_sided = _mix(real, fake, lambda _: 0.2), _mix(fake, real, lambda _: 0.3), of_g
    _game(name, lambda: game, lambda: PER_LOGIT[name])
    _game(
        f"one_sided_smoothing of {name}",
        lambda: gan.one_sided_smoothing(game, np.float64(0.2)),
        lambda: (two_sided[0], fake, of_g),
    )
    _game(
        f"label_smoothing of {name}",
        lambda: gan.label_smoothing(game, np.float64(0.2), 0.3),
        lambda: two_sided,
    )
    _game(
        f"label_noise of {name}",
        lambda: gan.label_noise(game, np.float64(0.4), rng=np.random.default_rng(3)),
        mixed(lambda u: 0.4 * u),
    )
    _game(
        f"label_flips of {name}",
        lambda: gan.label_flips(game, np.float64(0.4), rng=np.random.default_rng(3)),
        mixed(lambda u: u < 0.4),
    )


for _name in PER_LOGIT:
    _wrapped(_name)
_game(
    "least_squares(-1, 1, 0)",
    lambda: gan.least_squares(-1, 1, 0),
    lambda: (square(1), square(-1), square(0)),
)


def _relativistic(name, loss):
    """G's loss is D's with the kinds of images exchanged."""
    game = gan.GAMES[name]
    for player, function in (("D", game.d_loss), ("G", game.g_loss)):

        @GAMES.add(name, player)
        def build(draw, function=function):
            rng, m = generator(draw), draw(st.integers(1, 4))
            logits = smooth(rng, (m, 1)), smooth(rng, (m, 1))
            return Point(lambda one, other: function(one, other), logits, loss)


_relativistic("relativistic-pairing", lambda a, b: -np.mean(log_sigmoid(a - b)))
_relativistic(
    "relativistic-average",
    lambda a, b: -np.mean(log_sigmoid(a - b.mean())) - np.mean(log_sigmoid(a.mean() - b)),
)

# Penalties, as functions of D's parameters. D is v . tanh(W x + b): its slope is known.


def slopes(x, w, b, v):
    """|dD/dx|^2 for each example."""
    t = np.tanh(x @ w.T + b)
    return np.sum(((1 - t**2) * v) @ w @ w.T * ((1 - t**2) * v), axis=1)


def _between(x, fake):
    u = np.random.default_rng(3).random((len(x), 1))
    return u * x + (1 - u) * fake


def _wgan_gp(weight):
    return gan.wgan_gp(weight, rng=np.random.default_rng(3))


FORMULAS = {
    "wgan_gp": (_wgan_gp, lambda s, weight: weight * np.mean((np.sqrt(s) - 1) ** 2), _between),
    "r1": (gan.r1, lambda s, gamma: gamma / 2 * np.mean(s), lambda x, fake: x),
    "r2": (gan.r2, lambda s, gamma: gamma / 2 * np.mean(s), lambda x, fake: fake),
    "r1_r2": (
        gan.r1_r2,
        lambda s, gamma: gamma * np.mean(s),  # half the sum of two means over equally many
        lambda x, fake: np.concatenate([x, fake]),
    ),
}


def _penalty(name):
    make, formula, where = FORMULAS[name]

    def point(D, images, weight, value=None):
        function, parameters = functional(D)

        def penalty(*values):
            x, fake = (Tensor(image.astype(values[0].dtype)) for image in images)
            return make(weight)(lambda x: function(x, *values), x, fake)

        return Point(penalty, parameters, value, D)

    weights = st.sampled_from([10, 0.5, np.float64(2)])

    @PENALTIES.add(name, "on a network of one hidden layer")
    def hidden(draw):
        rng, weight = generator(draw), draw(weights)
        n, features, units = (draw(st.integers(1, 3)) for _ in range(3))
        D = nn.Sequential(
            nn.Linear(features, units, rng=rng), nn.Tanh(), nn.Linear(units, 1, False, rng=rng)
        )
        for parameter in D.parameters():
            # Small and positive: tanh does not saturate, no slope is near 0, the kink of |.|.
            parameter.data = positive(rng, parameter.shape) / 2
        images = smooth(rng, (n, features)), smooth(rng, (n, features))
        return point(
            D, images, weight, lambda w, b, v: formula(slopes(where(*images), w, b, v[0]), weight)
        )

    @PENALTIES.add(name, "through convolutions, a norm, weight and spectral normalization")
    def convolutional(draw):
        rng, weight = generator(draw), draw(weights)
        images = [smooth(rng, (2, 1, 4, 4)) for _ in range(2)]
        D = nn.Sequential(
            nn.WeightNorm(nn.Conv2d(1, 2, 3, 2, 1, rng=rng)),
            *draw(
                st.sampled_from([[], [nn.InstanceNorm2d(2, 0.1)], [nn.LayerNorm((2, 2, 2), 0.1)]])
            ),
            nn.Softplus(),
            nn.Flatten(),
            nn.SpectralNorm(nn.Linear(8, 1, rng=rng), rng=rng),
        ).astype(np.float64)
        D(images[0])  # a training pass brings sigma to the largest singular value, far from 0
        return point(D.eval(), images, weight)


for _name in FORMULAS:
    _penalty(_name)
