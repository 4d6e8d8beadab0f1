"""Pix2pix: image-to-image translation from pairs, here from an outline to a digit in chalk.

    loss of G   E|x - G(y)| + weight * E[-log D(y, G(y))]        y: an outline, x: a digit in chalk
    loss of D   E[-log D(y, x)] + E[-log(1 - D(y, G(y)))]

Isola et al. 2017, "Image-to-image translation with conditional adversarial networks". G is a U-Net:
its downsampling layers are concatenated with the upsampling ones, so that lines need not pass the
narrow middle. D is a convolution, and each of its logits classifies a patch. The chalk has dark
grains at random places, and the outline does not say where. L1 is minimal at the median of all x
that fit y, and the median has no grains. D detects that they are missing, so G draws grains, but at
other places than x has them: G(y) is no nearer to x, but more like chalk. The paper multiplies L1
by lambda = 1 / weight, and has dropout as noise. Here G(y) is by a moving average of G's weights.

Read next: inpainting.py
"""

# %% Pairs: the pixels next to the ink, and the ink with dark grains at random places
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, models, nn, ops, optim, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.gan.variants.pix2pix import play_pix2pix
from tinygan.models.pair import Pair, scaled

run = Example("pix2pix", __doc__, steps=1200, full=10_000)
images, tests = (data.images for data in run.load_with_test(500, shape=(1, 28, 28)))


def outlined(images):
    """The outlines of images (N, 1, 28, 28): white next to ink, black elsewhere."""
    ink = np.pad(images > 127, ((0, 0), (0, 0), (1, 1), (1, 1)))
    around = [np.roll(ink, shift, axis) for axis in (2, 3) for shift in (-1, 1)]
    return np.uint8(255) * (np.any(around, axis=0) & ~ink)[:, :, 1:-1, 1:-1]


