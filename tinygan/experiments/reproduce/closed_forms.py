"""The theory of the 2014 paper in numbers. One function for each claim compares its closed form
with quadrature or training, and gives the curves for the figure.

Unless stated otherwise, p is N(0, 1) and q is N(1, 1). The optimal D for them has the logit
1/2 - x. A single linear layer can represent it and is trained on 100,000 samples of each; a network
with two hidden layers is trained on new samples in each step. `gan.theory` has the formulas, the
tabular game and the bilinear game.
"""

import math
from collections.abc import Callable
from itertools import islice

import numpy as np

from ... import gan, nn
from ...autograd import grad
from ...gan import theory
from ...gan.theory import criterion, divergence, least_squares_criterion, normal_density
from ...ops import log, sigmoid, softplus, sum
from ...optim import Adam, cosine_decay
from ...tensor import Tensor, no_grad
from ..results import Result, SeedResults, near

LOG4 = math.log(4)
X = np.linspace(-14, 18, 32_001)
DX = float(X[1] - X[0])
P, Q = normal_density(X), normal_density(X, 1)
C = -1.163451  # the criterion of P and Q, by quadrature
Samples = Callable[[], tuple[Tensor, Tensor]]  # real samples and fakes, each (m, 1)
Curves = dict[str, list[float]]  # each claim adds its own


def run(seed: int, echo: Callable[[str], object], backend: str) -> SeedResults:
    """Check all claims. The arrays are small, so everything runs on the CPU for any `backend`."""
    curves: Curves = {}
    echo("closed forms, and small games ...")
    claims = (_criterion, _table, _saturation, _least_squares, _bilinear, _asymmetry, _divergences)
    results = [result for claim in claims for result in claim(curves)]
    echo("training D on samples ...")
    return SeedResults(results + _trained(curves, np.random.default_rng(seed)), curves)


def _criterion(curves: Curves) -> list[Result]:
    """C(G) = max over D of V(D, G) = -log 4 + 2 JSD. V of any fixed D is a lower bound for every
    q = N(m, 1), and the optimal D for m = t attains C there."""
    one, both = _modes()
    results = [
        near("C(G) at p = q", criterion(P, P, DX), -LOG4, 1e-6),
        near("C(G), N(0,1) and N(1,1)", criterion(P, Q, DX), C, 2e-6),
        near("JSD, N(0,1) and N(1,1)", divergence("js", P, Q, DX), 0.111421, 2e-6),
        near("C(G), N(0,1) and N(0,4)", criterion(P, normal_density(X, 0, 2), DX), -1.200828, 2e-6),
        near("JSD of a dropped mode", divergence("js", both, one, DX), 0.215728, 2e-6),
    ]
    shifts, x = np.linspace(0, 4, 41), X[6000:26_001]  # -8 to 12: beyond, D can round to 1
    p, qs = normal_density(x), [normal_density(x, m) for m in shifts]
    best, gaps = [criterion(p, q, DX) for q in qs], []
    curves |= {"criterion.shift": shifts.tolist(), "criterion.C": best}
    for t in (0, 1, 2, 3):
        D = theory.optimal_discriminator(p, normal_density(x, t))
        curves[f"criterion.D{t}"] = [theory.value(D, p, q, DX) for q in qs]
        gaps.append(np.subtract(best, curves[f"criterion.D{t}"]).min())
    return [*results, near("C(G) - V(D), minimum over 4 D and 41 q", float(min(gaps)), 0, 1e-12)]


def _table(curves: Curves) -> list[Result]:
    """dC/dq is log(1 - D*), as if D* did not depend on q. Gradient descent reaches -log 4."""
    p = np.arange(1, 11) / 55
    qs = list(islice(theory.tabular_game(p), 61))
    jsd = [divergence("js", p, q) for q in qs]
    steepest = float(np.diff([criterion(p, q) for q in qs]).max())
    q = Tensor(qs[0])
    whole = sum(Tensor(p) * log(Tensor(p) / (p + q)) + q * log(q / (p + q)))
    (slopes,) = grad(whole, [q])
    error = float(np.abs(slopes.numpy() - theory.tabular_gradient(p, qs[0])).max())
    curves["table.jsd"] = jsd
    return [
        near("table: dC/dq - log(1 - D*)", error, 0, 1e-12),
        Result("table: largest change of C(G) in a step", steepest, "< 0", steepest < 0),
        Result("table: JSD after 60 steps", jsd[-1], "< 1e-8", jsd[-1] < 1e-8),
    ]


