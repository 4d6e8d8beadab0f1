"""LSGAN: D is a regression, and the distance of a fake from the decision boundary matters.

    min over D   E[(D(x) - b)^2] / 2 + E[(D(G(z)) - a)^2] / 2
    min over G   E[(D(G(z)) - c)^2] / 2

Mao et al. 2017, "Least squares generative adversarial networks". The sigmoid of the usual game is
flat for a fake that D takes for real, even if it is far from real images; a square is not. With the
targets a, b, c = -1, 1, 0 and the optimal D, G minimizes Pearson's chi-square of p_data + p_g and
2 p_g (their theorem 1). With the usual targets 0, 1, 1, G minimizes 1/4 + chi-square / 8, which is
not the divergence but has the same minimum.
"""

# %% The same networks with three games
from functools import partial

import numpy as np

from tinygan import gan, models, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.gan.theory import divergence, least_squares_criterion, normal_density
from tinygan.metrics.classifier_scores import glance

run = Example("lsgan", __doc__, steps=750, full=20_000)
learned, test = run.load_digits(2000)
n = min(run.many(2000), len(test.images))
known, real = (data.images[:n].astype(np.float32) / 255 for data in (learned, test))
run.found("real digits: Frechet distance", glance(known, real).frechet)

games = {
    "cross-entropy": gan.non_saturating,
    "0, 1, 1": gan.least_squares(0, 1, 1),
    "-1, 1, 0": gan.least_squares(-1, 1, 0),
}
sheets = []
for name, game in games.items():
    rng = np.random.default_rng(run.seed)
    pair = models.build("dcgan28-slim", (1, 28, 28), rng=rng, width=run.width).to(run.backend)
    data = Minibatches(learned.images, rng=rng, backend=run.backend)
    players = pair.players(data, rng)
    G = run.averaged(pair.G, partial(gan.play, game, *players, m=64), 0.999)
    z = pair.noise(np.random.default_rng(1))(n)
    samples = models.pixels(G, z, pair.low)
    sheets.append(plots.grid(samples[:50], 5, 0))
    seen = glance(samples, real)
    run.found(f"{name}: Frechet distance", seen.frechet)
    run.found(f"{name}: classifier score", seen.score, "1 to 10")

run.save(
    "samples",
    np.concatenate(sheets, axis=1),
    "from the left: cross-entropy; least squares with 0, 1, 1; with -1, 1, 0",
)

# %% The targets for which the criterion is Pearson's chi-square
x = np.linspace(-14, 18, 32_001)
dx = float(x[1] - x[0])
p, q = normal_density(x), normal_density(x, 1)
chi2 = divergence("pearson", 2 * q, p + q, dx)
for (a, b, c), expected, is_what in (
    ((-1, 1, 0), chi2 / 2, "half of Pearson's"),
    ((0, 1, 1), 1 / 4 + chi2 / 8, "1/4 and an eighth of Pearson's"),
):
    minimum = least_squares_criterion(p, q, a, b, c, dx)
    run.found(f"{a}, {b}, {c}: G's criterion, N(0,1) and N(1,1)", minimum,
              f"{is_what} {chi2:.6f}: {expected:.6f}", abs(minimum - expected) < 1e-6)  # fmt: skip

run.end()
