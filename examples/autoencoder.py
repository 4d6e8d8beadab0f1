"""Autoencoder: compress an image to two numbers and reconstruct it.

    loss of the encoder e and the decoder d   E |x - d(e(x))|^2       e(x), the code of x: 2 numbers

Hinton and Salakhutdinov 2006, "Reducing the dimensionality of data with neural networks". There is
no adversary: both networks minimize one loss. If e and d are linear, every local minimum is global,
and there d(e(x)) is the reconstruction by PCA, from the two directions in which images vary most
(Baldi and Hornik 1989). So PCA is the control. With hidden layers, the reconstructions lie on a
curved surface instead of a plane, which can be nearer to the images. An autoencoder does not say
which codes are likely, so it cannot draw new images: for that, the codes need a distribution.

Read next: vae.py, where the codes have a known distribution.
"""

# %% Images as rows of numbers, and principal component analysis (PCA)
import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from tinygan import Tensor, losses, nn, no_grad, optim, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.metrics.memorization import nearest_images
from tinygan.models.pair import scaled
from tinygan.optim.minimize import minimize

run = Example("autoencoder", __doc__, steps=2000, full=20_000)
known, test = run.load_labeled(2000)
(_, labels), (_, test_labels) = known.labeled(), test.labeled()
names, shape, n = known.classes or (), known.images.shape[1:], known.images[0].size
x, x_held = (part.images.reshape(-1, n).astype(np.float32) / 255 for part in (known, test))
center = x.mean(axis=0)
variances, directions = np.linalg.eigh(np.cov((x - center).T.astype(np.float64)))
directions = directions[:, ::-1]  # by decreasing variance


def by_pca(x, k):
    """The reconstruction of rows from their first k principal components."""
    return center + (x - center) @ directions[:, :k] @ directions[:, :k].T


def error(x, reconstructed):
    """The mean over images of |x - reconstructed|^2."""
    return ((x - reconstructed) ** 2).sum(axis=1).mean()


# %% One optimizer for both networks: they minimize the squared error together
def train(encoder, decoder, rate, offset):
    """Train both on images minus `offset`; return the error on each minibatch."""
    encoder.to(run.backend), decoder.to(run.backend)
    rng, errors = np.random.default_rng(run.seed), []
    data = Minibatches(known.images, rng=rng, low=0.0, backend=run.backend)
    schedule = optim.cosine_decay(rate, run.steps)
    opt = optim.Adam(encoder.parameters() + decoder.parameters(), schedule)
    offset = Tensor(offset).to(run.backend)

    def loss():
        x = data(128).reshape((128, n)) - offset
        return losses.mse(decoder(encoder(x)), x, "sum") / 128

    for _, value in run.play(lambda: minimize(loss, opt)):
        errors.append(value.loss.item())
    return errors


def apply(net, x):
    """The output of a network for rows x, as an array."""
    with no_grad():
        return net(Tensor(x.astype(np.float32)).to(run.backend)).numpy()


def linear(a, b):
    return nn.Linear(a, b, rng=run.rng)


# A linear autoencoder, which should find PCA, and one with hidden layers
flat = linear(n, 2), linear(2, n)
errors = {"linear autoencoder": train(*flat, 3e-2, center)}
linear_error = error(x - center, apply(nn.Sequential(*flat), x - center))
a, b = scaled(512, run.width), scaled(128, run.width)
encoder = nn.Sequential(linear(n, a), nn.ReLU(), linear(a, b), nn.ReLU(), linear(b, 2))
decoder = nn.Sequential(
    linear(2, b), nn.ReLU(), linear(b, a), nn.ReLU(), linear(a, n), nn.Sigmoid()
)
errors["autoencoder with hidden layers"] = train(encoder, decoder, 3e-3, np.zeros_like(center))
codes, codes_held = apply(encoder, x), apply(encoder, x_held)
reconstructed = apply(decoder, codes_held)
ours, pca = error(x_held, reconstructed), error(x_held, by_pca(x_held, 2))
blank = error(x, center)
best = error(x, by_pca(x, 2))  # of all linear reconstructions from two numbers