def _saturation(curves: Curves) -> list[Result]:
    """The slopes of G's two losses in a logit are D (minimax) and 1 - D (non-saturating)."""
    logits = np.linspace(-10, 10, 41)
    games = {"minimax": gan.minimax, "non-saturating": gan.non_saturating}
    curves["pull.logit"] = logits.tolist()
    for name, game in games.items():
        curves[f"pull.{name}"] = (-theory.best_logit_slope(game, logits)).tolist()
    far = [
        float(-theory.best_logit_slope(game, np.full(1, -200, np.float32))[0])
        for game in games.values()
    ]
    return [
        near("slope at logit -10, ratio of both", curves["pull.non-saturating"][0]
             / curves["pull.minimax"][0], math.exp(10), 1e-6),
        near("slope at logit -200 in float32: minimax", far[0], 0, 1e-30),
        near("slope at logit -200 in float32: non-saturating", far[1], 1, 0),
    ]  # fmt: skip


def _least_squares(curves: Curves) -> list[Result]:
    """With the targets -1, 1, 0 the criterion is chi2 / 2, where chi2 is Pearson's chi-square of
    p + q and 2 q; with the usual targets 0, 1, 1 it is 1/4 + chi2 / 8."""
    shifts = np.linspace(0, 5, 26)
    curves["squares.shift"] = shifts.tolist()
    for name, (a, b, c) in {"-1/1/0": (-1, 1, 0), "0/1/1": (0, 1, 1)}.items():
        curves[f"squares.{name}"] = [
            2 * least_squares_criterion(P, normal_density(X, m), a, b, c, DX) for m in shifts
        ]
    chi2 = [divergence("pearson", 2 * q, P + q, DX) for q in (normal_density(X, m) for m in shifts)]
    error = float(np.abs(np.subtract(chi2, curves["squares.-1/1/0"])).max())
    curves["squares.chi2"] = chi2
    return [
        near("LSGAN -1/1/0: 2 C", 2 * least_squares_criterion(P, Q, -1, 1, 0, DX), 0.408109, 2e-6),
        near("LSGAN -1/1/0: 2 C - chi2, any shift", error, 0, 1e-12),
        near("LSGAN 0/1/1: C", least_squares_criterion(P, Q, 0, 1, 1, DX), 0.301014, 2e-6),
    ]


def _bilinear(curves: Curves, lr: float = 0.1, rounds: int = 200) -> list[Result]:
    """The bilinear game with simultaneous steps, and with the alternating ones of Algorithm 1."""
    simultaneous, alternating = (
        list(islice(theory.bilinear_game(play, lr), rounds + 1))
        for play in (gan.play_simultaneously, gan.play)
    )
    curves |= {"turns.lr": [lr], "turns.at once": simultaneous, "turns.in turn": alternating}
    expected, bound = (1 + lr**2) ** (rounds / 2), 1 / math.sqrt(1 - lr / 2)
    return [
        near("bilinear, 200 simultaneous rounds: distance", simultaneous[-1], expected, 1e-9),
        Result("bilinear, alternating: largest distance", max(alternating), f"<= {bound:.6g}",
               max(alternating) <= bound + 1e-12),
    ]  # fmt: skip


def _asymmetry(curves: Curves) -> list[Result]:
    """p has two modes, at -2 and 2. If q is one of them, KL(p, q) = 16 - log 2 and KL(q, p) =
    log 2, up to an overlap of 1e-4. So the normal q that minimizes KL(p, q) has p's mean and
    variance, and the one that minimizes KL(q, p) is one of the modes."""
    x = np.linspace(-10, 10, 2001)  # beyond, densities underflow to 0
    dx = float(x[1] - x[0])
    one, both = _modes(x)
    best = {name: _nearest_normal(name, both, x, dx) for name in ("kl", "reverse-kl", "js")}
    curves |= {f"nearest.{name}": list(q) for name, q in best.items()}
    return [
        near("KL(p, q) of a dropped mode", divergence("kl", both, one, dx), 16 - math.log(2), 1e-3),
        near("KL(q, p) of a dropped mode", divergence("kl", one, both, dx), math.log(2), 1e-3),
        near("minimum of KL(p, q): sd of q", best["kl"][1], math.sqrt(4.25), 1e-3),
        near("minimum of KL(q, p): mean of q", abs(best["reverse-kl"][0]), 2, 1e-3),
        near("minimum of KL(q, p): sd of q", best["reverse-kl"][1], 0.5, 1e-3),
    ]


def _divergences(curves: Curves) -> list[Result]:
    """f-divergences between N(0, 1) and N(m, 1), all by `theory.divergence`."""
    shifts = np.geomspace(0.1, 3, 18)
    curves["divergence.shift"], results = shifts.tolist(), []
    for name in theory.DIVERGENCES:
        found = [divergence(name, P, normal_density(X, m), DX) for m in shifts]
        curves[f"divergence.{name}"] = found
        if (closed := theory.SHIFTED_NORMALS.get(name)) is not None:
            error = max(abs(f / closed(m) - 1) for f, m in zip(found, shifts, strict=True))
            results.append(near(f"{name} of normals, relative error", float(error), 0, 1e-6))
    return results


