"""CycleGAN: translate white images to zebra images and back, without pairs.

    loss of G and F   1/2 E[(D_y(G(x)) - 1)^2] + 1/2 E[(D_x(F(y)) - 1)^2]     the game
                      + 10 (E|F(G(x)) - x| + E|G(F(y)) - y|)                  cycle loss
                      +  5 (E|G(y) - y|    + E|F(x) - x|)                     identity loss
    loss of D_y       1/2 E[(D_y(y) - 1)^2] + 1/2 E[D_y(G(x))^2]      D_x: the same with x and F(y)

Zhu et al. 2017, "Unpaired image-to-image translation using cycle-consistent adversarial networks";
its game has no 1/2 for G and F. x are white digits on black. y are other digits under a true map
that G should find: yellow on blue, with dim stripes. The game only asks that G(x) looks like some
y, so G may map all x to one image. The cycle loss excludes this, but other invertible maps remain.
The identity loss prefers maps that change little. The error of G is the mean |G(x) - true image| on
held-out images, with pixels in [0, 1]; G is a moving average. Each choice has three seeds.

Read next: stackgan.py, where images are generated from captions.
"""

# %% Two sets of images: no image of one is in the other
from statistics import stdev

import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, models, nn, optim, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.gan.variants.cyclegan import ImageBuffer, Players, play_cyclegan
from tinygan.models.pair import scaled

run = Example("cyclegan", __doc__, steps=250, full=10_000)
images, tests = (data.images for data in run.load_with_test(500, shape=(1, 28, 28)))


def zebra(x):
    """The true map of gray images: yellow ink on blue, two of every four rows dimmed."""
    striped = x.copy()
    striped[:, :, np.arange(x.shape[2]) % 4 > 1] //= 5
    return np.concatenate([striped, striped, 255 - striped], axis=1)


half = len(images) // 2
x_known, y_known = images[:half].repeat(3, axis=1), zebra(images[half:])
x_held, y_held = (a / np.float32(255) for a in (tests.repeat(3, axis=1), zebra(tests)))


# %% A small G, and a small D of 18x18 patches
def networks(rng):
    """G: 28 -> 14 -> 7, a residual block, 7 -> 14 -> 28. D: (N, 3, 28, 28) to (N, 1, 7, 7)."""
    c, c2 = scaled(16, run.width), scaled(32, run.width)

    def conv(a, b, *sizes, layer=nn.Conv2d):
        return nn.Sequential(layer(a, b, *sizes, rng=rng), nn.InstanceNorm2d(b, affine=True))

    block = nn.Residual(conv(c2, c2, 3, 1, 1), nn.ReLU(), conv(c2, c2, 3, 1, 1))
    down = nn.Sequential(conv(3, c, 4, 2, 1), nn.ReLU(), conv(c, c2, 4, 2, 1), nn.ReLU())
    up = nn.Sequential(conv(c2, c, 4, 2, 1, layer=nn.ConvTranspose2d), nn.ReLU())
    G = nn.Sequential(down, block, up, nn.ConvTranspose2d(c, 3, 4, 2, 1, rng=rng), nn.Tanh())
    patches = nn.Conv2d(3, c, 4, 2, 1, rng=rng), nn.LeakyReLU(0.2), conv(c, c2, 4, 2, 1)
    return G, nn.Sequential(*patches, nn.LeakyReLU(0.2), nn.Conv2d(c2, 1, 3, 1, 1, rng=rng))


def translated(maps):
    """Return G's images of the held-out white images and F's of the zebra ones, in [0, 1]."""
    inputs = (Tensor(held * 2 - 1).to(run.backend) for held in (x_held, y_held))
    return [models.pixels(net, x) for (_, net), x in zip(maps.children(), inputs, strict=True)]


# %% The same networks with and without each loss, for three seeds
BOTH, RUNS = "cycle and identity", 3
LOSSES = {BOTH: (10, 5), "cycle alone": (10, 0), "identity alone": (0, 5), "the game alone": (0, 0)}
game = gan.least_squares()
snapshots: dict[int, list[np.ndarray]] = {}


def trained(name, number):
    """Train with the losses `name`; return the translations of the averaged G and F."""
    rng = np.random.default_rng([run.seed, number])
    (G, D_y), (F, D_x) = networks(rng), networks(rng)
    maps, both_D = nn.Sequential(G, F).to(run.backend), nn.Sequential(D_y, D_x).to(run.backend)
    opt_g = optim.Adam(maps.parameters(), 3e-3, (0.5, 0.999))
    opt_d = optim.Adam(both_D.parameters(), 5e-4, (0.5, 0.999))
    xs, ys = (Minibatches(known, rng=rng, backend=run.backend) for known in (x_known, y_known))
    average = optim.EMA(maps, 0.99)
    buffers = ImageBuffer(rng=rng), ImageBuffer(rng=rng)  # each D also sees earlier fakes
    args = game, Players(G, F, D_y, D_x), xs, ys, opt_g, opt_d, buffers
    cycle, identity = LOSSES[name]
    curve = run.curve(game, f"{name} (shown: the game, mean of both directions)")  # of the last run
    # The losses and the steps are in play_cyclegan, tinygan/gan/variants/cyclegan.py.
    for step, result in run.play(lambda: play_cyclegan(*args, m=4, cycle=cycle, identity=identity)):
        average.update()
        curve.add(step, result._replace(d_loss=result.d_loss / 2, g_loss=game.g_loss(result.fake)))
        if name == BOTH and step in run.snapshots:
            snapshots[step] = translated(average.module)
    return translated(average.module)


