"""The game of generative adversarial networks, and Algorithm 1 that plays it.

    min over G, max over D of   E[log D(x)] + E[log(1 - D(G(z)))]          (Goodfellow et al. 2014)

    x        real images                        m   size of a minibatch
    z        noise, G(z) a generated image      k   steps of D for one of G
    D(x)     here a logit: the paper's D(x) is its sigmoid

A game says what D and G pay for the logits they get; `play` lets them play it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

from . import supply
from .autograd import grad
from .backend import Noise
from .nn import Module, checks
from .nn.apart import by_example
from .ops import concatenate, mean, relu, softplus, sqrt, sum
from .tensor import Tensor, no_grad

__all__ = [
    "GAMES",
    "Game",
    "Round",
    "hinge",
    "label_flips",
    "label_noise",
    "least_squares",
    "minimax",
    "non_saturating",
    "one_sided_smoothing",
    "play",
    "play_simultaneously",
    "r1",
    "wasserstein",
    "wgan_gp",
]

Price = Callable[[Tensor], Tensor]


class Game(NamedTuple):
    """What the players pay, for each logit: D for one on a real image and for one on a fake, and G
    for one on a fake of its own.

    `balance` is the D(x) of the best D once G is perfect, if the game has such a point. D(x) is
    the sigmoid of the logit where `probability` is true, else the logit itself (a score).
    """

    real: Price
    fake: Price
    fool: Price
    balance: float | None = None
    probability: bool = False

    def d_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """What D minimises, from its logits on real images and on fakes."""
        return mean(self.real(real)) + mean(self.fake(fake))

    def g_loss(self, fake: Tensor) -> Tensor:
        """What G minimises, from D's logits on its fakes."""
        return mean(self.fool(fake))


# With D(x) = sigmoid(l): log D(x) = -softplus(-l) and log(1 - D(x)) = -softplus(l).
minimax = Game(
    real=lambda l: softplus(-l),  # -log D(x)
    fake=lambda l: softplus(l),  # -log(1 - D(G(z)))
    fool=lambda l: -softplus(l),  # log(1 - D(G(z))): no gradient where D is sure of a fake
    balance=0.5,
    probability=True,
)
# The same equilibrium, but G maximises log D(G(z)): a gradient where it is needed (section 3).
non_saturating = minimax._replace(fool=lambda l: softplus(-l))
# Lim and Ye 2017; Miyato et al. 2018.
hinge = Game(real=lambda l: relu(1 - l), fake=lambda l: relu(1 + l), fool=lambda l: -l)
# Arjovsky et al. 2017. D must be kept Lipschitz: by `wgan_gp` or by spectral normalisation.
wasserstein = Game(real=lambda l: -l, fake=lambda l: l, fool=lambda l: -l)


def least_squares(a: float = 0.0, b: float = 1.0, c: float = 1.0) -> Game:
    """LSGAN (Mao et al. 2017, eq. 2): D's targets are a for fakes and b for real, G's is c.

    (-1, 1, 0) makes G minimise a Pearson chi-square divergence; (0, 1, 1) is the usual coding.
    """
    checks.between(-math.inf, math.inf, "()", a=a, b=b, c=c)
    return Game(
        real=lambda l: (l - b) ** 2 / 2,
        fake=lambda l: (l - a) ** 2 / 2,
        fool=lambda l: (l - c) ** 2 / 2,
        balance=(a + b) / 2,
    )


GAMES: dict[str, Game] = {
    "minimax": minimax,
    "non-saturating": non_saturating,
    "least-squares": least_squares(),
    "hinge": hinge,
    "wasserstein": wasserstein,
}


class Round(NamedTuple):
    """What one round of Algorithm 1 leaves: values, in tensors, so that a GPU need not be waited
    for."""

    d_loss: Tensor
    g_loss: Tensor
    real: Tensor  # D's logits on the last real minibatch,
    fake: Tensor  # and on the last fakes that D was trained with


class Penalty(Protocol):
    """A term added to D's loss: see `wgan_gp` and `r1`."""

    def __call__(self, D: Module, x: Tensor, fake: Tensor) -> Tensor: ...


class Updates(Protocol):
    """An optimizer (`optim.Optimizer`), or several ranks' (`optim.DataParallel`)."""

    @property
    def parameters(self) -> Sequence[Tensor]: ...

    def step(self, grads: Sequence[Tensor]) -> None: ...


Source = Callable[[int], Tensor]  # of m: a minibatch of real images, or of noise


