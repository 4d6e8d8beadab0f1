"""SRGAN: super-resolution by a factor of 4, with an adversarial loss for detail.

    the loss of G   E[(G(y) - x)^2] + weight * E[-log D(G(y))]     y: the means of 4x4 blocks of x
    the loss of D   E[-log D(x)] + E[-log(1 - D(G(y)))]

Ledig et al. 2017, "Photo-realistic single image super-resolution using a generative adversarial
network". G computes on the small image, which is cheap, and enlarges it only at the end, by pixel
shuffle: r^2 channels become r x r pixels. Many images have the same block means. The squared error
is minimal at the mean of these images, which has the highest possible PSNR and is blurred; D
rejects it. So with D the PSNR falls, and the power spectrum gets the high frequencies of sharp
edges. (The paper's squared error is that of features of VGG, which is trained on other data.)

Read next: inpainting.py
"""

# %% The data: an image x and its small version y, the means of blocks of 4x4 pixels
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from tinygan import Tensor, gan, losses, models, nn, optim, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.gan.variants.pix2pix import play_pix2pix
from tinygan.metrics.frechet import frechet_distance
from tinygan.metrics.pixels import psnr
from tinygan.models.pair import Pair, scaled

run = Example("srgan", __doc__, steps=400, full=10_000)
learned, test = run.load_labeled()
channels, size = learned.images.shape[1:3]
test_images, test_labels = test.labeled()
real = test_images.astype(np.float32) / 255