# %% Reconstructions, and the error over the training
sheet = {"held-out images": x_held[:15], "autoencoder": reconstructed[:15]}
sheet["PCA"] = by_pca(x_held[:15], 2)
sheet = {name: rows.reshape(-1, *shape) for name, rows in sheet.items()}
title = "Images, and their reconstructions from codes of two numbers"
run.save("reconstructions", plots.rows(sheet, 15, 0, title=title), "images and reconstructions")

figure = Figure(figsize=(15, 4.6), layout="constrained")
left, *planes = figure.subplots(1, 3)
for name, values in errors.items():
    smooth = np.convolve(values, np.ones(25) / 25, "valid") if len(values) > 25 else values
    left.plot(smooth, label=name)
left.axhline(best, color="gray", linestyle="--", label="PCA, two components")
left.set(xlabel="step", ylabel="mean |x - reconstruction|^2", ylim=(0.25 * blank, 1.1 * blank))
left.set_title("Error on training images, mean of 25 steps")
left.legend()

# %% The plane: the codes of held-out images, colored by class
colors = colormaps["tab10" if len(names) <= 10 else "tab20"].resampled(len(names))
shares = {}  # of held-out images whose nearest training code has the same class
projections = (x - center) @ directions[:, :2], (x_held - center) @ directions[:, :2]
both = {"PCA": projections, "autoencoder": (codes, codes_held)}
for axes, (name, (trained, held)) in zip(planes, both.items(), strict=True):
    shares[name] = (labels[nearest_images(held, trained)] == test_labels).mean()
    dots = axes.scatter(*held.T, c=test_labels, cmap=colors, s=6, vmin=-0.5, vmax=len(names) - 0.5)
    low, high = np.quantile(trained, [0.01, 0.99], axis=0)  # without the few outliers
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    axes.set(xlabel="first number of the code", ylabel="second number of the code")
    axes.set_title(f"Codes of held-out images: {name}")
bar = figure.colorbar(dots, ticks=range(len(names)), label="class")
bar.ax.set_yticklabels(names)
run.save("plane", figure, "the error over the training, and the codes of held-out images by class")
across, up = np.linspace(low, high, 20).T  # the autoencoder's plane, as in the figure
points = np.stack(np.meshgrid(across, up[::-1]), axis=2)
drawn = apply(decoder, points.reshape(-1, 2)).reshape(-1, *shape)
title = "Images decoded from a grid of codes. Across: first number of the code; up: second"
run.save("decoded", plots.grid(drawn, 20, 0, title=title), "decoded points of the plane")

# %% The errors next to those of PCA and of the mean image
mean = error(x_held, center)
controls = {"PCA, the minimum": best, "mean image": blank}
run.found("linear: error on training images", linear_error, at_most=1.002 * best, compare=controls)
run.found("error on held-out images", ours, at_most=0.9 * pca,
          compare={"PCA": pca, "mean image": mean})  # fmt: skip
needed = next(k for k in range(n + 1) if k == n or error(x_held, by_pca(x_held, k)) < ours)
run.found("components that PCA needs for a lower error", needed, compare={"autoencoder": 2})
controls = {"PCA": shares["PCA"], "chance": 1 / len(names)}
run.found("nearest training code has the same class", shares["autoencoder"],
          at_least=shares["PCA"] + 0.05, compare=controls)  # fmt: skip
run.end(
    f"A linear autoencoder {'finds' if linear_error < 1.002 * best else 'does not reach'} PCA: "
    f"its error is {linear_error:.2f}, and the minimum is {best:.2f}.",
    f"With hidden layers, two numbers describe an image {'better' if ours < pca else 'no better'} "
    f"than two principal components: on held-out images the error is {ours:.1f}, that of PCA "
    f"{pca:.1f}. PCA needs {needed} numbers for a lower error.",
    f"For {shares['autoencoder']:.0%} of held-out images (PCA: {shares['PCA']:.0%}), the nearest "
    "code of a training image has the same class, although no label was used in training.",
)
