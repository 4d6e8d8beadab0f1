"""Variational autoencoder: a generator that is trained without a discriminator.

    -log p(x) <= E[-log p(x | z)] + KL(q(z | x) || N(0, I))        z drawn from q(z | x)

Kingma and Welling 2014, "Auto-encoding variational Bayes". An encoder maps each image to a
distribution of noise, q(z | x) = N(mean, sd^2); a decoder reconstructs the image from z. Both
minimize the right side, a bound of -log p(x). z is the code of x, and its numbers are the latents.
The KL term keeps q near the prior N(0, I), so the decoder also works for noise from the prior. Its
closed form is sum (mean^2 + sd^2 - 1 - log sd^2) / 2; here it is compared with its definition.
(--full is the protocol of `tinygan reproduce vae`, on all of MNIST.)

Read next: dcgan.py, whose samples are sharper, because D rejects blurred ones.
"""

# %% The data and the training
import math
from statistics import NormalDist

import numpy as np
from matplotlib.figure import Figure

from tinygan import Tensor, losses, models, nn, no_grad, optim, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.metrics.frechet import frechet_distance
from tinygan.models.pair import scaled
from tinygan.models.vae import VAE, mean_loss
from tinygan.optim.minimize import minimize

run = Example("vae", __doc__, steps=2500, full=4690)
known, test = run.load_labeled(2000)
images, held, shape = known.images, test.images.astype(np.float32) / 255, known.images.shape[1:]


def rows(images):
    """Images in [0, 1] as rows (N, pixels) on the backend."""
    return Tensor(images.reshape(len(images), -1).astype(np.float32)).to(run.backend)


def decode(net, z):
    """The decoder's images in [0, 1] for noise z (N, latent)."""
    G = nn.Sequential(net.decoder, nn.Sigmoid(), nn.Unflatten(1, shape))
    return models.pixels(G, Tensor(z.astype(np.float32)).to(run.backend), low=0)


z_rng = np.random.default_rng(1)
fixed = z_rng.standard_normal((15, 20))
snapshots: dict[str, np.ndarray] = {}
curves: dict[int, list[float]] = {}


def trained(latent):
    """A trained VAE with `latent` numbers in z."""
    rng = np.random.default_rng(run.seed)
    net = VAE(latent, scaled(400, run.width), images[0].size, rng=rng).to(run.backend)
    data = Minibatches(images, rng=rng, low=0.0, backend=run.backend)
    opt, curves[latent] = optim.Adam(net.parameters(), 1e-3), []
    loss = lambda: net.loss(data(128).reshape((128, -1))) / 128  # noqa: E731
    for step, result in run.play(lambda: minimize(loss, opt)):
        curves[latent].append(result.loss.item())
        if latent == 20 and step in run.snapshots:
            snapshots[f"round {step}"] = decode(net, fixed)
    return net


net, plane_net = trained(20), trained(2)

# %% The bound on held-out images, the same without a code, and the minimum of its first term
p = np.clip(images.mean(axis=0).reshape(-1) / 255, 1e-3, 1 - 1e-3)
x = np.clip(held.reshape(len(held), -1), 1e-7, 1 - 1e-7)
bounds = [-(x * np.log(q) + (1 - x) * np.log(1 - q)).sum(axis=1).mean() for q in (p, x)]
loss, plane_loss = mean_loss(net, rows(held)), mean_loss(plane_net, rows(held))
run.found("bound on held-out images, nats", loss, at_most=sum(bounds) / 2,
          compare={"mean image, no code": bounds[0], "2 latents": plane_loss,
                   "entropy of the pixels": bounds[1]})  # fmt: skip
if run.full and known.name == "mnist":
    run.found("bound after 10 epochs of MNIST", loss, at_most=106,
              compare={"PyTorch's example": 105.6})  # fmt: skip

# %% The KL by its closed form, and by its definition: the mean of log q(z | x) - log p(z)
with no_grad():
    code = net.encode(rows(held))
    closed = losses.gaussian_kl(code[0], code[1], "none").numpy()
