"""Mode coverage on a ring of 8 and a grid of 25 Gaussians, with and without packing.

PacGAN's experiment (Lin et al. 2018, section 4.1) at a size for two cores: z ~ N(0, I_2), G with
three ReLU layers of 128, D with three maxout layers (128 units of 5 pieces); non-saturating game,
simultaneous steps, Adam with beta1 .5 and a learning rate that falls from 1e-3 to 0 along a cosine,
15,000 steps on 256 points. The paper has a G with four layers of 400 and BatchNorm, a D of maxout
200x5, a learning rate of 1e-4 and 400,000 steps on 100 points.

With packing, D classifies pairs of points of the same kind, so it can see that fakes are too alike.
A minibatch has 256 points in both cases. Samples come from a moving average of G. The grid is
divided by 2.828, as in the code of WGAN-GP: networks are initialized for inputs of about unit
scale, and no metric changes.

2500 samples are measured (`metrics.modes`). A sample is of high quality if it lies within three
standard deviations of a mean. Samples of the mixture itself have a share of 98.89 % and a reverse
KL of (K - 1) / 5000. A higher share is a sign of collapse. The published count of modes needs one
sample per mode, so uniform noise has most modes of the grid. Therefore there is a second count, of
modes with more samples than noise explains, and both counts are also given for noise.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ... import gan, nn
from ...backend.inputs import host_input, normal
from ...data.mixtures import Mixture, grid, ring
from ...gan.variants.packing import Packed
from ...metrics.modes import modes, uniform_noise
from ...optim import EMA, Adam, cosine_decay
from ...storage import save_figure
from ...tensor import Tensor, no_grad
from ..results import Result, SeedResults
from ..rounds import averaged, play_epochs

Z, BATCH, SAMPLES, EPOCH = 2, 256, 2500, 500
SCALE = 2.828  # the grid is divided by it
MIXTURES = {"ring": ring(), "grid": grid(spacing=2 / SCALE, sd=0.05 / SCALE)}
METRICS = "modes", "modes above noise", "share of high quality", "reverse KL"
# The METRICS of GAN and of PacGAN2 (Lin et al. 2018, Table 1), by mixture and points for D.
PUBLISHED = {
    ("ring", 1): ("6.3 +- 0.5 of 8", "", ".982 +- .002", ".45 +- .09"),
    ("ring", 2): ("7.9 +- 0.1 of 8", "", ".956 +- .020", ".07 +- .03"),
    ("grid", 1): ("17.3 +- 0.8 of 25", "", ".948 +- .007", ".70 +- .07"),
    ("grid", 2): ("23.8 +- 0.7 of 25", "", ".913 +- .008", ".13 +- .04"),
}
TARGETS = {"ring": (8, 8, 0.9, 0.1), "grid": (24, 24, 0.8, 0.15)}  # of METRICS, with packing


def run(seed: int, echo: Callable[[str], object], backend: str, epochs: int = 30) -> SeedResults:
    """Train on each mixture, with and without packing, for `epochs` epochs of 500 steps."""
    results, curves = [], {}
    for (name, pack), published in PUBLISHED.items():
        mixture, label = MIXTURES[name], f"{name}, " + ("GAN" if pack == 1 else f"{pack} packed")
        echo(f"seed {seed}, {label}: {epochs} epochs of {EPOCH} steps ...")
        found = [modes(points, mixture) for points in play(mixture, seed, pack, epochs, backend)]
        measured = [(m.captured, m.above_noise, m.high_quality, m.reverse_kl) for m in found]
        last, (*at_least, kl) = measured[-1], TARGETS[name]
        echo(f"seed {seed}, {label}: {last[0]} of {len(mixture.means)} modes, {last[1]} above "
             f"noise, {last[2]:.1%} of high quality, reverse KL {last[3]:.3f}")  # fmt: skip
        holds = [
            *(ours >= bound for ours, bound in zip(last, at_least, strict=False)),
            last[3] <= kl,
        ]
        for i, what in enumerate(METRICS):
            verdict = None if pack == 1 else bool(holds[i])
            results.append(Result(f"{label}: {what}", last[i], published[i], verdict))
            curves[f"{label}: {what}"] = [float(each[i]) for each in measured]
    for name, mixture in MIXTURES.items():
        rng = np.random.default_rng(seed)
        true = modes(mixture.sample(SAMPLES, rng=rng), mixture)
        noise = modes(uniform_noise(SAMPLES, mixture, rng=rng), mixture)
        *_, quality, kl = _of_true_samples(mixture)
        results += [
            Result(f"{name}, true samples: high quality", true.high_quality, f"{quality:.4f}"[1:]),
            Result(f"{name}, true samples: reverse KL", true.reverse_kl, f"{kl:.4f} on average"),
            Result(f"{name}, uniform noise: modes", noise.captured, ""),
            Result(f"{name}, uniform noise: modes above noise", noise.above_noise, ""),
            Result(f"{name}, uniform noise: share of high quality", noise.high_quality, ""),
        ]
    return SeedResults(results, curves)


def play(
    mixture: Mixture,
    seed: int,
    pack: int,
    epochs: int,
    backend: str = "numpy",
) -> Iterator[np.ndarray]:
    """Train, and yield 2500 samples (2500, d) after each epoch of 500 steps."""
    rng, d = np.random.default_rng(seed), mixture.means.shape[1]
    G, D = networks(d, pack, rng)
    G.to(backend), D.to(backend)
    like = G.parameters()[0].data

    def data(m: int) -> Tensor:
        points = lambda: mixture.sample(pack * m, rng=rng).reshape(m, pack * d)  # noqa: E731
        return Tensor(host_input(points, like))

    def noise(m: int) -> Tensor:
        return Tensor(normal(rng, (m, pack * Z), like))

    rate, average = cosine_decay(1e-3, epochs * EPOCH), EMA(G, 0.999)
    opt_g, opt_d = (Adam(net.parameters(), rate, (0.5, 0.999)) for net in (G, D))
    players = gan.non_saturating, Packed(G, pack), D, data, noise, opt_g, opt_d

    def start() -> Iterator[gan.Round]:
        rounds = gan.play_simultaneously(*players, m=BATCH // pack)
        return averaged(rounds, average)

    z = normal(np.random.default_rng([seed, 1]), (SAMPLES, Z), like)  # the same for every epoch
    for _ in play_epochs(start, epochs, EPOCH, backend):
        with no_grad():
            samples = average.module(z).numpy()
        yield samples


def networks(d: int, pack: int, rng: np.random.Generator) -> tuple[nn.Module, nn.Module]:
    """G from noise to points (N, d), and D of `pack` concatenated points (N, pack * d)."""
    h = 128
    sizes = (Z, h), (h, h), (h, h)
    layers = [layer for a, b in sizes for layer in (nn.Linear(a, b, rng=rng), nn.ReLU())]
    maxout = [nn.Maxout(a, b, 5, rng=rng) for a, b in ((pack * d, h), (h, h), (h, h))]
    return (
        nn.Sequential(*layers, nn.Linear(h, d, rng=rng)),
        nn.Sequential(*maxout, nn.Linear(h, 1, rng=rng)),
    )


def draw(path: Path, outcomes: Sequence[SeedResults]) -> None:
    """Plot the METRICS over steps, one line for each seed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 6), layout="constrained")
    panels = figure.subplots(2, 4, sharex=True)
    for row, (name, mixture) in zip(panels, MIXTURES.items(), strict=True):
        for axes, what, best in zip(row, METRICS, _of_true_samples(mixture), strict=True):
            for kind, color in (("GAN", "tab:blue"), ("2 packed", "tab:orange")):
                for i, outcome in enumerate(outcomes):
                    curve = outcome.curves[f"{name}, {kind}: {what}"]
                    steps = [EPOCH * epoch for epoch in range(1, len(curve) + 1)]
                    label = None if i else kind
                    axes.plot(steps, curve, color=color, linewidth=0.8, label=label)
            axes.axhline(best, color="black", linestyle="--", linewidth=0.9, label="true samples")
            axes.set_title(f"{name}: {what}", fontsize=10)
            axes.set_ylim(bottom=0)
            axes.grid(alpha=0.2)
    panels[0][0].legend(loc="lower right", fontsize=8)
    for axes in panels[1]:
        axes.set_xlabel("steps")
    save_figure(figure, path)


def _of_true_samples(mixture: Mixture) -> tuple[int, int, float, float]:
    """The expected METRICS of 2500 samples of the mixture itself."""
    k = len(mixture.means)
    return k, k, 0.9889, (k - 1) / (2 * SAMPLES)