def shrunk(x):  # y of images x (N, C, H, H), tensors or arrays
    return x.reshape(len(x), channels, size // 4, 4, size // 4, 4).mean(axis=(3, 5))


small = shrunk(real)


# %% G computes on the small image and enlarges it twice by 2; D has two convolutions
def networks(rng):  # G as in their figure 4, with 2 residual blocks instead of 16
    c, c2 = scaled(32, run.width), scaled(16, run.width)
    conv = lambda a, b: nn.Conv2d(a, b, 3, 1, 1, rng=rng)  # noqa: E731
    down = lambda a, b: nn.Conv2d(a, b, 4, 2, 1, rng=rng)  # noqa: E731
    normed = lambda: (conv(c, c), nn.BatchNorm2d(c))  # noqa: E731
    blocks = [nn.Residual(*normed(), nn.ReLU(), *normed()) for _ in range(2)]
    body = nn.Residual(*blocks, *normed())
    grow = [conv(c, 4 * c), nn.PixelShuffle(2), nn.ReLU(),
            conv(c, 4 * c2), nn.PixelShuffle(2), nn.ReLU()]  # fmt: skip
    G = nn.Sequential(conv(channels, c), nn.ReLU(), body, *grow, conv(c2, channels), nn.Tanh())
    D = nn.Sequential(
        *(down(channels, c), nn.LeakyReLU(0.2), down(c, 2 * c), nn.BatchNorm2d(2 * c)),
        *(nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(2 * c * (size // 4) ** 2, 1, rng=rng)),
    )
    return Pair(G, D, lr_g=1e-3, lr_d=5e-4).to(run.backend)


def enlarged(G, y):  # G(y) in [0, 1], of y in [0, 1]
    return models.pixels(G, Tensor(y * 2 - 1).to(run.backend))


# %% The same G without and with D: with weight 0, D learns, but G ignores it
game, shown = gan.non_saturating, {"input y": small[:10].repeat(4, axis=2).repeat(4, axis=3)}


def trained(name, weight):  # G of the small test images, after training
    rng = np.random.default_rng(run.seed)
    pair, data = networks(rng), Minibatches(learned.images, rng=rng, backend=run.backend)
    average, curve = optim.EMA(pair.G, 0.99), run.curve(game, f"{name}: the adversarial losses")

    def pairs(m):
        x = data(m)
        return shrunk(x), x

    players = game, pair.G, pair.D, pairs, *pair.optimizers()
    options = {"weight": weight, "distance": losses.mse, "paired": False, "m": 32}
    for step, result in run.play(lambda: play_pix2pix(*players, **options)):  # gan/variants/pix2pix
        average.update()
        curve.add(step, result._replace(g_loss=game.g_loss(result.fake)))  # without squared error
        if step in run.snapshots:
            shown[f"{name}, round {step}"] = enlarged(average.module, small[:10])
    return enlarged(average.module, small)


planes = [Image.fromarray(each) for each in small.reshape(-1, size // 4, size // 4)]
bicubic = [np.asarray(each.resize((size, size), Image.Resampling.BICUBIC)) for each in planes]
images = {
    "input": small.repeat(4, axis=2).repeat(4, axis=3),
    "bicubic": np.stack(bicubic).reshape(real.shape).clip(0, 1),
    **{name: trained(name, w) for name, w in (("G without D", 0.0), ("G with D", 0.1))},
    "real": real,
}
middle = np.s_[:6, :, size // 4 : -(size // 4), size // 4 : -(size // 4)]
wholes, details = ({w: each[part] for w, each in images.items()} for part in (np.s_[:10], middle))
for name, columns, title, rows in (
    ("pairs", 10, f"Test images enlarged from {size // 4}x{size // 4} to {size}x{size}", wholes),
    ("details", 6, "The middle of these images: are the edges gray or sharp?", details),
    ("training", 10, "G(y) through training, without and with D", shown | {"real x": real[:10]}),
):
    run.save(name, plots.rows(rows, columns, 0, title=title), title)
run.save_curves()


# %% The power spectrum
def spectrum(images):
    """The mean power in dB of images (N, C, H, H) at 1, 2, ..., H/2 cycles per image."""
    power = (np.abs(np.fft.fft2(images)) ** 2).mean(axis=(0, 1))
    k = np.fft.fftfreq(size, 1 / size)
    ring = np.rint(np.hypot(k[:, None], k)).astype(int).ravel()
    mean = np.bincount(ring, power.ravel()) / np.bincount(ring)
    return 10 * np.log10(mean[1 : size // 2 + 1])


figure = Figure(figsize=(7, 4.5), layout="constrained")
axes = figure.subplots(subplot_kw={"title": "Power spectrum: blur has no high frequencies"})
for (name, each), style in zip(images.items(), ("C7:", "C1-.", "C0-", "C2-", "k--"), strict=True):
    axes.plot(np.arange(1, size // 2 + 1), spectrum(each), style, label=name)
axes.set(xlabel="frequency (cycles per image width)", ylabel="mean power (dB)")
axes.legend(frameon=False)
run.save("spectrum", figure, "mean power spectrum of the enlarged and of the real test images")

# %% Figures of each way to enlarge, and of two controls
rng, classifier = np.random.default_rng(run.seed), run.classifier(learned)
images["untrained G"] = enlarged(networks(rng).G, small)
images["uniform noise"] = rng.random(real.shape, np.float32)
features, power = classifier.features(real), spectrum(real)
near, right, far, off = {}, {"real": classifier.accuracy(images.pop("real"), test_labels)}, {}, {}
for way, each in images.items():
    near[way], right[way] = psnr(each, real).mean(), classifier.accuracy(each, test_labels)
    far[way] = frechet_distance(features, classifier.features(each))
    off[way] = np.abs(spectrum(each) - power).mean()
enough = (max(right["input"], right["bicubic"]) + right["real"]) / 2
for what, figures, target in (
    ("PSNR, dB", near, {"at_least": near["bicubic"] + 1}),
    ("accuracy of a classifier", right, {"at_least": enough}),
    ("Frechet distance to real images", far, {"at_most": far["G without D"] / 2}),
    ("difference of the power spectrum, dB", off, {"at_most": off["G without D"] / 2}),
):
    rest = {way: figure for way, figure in figures.items() if way != "G with D"}
    run.found(what, figures["G with D"], compare=rest, **target)
lost, sharper = near["G without D"] - near["G with D"], off["G with D"] < off["G without D"] / 2
run.found("PSNR lost by adding D, dB", lost, at_least=0.2)
run.end(
    f"With D, the PSNR is {abs(lost):.2f} dB {'lower' if lost > 0 else 'higher'} than without D.",
    f"The power spectrum is {off['G with D']:.1f} dB from that of real images with D, without D "
    f"{off['G without D']:.1f} dB: D {'makes' if sharper else 'does not make'} G draw sharp edges.",
)