def play(
    game: Game,
    G: Module,
    D: Module,
    data: Source,
    noise: Source,
    opt_g: Updates,
    opt_d: Updates,
    *,
    m: int = 64,
    k: int = 1,
    penalty: Penalty | None = None,
) -> Iterator[Round]:
    """Algorithm 1 of Goodfellow et al. 2014: k steps for D, one for G, again and again.

    The paper's lines stand in quotes beside ours. Each `next` plays one round. What else there is
    to do (print, draw, save, stop) is done by the caller between rounds.
    """
    checks.sizes(m=m, k=k)
    _check_players(game, G, D, data, noise, opt_g, opt_d, penalty)
    theta_g, theta_d = G.parameters(), D.parameters()
    while True:  # "for number of training iterations do"
        for _ in range(k):  # "for k steps do"
            x = data(m)  # "sample minibatch of m examples"
            z = noise(m)  # "sample minibatch of m noise samples"
            with no_grad():  # G stands still: D is to tell its fakes, not to change them
                fake = G(z)
            real_logits, fake_logits = judge(D, x, fake)
            d_loss = game.d_loss(real_logits, fake_logits)
            if penalty is not None:
                d_loss = d_loss + penalty(D, x, fake)
            # "update the discriminator by ascending its stochastic gradient" (down a loss)
            opt_d.step(grad(d_loss, theta_d))
            d_loss, real_logits, fake_logits = _values(d_loss, real_logits, fake_logits)

        z = noise(m)  # "sample minibatch of m noise samples"
        g_loss = game.g_loss(D(G(z)))
        # "update the generator by descending its stochastic gradient"
        opt_g.step(grad(g_loss, theta_g))
        (g_loss,) = _values(g_loss)

        yield Round(d_loss, g_loss, real_logits, fake_logits)


def play_simultaneously(
    game: Game,
    G: Module,
    D: Module,
    data: Source,
    noise: Source,
    opt_g: Updates,
    opt_d: Updates,
    *,
    m: int = 64,
    penalty: Penalty | None = None,
) -> Iterator[Round]:
    """As the paper's own code does it, and its Algorithm 1 does not: both players step at once.

    One minibatch of fakes and one pass through D serve both losses, so G answers the D of the
    round before.
    """
    checks.sizes(m=m)
    _check_players(game, G, D, data, noise, opt_g, opt_d, penalty)
    theta_g, theta_d = G.parameters(), D.parameters()
    while True:
        x, z = data(m), noise(m)
        fake = G(z)
        real_logits, fake_logits = D(x), D(fake)
        d_loss = game.d_loss(real_logits, fake_logits)
        (fake,) = _values(fake)
        if penalty is not None:
            d_loss = d_loss + penalty(D, x, fake)
        g_loss = game.g_loss(fake_logits)
        d_grads, g_grads = grad(d_loss, theta_d), grad(g_loss, theta_g)
        opt_d.step(d_grads)
        opt_g.step(g_grads)
        d_loss, g_loss, real_logits, fake_logits = _values(d_loss, g_loss, real_logits, fake_logits)
        yield Round(d_loss, g_loss, real_logits, fake_logits)


def _check_players(
    game: Any, G: Any, D: Any, data: Any, noise: Any, opt_g: Any, opt_d: Any, penalty: Any
) -> None:
    """Raise TypeError for what cannot play, ValueError for an optimizer that moves another."""
    _check_game(game)
    checks.modules(G=G, D=D)
    for name, source in (("data", data), ("noise", noise)):
        if not callable(source):
            raise TypeError(f"{name}: expected a function of m, got {type(source).__name__}")
    if penalty is not None and not callable(penalty):
        raise TypeError(f"penalty: expected None, wgan_gp(...) or r1(...), got {penalty!r}")
    for name, opt, player, of in (("opt_g", opt_g, "G", G), ("opt_d", opt_d, "D", D)):
        if not hasattr(opt, "parameters"):
            raise TypeError(f"{name}: expected an optimizer, got {type(opt).__name__}")
        if [*map(id, opt.parameters)] != [*map(id, of.parameters())]:
            raise ValueError(
                f"{name}: expected an optimizer of {player}.parameters(), got one of others"
            )


def _check_game(game: Any) -> None:
    if not (hasattr(game, "d_loss") and hasattr(game, "g_loss")):
        raise TypeError(f"game: expected a game, as gan.minimax is one, got {game!r}")


