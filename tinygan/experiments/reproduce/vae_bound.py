"""The variational autoencoder of PyTorch's examples: a test loss of 105.6 after 10 epochs.

784-400-20-400-784 with ReLU (`models.vae`), Adam 1e-3, minibatches of 128, all 60,000 images. The
loss is in nats per image; lower is better.
"""

from collections.abc import Callable

import numpy as np

from ...autograd import grad
from ...backend import place
from ...data import load
from ...models.vae import VAE, mean_loss
from ...optim import Adam
from ...tensor import Tensor
from ..results import Result, SeedResults

BATCH, PUBLISHED, TARGET = 128, 105.6, 106.0


def run(seed: int, echo: Callable[[str], object], backend: str, epochs: int = 10) -> SeedResults:
    """Train, and measure the mean loss on the test images after each epoch."""
    x, x_test = (
        Tensor(load("mnist", split).images.reshape(-1, 784).astype(np.float32) / 255).to(backend)
        for split in ("train", "test")
    )
    rng = np.random.default_rng(seed)
    vae = VAE(rng=rng).to(backend)
    opt = Adam(vae.parameters(), 1e-3)
    curves: dict[str, list[float]] = {"train": [], "test": []}
    for epoch in range(1, epochs + 1):
        order, total = rng.permutation(len(x)), 0.0
        for start in range(0, len(x), BATCH):
            batch = x[place(order[start : start + BATCH], x.data)]
            loss = vae.loss(batch)
            opt.step(grad(loss * (1 / len(batch)), vae.parameters()))
            total += loss.item()
        test = mean_loss(vae, x_test)
        curves["train"].append(total / len(x))
        curves["test"].append(test)
        echo(f"seed {seed}, epoch {epoch}: train {total / len(x):.2f}, test {test:.2f}")
    what, target = f"VAE, test loss after {epochs} epochs", f"{PUBLISHED}; at most {TARGET}"
    return SeedResults([Result(what, test, target, test <= TARGET)], curves)
