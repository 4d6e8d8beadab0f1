"""A first GAN: two small networks learn to generate digits, in about half a minute.

G maps noise to images, D distinguishes real images from fakes, and each trains against the other:
Algorithm 1 of Goodfellow et al. 2014, which is `tinygan.play`. Writes first_gan.png.
"""

import numpy as np

from tinygan import Tensor, data, gan, nn, optim, play, plots


def main(seed: int = 0, rounds: int = 15_000) -> None:
    rng = np.random.default_rng(seed)
    G = nn.Sequential(
        nn.Linear(100, 128, rng=rng), nn.LeakyReLU(0.2), nn.Linear(128, 784, rng=rng), nn.Tanh()
    )  # noise (m, 100) -> images (m, 784) in [-1, 1]
    D = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 128, rng=rng), nn.LeakyReLU(0.2), nn.Linear(128, 1, rng=rng)
    )  # images (m, 1, 28, 28) or (m, 784) -> logits (m, 1)
    opt_g = optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
    opt_d = optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))
    digits = data.Minibatches(data.load("digits").images, rng=rng)  # digits(m): m real images

    def noise(m: int) -> Tensor:
        return Tensor(rng.standard_normal((m, 100), dtype=np.float32))

    game = play(gan.non_saturating, G, D, digits, noise, opt_g, opt_d, m=64)
    for step, (d_loss, g_loss, *_) in zip(range(rounds), game, strict=False):
        if step % 1000 == 0:
            print(f"round {step:5}: loss of D {d_loss.item():.2f}, loss of G {g_loss.item():.2f}")
    samples = G(noise(64)).numpy().reshape(64, 1, 28, 28)
    plots.save_png("first_gan.png", plots.grid(samples))
    print("first_gan.png: 64 samples of G")


if __name__ == "__main__":
    main()