def _values(*tensors: Tensor) -> list[Tensor]:
    """Without the graph behind them, which so makes room for the next one."""
    return [t.detach() for t in tensors]


def judge(D: Module, *minibatches: Tensor) -> list[Tensor]:
    """D's logits on each minibatch, real images and fakes: in one pass where D takes each example
    by itself, which is faster and gives the same (what D's layers draw at random falls otherwise);
    in one pass for each where it does not, as with BatchNorm."""
    kinds = {(x.shape[1:], x.dtype) for x in minibatches}
    if len(kinds) > 1 or not by_example(D):
        return [D(x) for x in minibatches]
    logits, ends = D(concatenate(minibatches)), accumulate(map(len, minibatches))
    return [logits[end - len(x) : end] for x, end in zip(minibatches, ends, strict=True)]


# Wrappers of a game: D is told something other than the plain truth about some images. Where the
# label "real" is replaced by "fake" with weight u, D pays (1 - u) real(l) + u fake(l).


def one_sided_smoothing(game: Game, epsilon: float = 0.1) -> Game:
    """Real images count as real by 1 - epsilon; fakes stay fakes (Salimans et al. 2016, 3.4)."""
    checks.between(0, 1, "[]", epsilon=epsilon)
    _check_game(game)
    return game._replace(
        real=lambda l: (1 - epsilon) * game.real(l) + epsilon * game.fake(l), balance=None
    )


def label_noise(game: Game, width: float = 0.3, *, rng: Noise) -> Game:
    """Every label is off by its own amount, uniform in [0, width)."""
    checks.between(0, 1, "[]", width=width)
    _check_game(game)
    checks.noise(rng)
    return _mixed(game, lambda l: supply.uniform(rng, l.shape, like=l.data) * float(width))


def label_flips(game: Game, p: float = 0.05, *, rng: Noise) -> Game:
    """Each label is the wrong one with probability p, independently."""
    checks.between(0, 1, "[]", p=p)
    _check_game(game)
    checks.noise(rng)
    return _mixed(game, lambda l: supply.uniform(rng, l.shape, like=l.data) < p)


def _mixed(game: Game, weight: Callable[[Tensor], Any]) -> Game:
    def mix(right: Price, wrong: Price) -> Price:
        def price(l: Tensor) -> Tensor:
            u = Tensor(weight(l)).astype(l.dtype)
            return (1 - u) * right(l) + u * wrong(l)

        return price

    return game._replace(
        real=mix(game.real, game.fake), fake=mix(game.fake, game.real), balance=None
    )


# Penalties on the slope of D. They differentiate a gradient: that is what create_graph is for. They
# mean the slope of each example's own logit, so D must not mix examples: through BatchNorm in
# training mode a logit depends on the whole minibatch, and what is penalised is no slope of D.
# (InstanceNorm, LayerNorm and SpectralNorm are fine.)


def wgan_gp(weight: float = 10.0, *, rng: Noise) -> Penalty:
    """weight * E[(|grad D(x^)| - 1)^2], x^ between a real image and a fake (Gulrajani et al. 2017).

    D must not use BatchNorm: the penalty is on each example's own gradient (their section 4).
    """
    checks.between(0, math.inf, weight=weight)
    checks.noise(rng)

    def penalty(D: Module, x: Tensor, fake: Tensor) -> Tensor:
        if x.shape != fake.shape:
            raise ValueError(f"wgan_gp: real {x.shape} and fake {fake.shape} must have one shape")
        u = Tensor(supply.uniform(rng, (x.shape[0],) + (1,) * (x.ndim - 1), like=x.data))
        slopes = _slopes(D, (u * x.detach() + (1 - u) * fake.detach()).detach())
        return weight * mean((sqrt(slopes + 1e-12) - 1) ** 2)

    return penalty


def r1(gamma: float = 10.0) -> Penalty:
    """gamma / 2 * E[|grad D(x)|^2] on real images (Mescheder et al. 2018, eq. 9)."""
    checks.between(0, math.inf, gamma=gamma)

    def penalty(D: Module, x: Tensor, fake: Tensor) -> Tensor:
        return gamma / 2 * mean(_slopes(D, x.detach()))

    return penalty


def _slopes(D: Module, x: Tensor) -> Tensor:
    """|dD(x)/dx|^2 for each example. The logits are summed: each depends on its own x alone."""
    (g,) = grad(sum(D(x)), [x], create_graph=True)
    return sum(g * g, tuple(range(1, x.ndim)))
