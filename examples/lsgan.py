"""LSGAN: D is a regression, and the distance of a fake from the boundary counts.

    min over D   E[(D(x) - b)^2] / 2 + E[(D(G(z)) - a)^2] / 2
    min over G   E[(D(G(z)) - c)^2] / 2

Mao et al. 2017, "Least squares generative adversarial networks". The sigmoid of the usual game is
flat for a fake that fools D, however far it lies from real images; a square is not. With the
targets a, b, c = -1, 1, 0 the best D makes G minimize Pearson's chi-square of p_data + p_g against
2 p_g (their theorem 1). With the usual 0, 1, 1, in which G wants what D calls real, what it
minimizes is 1/4 + chi-square / 8: no longer the divergence, but least where that is least.
"""

# %% The same networks three times; all that differs is the game
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
    G = run.averaged(pair.G, lambda g=game, p=players: gan.play(g, *p, m=64), 0.999)
    z = pair.noise(np.random.default_rng(1))(n)
    samples = models.pixels(G, z, pair.low)
    sheets.append(plots.grid(samples[:50], 5, 0))
    seen = glance(samples, real)
    run.found(f"{name}: Frechet distance", seen.frechet)
    run.found(f"{name}: classifier score", seen.score, "1 to 10")

run.save(
    "samples",
    np.concatenate(sheets, axis=1),
    "from the left: cross-entropy; least squares of 0, 1, 1; of -1, 1, 0",
)

# %% Which of the two codings is Pearson's?
x = np.linspace(-14, 18, 32_001)
dx = float(x[1] - x[0])
p, q = normal_density(x), normal_density(x, 1)
chi2 = divergence("pearson", 2 * q, p + q, dx)
for (a, b, c), expected, is_what in (
    ((-1, 1, 0), chi2 / 2, "half of Pearson's"),
    ((0, 1, 1), 1 / 4 + chi2 / 8, "1/4 and an eighth of Pearson's"),
):
    minimum = least_squares_criterion(p, q, a, b, c, dx)
    run.found(f"{a}, {b}, {c}: what G minimizes, N(0,1) and N(1,1)", minimum,
              f"{is_what} {chi2:.6f}: {expected:.6f}", abs(minimum - expected) < 1e-6)  # fmt: skip

run.end()
