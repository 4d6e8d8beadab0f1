"""The variational autoencoder: an autoencoder whose code is a normal variable.

    loss = -log p(x | z) + KL(q(z | x) || N(0, I))        z = mean + sd * noise, from the encoder

Kingma and Welling 2014, "Auto-encoding variational Bayes". The KL holds the codes of all images
together near N(0, I), so of such noise the decoder makes images, as a G does.
"""

from __future__ import annotations

from .. import checks, nn
from ..backend import Rng
from ..backend.inputs import normal
from ..losses import bce_with_logits, gaussian_kl
from ..ops import exp
from ..tensor import Tensor, no_grad

__all__ = ["VAE", "mean_loss"]


class VAE(nn.Module):
    """Images (N, pixels) in [0, 1] to logits of images, by way of a latent normal variable.

    Pixels are taken as probabilities of Bernoulli variables, so -log p(x | z) is a cross-entropy
    and no likelihood: its least is the entropy of the pixels, not 0.
    """

    def __init__(self, latent: int = 20, hidden: int = 400, pixels: int = 784, *, rng: Rng) -> None:
        super().__init__()
        self.rng = rng
        self.body = nn.Sequential(nn.Linear(pixels, hidden, rng=rng), nn.ReLU())
        self.mean = nn.Linear(hidden, latent, rng=rng)
        self.log_variance = nn.Linear(hidden, latent, rng=rng)
        self.decoder = nn.Sequential(
            nn.Linear(latent, hidden, rng=rng), nn.ReLU(), nn.Linear(hidden, pixels, rng=rng)
        )

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The mean and the log-variance of q(z | x), each (N, latent)."""
        h = self.body(x)
        return self.mean(h), self.log_variance(h)

    def reconstruct(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, by a z that is drawn, and the mean and the log-variance of q(z | x)."""
        mean, log_variance = self.encode(x)
        noise = Tensor(normal(self.rng, mean.shape, like=mean.data))
        z = mean + exp(log_variance * 0.5) * noise  # so that the mean and the sd get gradients
        return self.decoder(z), mean, log_variance

    def loss(self, x: Tensor) -> Tensor:
        """The sum over the images of cross-entropy and KL, in nats."""
        logits, mean, log_variance = self.reconstruct(x)
        return bce_with_logits(logits, x, "sum") + gaussian_kl(mean, log_variance, "sum")


def mean_loss(vae: VAE, x: Tensor, batch: int = 1000) -> float:
    """The loss of an image, on average over x (N, pixels), a z drawn for each; learns nothing."""
    if not isinstance(vae, VAE):
        raise TypeError(f"vae: expected a VAE, got {type(vae).__name__}")
    checks.arrays(x=x)
    (batch,) = checks.sizes(batch=batch)
    if not (x.ndim and len(x)):
        raise ValueError(f"x: expected (N, pixels) with N >= 1, got shape {x.shape}")
    with no_grad():
        parts = (x[i : i + batch] for i in range(0, len(x), batch))
        return sum(vae.loss(part).item() for part in parts) / len(x)
