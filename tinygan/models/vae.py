"""The variational autoencoder: an autoencoder whose code z is random and close to N(0, I).

    loss = -log p(x | z) + KL(q(z | x) || N(0, I))        z = mean + sd * noise, from the encoder

Kingma and Welling 2014, "Auto-encoding variational Bayes". Since the KL keeps the codes close to
N(0, I), the decoder maps noise from N(0, I) to images, as a generator does.
"""

from .. import checks, nn
from ..backend import Rng
from ..backend.inputs import normal
from ..losses import bce_with_logits, gaussian_kl
from ..ops import exp
from ..tensor import Tensor, no_grad


class VAE(nn.Module):
    """A VAE for images (N, pixels) in [0, 1]. `latent` and `hidden` are the sizes of the code and
    of the hidden layers. The decoder gives logits of the pixels.

    Gray values are treated as Bernoulli probabilities, so -log p(x | z) is a cross-entropy, not the
    likelihood of gray images: its minimum is the entropy of the pixels, not 0.
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
        """The mean and the log-variance of q(z | x), each (N, latent), for x (N, pixels)."""
        h = self.body(x)
        return self.mean(h), self.log_variance(h)

    def reconstruct(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (N, pixels) for z drawn from q(z | x), and the mean and log-variance of
        q(z | x), each (N, latent)."""
        mean, log_variance = self.encode(x)
        noise = Tensor(normal(self.rng, mean.shape, like=mean.data))
        z = mean + exp(log_variance * 0.5) * noise  # in this form, mean and sd get gradients
        return self.decoder(z), mean, log_variance

    def loss(self, x: Tensor) -> Tensor:
        """Cross-entropy plus KL for x (N, pixels), summed over the images, in nats."""
        logits, mean, log_variance = self.reconstruct(x)
        return bce_with_logits(logits, x, "sum") + gaussian_kl(mean, log_variance, "sum")


def mean_loss(vae: VAE, x: Tensor, batch: int = 1000) -> float:
    """The mean loss per image in nats, over x (N, pixels), with one z drawn for each image.

    Raises TypeError or ValueError for other arguments."""
    if not isinstance(vae, VAE):
        raise TypeError(f"vae: expected a VAE, got {type(vae).__name__}")
    checks.arrays(x=x)
    (batch,) = checks.sizes(batch=batch)
    if not (x.ndim and len(x)):
        raise ValueError(f"x: expected (N, pixels) with N >= 1, got shape {x.shape}")
    with no_grad():
        parts = (x[i : i + batch] for i in range(0, len(x), batch))
        return sum(vae.loss(part).item() for part in parts) / len(x)
