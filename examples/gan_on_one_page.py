"""A generative adversarial network on one page, with NumPy alone (Goodfellow et al. 2014).

    min over G, max over D of  E[log D(x)] + E[log(1 - D(G(z)))]     (the paper's equation 1)

x is a real image, z is noise, G(z) is a fake, and D(x) is the probability that x is real.
This file draws 64 digits in about a minute: gan_on_one_page.png. It has no options.
"""

import itertools
import signal
import struct
import zlib
from pathlib import Path

import numpy as np


class Tensor:
    """An array with edges (parent, pull): pull(g) maps the gradient g here to one at the parent."""

    births = itertools.count()

    def __init__(self, data, *edges):
        self.data, self.edges = np.asarray(data, np.float32), edges
        self.born = next(Tensor.births)  # parents are older than their children

    def __neg__(self):
        return Tensor(-self.data, (self, lambda g: -g))

    def __add__(self, other):  # two tensors of one shape
        return Tensor(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def linear(self, w, b):  # (N, K), weight (M, K), bias (M,) -> (N, M)
        return Tensor(
            self.data @ w.data.T + b.data,
            (self, lambda g: g @ w.data),  # (N, M) @ (M, K) -> (N, K)
            (w, lambda g: g.T @ self.data),  # (M, N) @ (N, K) -> (M, K)
            (b, lambda g: g.sum(axis=0)),  # (N, M) -> (M,)
        )

    def leaky_relu(self, slope=0.2):
        y = np.maximum(self.data, slope * self.data)
        return Tensor(y, (self, lambda g: np.where(self.data > 0, g, slope * g)))

    def tanh(self):
        y = np.tanh(self.data)
        return Tensor(y, (self, lambda g: g * (1 - y**2)))

    def softplus(self):  # log(1 + e^l), with the derivative sigmoid(l) = (1 + tanh(l / 2)) / 2
        y = np.logaddexp(0, self.data)
        return Tensor(y, (self, lambda g: g * (1 + np.tanh(self.data / 2)) / 2))

    def mean(self):  # (N, 1) -> ()
        y, n = self.data.mean(), self.data.size
        return Tensor(y, (self, lambda g: np.full_like(self.data, g / n)))


def grad(loss, xs):
    """The gradient of the scalar `loss` at each tensor in `xs`, by the chain rule."""
    graph = [loss]
    for t in graph:  # the list grows until it contains all tensors that the loss depends on
        graph += {parent for parent, _ in t.edges}.difference(graph)
    graph.sort(key=lambda t: t.born)  # by age: parents before children
    path = set(xs)  # the tensors on a path from some x to the loss; all others are constants
    for t in graph:
        if any(parent in path for parent, _ in t.edges):
            path.add(t)
    grads = {loss: np.ones_like(loss.data)}
    for t in reversed(graph):  # children before parents, so grads[t] is complete here
        for parent, pull in t.edges:
            if parent in path:
                grads[parent] = grads.get(parent, 0) + pull(grads[t])
    return [grads[x] for x in xs]


class MLP:  # linear layers with leaky ReLU between them
    def __init__(self, *sizes, rng):
        self.parameters = []  # weight (M, K) and bias (M,) of each layer, from U(-1, 1) / sqrt(K)
        for k, m in itertools.pairwise(sizes):
            self.parameters += [Tensor(rng.uniform(-1, 1, s) / k**0.5) for s in ((m, k), (m,))]

    def __call__(self, x):  # (N, first size) -> (N, last size)
        for i in range(0, len(self.parameters), 2):
            x = (x.leaky_relu() if i else x).linear(*self.parameters[i : i + 2])
        return x


class Adam:  # algorithm 1 of Kingma and Ba 2014; betas for GANs from Radford et al. 2015
    def __init__(self, parameters, lr=1e-3, betas=(0.5, 0.999), eps=1e-8):
        self.parameters, self.lr, self.betas, self.eps, self.t = parameters, lr, betas, eps, 0
        self.m, self.v = ([np.zeros_like(p.data) for p in parameters] for _ in range(2))

    def step(self, grads):
        (b1, b2), self.t = self.betas, self.t + 1
        for p, g, m, v in zip(self.parameters, grads, self.m, self.v, strict=True):
            m[:] = b1 * m + (1 - b1) * g
            v[:] = b2 * v + (1 - b2) * g * g
            m_hat, v_hat = m / (1 - b1**self.t), v / (1 - b2**self.t)
            p.data = p.data - self.lr * m_hat / (np.sqrt(v_hat) + self.eps)


def d_loss(D, x, fake):  # the mean of -log D(x) - log(1 - D(G(z))), where D(x) = sigmoid(logit)
    return (-D(x)).softplus().mean() + D(fake).softplus().mean()


def g_loss(D, fake):  # the mean of -log D(G(z)): "stronger gradients early in learning" (section 3)
    return (-D(fake)).softplus().mean()


def train(G, D, images, rounds, rng, m=64, k=1):  # Algorithm 1, with the paper's words in quotes
    opt_g, opt_d = Adam(G.parameters), Adam(D.parameters)
    for step in range(rounds):  # "for number of training iterations do"
        for _ in range(k):  # "for k steps do"
            z = Tensor(rng.standard_normal((m, 100)))  # "sample minibatch of m noise samples"
            x = Tensor(rng.choice(images, m))  # "sample minibatch of m examples", (m, 784)
            # "update the discriminator by ascending its stochastic gradient" (down its loss)
            loss_d = d_loss(D, x, G(z).tanh())
            opt_d.step(grad(loss_d, D.parameters))  # G is constant
        z = Tensor(rng.standard_normal((m, 100)))  # "sample minibatch of m noise samples"
        # "update the generator by descending its stochastic gradient"
        loss_g = g_loss(D, G(z).tanh())
        opt_g.step(grad(loss_g, G.parameters))  # D is constant
        if step % 2000 == 0:
            print(f"round {step:5}: loss of D {loss_d.data:.2f}, loss of G {loss_g.data:.2f}")


def save_png(path, pixels):  # uint8 (H, W)
    rows = np.pad(pixels, ((0, 0), (1, 0))).tobytes()  # each row starts with a 0: no filter
    header = struct.pack(">IIBBBBB", *pixels.shape[::-1], 8, 0, 0, 0, 0)  # 8 bits a pixel, gray
    png = b"\x89PNG\r\n\x1a\n"
    for chunk in b"IHDR" + header, b"IDAT" + zlib.compress(rows), b"IEND":  # 4 letters, data
        png += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    Path(path).write_bytes(png)


def main(seed=0, rounds=20_000):
    file = Path(__file__).parents[1] / "tinygan/data/files/digits-images-idx3-ubyte.gz"
    pixels = np.frombuffer(zlib.decompress(file.read_bytes(), 31)[16:], np.uint8)  # gzip, header
    images = pixels.reshape(-1, 784).astype(np.float32) / 127.5 - 1  # (10000, 784) in [-1, 1]
    rng = np.random.default_rng(seed)
    G, D = MLP(100, 128, 784, rng=rng), MLP(784, 128, 1, rng=rng)
    train(G, D, images, rounds, rng)
    fakes = G(Tensor(rng.standard_normal((64, 100)))).tanh().data.reshape(8, 8, 28, 28)
    sheet = fakes.swapaxes(1, 2).reshape(224, 224)  # eight rows of eight digits
    save_png("gan_on_one_page.png", ((sheet + 1) * 127.5).astype(np.uint8))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback
    main()