mean, sd = code[0].numpy(), np.exp(code[1].numpy() / 2)
noise = z_rng.standard_normal((1000, 100, mean.shape[1]))  # 1000 draws for each of 100 images
z = mean[:100] + sd[:100] * noise
values = (z**2 / 2 - noise**2 / 2 - np.log(sd[:100])).sum(axis=2)
error = math.sqrt((values.var(axis=0) / len(noise)).mean() / values.shape[1])
exact = closed[:100].sum(axis=1).mean()
run.found("KL by Monte Carlo, nats", values.mean(), at_least=exact - 4 * error,
          at_most=exact + 4 * error, compare={"closed form": exact})  # fmt: skip

# %% Samples through the training, reconstructions, and the loss
samples = decode(net, z_rng.standard_normal((run.many(2000), mean.shape[1])))
sheet = {**snapshots, "more samples": samples[:30], "real images": held[:15]}
title = "Samples of the decoder through training: a column has the same noise in all four rounds"
run.save("samples", plots.rows(sheet, 15, 0, title=title), "samples through the training")
pairs = {"held-out images": held[:15], "reconstructions": decode(net, mean[:15])}
title = "Held-out images, and their reconstructions from codes of 20 numbers"
run.save("reconstructions", plots.rows(pairs, 15, 0, title=title), "images and reconstructions")
axes = (figure := Figure(figsize=(7, 4), layout="constrained")).subplots()
for latent, curve in curves.items():
    axes.plot(curve, label=f"{latent} numbers in z", linewidth=0.8)
axes.axhline(bounds[0], color="gray", linestyle="--", label="mean image, no code")
axes.set(xlabel="round", ylabel="nats per image", title="Loss: -log p(x | z) + KL")
axes.set_ylim(bounds[1], 1.5 * bounds[0] - 0.5 * bounds[1])
axes.legend()
run.save("loss", figure, "the loss over the training")
classifier, real = run.classifier(known), held[: len(samples)]
sets = {
    "samples": samples,
    "reconstructions": decode(net, mean[: len(samples)]),
    "real images": images[: len(samples)].astype(np.float32) / 255,
    "mean image": np.broadcast_to(p.reshape(shape), real.shape),
    "uniform noise": z_rng.random(real.shape, dtype=np.float32),
}
features = classifier.features(real)
far = {name: frechet_distance(features, classifier.features(x)) for name, x in sets.items()}
distance, blurred = far.pop("samples"), far.pop("reconstructions")
run.found("samples: Frechet distance", distance, at_most=far["mean image"] / 2, compare=far)

# %% One number of an image's code varies from -3 to 3: the ten numbers with the highest KL
carried = closed.mean(axis=0)
z = np.repeat(mean[:1], 10 * 13, axis=0).reshape(10, 13, -1)
for row, latent in enumerate(carried.argsort()[::-1][:10]):
    z[row, :, latent] = np.linspace(-3, 3, 13)
labels = [f"{kl:.1f} nats" for kl in np.sort(carried)[::-1][:10]]
picture = plots.grid(
    decode(net, z.reshape(130, -1)), 13, 0, row_labels=labels,
    column_labels=[f"{v:g}" for v in np.linspace(-3, 3, 13)],
    title="One number of an image's code varies in each row, from -3 to 3; at the left, its KL",
)  # fmt: skip
run.save("latents", picture, "one latent of an image varies from -3 to 3 in each row")
used = int((carried > 0.1).sum())
run.found("latents with a KL above 0.1 nats", used, compare={"latents": len(carried)})

# %% Two latents: all images of the decoder, on a plane of equal probabilities
at = np.array([NormalDist().inv_cdf((i + 0.5) / 20) for i in range(20)])
z = np.stack(np.meshgrid(at, -at), axis=2).reshape(-1, 2)
title = "With two numbers in z: all images of the decoder, at equally likely z"
run.save("manifold", plots.grid(decode(plane_net, z), 20, 0, title=title), title)
cause = "blur" if blurred > distance / 2 else "not blur: noise gives codes that no image has"
run.end(
    f"-log p(x) of a held-out image is at most {loss:.0f} nats on average, {carried.sum():.0f} of "
    f"them for the KL. With the mean image and no code it is {bounds[0]:.0f}.",
    f"{used} of the {len(carried)} latents are used. With 2 latents the bound is "
    f"{plane_loss:.0f} nats, so more numbers {'help' if loss < plane_loss else 'do not help'}.",
    f"The Frechet distance to real images is {distance:.0f} for samples and {blurred:.0f} for "
    f"reconstructions, which are only blurred: most of the distance is {cause}.",
)
