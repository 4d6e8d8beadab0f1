"""Variational autoencoder: a generator that is trained without a discriminator.

    -log p(x) <= E[-log p(x | z)] + KL(q(z | x) || N(0, I))        z drawn from q(z | x)

Kingma and Welling 2014, "Auto-encoding variational Bayes". An encoder maps each image to a
distribution of noise, q(z | x) = N(mean, sd^2); a decoder reconstructs the image from z. The KL
term keeps q near the prior, so the decoder also works for noise from the prior. Its closed form is
sum (mean^2 + sd^2 - 1 - log sd^2) / 2; here it is compared with its definition. (--full is the
protocol of `tinygan reproduce vae`, on all of MNIST.)
"""

# %% The data and the training
import math
from statistics import NormalDist

import numpy as np

from tinygan import Tensor, losses, models, nn, no_grad, optim, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.metrics.classifier_scores import glance
from tinygan.models.pair import scaled
from tinygan.models.vae import VAE, mean_loss
from tinygan.optim.minimize import minimize

run = Example("vae", __doc__, steps=2500, full=4690)
known, test = run.load_digits(2000)
images, held = known.images, test.images


def rows(images):
    """Images as rows (N, 784) in [0, 1] on the backend."""
    return Tensor(images.reshape(len(images), -1).astype(np.float32) / 255).to(run.backend)


def trained(latent):
    """A trained VAE with `latent` latents, and a function from noise to images."""
    rng = np.random.default_rng(run.seed)
    net = VAE(latent, scaled(400, run.width), rng=rng).to(run.backend)
    data = Minibatches(images, rng=rng, low=0.0, backend=run.backend)
    opt = optim.Adam(net.parameters(), 1e-3)
    for _ in run.play(lambda: minimize(lambda: net.loss(data(128).reshape((128, -1))) / 128, opt)):
        pass
    G = nn.Sequential(net.decoder, nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28)))
    return net, lambda z: models.pixels(G, Tensor(z.astype(np.float32)).to(run.backend), low=0)


net, draw = trained(20)

# %% The loss on held-out images, its value without a code, and its lower bound
z_rng = np.random.default_rng(1)
p = np.clip(rows(images).numpy().mean(axis=0), 1e-3, 1 - 1e-3)
x = np.clip(rows(held).numpy(), 1e-7, 1 - 1e-7)
bounds = [-(x * np.log(q) + (1 - x) * np.log(1 - q)).sum(axis=1).mean() for q in (p, x)]
loss = mean_loss(net, rows(held))
reference = "mean image {:.1f}, entropy of the pixels {:.1f}".format(*bounds)
run.found("loss on held-out images, nats", loss, reference, loss < bounds[0])
if run.full and known.name == "mnist":
    run.found("loss after 10 epochs of MNIST", loss, "105.6; at most 106.0", loss <= 106)

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
run.found("KL of 100 images by Monte Carlo, nats", values.mean(),
          f"closed form {exact:.3f}; standard error {error:.3f}",
          abs(values.mean() - exact) < 4 * error)  # fmt: skip

# %% Reconstructions and samples
both = np.stack([held[:40] / 255, draw(mean[:40])], axis=1)
run.save(
    "reconstructions",
    plots.grid(both.reshape(-1, 1, 28, 28), 10, 0),
    "held-out digits, each with its reconstruction",
)
samples = draw(z_rng.standard_normal((run.many(2000), mean.shape[1])))
run.save("samples", plots.grid(samples[:100], 10, 0), "samples from noise")
real = held[: len(samples)].astype(np.float32) / 255
floor = glance(images[: len(samples)].astype(np.float32) / 255, real).frechet
run.found("samples: Frechet distance", glance(samples, real).frechet, f"real {floor:.2f}")

# %% One latent varied at a time, from -3 to 3: the ten with the highest KL
carried = closed.mean(axis=0)
z = np.repeat(mean[:1], 10 * 13, axis=0).reshape(10, 13, -1)
for row, latent in enumerate(carried.argsort()[::-1][:10]):
    z[row, :, latent] = np.linspace(-3, 3, 13)
run.save(
    "latents",
    plots.grid(draw(z.reshape(130, -1)), 13, 0),
    "rows: one latent of a digit varies from -3 to 3",
)
run.found("latents with a KL above 0.1 nats", (carried > 0.1).sum(), f"of {len(carried)}")

# %% Two latents: all images of the decoder, on a plane of equal probabilities
plane_net, draw_plane = trained(2)
at = np.array([NormalDist().inv_cdf((i + 0.5) / 20) for i in range(20)])
z = np.stack(np.meshgrid(at, -at), axis=2).reshape(-1, 2)
run.save("manifold", plots.grid(draw_plane(z), 20, 0), "two latents: all images of the decoder")
run.found("loss with 2 latents, nats", mean_loss(plane_net, rows(held)), f"with 20 {loss:.1f}")
run.end()
