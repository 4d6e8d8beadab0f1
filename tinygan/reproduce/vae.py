"""The variational autoencoder of PyTorch's examples: test loss 105.6 after 10 epochs.

    loss = -log p(x | z) + KL(q(z | x) || N(0, I))        z = mean + sd * noise, from the encoder

(Kingma and Welling 2014.) 784-400-20-400-784 with ReLU, Adam 1e-3, batches of 128, all 60,000
images; pixels in [0, 1] taken as probabilities of Bernoulli variables, so the first term is a
cross-entropy and no likelihood: its least is the entropy of the pixels, not 0. In nats an image;
less is better.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import nn
from ..autograd import grad
from ..backend import place
from ..data import load
from ..finding import Finding, Outcome
from ..losses import bce_with_logits, gaussian_kl
from ..ops import exp
from ..optim import Adam
from ..supply import normal
from ..tensor import Tensor, no_grad

__all__ = ["VAE", "run"]

BATCH, PUBLISHED, MOST = 128, 105.6, 106.0


class VAE(nn.Module):
    """Images (N, 784) in [0, 1] to logits of images, by way of a latent normal variable."""

    def __init__(self, latent: int = 20, hidden: int = 400, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.rng = rng
        self.body = nn.Sequential(nn.Linear(784, hidden, rng=rng), nn.ReLU())
        self.mean = nn.Linear(hidden, latent, rng=rng)
        self.log_variance = nn.Linear(hidden, latent, rng=rng)
        self.decoder = nn.Sequential(
            nn.Linear(latent, hidden, rng=rng), nn.ReLU(), nn.Linear(hidden, 784, rng=rng)
        )

    def reconstruct(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, and the mean and the log-variance of q(z | x)."""
        h = self.body(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        noise = Tensor(normal(self.rng, mean.shape, like=mean.data))
        z = mean + exp(log_variance * 0.5) * noise  # so that the mean and the sd get gradients
        return self.decoder(z), mean, log_variance

    def loss(self, x: Tensor) -> Tensor:
        """The sum over the images of cross-entropy and KL."""
        logits, mean, log_variance = self.reconstruct(x)
        return bce_with_logits(logits, x, "sum") + gaussian_kl(mean, log_variance, "sum")


def run(seed: int, told: Callable[[str], object], where: str, epochs: int = 10) -> Outcome:
    """Train, and measure the mean loss over the test images after each epoch."""
    x, x_test = (
        Tensor(load("mnist", split).images.reshape(-1, 784).astype(np.float32) / 255).to(where)
        for split in ("train", "test")
    )
    rng = np.random.default_rng(seed)
    vae = VAE(rng=rng).to(where)
    opt = Adam(vae.parameters(), 1e-3)
    curves: dict[str, list[float]] = {"train": [], "test": []}
    for epoch in range(1, epochs + 1):
        order, total = rng.permutation(len(x)), 0.0
        for start in range(0, len(x), BATCH):
            batch = x[place(order[start : start + BATCH], x.data)]
            loss = vae.loss(batch)
            opt.step(grad(loss * (1 / len(batch)), vae.parameters()))
            total += loss.item()
        with no_grad():
            parts = (x_test[i : i + 1000] for i in range(0, len(x_test), 1000))
            test = sum(vae.loss(part).item() for part in parts) / len(x_test)
        curves["train"].append(total / len(x))
        curves["test"].append(test)
        told(f"seed {seed}, epoch {epoch}: train {total / len(x):.2f}, test {test:.2f}")
    what = f"VAE, test loss after {epochs} epochs"
    return Outcome([Finding(what, test, f"{PUBLISHED}; at most {MOST}", test <= MOST)], curves)
