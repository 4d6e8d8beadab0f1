"""Mixtures of Gaussians in the plane: modes that G forgets, and games that keep them.

    GAN        D maximizes E[log D(x)] + E[log(1 - D(G(z)))], G maximizes E[log D(G(z))]
    2 packed   the same with pairs of points: D(x, x') and D(G(z), G(z'))
    R1 + R2    the same, but D also minimizes gamma / 2 (E|grad D(x)|^2 + E|grad D(G(z))|^2)
    WGAN-GP    D maximizes E[D(x)] - E[D(G(z))] - E[(|grad D| - 1)^2], G maximizes E[D(G(z))]

The gradients are those of D's logit, in WGAN-GP at points between real ones and fakes. G and D step
at the same time. The data are eight Gaussians on a ring or 25 on a grid; each is a mode. On the
ring, GAN (Goodfellow et al. 2014) draws one mode until D rejects it, then another. Two cures:
packing (Lin et al. 2018), where D can detect that fakes are too alike, and R1 + R2 (Mescheder et
al. 2018), which keep the slope of D small. Adam has its default momentum of .9 on the ring, with
which WGAN-GP, too, can forget, and none on the grid. Lin et al. call a mode captured if one of 2500
samples lies within three standard deviations of its mean. Uniform noise then captures most modes of
the grid. Here a mode counts if it has significantly more of them than noise (metrics/modes.py).

Read next: tinygan/experiments/reproduce/modes_of_mixtures.py
"""

# %% The data and the games
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, nn, no_grad, plots
from tinygan.backend.inputs import host_input, normal
from tinygan.data.mixtures import grid, ring
from tinygan.experiments.example import Example
from tinygan.gan.variants.packing import Packed
from tinygan.metrics.modes import modes, noise_bound, uniform_noise
from tinygan.models.mlp import perceptron
from tinygan.optim import Adam, cosine_decay

run = Example("mixtures", __doc__, steps=6000, full=20_000, data=None)
N, mixtures = 2500, {"ring": ring(sd=0.05), "grid": grid()}  # N samples are measured
settings = {"ring": (64, 1e-3, (0.9, 0.999)), "grid": (256, 3e-3, (0.0, 0.99))}  # m, rate, betas
penalties = {"none": None, "wgan-gp": gan.wgan_gp(1.0, rng=run.rng), "r1+r2": gan.r1_r2(0.1)}
games = {  # the data and the name: the game, its penalty, the number of points that D sees at once
    ("ring", "GAN"): (gan.non_saturating, "none", 1),
    ("ring", "WGAN-GP"): (gan.wasserstein, "wgan-gp", 1),
    ("ring", "2 packed"): (gan.non_saturating, "none", 2),
    ("ring", "R1 + R2"): (gan.non_saturating, "r1+r2", 1),
    ("grid", "GAN"): (gan.non_saturating, "none", 1),
    ("grid", "R1 + R2"): (gan.non_saturating, "r1+r2", 1),
}
labels = {name: name if "GAN" in name else f"GAN, {name}" for _, name in games}  # in the pictures


