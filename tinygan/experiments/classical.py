"""Classifiers without deep networks: discriminative models of p(y | x), and generative models of
p(x | y), inverted by Bayes' rule.

    discriminative   p(y | x) = softmax of W x + b                    logistic regression
    generative       p(y | x) = p(x | y) p(y) / sum of it over y      normal densities, mixtures of
                                                                      them (EM), Parzen windows

Ng and Jordan 2002, "On discriminative vs. generative classifiers". Naive Bayes with variances that
all classes share is also a softmax of W x + b: the two models differ only in what they maximize.

Inputs are NumPy arrays: rows x (N, D) of finite numbers, and labels (N,) from 0 to K - 1. All
functions raise TypeError or ValueError for other inputs.
"""

import math
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from .. import checks
from ..backend import Rng
from ..backend.graph_replay import captured
from ..data.dataset import check_labels
from ..losses import cross_entropy
from ..metrics.distances import rows, same_width, squared_distances
from ..metrics.kmeans import kmeans
from ..metrics.parzen import SIGMAS, checked_sigmas, log_likelihoods
from ..nn import Linear, init
from ..ops import sum
from ..optim import Adam, cosine_decay
from ..optim.minimize import minimize
from ..plain_array import plain_array
from ..tensor import Tensor

Density = Callable[[np.ndarray], np.ndarray]  # rows (N, D) to log p(x), (N,)


class Normals(NamedTuple):
    """K weighted normal densities with diagonal covariances: a mixture, or naive Bayes if each
    density is a class."""

    weights: np.ndarray  # (K,), with sum 1
    means: np.ndarray  # (K, D)
    variances: np.ndarray  # (K, D)

    def log_joint(self, x: np.ndarray) -> np.ndarray:
        """log w_k + log N(x; mean_k, variances_k), (N, K)."""
        x = rows("x", x)
        same_width("x", x, "means", self.means)
        scales = 1 / self.variances
        squares = x**2 @ scales.T - 2 * x @ (self.means * scales).T
        squares += (self.means**2 * scales).sum(axis=1)
        volumes = np.log(2 * math.pi * self.variances).sum(axis=1)
        return np.log(self.weights) - (squares + volumes) / 2

    def posterior(self, x: np.ndarray) -> np.ndarray:
        """The probability of each density given a row, (N, K); each row sums to 1."""
        joint = self.log_joint(x)
        return np.exp(joint - log_sum(joint)[:, None])

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """log p(x) of the mixture, (N,)."""
        return log_sum(self.log_joint(x))

    def classify(self, x: np.ndarray) -> np.ndarray:
        """The index of the most probable density, (N,)."""
        return self.log_joint(x).argmax(axis=1)


def normals(
    x: np.ndarray, shares: np.ndarray, spread: float, imagined: float = 10.0, shared: bool = False
) -> Normals:
    """Fit K densities to rows x (N, D); row i belongs to density k with the weight shares[i, k]
    (N, K). This is the M step of EM. The densities maximize

        sum_ik shares_ik log(w_k N(x_i; mean_k, var_k)) - imagined/2 sum_kd (log var + spread / var)

    The last term is a prior, equivalent to `imagined` more rows for each density with its mean and
    the variance `spread`. Without it, the variance of a single row or of a constant pixel is 0.
    With `shared`, all densities share their variances and the prior counts once. A density without
    rows gets a weight near 0.

    Raises ValueError if an option is out of its range.
    """
    checks.between(0, math.inf, "()", spread=spread, imagined=imagined)
    x, shares = rows("x", x), rows("shares", shares)
    if len(shares) != len(x):
        raise ValueError(
            f"shares: expected {len(x)} rows, one for each row of x, got {len(shares)}"
        )
    counts = shares.sum(axis=0)
    totals = np.maximum(counts, np.finfo(np.float64).tiny)[:, None]
    means = shares.T @ x / totals
    squares = np.maximum(shares.T @ x**2 - totals * means**2, 0)
    if shared:
        one = (squares.sum(axis=0) + imagined * spread) / (len(x) + imagined)
        variances = np.tile(one, (len(means), 1))
    else:
        variances = (squares + imagined * spread) / (totals + imagined)
    return Normals(totals[:, 0] / totals.sum(), means, variances)


def naive_bayes(x: np.ndarray, labels: np.ndarray, classes: int, spread: float) -> Normals:
    """A normal density for each class, with shared variances as in Ng and Jordan."""
    (classes,) = checks.sizes(classes=classes)
    x = _labeled(x, labels, classes)
    return normals(x, np.eye(classes)[labels], spread, shared=True)


def em(
    x: np.ndarray, k: int, spread: float, *, rng: Rng, steps: int = 20, imagined: float = 10.0
) -> Normals:
    """A mixture of k densities by expectation maximization (Dempster, Laird and Rubin 1977),
    initialized by k-means. Each step computes the shares under the mixture and fits the mixture to
    the shares. No step lowers the likelihood, including the prior of `normals`."""
    (steps,) = checks.sizes(steps=steps)
    x = rows("x", x)
    centers, _ = kmeans(x, k, rng=rng)
    shares = np.eye(k)[squared_distances(x, centers).argmin(axis=1)]
    for _ in range(steps):
        mixture = normals(x, shares, spread, imagined)
        shares = mixture.posterior(x)
    return mixture


class Bayes(NamedTuple):
    """A classifier by Bayes' rule from a prior and a density for each class."""

    priors: np.ndarray  # (K,)
    densities: Sequence[Density]

    def log_joint(self, x: np.ndarray) -> np.ndarray:
        """log p(x | y) + log p(y), (N, K)."""
        return np.stack([p(x) for p in self.densities], axis=1) + np.log(self.priors)

    def classify(self, x: np.ndarray) -> np.ndarray:
        """The most probable class, (N,)."""
        return self.log_joint(x).argmax(axis=1)


