"""Autoencoder: compress an image to two numbers and reconstruct it.

    min over encoder e, decoder d   E |x - d(e(x))|^2        e(x) is a point in the plane

Hinton and Salakhutdinov 2006, "Reducing the dimensionality of data with neural networks". If e and
d are linear, every local minimum is global, and there d(e(x)) is PCA: it keeps the two directions
in which images vary most (Baldi and Hornik 1989). So PCA is the control. Hidden layers curve the
plane, so that it fits the images better. An autoencoder has no distribution of codes from which to
draw new images (see vae.py).
"""

# %% Data, and the control: the principal components of the training images
import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, losses, nn, no_grad, optim, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.metrics.memorization import nearest_images
from tinygan.models.pair import scaled
from tinygan.optim.minimize import minimize

run = Example("autoencoder", __doc__, steps=2000, full=20_000)
known, test = run.load_digits(2000)
(_, labels), (_, test_labels) = known.labeled(), test.labeled()
x, x_held = (part.images.reshape(-1, 784).astype(np.float32) / 255 for part in (known, test))
center = x.mean(axis=0)
variances, directions = np.linalg.eigh(np.cov((x - center).T.astype(np.float64)))
directions = directions[:, ::-1]  # by decreasing variance


def by_pca(x, k):
    """The reconstruction of rows from their first k principal components."""
    return center + (x - center) @ directions[:, :k] @ directions[:, :k].T


def error(x, reconstructed):
    """The mean over images of |x - reconstructed|^2."""
    return ((x - reconstructed) ** 2).sum(axis=1).mean()


def train(encoder, decoder, rate, offset):
    """Train both on images minus `offset`."""
    encoder.to(run.backend), decoder.to(run.backend)
    data = Minibatches(
        known.images, rng=np.random.default_rng(run.seed), low=0.0, backend=run.backend
    )
    opt = optim.Adam(
        encoder.parameters() + decoder.parameters(), optim.cosine_decay(rate, run.steps)
    )
    offset = Tensor(offset).to(run.backend)

    def loss():
        x = data(128).reshape((128, 784)) - offset
        return losses.mse(decoder(encoder(x)), x, "sum") / 128

    for _ in run.play(lambda: minimize(loss, opt)):
        pass


def apply(net, x):
    """The output of a network for rows x, as an array."""
    with no_grad():
        return net(Tensor(x.astype(np.float32)).to(run.backend)).numpy()


# %% Linear encoder and decoder: PCA
def linear(a, b):
    return nn.Linear(a, b, rng=run.rng)


ends = linear(784, 2), linear(2, 784)
train(*ends, 3e-2, center)
ours = error(x - center, apply(nn.Sequential(*ends), x - center))
pca = error(x, by_pca(x, 2))
run.found("linear: error on training images", ours, f"PCA {pca:.4f}, the minimum",
          pca - 1e-3 < ours < 1.001 * pca)  # fmt: skip

# %% With hidden layers
a, b = scaled(512, run.width), scaled(128, run.width)
encoder = nn.Sequential(linear(784, a), nn.ReLU(), linear(a, b), nn.ReLU(), linear(b, 2))
decoder = nn.Sequential(
    linear(2, b), nn.ReLU(), linear(b, a), nn.ReLU(), linear(a, 784), nn.Sigmoid()
)
train(encoder, decoder, 3e-3, np.zeros_like(center))
codes, codes_held = apply(encoder, x), apply(encoder, x_held)
reconstructed = apply(decoder, codes_held)
ours, pca = error(x_held, reconstructed), error(x_held, by_pca(x_held, 2))
run.found("error on held-out images", ours, f"PCA {pca:.2f}, mean image "
          f"{error(x_held, center):.2f}", ours < pca)  # fmt: skip
needed = next(k for k in range(785) if k == 784 or error(x_held, by_pca(x_held, k)) < ours)
run.found("components that PCA needs for a lower error", needed, "2 here")

# %% The plane: codes of held-out images, and decoded points of a grid
flat = (x - center) @ directions[:, :2], (x_held - center) @ directions[:, :2]
figure = Figure(figsize=(11, 5), layout="constrained")
planes = {"PCA": flat, "autoencoder": (codes, codes_held)}
for axes, (name, (there, here)) in zip(figure.subplots(1, 2), planes.items(), strict=True):
    nearest = nearest_images(here, there)
    share = (labels[nearest] == test_labels).mean()
    run.found(f"{name}: nearest training code has the same class", share)
    dots = axes.scatter(*here.T, c=test_labels, cmap="tab10", vmin=-0.5, vmax=9.5, s=6)
    low, high = np.quantile(there, [0.01, 0.99], axis=0)  # without the few outliers
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    axes.set_title(f"{name}: {share:.0%} have the class of the nearest training code")
figure.colorbar(dots, ticks=range(10))
run.save(
    "plane",
    figure,
    "codes of held-out digits, colored by class: PCA, autoencoder",
)
across, up = np.linspace(low, high, 20).T  # the autoencoder's plane, as in the figure
points = np.stack(np.meshgrid(across, up[::-1]), axis=2)
drawn = apply(decoder, points.reshape(-1, 2)).reshape(-1, 1, 28, 28)
run.save("decoded", plots.grid(drawn, 20, 0), "decoded points of a grid on the autoencoder's plane")
sheet = np.stack([x_held[:20], reconstructed[:20], by_pca(x_held[:20], 2)])
run.save(
    "reconstructions",
    plots.grid(sheet.reshape(-1, 1, 28, 28), 20, 0),
    "rows: held-out digits, their reconstructions by the autoencoder and by PCA",
)
run.end()