made = {name: [trained(name, number) for number in range(RUNS)] for name in LOSSES}

# %% The same four images by each of the three runs, and the last run through training
run.save_curves()
heads = [f"run {number + 1}" for number in range(RUNS) for _ in range(4)]
true = y_held, x_held  # what G and F should give
for i, (what, old, new) in enumerate((("G(x)", "white x", "zebra"), ("F(y)", "zebra y", "white"))):
    rows = {f"the input, {old}": np.tile(true[1 - i][:4], (RUNS, 1, 1, 1))}
    for loss, results in made.items():
        rows[f"{what}: {loss}"] = np.concatenate([result[i][:4] for result in results])
    rows[f"the true {new} image"] = np.tile(true[i][:4], (RUNS, 1, 1, 1))
    title = f"CycleGAN, {what} after {run.steps} rounds: four images, translated by three runs"
    picture = plots.rows(rows, 4 * RUNS, 0, title=title, column_labels=heads)
    run.save(new, picture, f"{what} with each choice of losses, above the true {new} image")
rows = {"white x": x_held[:12]} | {f"G(x), round {k}": s[0][:12] for k, s in snapshots.items()}
rows |= {"true zebra of x": y_held[:12], "zebra y": y_held[12:24]}
rows |= {f"F(y), round {k}": s[1][12:24] for k, s in snapshots.items()}
title = f"CycleGAN: G and F during training with {BOTH} losses"
picture = plots.rows(rows | {"true white image of y": x_held[12:24]}, 12, 0, title=title)
run.save("training", picture, "G(x) and F(y) at four rounds of run 3")

# %% The distance from the true map: an error of G and one of F for each run
error = lambda pair: [abs(a - b).mean() for a, b in zip(pair, true, strict=True)]  # noqa: E731
errors = {loss: np.array([error(pair) for pair in results]) for loss, results in made.items()}
another = np.array(error([np.roll(images, 1, axis=0) for images in true]))
figure = Figure(figsize=(9, 3.2), layout="constrained")
figure.suptitle(f"CycleGAN: {RUNS} runs with each choice of losses, mean ± standard deviation")
for i, axes in enumerate(figure.subplots(1, 2, sharey=True)):
    each = {loss: values[:, i] for loss, values in errors.items()}
    mean, deviation = ({k: f(v) for k, v in each.items()} for f in (np.mean, stdev))
    axes.errorbar([*mean.values()], [*mean], xerr=[*deviation.values()], fmt="k|", capsize=5)
    axes.plot([*each.values()], [*each], "o", color="tab:blue", alpha=0.6)
    axes.axvline(another[i] / 2, color="tab:red", linestyle=":", label="a map right of this fails")
    axes.axvline(another[i], color="gray", linestyle="--", label="distance of two true images")
    axes.set(xlabel=f"mean |{('G(x)', 'F(y)')[i]} - true image|, pixels in [0, 1]", xlim=0)
    axes.set(title=f"error of {'GF'[i]}", ylim=(len(LOSSES) - 0.5, -0.5))
    axes.legend(fontsize=8, loc="lower left")
    what = f"error of {'GF'[i]}, {BOTH}"
    mean |= {"another true image": another[i], "the input unchanged": error(true[::-1])[i]}
    run.found(f"{what}: mean", mean.pop(BOTH), at_most=another[i] / 2, compare=mean)
    run.found(f"{what}: standard deviation", deviation.pop(BOTH), compare=deviation)
run.save("errors", figure, "the errors of G and F with each choice of losses, for each run")
failures = {loss: int((each > another / 2).sum()) for loss, each in errors.items()}
counts = ", ".join(f"{n} fail with {loss}" for loss, n in failures.items())
share, failed = errors[BOTH].mean(axis=0) / another, failures.pop(BOTH)
run.found(f"maps that fail, of {2 * RUNS}: {BOTH}", failed, compare=failures)
run.end(
    f"With {BOTH} losses, the mean error of G is {share[0]:.0%} of the distance between two true "
    f"images, that of F {share[1]:.0%}.",
    f"Of {2 * RUNS} maps, {counts}: their error is over half of that distance.",
    "Both losses together give the lowest mean error, of G and of F."
    if all((errors[BOTH].mean(axis=0) < errors[loss].mean(axis=0)).all() for loss in failures)
    else "Another choice of losses gives a lower mean error of G or of F.",
)