def _trained(curves: Curves, rng: np.random.Generator) -> list[Result]:
    """Training finds D* = p / (p + q) and V = C(G), and then, on q = p, D* = 1/2."""
    line, many = nn.Sequential(nn.Linear(1, 1, rng=rng)), normals(rng, 100_000, 1)
    train(line, lambda: many, 300, 0.05)
    weight, bias = (parameter.item() for parameter in line.parameters())
    value, _ = measured(line, *normals(rng, 1_000_000, 1))
    D, x = network(rng), np.linspace(-3, 4, 71)
    train(D, lambda: normals(rng, 2000, 1), 500, 0.003)
    found = probabilities(D, x)
    error = np.abs(found - theory.optimal_discriminator(normal_density(x), normal_density(x, 1)))
    gap = criterion(P, Q, DX) - theory.value(probabilities(D, X), P, Q, DX)
    results = [
        near("linear D: weight", weight, -1, 0.02),
        near("linear D: bias", bias, 0.5, 0.02),
        near("linear D: V on fresh samples", value, C, 0.003),
        near("network D: maximum of |D - D*| on [-3, 4]", float(error.max()), 0, 0.01),
        Result("network D: C(G) - V by quadrature", gap, "0 to 0.001", 0 <= gap <= 0.001),
    ]
    curves |= {"trained.x": x.tolist(), "trained.D": found.tolist(), "equal.0": found.tolist()}
    steps = 0
    for more in (10, 40, 250):
        train(D, lambda: normals(rng, 1000, 0), more, 0.003)
        steps += more
        curves[f"equal.{steps}"] = probabilities(D, x).tolist()
    value, _ = measured(D, *normals(rng, 200_000, 0))
    error = np.abs(probabilities(D, np.linspace(-2, 2, 41)) - 0.5)
    return [
        *results,
        near("p = q: maximum of |D - 1/2| on [-2, 2]", float(error.max()), 0, 0.02),
        near("p = q: V on fresh samples", value, -LOG4, 0.001),
    ]


def network(rng: np.random.Generator) -> nn.Sequential:
    """A D of x (N, 1) with two hidden layers of 64 and piecewise linear logits."""
    sizes = (1, 64), (64, 64), (64, 1)
    first, second, last = (nn.Linear(a, b, rng=rng) for a, b in sizes)
    return nn.Sequential(first, nn.LeakyReLU(0.2), second, nn.LeakyReLU(0.2), last)


def normals(rng: np.random.Generator, m: int, mean: float, sd: float = 1) -> tuple[Tensor, Tensor]:
    """m samples of N(0, 1) and m of N(mean, sd^2), each (m, 1)."""
    real, fake = rng.standard_normal((2, m, 1), np.float32)
    return Tensor(real), Tensor(np.float32(sd) * fake + np.float32(mean))


def train(D: nn.Module, samples: Samples, steps: int, lr: float) -> None:
    """Minimize D's loss by `steps` steps of Adam with a learning rate that falls to 0."""
    opt = Adam(D.parameters(), cosine_decay(lr, steps))
    for _ in range(steps):
        real, fake = samples()
        opt.step(grad(gan.minimax.d_loss(D(real), D(fake)), D.parameters()))


def measured(D: nn.Module, real: Tensor, fake: Tensor) -> tuple[float, float]:
    """V(D) = E[log D(x)] + E[log(1 - D(y))] on samples, and its standard error."""
    with no_grad():
        terms = [-softplus(-D(real)).numpy(), -softplus(D(fake)).numpy()]
    value = terms[0].mean(dtype=np.float64) + terms[1].mean(dtype=np.float64)
    return float(value), math.sqrt(terms[0].var() / len(terms[0]) + terms[1].var() / len(terms[1]))


def probabilities(D: nn.Module, x: np.ndarray) -> np.ndarray:
    """D(x) at the points x (n,)."""
    with no_grad():
        logits = D(Tensor(x.astype(np.float32)[:, None]))
        return sigmoid(logits.astype(np.float64)).numpy()[:, 0]  # in float32, 1 - D(x) can be 0


def _modes(x: np.ndarray = X) -> tuple[np.ndarray, np.ndarray]:
    """The density of N(-2, 1/4), and that of its equal mixture with N(2, 1/4)."""
    one = normal_density(x, -2, 0.5)
    return one, (one + normal_density(x, 2, 0.5)) / 2


def _nearest_normal(name: str, p: np.ndarray, x: np.ndarray, dx: float) -> tuple[float, float]:
    """The mean and sd of the normal q that minimizes a divergence of p and q. A pattern search from
    N(1, 1): move to the best neighbor, and halve the step if no neighbor is better."""

    def cost(q: tuple[float, float]) -> float:
        return divergence(name, p, normal_density(x, *q), dx)

    best, width = (1.0, 1.0), 0.25
    while width > 1e-4:
        m, sd = best
        neighbors = [(m + width, sd), (m - width, sd), (m, sd * (1 + width)), (m, sd / (1 + width))]
        nearest = min(neighbors, key=cost)
        if cost(nearest) < cost(best):
            best = nearest
        else:
            width /= 2
    return best