def chalk(images, rng):
    """The images, with three of ten squares of 2x2 pixels dimmed to a fifth, at random."""
    grains = rng.random((len(images), 1, 14, 14)) < 0.3
    return np.where(grains.repeat(2, axis=2).repeat(2, axis=3), images // 5, images)


known, held = (np.concatenate([outlined(x), chalk(x, run.rng)], 1) for x in (images, tests))
outlines, truth = held[:, :1] / np.float32(255), held[:, 1:] / np.float32(255)
ink = tests > 0.9 * images.max()  # the pixels that are white without grains


# %% G is a U-Net; a logit of D depends on 18x18 pixels
class Skip(nn.Module):
    """Concatenate x and net(x) along the channels."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return ops.concatenate([x, self.net(x)], axis=1)


def networks(rng):
    """G: 28 -> 14 -> 7 -> 14 -> 28. D: an outline and an image (N, 2, 28, 28) to (N, 1, 7, 7)."""
    c, c2 = scaled(16, run.width), scaled(32, run.width)
    down = lambda a, b: nn.Conv2d(a, b, 4, 2, 1, rng=rng)  # noqa: E731
    up = lambda a, b: nn.ConvTranspose2d(a, b, 4, 2, 1, rng=rng)  # noqa: E731
    layers = down(c, c2), nn.BatchNorm2d(c2), nn.ReLU(), up(c2, c), nn.BatchNorm2d(c)
    inner = Skip(nn.Sequential(*layers))
    G = nn.Sequential(down(1, c), nn.LeakyReLU(0.2), inner, nn.ReLU(), up(2 * c, 1), nn.Tanh())
    first = nn.Sequential(down(2, c), nn.LeakyReLU(0.2))
    second = nn.Sequential(down(c, c2), nn.InstanceNorm2d(c2), nn.LeakyReLU(0.2))
    D = nn.Sequential(first, second, nn.Conv2d(c2, 1, 3, 1, 1, rng=rng))
    return Pair(G, D, lr_g=2e-3, lr_d=1e-3)


# %% The same G without and with D
game = gan.non_saturating
snapshots: dict[str, np.ndarray] = {}


def drawn(G):
    """Return G's images of the held-out outlines, in [0, 1]."""
    return models.pixels(G, Tensor(outlines * 2 - 1).to(run.backend))


def trained(name, weight):
    """Train G and D; return G with the average of its weights. With weight 0, G ignores D."""
    rng = np.random.default_rng(run.seed)
    pair = networks(rng).to(run.backend)
    data = Minibatches(known, rng=rng, backend=run.backend)

    def pairs(m):
        two = data(m)
        return two[:, :1], two[:, 1:]

    players = game, pair.G, pair.D, pairs, *pair.optimizers()
    average, curve = optim.EMA(pair.G, 0.9), run.curve(game, name)
    # The losses and the steps are in play_pix2pix, tinygan/gan/variants/pix2pix.py.
    for step, result in run.play(lambda: play_pix2pix(*players, m=16, weight=weight)):
        average.update()
        curve.add(step, result._replace(g_loss=game.g_loss(result.fake)))  # without L1
        if weight and step in run.snapshots:
            snapshots[f"G(y), round {step}"] = drawn(average.module)[:8]
    return average.module


Gs = {"untrained": networks(run.rng).to(run.backend).G}
Gs["L1"] = trained("G minimizes L1 alone (shown: loss without L1)", 0)
Gs["L1 + D"] = trained("G minimizes L1 + loss / 2 (shown: loss without L1)", 0.5)
made = {name: drawn(G) for name, G in Gs.items()} | {"truth": truth}

# %% Whole images, details of 12x12 pixels, G through training, and the values of pixels
run.save_curves()
rows = {"outline y": outlines, "G(y), L1 alone": made["L1"], "G(y), L1 + D": made["L1 + D"]}
rows |= {"truth x": truth}
for name, title, part in (
    ("pairs", "From an outline y to chalk: G trained without and with D", slice(28)),
    ("details", "The same, the 12x12 pixels in the middle: are there dark grains?", slice(8, 20)),
):
    shown = {label: x[:8, :, part, part] for label, x in rows.items()}
    run.save(name, plots.rows(shown, 8, 0, title=title), title)
shown = {"outline y": outlines[:8], **snapshots, "truth x": truth[:8]}
title = "G(y) through training with L1 and D"
run.save("training", plots.rows(shown, 8, 0, title=title), title)
axes = (figure := Figure(figsize=(7, 3.5), layout="constrained")).subplots()
share, bins = np.full(ink.sum(), 1 / ink.sum()), [i / 20 for i in range(21)]
for label, name in {"G(y), L1 alone": "L1", "G(y), L1 + D": "L1 + D", "truth x": "truth"}.items():
    axes.hist(made[name][ink], bins, weights=share, histtype="step", label=label, linewidth=2)
axes.set(xlabel="value of a pixel in the ink: 0 is black, 1 is white", yscale="log")
axes.set(ylabel="share of pixels, log scale", title="The ink: grains are dark, the rest is white")
axes.legend()
run.save("values", figure, "shares of pixel values in the ink: without D, with D, and in truth")

# %% The shares of dark and of white pixels in the ink, and the distance to the truth
dark = {name: float((x[ink] < 0.5).mean()) for name, x in made.items()}
bright = {name: float((x[ink] > 0.7).mean()) for name, x in made.items()}
l1 = {name: float(abs(x - truth).mean()) for name, x in made.items() if name != "truth"}
off = {name: abs(dark[name] - dark["truth"]) + abs(bright[name] - bright["truth"]) for name in l1}
ours, white, error, far = (table.pop("L1 + D") for table in (dark, bright, off, l1))
grains, half = ours > 2 * dark["L1"], (dark["L1"] + dark["truth"]) / 2
run.found("share of the ink that is dark (below 0.5)", ours, at_least=half, compare=dark)
run.found("share of the ink that is white (above 0.7)", white, compare=bright)
run.found("sum of the errors of both shares", error, at_most=off["L1"], compare=off)
run.found("L1 to the truth", far, compare=l1)
cost = ": the outline does not say where the grains of x are." if grains and far > l1["L1"] else "."
run.end(
    f"{dark['truth']:.0%} of the ink is dark in truth, {dark['L1']:.0%} with L1 alone, {ours:.0%} "
    f"with D: D {'makes G draw grains' if grains else 'adds few grains or none'}.",
    f"The L1 distance to the truth is {far:.3f} with D and {l1['L1']:.3f} without{cost}",
)
