"""Inpainting: a context encoder, which fills a hole in an image from its surroundings.

    G's loss   E[(G(y) - x)^2] + weight * E[-log D(G(y))]      y: an image with a hole
    D's loss   E[-log D(x)] + E[-log(1 - D(G(y)))]             x: the missing patch

Pathak et al. 2016, "Context encoders: feature learning by inpainting". G encodes the surroundings
as a short code and draws the patch from it. Many patches are plausible. The squared error is
minimal at their mean, which is blurred. D learns that blurred patches are fakes. Its input is the
patch alone: with the surroundings, it would detect fakes by the edge of the hole (section 3.2).

Read next: cyclegan.py
"""

# %% A hole of 12x12 in the middle
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, gan, losses, models, nn, optim, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.gan.variants.pix2pix import play_pix2pix
from tinygan.metrics.frechet import frechet_distance
from tinygan.metrics.pixels import psnr, wasserstein
from tinygan.models.pair import Pair, scaled

run = Example("inpainting", __doc__, steps=800, full=10_000)
train, test = run.load_labeled()
channels, size = train.images.shape[1:3]
hole = np.s_[:, :, size // 2 - 6 : size // 2 + 6, size // 2 - 6 : size // 2 + 6]
around = np.ones((1, 1, size, size), np.float32)  # 0 in the hole, 1 around it
around[hole] = 0
test_images, test_labels = test.labeled()
whole = test_images.astype(np.float32) / 255
missing = whole[hole]


def filled(patches):  # the test images with these patches in their holes
    images = whole[: len(patches)].copy()
    images[hole] = patches
    return images


# %% G: 28 -> 14 -> 7 -> a code -> 3 -> 6 -> 12 (for images of 28x28), and D of 12x12 patches
def networks(rng):
    c, c2, code = (scaled(n, run.width) for n in (32, 64, 200))
    down = lambda a, b: nn.Conv2d(a, b, 4, 2, 1, rng=rng)  # noqa: E731
    up = lambda a, b: nn.ConvTranspose2d(a, b, 4, 2, 1, rng=rng)  # noqa: E731
    G = nn.Sequential(
        *(down(channels, c), nn.LeakyReLU(0.2), down(c, c2), nn.BatchNorm2d(c2)),
        *(nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(c2 * (size // 4) ** 2, code, rng=rng)),
        *(nn.BatchNorm1d(code), nn.ReLU(), nn.Linear(code, c2 * 9, rng=rng)),
        *(nn.Unflatten(1, (c2, 3, 3)), nn.BatchNorm2d(c2), nn.ReLU(), up(c2, c)),
        *(nn.BatchNorm2d(c), nn.ReLU(), up(c, channels), nn.Tanh()),
    )
    D = nn.Sequential(
        *(down(channels, c), nn.LeakyReLU(0.2), down(c, c2), nn.LeakyReLU(0.2)),
        *(nn.Flatten(), nn.Linear(c2 * 9, 1, rng=rng)),
    )
    return Pair(G, D, lr_g=1e-3, lr_d=5e-4).to(run.backend)


def drawn(G, images):  # the patches in [0, 1] that G draws in the holes
    return models.pixels(G, Tensor(images * around * 2 - 1).to(run.backend))


# %% The same G without and with D: with weight 0, D learns, but G ignores it
game, shown = gan.non_saturating, {"real": whole[:12]}


def trained(name, weight):  # the patches of G for the test images, after training
    rng = np.random.default_rng(run.seed)
    pair, data = networks(rng), Minibatches(train.images, rng=rng, backend=run.backend)
    ema, curve = optim.EMA(pair.G, 0.99), run.curve(game, f"{name}: G's loss has weight {weight:g}")
    mask = Tensor(around).to(run.backend)

    def pairs(m):
        x = data(m)
        return (x + 1) * mask - 1, x[hole]  # images with a black hole, and the missing patches

    players = game, pair.G, pair.D, pairs, *pair.optimizers()
    options = {"weight": weight, "distance": losses.mse, "paired": False, "m": 32}  # not D(y, x)
    for step, result in run.play(lambda: play_pix2pix(*players, **options)):  # gan/variants/pix2pix
        ema.update()
        curve.add(step, result._replace(g_loss=game.g_loss(result.fake)))  # the adversarial part
        if step in run.snapshots:
            shown[f"{name}, round {step}"] = filled(drawn(ema.module, whole[:12]))
    return drawn(ema.module, whole)


mean = train.images[hole].mean(axis=0, dtype=np.float64).astype(np.float32) / 255
patches = {
    "mean patch": np.broadcast_to(mean, missing.shape),  # the mean over the training images
    **{name: trained(name, w) for name, w in (("G without D", 0.0), ("G with D", 0.1))},
    "real": missing,
}


# %% The gradient
def gradient(images):
    """The length of the gradient at each pixel of images (N, C, H, W): (N, C, H - 1, W - 1)."""
    corner = images[:, :, :-1, :-1]
    return np.hypot(images[:, :, 1:, :-1] - corner, images[:, :, :-1, 1:] - corner)


holes = {"hole": (whole * around)[:12]} | {w: filled(each[:12]) for w, each in patches.items()}
details: dict[str, np.ndarray] = {}
for way, each in [*patches.items()][1:]:
    details |= {way: each[:8, :, :-1, :-1], f"{way}: gradient": gradient(each[:8])}
for name, columns, title, rows in (
    ("holes", 12, "Test images, a hole of 12x12 pixels, and what fills it", holes),
    ("details", 8, "The holes alone, and the length of the gradient (white: 1 per pixel)", details),
    ("training", 12, "Test images with the holes filled by G, in training", shown),
):
    run.save(name, plots.rows(rows, columns, 0, title=title), title)
run.save_curves()

figure, at = Figure(figsize=(7, 4.5), layout="constrained"), np.linspace(0, 1.2, 61)
axes = figure.subplots(subplot_kw={"title": "How steep the edges in the holes are"})
for (name, each), style in zip(patches.items(), ("C7:", "C0-", "C2-", "k--"), strict=True):
    axes.plot(at, [(gradient(each) > t).mean() for t in at], style, label=name)
axes.set(ylabel="share of pixels with a longer gradient", yscale="log")
axes.set_xlabel("length of the gradient (1: from black to white in one pixel)")
axes.legend(frameon=False)
run.save("gradients", figure, "the lengths of the gradients in the holes of the test images")

# %% The metrics of each set of patches, and of two controls
rng, classifier = np.random.default_rng(run.seed), run.classifier(train)
patches["untrained G"] = drawn(networks(rng).G, whole)
patches["uniform noise"] = rng.random(missing.shape, np.float32)
features, steep = classifier.features(whole), gradient(patches.pop("real")).reshape(-1, 1)
hits, decibels, frechet, edges = {"real": classifier.accuracy(whole, test_labels)}, {}, {}, {}
for name, each in patches.items():
    decibels[name], images = psnr(each, missing).mean(), filled(each)
    hits[name] = classifier.accuracy(images, test_labels)
    frechet[name] = frechet_distance(features, classifier.features(images))
    edges[name] = wasserstein(steep, gradient(each).reshape(-1, 1))[0]
lost, ours = decibels["G without D"] - decibels["G with D"], edges["G with D"]
for what, values, target in (
    ("PSNR in the hole, dB", decibels, {"at_least": decibels["mean patch"] + 1}),
    ("accuracy of a classifier", hits, {"at_least": (2 * hits["mean patch"] + hits["real"]) / 3}),
    ("Frechet distance to real images", frechet, {"at_most": 0.75 * frechet["G without D"]}),
    ("difference of the gradients (Wasserstein)", edges, {"at_most": 0.75 * edges["G without D"]}),
):
    run.found(what, values.pop("G with D"), compare=values, **target)
run.end(
    f"With D, the PSNR in the hole is {abs(lost):.2f} dB {'lower' if lost > 0 else 'higher'} than "
    "without D" + (": the squared error is lower for a blurred patch." if lost > 0 else "."),
    f"The gradients differ from real ones by {ours:.3f} with D, {edges['G without D']:.3f} without:"
    f" D {'makes' if ours < 0.75 * edges['G without D'] else 'does not make'} the edges sharper.",
)
