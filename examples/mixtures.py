"""Mixtures of Gaussians in the plane: what a G forgets, and what makes it remember.

    D judges one point:    E[log D(x)]     + E[log(1 - D(G(z)))]
    D judges two at once:  E[log D(x, x')] + E[log(1 - D(G(z), G(z')))]

Eight Gaussians on a ring, 25 on a grid: a G that makes some of them well and none of the others has
collapsed, and here it shows. What G is taught by changes: minimax and non-saturating (Goodfellow et
al. 2014), least squares (Mao et al. 2017), WGAN-GP (Gulrajani et al. 2017, with weight 1), and
packing (Lin et al. 2018): a D that sees two points sees when they are too often alike. Beside them
stand Lin et al.'s own, of 400,000 steps; these are 4000, of networks a quarter as wide as those of
`tinygan reproduce mixtures`, which --full takes, for 5000 steps, and ten seeds with packing. Both
players step at once, D of WGAN-GP as often as G (theirs: five times).
"""

# %% The games
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, no_grad
from tinygan.experiments.example import Example
from tinygan.experiments.reproduce import modes_of_mixtures
from tinygan.metrics.modes import modes

run = Example("mixtures", __doc__, steps=4000, full=5000, data=None)
gp = gan.wgan_gp(1.0, rng=run.rng)
games = {  # by name: the game, its penalty, how many points D judges at a time
    "minimax": (gan.minimax, None, 1),
    "GAN": (gan.non_saturating, None, 1),
    "least squares": (gan.least_squares(), None, 1),
    "WGAN-GP": (gan.wasserstein, gp, 1),
    "2 packed": (gan.non_saturating, None, 2),
}
kinds = modes_of_mixtures.MIXTURES
extents = {name: 1.5 * mixture.means.max() for name, mixture in kinds.items()}
trainings = [("ring", who) for who in games] + [("grid", "GAN"), ("grid", "2 packed")]
looks = max(n for n in range(1, 21) if run.steps % n == 0)
width = run.width * (1 if run.full else 0.25)  # a quarter as wide as in `reproduce mixtures`


# %% What there is to see: D over the plane, and the samples
def plane(D, pack, extent, side=100):
    """D's logits at side * side points, for equal points where it judges several, from 0 to 1."""
    line = np.linspace(-extent, extent, side, dtype=np.float32)
    points = np.stack(np.meshgrid(line, -line), axis=2).reshape(-1, 2)
    with no_grad():
        logits = D(Tensor(np.tile(points, pack)).to(run.backend)).numpy().reshape(side, side)
    low, high = np.percentile(logits, (1, 99))
    return np.clip((logits - low) / (high - low + 1e-9), 0, 1)


def picture(surface, samples, extent):
    """D from dark blue to white, a dot for each sample."""
    pixels = (215, 185, 125) * surface.repeat(2, 0).repeat(2, 1)[:, :, None]
    pixels = np.add(pixels, (20, 40, 100)).astype(np.uint8)
    at = np.int64((samples * (1, -1) + extent) / (2 * extent) * len(pixels))
    columns, rows = at[((at >= 0) & (at < len(pixels))).all(axis=1)].T
    pixels[rows, columns] = 255, 60, 0
    return pixels


# %% Train each, and measure
films, seen = {}, {}
for name, who in trainings:
    game, penalty, pack = games[who]
    mixture, extent = kinds[name], extents[name]
    options = {"penalty": penalty, "steps": run.steps // looks, "width": width}
    played = modes_of_mixtures.play(mixture, run.seed, pack, looks, run.backend, game, **options)
    films[name, who] = []
    for _, (samples, D) in zip(run.counted(looks, "look"), played, strict=False):
        films[name, who].append(picture(plane(D, pack, extent), samples, extent))
    seen[name, who] = found = modes(samples, mixture)
    published = modes_of_mixtures.PUBLISHED.get(
        (name, {"GAN": 1, "2 packed": 2}.get(who)), [""] * 3
    )
    run.found(f"{name}, {who}: modes", found.captured, published[0])
    run.found(f"{name}, {who}: share of high quality", found.high_quality, published[1])
    if found.captured:
        run.found(f"{name}, {who}: reverse KL", found.reverse_kl, published[2])
for name, mixture in kinds.items():
    k, n = len(mixture.means), modes_of_mixtures.SAMPLES
    samples = mixture.sample(n, rng=np.random.default_rng(run.seed))
    seen[name, "true samples"] = true = modes(samples, mixture)
    films[name, "true samples"] = [picture(np.ones((100, 100)), samples, extents[name])]
    run.found(f"{name}, true samples: modes", true.captured, f"{k}")
    run.found(f"{name}, true samples: share of high quality", true.high_quality, ".9889 on average")
    run.found(f"{name}, true samples: reverse KL", true.reverse_kl, f"{(k - 1) / (2 * n):.4f}")

# %% The games on the ring, side by side in motion; and all as they ended
for name in kinds:
    side_by_side = zip(*(films[key] for key in trainings if key[0] == name), strict=True)
    run.animate(name, [np.concatenate(frames, axis=1) for frames in side_by_side], 200)
figure = Figure(figsize=(16, 7.2), layout="constrained")
for axes, ((name, who), film) in zip(figure.subplots(2, 5).flat, films.items(), strict=False):
    found = seen[name, who]
    axes.imshow(film[-1])
    axes.set_title(f"{name}, {who}: {found.captured} modes, {found.high_quality:.0%}", fontsize=10)
for axes in figure.axes:
    axes.set_axis_off()
run.save("samples", figure, "samples, on D's logits from their lowest to their highest")

# %% For long: was it luck? The ring, packed, with nine seeds more
if run.full:
    found = [seen["ring", "2 packed"].captured]
    options = {"steps": run.steps // looks, "width": width}
    for seed in range(run.seed + 1, run.seed + 10):
        played = modes_of_mixtures.play(kinds["ring"], seed, 2, looks, run.backend, **options)
        *_, (samples, _) = (now for _, now in zip(run.counted(looks, "look"), played, strict=False))
        found.append(modes(samples, kinds["ring"]).captured)
    whole = found.count(8)
    run.found("10 seeds, ring, 2 packed: all 8 modes", whole, "in at least 9", whole >= 9)
run.end()
