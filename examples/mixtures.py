"""Mixtures of Gaussians in the plane: mode collapse, and games that prevent it.

    D sees one point:    E[log D(x)]     + E[log(1 - D(G(z)))]
    D sees two points:   E[log D(x, x')] + E[log(1 - D(G(z), G(z')))]

The data are eight Gaussians on a ring or 25 on a grid. A G that draws some of them and never the
others has collapsed, and here that is visible. The loss of G varies: minimax and non-saturating
(Goodfellow et al. 2014), least squares (Mao et al. 2017), WGAN-GP (Gulrajani et al. 2017, with
weight 1), and packing (Lin et al. 2018), where D sees pairs of points and can detect that fakes are
too alike. The reference is the table of Lin et al., after 400,000 steps. Here there are 4000, with
networks a quarter as wide as in `tinygan reproduce mixtures`; --full takes the full width, 5000
steps and ten seeds with packing. Both players step simultaneously, so with WGAN-GP D takes one step
per step of G (five in its paper).
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
games = {  # by name: the game, its penalty, the number of points that D sees at a time
    "minimax": (gan.minimax, None, 1),
    "GAN": (gan.non_saturating, None, 1),
    "least squares": (gan.least_squares(), None, 1),
    "WGAN-GP": (gan.wasserstein, gp, 1),
    "2 packed": (gan.non_saturating, None, 2),
}
kinds = modes_of_mixtures.MIXTURES
extents = {name: 1.5 * mixture.means.max() for name, mixture in kinds.items()}
trainings = [("ring", who) for who in games] + [("grid", "GAN"), ("grid", "2 packed")]
snapshots = max(n for n in range(1, 21) if run.steps % n == 0)
width = run.width * (1 if run.full else 0.25)  # a quarter as wide as in `reproduce mixtures`


# %% Pictures of D over the plane and of samples
def plane(D, pack, extent, side=100):
    """D's logits on a grid (side, side), scaled to [0, 1]; with packing, D sees equal points."""
    line = np.linspace(-extent, extent, side, dtype=np.float32)
    points = np.stack(np.meshgrid(line, -line), axis=2).reshape(-1, 2)
    with no_grad():
        logits = D(Tensor(np.tile(points, pack)).to(run.backend)).numpy().reshape(side, side)
    low, high = np.percentile(logits, (1, 99))
    return np.clip((logits - low) / (high - low + 1e-9), 0, 1)


def picture(surface, samples, extent):
    """D as a color from dark blue to white, and a dot for each sample."""
    pixels = (215, 185, 125) * surface.repeat(2, 0).repeat(2, 1)[:, :, None]
    pixels = np.add(pixels, (20, 40, 100)).astype(np.uint8)
    at = np.int64((samples * (1, -1) + extent) / (2 * extent) * len(pixels))
    columns, rows = at[((at >= 0) & (at < len(pixels))).all(axis=1)].T
    pixels[rows, columns] = 255, 60, 0
    return pixels


# %% Train each, and measure
films: dict[tuple[str, str], list[np.ndarray]] = {}
seen = {}
for name, who in trainings:
    game, penalty, pack = games[who]
    mixture, extent = kinds[name], extents[name]
    options = {"penalty": penalty, "steps": run.steps // snapshots, "width": width}
    played = modes_of_mixtures.play(
        mixture, run.seed, pack, snapshots, run.backend, game, **options
    )
    films[name, who] = []
    for _, (samples, D) in zip(run.counted(snapshots), played, strict=False):
        films[name, who].append(picture(plane(D, pack, extent), samples, extent))
    seen[name, who] = found = modes(samples, mixture)
    pack_of_table = {"GAN": 1, "2 packed": 2}.get(who, 0)
    published = modes_of_mixtures.PUBLISHED.get((name, pack_of_table), ("", "", ""))
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

# %% Animations of the games side by side, and the final samples of all
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
run.save("samples", figure, "samples on D's logits, dark: low, light: high")

# %% With --full: the ring with packing, with nine more seeds
if run.full:
    counts = [seen["ring", "2 packed"].captured]
    options = {"steps": run.steps // snapshots, "width": width}
    for seed in range(run.seed + 1, run.seed + 10):
        played = modes_of_mixtures.play(kinds["ring"], seed, 2, snapshots, run.backend, **options)
        sets = [each for _, (each, _) in zip(run.counted(snapshots), played, strict=False)]
        counts.append(modes(sets[-1], kinds["ring"]).captured)
    whole = counts.count(8)
    run.found("10 seeds, ring, 2 packed: all 8 modes", whole, "in at least 9", whole >= 9)
run.end()