def _labeled(x: np.ndarray, labels: np.ndarray, classes: int | None = None) -> np.ndarray:
    """The rows x as float64.

    Raises TypeError or ValueError unless each has a valid label."""
    x = rows("x", x)
    check_labels(labels, len(x), classes)
    return x


def _fit_classes(x: np.ndarray, labels: np.ndarray, fit: Callable[[np.ndarray], Density]) -> Bayes:
    """The classifier with the density `fit(rows)` for the rows of each class.

    Raises ValueError if a class has no rows."""
    x = _labeled(x, labels)
    counts = np.bincount(labels)
    if not counts.all():
        raise ValueError(f"labels: class {counts.argmin()} has no row")
    return Bayes(counts / len(x), [fit(x[labels == y]) for y in range(len(counts))])


def mixtures(
    x: np.ndarray, labels: np.ndarray, spread: float, *, rng: Rng, maximum: int = 10
) -> Bayes:
    """A mixture by `em` for each class. It has one density, and another for every 25 rows, up to
    `maximum` densities."""
    (maximum,) = checks.sizes(maximum=maximum)

    def fit(own: np.ndarray) -> Density:
        return em(own, min(maximum, 1 + len(own) // 25), spread, rng=rng).log_density

    return _fit_classes(x, labels, fit)


def windows(x: np.ndarray, labels: np.ndarray, sigmas: Sequence[float] = SIGMAS) -> Bayes:
    """A Parzen window on the rows of each class. All classes share the sigma with the highest
    leave-one-out likelihood."""
    x, widths = _labeled(x, labels), checked_sigmas(sigmas)
    likelihoods = np.zeros(len(widths))
    for y in np.unique(labels):
        likelihoods += left_out(x[labels == y], widths).sum(axis=1)
    sigma = widths[int(likelihoods.argmax())]
    return _fit_classes(x, labels, lambda own: lambda x: log_likelihoods(own, x, [sigma])[0])


def left_out(x: np.ndarray, sigmas: Sequence[float]) -> np.ndarray:
    """The leave-one-out likelihoods: log p(x_i) under a Parzen window on all rows but x_i,
    (len(sigmas), N). They are 0 if there is only one row."""
    x, widths = rows("x", x), checked_sigmas(sigmas)
    n, d = x.shape
    if n == 1:
        return np.zeros((len(widths), 1))
    distances = squared_distances(x, x)
    np.fill_diagonal(distances, np.inf)
    sums = np.stack([log_sum(-distances / (2 * s**2)) for s in widths])
    volumes = d * np.log(np.array(widths) * math.sqrt(2 * math.pi))
    return sums - math.log(n - 1) - volumes[:, None]


class Softmax(NamedTuple):
    """p(y | x) = softmax of W x + b."""

    weight: np.ndarray  # (K, D)
    bias: np.ndarray  # (K,)

    def logits(self, x: np.ndarray) -> np.ndarray:
        """W x + b, (N, K)."""
        x = rows("x", x)
        same_width("x", x, "weight", self.weight)
        return x @ self.weight.T + self.bias

    def classify(self, x: np.ndarray) -> np.ndarray:
        """The most probable class, (N,)."""
        return self.logits(x).argmax(axis=1)


def logistic_regression(
    x: np.ndarray,
    labels: np.ndarray,
    classes: int,
    sd: float = 1.0,
    *,
    steps: int = 300,
    lr: float = 0.3,
    backend: str = "numpy",
) -> Softmax:
    """The most probable W and b, by `steps` steps of Adam on all rows, starting at 0:

        min   mean of -log p(y | x)  +  |W|^2 / (2 N sd^2)

    The last term is a prior: each weight is normal with mean 0 and standard deviation `sd`. Without
    it, W would grow without bound if the classes are linearly separable, and the result would
    depend on the optimizer. Adam gets the rows minus their mean, so that it converges; then
    b is changed to fit the rows themselves."""
    steps, classes = checks.sizes(steps=steps, classes=classes)
    checks.between(0, math.inf, "()", sd=sd)
    checks.between(0, math.inf, lr=lr)
    x = _labeled(x, labels)
    net = Linear(x.shape[1], classes, rng=np.random.default_rng(0))
    for p in net.parameters():
        init.constant_(p, 0.0)
    net.to(backend)
    center = x.mean(axis=0)
    centered = Tensor((x - center).astype(np.float32)).to(backend)
    known, prior = Tensor(labels).to(backend), 1 / (2 * len(x) * sd**2)

    def loss() -> Tensor:
        return cross_entropy(net(centered), known) + prior * sum(net.weight * net.weight)

    opt = Adam(net.parameters(), cosine_decay(lr, steps))
    for _ in islice(captured(lambda: minimize(loss, opt), backend), steps):
        pass
    weight, bias = (p.numpy().astype(np.float64) for p in net.parameters())
    weight -= weight.mean(axis=0)  # a common part changes no probability; the prior makes it 0
    return Softmax(weight, bias - weight @ center)


def log_sum(a: np.ndarray) -> np.ndarray:
    """log sum_k exp(a[:, k]) of a (N, K), as (N,).

    Raises ValueError for another shape.
    """
    a = plain_array("a", a)
    if a.ndim != 2 or not a.size:
        raise ValueError(f"a: expected an array (N, K), got {a.shape}")
    maximum = a.max(axis=1)
    return maximum + np.log(np.exp(a - maximum[:, None]).sum(axis=1))
