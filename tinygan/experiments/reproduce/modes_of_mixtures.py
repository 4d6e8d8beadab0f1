"""Mode coverage on a ring of 8 and a grid of 25 Gaussians, with and without packing.

PacGAN's experiment (Lin et al. 2018, section 4.1) at a size for two cores: z ~ N(0, I_2), G of
three ReLU layers of 128, D of three maxout layers (128 units of 5 pieces); non-saturating, both
steps at once, Adam 1e-3 with beta1 .5 that falls to 0 along a cosine, 15,000 steps on 256 points.
Theirs are G of four layers of 400 with BatchNorm, D of maxout 200x5, 1e-4, 400,000 steps on 100.
With packing D judges two points of one kind at a time, and so sees if they are alike; a minibatch
has as many points. Samples are those of the average of G. The grid is made smaller by 2.828, as in
the code of WGAN-GP, which changes no measure: networks begin for numbers near 1.

Measured on 2500 samples, of high quality within three standard deviations of a mean (see
`metrics.modes`). Samples of the mixture itself get 98.89 %, and (K - 1) / 5000 of reverse KL: more
quality than that is a sign of collapse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from ... import gan, nn
from ...backend.graph_replay import captured
from ...backend.inputs import host_input, normal
from ...data.mixtures import Mixture, grid, ring
from ...gan.variants.packing import Packed
from ...metrics.modes import modes
from ...models.pair import scaled
from ...optim import EMA, Adam, cosine_decay
from ...storage import save_figure
from ...tensor import Tensor, no_grad
from ..results import Result, SeedResults

__all__ = ["draw", "networks", "play", "run", "train"]

Z, BATCH, SAMPLES, EPOCH = 2, 256, 2500, 500
SCALE = 2.828  # by which the grid is made smaller
MIXTURES = {"ring": ring(), "grid": grid(spacing=2 / SCALE, sd=0.05 / SCALE)}
# Published: modes, share of high quality and reverse KL of GAN and of PacGAN2 (Lin et al. 2018,
# Table 1); and what is to be reached here with packing.
PUBLISHED = {
    ("ring", 1): ("6.3 +- 0.5 of 8", ".982 +- .002", ".45 +- .09"),
    ("ring", 2): ("7.9 +- 0.1 of 8", ".956 +- .020", ".07 +- .03"),
    ("grid", 1): ("17.3 +- 0.8 of 25", ".948 +- .007", ".70 +- .07"),
    ("grid", 2): ("23.8 +- 0.7 of 25", ".913 +- .008", ".13 +- .04"),
}
WANTED = {"ring": (8, 0.9, 0.1), "grid": (24, 0.8, 0.15)}


def run(seed: int, echo: Callable[[str], object], backend: str, epochs: int = 30) -> SeedResults:
    """For each mixture, with and without packing; an epoch is 500 steps."""
    findings, curves = [], {}
    for (name, pack), published in PUBLISHED.items():
        mixture, who = MIXTURES[name], f"{name}, " + ("GAN" if pack == 1 else f"{pack} packed")
        echo(f"seed {seed}, {who}: {epochs} epochs of {EPOCH} steps ...")
        looks = (modes(points, mixture) for points in train(mixture, seed, pack, epochs, backend))
        seen = [(m.captured, m.high_quality, m.reverse_kl) for m in looks]
        last, (most, share, kl) = seen[-1], WANTED[name]
        echo(f"seed {seed}, {who}: {last[0]} of {len(mixture.means)} modes, "
             f"{last[1]:.1%} of high quality, reverse KL {last[2]:.3f}")  # fmt: skip
        holds = last[0] >= most, last[1] >= share, last[2] <= kl
        for i, what in enumerate(("modes", "share of high quality", "reverse KL")):
            verdict = None if pack == 1 else bool(holds[i])
            findings.append(Result(f"{who}: {what}", last[i], published[i], verdict))
            curves[f"{who}: {what}"] = [float(each[i]) for each in seen]
    for name, mixture in MIXTURES.items():
        true = modes(mixture.sample(SAMPLES, rng=np.random.default_rng(seed)), mixture)
        findings.append(Result(f"{name}, true samples: high quality", true.high_quality, ".9889"))
        floor = (len(mixture.means) - 1) / (2 * SAMPLES)
        floor_is = f"{floor:.4f} on average"
        findings.append(Result(f"{name}, true samples: reverse KL", true.reverse_kl, floor_is))
    return SeedResults(findings, curves)


def train(
    mixture: Mixture,
    seed: int,
    pack: int,
    epochs: int,
    backend: str = "numpy",
    game: gan.AnyGame = gan.non_saturating,
) -> Iterator[np.ndarray]:
    """2500 samples after each epoch."""
    return (samples for samples, _ in play(mixture, seed, pack, epochs, backend, game))


def play(
    mixture: Mixture,
    seed: int,
    pack: int,
    epochs: int,
    backend: str = "numpy",
    game: gan.AnyGame = gan.non_saturating,
    *,
    penalty: gan.Penalty | None = None,
    steps: int | None = None,
    width: float = 1,
) -> Iterator[tuple[np.ndarray, nn.Module]]:
    """After each epoch, of so many `steps` (default: 500), 2500 samples, and D as it is then.
    Hidden layers are `width` times as wide."""
    rng, epoch = np.random.default_rng(seed), steps or EPOCH
    G, D = networks(mixture.means.shape[1], pack, rng, width)
    G.to(backend), D.to(backend)
    like, d = G.parameters()[0].data, mixture.means.shape[1]

    def data(m: int) -> Tensor:
        points = lambda: mixture.sample(pack * m, rng=rng).reshape(m, pack * d)  # noqa: E731
        return Tensor(host_input(points, like))

    def noise(m: int) -> Tensor:
        return Tensor(normal(rng, (m, pack * Z), like))

    rate, average = cosine_decay(1e-3, epochs * epoch), EMA(G, 0.999)
    opt_g, opt_d = (Adam(net.parameters(), rate, (0.5, 0.999)) for net in (G, D))
    players = game, Packed(G, pack), D, data, noise, opt_g, opt_d

    def averaged() -> Iterator[gan.Round]:
        for result in gan.play_simultaneously(*players, m=BATCH // pack, penalty=penalty):
            average.update()
            yield result

    rounds = captured(averaged, backend)
    look = normal(np.random.default_rng([seed, 1]), (SAMPLES, Z), like)
    for _ in range(epochs):
        for _ in islice(rounds, epoch):
            pass
        with no_grad():
            samples = average.module(look).numpy()
        yield samples, D


def networks(
    d: int, pack: int, rng: np.random.Generator, width: float = 1
) -> tuple[nn.Module, nn.Module]:
    """G from noise to points of d numbers, and D of `pack` such points."""
    g, h = scaled(128, width), scaled(128, width)
    sizes = (Z, g), (g, g), (g, g)
    layers = [layer for a, b in sizes for layer in (nn.Linear(a, b, rng=rng), nn.ReLU())]
    pieces = (pack * d, h), (h, h), (h, h)
    judging = [nn.Maxout(a, b, 5, rng=rng) for a, b in pieces]
    return (
        nn.Sequential(*layers, nn.Linear(g, d, rng=rng)),
        nn.Sequential(*judging, nn.Linear(h, 1, rng=rng)),
    )


def draw(path: Path, outcomes: Sequence[SeedResults]) -> None:
    """Modes, quality and reverse KL against epochs, a thin line a seed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6), layout="constrained")
    panels = figure.subplots(2, 3, sharex=True)
    for row, (name, mixture) in zip(panels, MIXTURES.items(), strict=True):
        true = len(mixture.means), 0.9889, (len(mixture.means) - 1) / (2 * SAMPLES)
        measured = "modes", "share of high quality", "reverse KL"
        for axes, what, best in zip(row, measured, true, strict=True):
            for who, color in (("GAN", "tab:blue"), ("2 packed", "tab:orange")):
                for i, outcome in enumerate(outcomes):
                    curve = outcome.curves[f"{name}, {who}: {what}"]
                    label = None if i else who
                    steps = [EPOCH * epoch for epoch in range(1, len(curve) + 1)]
                    axes.plot(steps, curve, color=color, linewidth=0.8, label=label)
            axes.axhline(best, color="black", linestyle="--", linewidth=0.9, label="true samples")
            axes.set_title(f"{name}: {what}", fontsize=10)
            axes.set_ylim(bottom=0)
            axes.grid(alpha=0.2)
    panels[0][0].legend(loc="lower right", fontsize=8)
    for axes in panels[1]:
        axes.set_xlabel("steps")
    save_figure(figure, path)
