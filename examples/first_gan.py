"""A first GAN: two small networks learn to generate digits, in about half a minute.

G maps noise to images, D distinguishes real images from fakes, and each trains against the other:
Algorithm 1 of Goodfellow et al. 2014. Writes first_gan.png.
"""

import argparse
import signal

import numpy as np

from tinygan import Tensor, data, grad, nn, ops, optim, plots


def main(seed: int = 0, rounds: int = 15_000) -> None:
    rng = np.random.default_rng(seed)
    G = nn.Sequential(
        nn.Linear(100, 128, rng=rng), nn.LeakyReLU(0.2), nn.Linear(128, 784, rng=rng), nn.Tanh()
    )  # noise (m, 100) -> images (m, 784) in [-1, 1]
    D = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 128, rng=rng), nn.LeakyReLU(0.2), nn.Linear(128, 1, rng=rng)
    )  # images (m, 1, 28, 28) or (m, 784) -> logits (m, 1); sigmoid(logit) is the paper's D(x)
    opt_g = optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
    opt_d = optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))
    digits = data.Minibatches(data.load("digits").images, rng=rng)  # digits(m): m real images

    def noise(m: int) -> Tensor:
        return Tensor(rng.standard_normal((m, 100), dtype=np.float32))

    # -log D(x) is softplus(-logit), and -log(1 - D(x)) is softplus(logit).
    for step in range(rounds):
        fake = G(noise(64)).detach()  # a constant: G is fixed while D learns
        d_loss = ops.mean(ops.softplus(-D(digits(64)))) + ops.mean(ops.softplus(D(fake)))
        opt_d.step(grad(d_loss, opt_d.parameters))  # D: down -log D(x) - log(1 - D(G(z)))
        g_loss = ops.mean(ops.softplus(-D(G(noise(64)))))
        opt_g.step(grad(g_loss, opt_g.parameters))  # G: down -log D(G(z)); D does not move
        if step % 1000 == 0:
            print(f"round {step:5}: loss of D {d_loss.item():.2f}, loss of G {g_loss.item():.2f}")
    plots.save_png("first_gan.png", plots.grid(G(noise(64)).numpy().reshape(64, 1, 28, 28)))
    print("first_gan.png: 64 samples of G")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    argparse.ArgumentParser(description=__doc__).parse_args()  # it has no options but --help
    main()
