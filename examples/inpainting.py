"""Inpainting: a context encoder, which fills a hole in an image from its surroundings.

    the loss of G   E[(G(y) - x)^2] + weight * E[-log D(G(y))]     y: an image with a hole, x: the
    the loss of D   E[-log D(x)] + E[-log(1 - D(G(y)))]            missing patch

Pathak et al. 2016, "Context encoders: feature learning by inpainting". G encodes the surroundings
as a short code and draws the patch from it. Many patches are plausible. The squared error is
minimal at their mean, which is blurred; D accepts only single patches, which have steep edges. D
sees the patch alone: if it saw its surroundings, it would detect fakes by the seam (section 3.2).

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
learned, test = run.load_labeled()
channels, size = learned.images.shape[1:3]
hole = np.s_[:, :, size // 2 - 6 : size // 2 + 6, size // 2 - 6 : size // 2 + 6]
around = np.ones((1, 1, size, size), np.float32)
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
    pair, data = networks(rng), Minibatches(learned.images, rng=rng, backend=run.backend)
    average, curve = optim.EMA(pair.G, 0.99), run.curve(game, name)
    mask = Tensor(around).to(run.backend)

    def pairs(m):
        x = data(m)
        return (x + 1) * mask - 1, x[hole]

    players = game, pair.G, pair.D, pairs, *pair.optimizers()
    how = {"weight": weight, "distance": losses.mse, "paired": False, "m": 32}
    for step, result in run.play(lambda: play_pix2pix(*players, **how)):
        average.update()
        curve.add(step, result._replace(g_loss=game.g_loss(result.fake)))  # the adversarial part
        if step in run.snapshots:
            shown[f"{name}, round {step}"] = filled(drawn(average.module, whole[:12]))
    return drawn(average.module, whole)


mean = learned.images[hole].mean(axis=0, dtype=np.float64).astype(np.float32) / 255
patches = {
    "mean patch": np.broadcast_to(mean, missing.shape),  # of each pixel over the training images
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
    ("holes", 12, "A hole of 12x12 pixels, filled by the mean patch and by G", holes),
    ("details", 8, "The holes alone, and the length of the gradient (white: 1 per pixel)", details),
    ("training", 12, "The filled holes during training", shown),
):
    run.save(name, plots.rows(rows, columns, 0, title=title), f"{title}; test images")
run.save_curves()

figure, at = Figure(figsize=(7, 4.5), layout="constrained"), np.linspace(0, 1.2, 61)
axes = figure.subplots(subplot_kw={"title": "Blurred patches have no steep edges"})
for (name, each), style in zip(patches.items(), ("C7:", "C0-", "C2-", "k--"), strict=True):
    axes.plot(at, [(gradient(each) > t).mean() for t in at], style, label=name)
axes.set(ylabel="share of the pixels with a longer gradient", yscale="log")
axes.set_xlabel("length of the gradient (1 per pixel: from black to white)")
axes.legend(frameon=False)
run.save("gradients", figure, "the lengths of the gradients in the holes of the test images")

# %% Figures of each way and of two controls
rng, classifier = np.random.default_rng(run.seed), run.classifier(learned)
patches["untrained G"] = drawn(networks(rng).G, whole)
patches["uniform noise"] = rng.random(missing.shape, np.float32)
features, steep = classifier.features(whole), gradient(patches.pop("real")).reshape(-1, 1)
near, right, far, off = {}, {"real": classifier.accuracy(whole, test_labels)}, {}, {}
for way, each in patches.items():
    near[way], images = psnr(each, missing).mean(), filled(each)
    right[way] = classifier.accuracy(images, test_labels)
    far[way] = frechet_distance(features, classifier.features(images))
    off[way] = wasserstein(steep, gradient(each).reshape(-1, 1))[0]
for what, figures, target in (
    ("PSNR in the hole, dB", near, {"at_least": near["mean patch"] + 1}),
    ("accuracy of a classifier", right, {"at_least": (right["mean patch"] + right["real"]) / 2}),
    ("Frechet distance to real images", far, {"at_most": far["G without D"] / 2}),
    ("difference of the gradients (Wasserstein)", off, {"at_most": off["G without D"] / 2}),
):
    rest = {way: value for way, value in figures.items() if way != "G with D"}
    run.found(what, figures["G with D"], compare=rest, **target)
lost, sharper = near["G without D"] - near["G with D"], off["G with D"] < off["G without D"] / 2
run.end(
    f"With D, the PSNR is {abs(lost):.2f} dB {'lower' if lost > 0 else 'higher'} than without D.",
    f"With D, the gradients are {'' if sharper else 'not '}less than half as far from those of "
    f"real patches: D {'makes G draw sharp edges' if sharper else 'does not sharpen the edges'}.",
)