# %% The networks and the training
def train(mixture, game, penalty, pack, m, rate, betas, curve):
    """Train; return the samples of G, (N, 2), at each of the rounds `looks`."""
    rng, hidden = np.random.default_rng(run.seed), (64, 64, 64)
    options, leaky = {"rng": rng, "width": run.width}, lambda: nn.LeakyReLU(0.2)
    G = perceptron(2, *hidden, 2, **options).to(run.backend)
    D = perceptron(2 * pack, *hidden, 1, activation=leaky, **options).to(run.backend)
    like = G.parameters()[0].data  # an array of the backend
    z = normal(np.random.default_rng([run.seed, 1]), (N, 2), like)  # the same at each look

    def data(n):  # host_input copies the points to the backend
        return Tensor(host_input(lambda: mixture.sample(n * pack, rng=rng).reshape(n, -1), like))

    def noise(n):
        return Tensor(normal(rng, (n, 2 * pack), like))

    opt_g, opt_d = (Adam(net.parameters(), cosine_decay(rate, run.steps), betas) for net in (G, D))
    players, seen = (game, Packed(G, pack), D, data, noise, opt_g, opt_d), {}
    how = {"m": m // pack, "penalty": penalties[penalty]}
    # Both steps are in play_simultaneously, tinygan/gan/algorithm.py; the losses in gan/games.py.
    for step, result in run.play(lambda: gan.play_simultaneously(*players, **how)):
        curve.add(step, result)
        if step in looks:
            with no_grad():
                seen[step] = G(z).numpy()
    return seen


looks = sorted({*run.snapshots, *(round(run.steps * i / 40) for i in range(1, 41))} - {0})
seen, controls, final, covered, forgotten = {}, {}, {}, {}, {}
for (kind, name), (game, penalty, pack) in games.items():
    curve = run.curve(game, f"{kind}: {labels[name]}", penalty)
    seen[kind, name] = train(mixtures[kind], game, penalty, pack, *settings[kind], curve)


# %% Samples through training, with real ones and noise
def dots(points, mixture):
    """A picture (1, 128, 128) of points (n, 2) on white: darker where there are more."""
    limits = 1.3 * mixture.means.max() * np.array([-1, 1])
    counts = np.histogram2d(-points[:, 1], points[:, 0], 128, [limits, limits])[0]
    return np.uint8(255 - np.minimum(85 * counts, 255))[None]


for kind, mixture in mixtures.items():
    both = mixture.sample(N, rng=run.rng), uniform_noise(N, mixture, rng=run.rng)
    controls[kind] = [modes(points, mixture) for points in both]
    names, frames = [name for each, name in games if each == kind], {}
    heads = [*(labels[name] for name in names), "real points", "uniform noise"]
    for step in looks:
        sets = [*(seen[kind, name][step] for name in names), *both]
        frames[step] = np.array([dots(points, mixture) for points in sets])
    k, shown = len(heads), {f"round {i}": frames[i] for i in run.snapshots}
    title = f"The {kind}: {N} samples of each G through training; some or all may lie outside"
    run.save(kind, plots.rows(shown, k, title=title, column_labels=heads), title)
    title = f"The {kind}: {N} samples of each G in round"
    film = [plots.grid(frames[i], k, title=f"{title} {i}", column_labels=heads) for i in looks]
    run.animate(kind, film, 200, caption=f"the {kind} through training")

# %% The modes that each game covers at each look
for key, history in seen.items():
    measured = [modes(samples, mixtures[key[0]]) for samples in history.values()]
    final[key], bound = measured[-1], noise_bound(N, mixtures[key[0]])
    covered[key] = np.array([found.counts >= bound for found in measured])  # (looks, modes)
    missing = np.logical_or.accumulate(covered[key]) & ~covered[key]  # seen before, but not now
    forgotten[key] = missing.sum(axis=1)[len(looks) // 2 :].mean()
figure = Figure(figsize=(11, 6), layout="constrained")
figure.suptitle("Blue: modes with significantly more samples of G than uniform noise has there")
for axes, ((kind, name), each) in zip(figure.subplots(2, 3).flat, covered.items(), strict=True):
    axes.pcolormesh([0, *looks], np.arange(len(each.T) + 1) + 0.5, each.T, cmap="Blues", vmax=1.3)
    axes.set(xlabel="round", ylabel="number of the mode")
    axes.set_title(f"{kind}: {labels[name]}: {forgotten[kind, name]:.1f} forgotten", fontsize=10)
run.save("coverage", figure, "the modes that G covers through training, for each game")
run.save_curves()

# %% The figures: modes forgotten, on average over the looks in the second half of the training
forgets = {name: forgotten["ring", name] for kind, name in games if kind == "ring"}
most, what = max(forgets["GAN"], forgets["WGAN-GP"]), "modes forgotten"
run.found(f"ring, {what}: more of GAN and WGAN-GP", most, at_least=2, compare=forgets)
for name in ("2 packed", "R1 + R2"):
    run.found(f"ring, {what}: {name}", forgets[name], at_most=most / 2, compare=forgets)
targets = {"ring, 2 packed": 7, "ring, R1 + R2": 7, "grid, R1 + R2": 24}  # of modes
for (kind, name), found in final.items():
    real, noise = controls[kind]
    others = {} if name == "GAN" else {"GAN": final[kind, "GAN"]}
    compared = {**others, "uniform noise": noise, "real": real}
    count = {who: each.above_noise for who, each in compared.items()}
    count["noise, by the count of Lin et al."] = noise.captured
    share, what = {who: each.high_quality for who, each in compared.items()}, f"{kind}, {name}"
    run.found(f"{what}: modes", found.above_noise, at_least=targets.get(what), compare=count)
    best = 0.8 if what == "grid, R1 + R2" else None
    run.found(f"{what}: samples at a mode", found.high_quality, at_least=best, compare=share)
(_, noise), ours = controls["grid"], final["grid", "R1 + R2"]
packed, flat = (final["ring", name].high_quality for name in ("2 packed", "R1 + R2"))
run.end(
    "Modes of the ring that G drew before and no longer draws, mean over the second half: "
    + ", ".join(f"{name} {value:.1f}" for name, value in forgets.items())
    + f". GAN ends with {final['ring', 'GAN'].above_noise} of 8 modes. {packed:.0%} of the samples "
    f"of 2 packed are at a mode, {flat:.0%} of those of R1 + R2; the others lie between.",
    f"On the grid, GAN ends with {final['grid', 'GAN'].above_noise} of 25 modes, R1 + R2 with "
    f"{ours.above_noise}; {ours.high_quality:.0%} of its samples lie at a mode.",
    f"Uniform noise has {noise.captured} modes of the grid if one sample is enough, as in papers, "
    f"and {noise.above_noise} by the count used here.",
)
