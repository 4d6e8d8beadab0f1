"""The theory of Goodfellow et al. 2014 in closed form, for distributions given as numbers.

    p, q    (K,): probabilities of K states, or densities at the centers of K cells of width dx;
            p is the distribution of the data, q that of G

    V(D) = E_p[log D] + E_q[log(1 - D)]                      D maximizes it            (eq. 1)
    D* = p / (p + q)                                         maximizes V               (eq. 2)
    C = V(D*) = -log 4 + 2 JSD(p, q)                         G minimizes it            (eq. 4-6)

The minimum of C is -log 4, at p = q. `DIVERGENCES` has the f-divergences, averages of a convex
function of p / q; the Jensen-Shannon divergence JSD is one of them. The last two functions are the
smallest games that the engine plays: one on a table of probabilities, one on two numbers.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import checks, gan, nn
from ..autograd import grad
from ..errors import choose
from ..ops import softmax, sum
from ..optim import SGD
from ..plain_array import refuse_special
from ..tensor import Tensor
from .games import check_separable

Numbers = np.ndarray


def _log(t: Numbers) -> Numbers:
    with np.errstate(divide="ignore"):
        return np.log(t)


def _ratio_log(p: Numbers, q: Numbers) -> Numbers:
    """p log(p / q): 0 where p is 0, infinite where only q is 0."""
    with np.errstate(invalid="ignore"):
        return np.where(p > 0, p * (_log(p) - _log(q)), 0.0)


def _pearson(p: Numbers, q: Numbers) -> Numbers:
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return np.where(p == q, 0.0, (p - q) * ((p - q) / q))  # the square alone could underflow


# q f(p / q) for the convex f of each divergence, written so that no ratio overflows.
DIVERGENCES: dict[str, Callable[[Numbers, Numbers], Numbers]] = {
    "kl": _ratio_log,  # f = t log t: infinite if q is 0 where p is not
    "reverse-kl": lambda p, q: _ratio_log(q, p),  # f = -log t: finite in that case
    # 2 p over p + q, not p over (p + q) / 2: half of the smallest float is 0.
    "js": lambda p, q: (_ratio_log(2 * p, p + q) + _ratio_log(2 * q, p + q)) / 4,
    "pearson": _pearson,  # f = (t - 1)^2
    "total-variation": lambda p, q: np.abs(p - q) / 2,
    "hellinger": lambda p, q: (np.sqrt(p) - np.sqrt(q)) ** 2,
}

# The divergences between N(0, 1) and N(m, 1); there is no closed form for "js".
SHIFTED_NORMALS: dict[str, Callable[[float], float]] = {
    "kl": lambda m: m * m / 2,
    "reverse-kl": lambda m: m * m / 2,
    "pearson": lambda m: math.expm1(m * m),
    "total-variation": lambda m: math.erf(m / math.sqrt(8)),
    "hellinger": lambda m: -2 * math.expm1(-m * m / 8),
}


def divergence(name: str, p: Any, q: Any, dx: float = 1.0) -> float:
    """The f-divergence of p from q by its name in `DIVERGENCES`, in nats; "js" is at most log 2.

    Raises ValueError if the shapes differ or a number is below 0; InputError for an unknown name.
    """
    choose("divergence", name, DIVERGENCES)
    return float(DIVERGENCES[name](*_distributions(p, q, dx)).sum() * dx)


def optimal_discriminator(p: Any, q: Any) -> Numbers:
    """D* = p / (p + q) (Proposition 1); 1/2 where both are 0 and D is arbitrary."""
    p, q = _distributions(p, q)
    return np.where(p + q > 0, p / np.where(p + q > 0, p + q, 1.0), 0.5)


def value(D: Any, p: Any, q: Any, dx: float = 1.0) -> float:
    """V(D) = E_p[log D] + E_q[log(1 - D)]; at most `criterion(p, q)`, for every D."""
    p, q = _distributions(p, q, dx)
    D = _numbers("D", D)
    if not ((D >= 0) & (D <= 1)).all():
        raise ValueError("D: expected probabilities, got numbers outside [0, 1]")
    with np.errstate(invalid="ignore"):  # 0 times log 0 is 0
        terms = np.where(p > 0, p * _log(D), 0.0) + np.where(q > 0, q * _log(1 - D), 0.0)
    return float(terms.sum() * dx)


def criterion(p: Any, q: Any, dx: float = 1.0) -> float:
    """C = V(D*) = -log 4 + 2 JSD(p, q), from -log 4 at p = q to 0 if the supports are disjoint."""
    p, q = _distributions(p, q, dx)  # log(1 - D*) would lose a q much smaller than p
    return float((_ratio_log(p, p + q) + _ratio_log(q, p + q)).sum() * dx)


def tabular_gradient(p: Any, q: Any) -> Numbers:
    """dC/dq = log(1 - D*). D* may be held fixed, because dV/dD is 0 at the maximum."""
    return _log(optimal_discriminator(q, p))  # 1 - D* = q / (p + q)


def least_squares_optimum(p: Any, q: Any, a: float, b: float) -> Numbers:
    """The optimal D of LSGAN, (b p + a q) / (p + q), with targets b on real and a on fakes."""
    checks.between(-math.inf, math.inf, "()", a=a, b=b)
    D = optimal_discriminator(p, q)
    return b * D + a * (1 - D)


def least_squares_criterion(p: Any, q: Any, a: float, b: float, c: float, dx: float = 1.0) -> float:
    """The loss of LSGAN's G, with target c, against the optimal D, over real images and fakes:
    (E_p[(D* - c)^2] + E_q[(D* - c)^2]) / 2 (Mao et al. 2017, eq. 4-6).

    If b - c = 1 and b - a = 2, it is chi2 / 2, where chi2 is the Pearson chi-square of p + q
    against 2 q, from 0 at p = q to 2. With the usual a, b, c = 0, 1, 1 it is 1/4 + chi2 / 8."""
    checks.between(-math.inf, math.inf, "()", c=c)
    p, q = _distributions(p, q, dx)
    D = least_squares_optimum(p, q, a, b)
    return float((((p + q) * (D - c) ** 2) / 2).sum() * dx)


def normal_density(x: Any, mean: float = 0.0, sd: float = 1.0) -> Numbers:
    """The density of N(mean, sd^2) at x."""
    checks.between(-math.inf, math.inf, "()", mean=mean)
    checks.between(0, math.inf, "()", sd=sd)
    z = (_numbers("x", x) - mean) / sd
    return np.exp(-z * z / 2) / (sd * math.sqrt(2 * math.pi))


def best_logit_slope(game: gan.SeparableGame, logits: Any) -> Numbers:
    """The derivative of G's loss at each of D's logits on fakes. With D the sigmoid of the logit,
    it is -D in the minimax game and -(1 - D) in the non-saturating one (section 3)."""
    check_separable(game)
    refuse_special("logits", logits)
    l = Tensor(np.asarray(logits))
    (slopes,) = grad(sum(game.generator_loss(l)), [l])
    return slopes.numpy()


def tabular_game(p: Any, lr: float = 10.0) -> Iterator[Numbers]:
    """Yield G's distribution q on K states, (K,): first the uniform one, then q after each step.

    G is the softmax of K numbers and does gradient descent. D is optimal in each step, with the
    logit log p - log q, and held fixed (see `tabular_gradient`). C(G) decreases in each step if lr
    is below about 4 / max p.

    Raises ValueError if p is 0 for a state.
    """
    p, _ = _distributions(p, p)
    if not (p > 0).all():
        raise ValueError("p: expected numbers above 0, got a 0 among them")
    theta = nn.Parameter(np.zeros(p.shape))
    opt = SGD([theta], lr)
    while True:
        q = softmax(theta)
        yield q.data
        D = Tensor(np.log(p) - np.log(q.data))
        opt.step(grad(sum(q * gan.minimax.generator_loss(D)), [theta]))


def bilinear_game(play: Callable[..., Iterator[gan.Round]], lr: float) -> Iterator[float]:
    """Yield the distance of the players of min over x, max over y of -x y from the equilibrium
    (0, 0): at the start (1, 0), then after each round of `play`.

    It is a GAN: the data is 0, G(z) = x, D(t) = y t is a logit (cf. Mescheder et al. 2018, section
    2). Simultaneous steps, `gan.play_simultaneously`, multiply the distance by sqrt(1 + lr^2).
    Alternating steps, `gan.play`, preserve x^2 + y^2 - lr x y, so the distance stays between
    1 / sqrt(1 + lr / 2) and 1 / sqrt(1 - lr / 2).

    Raises TypeError if `play` is not a function."""
    if not callable(play):
        raise TypeError(f"play: expected a function, such as gan.play, got {play!r}")
    rng = np.random.default_rng(0)  # the weights are overwritten
    G, D = (nn.Linear(1, 1, bias=False, rng=rng).astype(np.float64) for _ in range(2))
    G.weight.data[...], D.weight.data[...] = 1, 0
    data, noise = (lambda m: Tensor(np.zeros((m, 1)))), (lambda m: Tensor(np.ones((m, 1))))
    opt_g, opt_d = SGD(G.parameters(), lr), SGD(D.parameters(), lr)
    yield 1.0
    for _ in play(gan.wasserstein, G, D, data, noise, opt_g, opt_d, m=1):
        yield math.hypot(G.weight.item(), D.weight.item())


def _numbers(name: str, given: Any) -> Numbers:
    """Return an argument as float64. Raise ValueError if it does not consist of numbers."""
    refuse_special(name, given)
    try:
        return np.asarray(given, np.float64)
    except (TypeError, ValueError) as problem:
        raise ValueError(f"{name}: expected numbers, got {given!r}") from problem


def _distributions(p: Any, q: Any, dx: float = 1.0) -> tuple[Numbers, Numbers]:
    """Return p and q as float64. Raise ValueError unless they have one shape and numbers >= 0, and
    dx > 0."""
    checks.between(0, math.inf, "()", dx=dx)
    p, q = _numbers("p", p), _numbers("q", q)
    if p.shape != q.shape or not p.size:
        raise ValueError(f"p, q: expected numbers of one shape, got {p.shape} and {q.shape}")
    for name, x in (("p", p), ("q", q)):
        if not (np.isfinite(x).all() and (x >= 0).all()):
            raise ValueError(f"{name}: expected finite numbers >= 0")
    return p, q
