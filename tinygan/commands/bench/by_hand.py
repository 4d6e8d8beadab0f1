"""The same round in plain NumPy, without an engine: the gradient of each layer is written out.

The cost of an engine is its time minus the time of this. It plays multilayer perceptrons only.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import nn
from ...models import Pair
from .workloads import BETAS, LR

# back(g, learn) takes the gradient g of a layer's output and returns the gradient of its input. If
# `learn` is true, it also adds the gradients of the weights to `Net.g`.
Back = Callable[[Any, bool], Any]
Step = tuple[Any, Back]


class Net:
    """Layers, with their weights in one flat array and the gradients of the weights in another.

    The method with the name of a layer's class returns its output and its `back`."""

    def __init__(self, net: nn.Module, rng: np.random.Generator) -> None:
        self.rng = rng
        self.layers: list[Any] = [layer for _, layer in net.children()]
        parameters = net.parameters()
        self.w = np.concatenate([p.data.reshape(-1) for p in parameters])
        self.g, self.m, self.v = (np.zeros_like(self.w) for _ in range(3))
        self.t = 0
        ends = np.cumsum([p.size for p in parameters])[:-1]
        parts = zip(parameters, np.split(self.w, ends), np.split(self.g, ends), strict=True)
        self.views = {id(p): (w.reshape(p.shape), g.reshape(p.shape)) for p, w, g in parts}

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, list[Back]]:
        """The output for x (m, ...), and the `back` of each layer."""
        backs: list[Back] = []
        for layer in self.layers:
            x, back = getattr(self, type(layer).__name__)(layer, x)
            backs.append(back)
        return x, backs

    @staticmethod
    def backward(g: np.ndarray, backs: list[Back], learn: bool = True) -> np.ndarray:
        """The gradient of the input, from that of the output and the `back` of each layer."""
        for back in reversed(backs):
            g = back(g, learn)
        return g

    def Linear(self, layer: Any, x: np.ndarray) -> Step:
        (w, gw), (b, gb) = self.views[id(layer.weight)], self.views[id(layer.bias)]
        y = x @ w.T
        y += b

        def back(g: np.ndarray, learn: bool) -> np.ndarray:
            if learn:
                gw[...] += g.T @ x
                gb[...] += g.sum(0)
            return g @ w

        return y, back

    def Maxout(self, layer: nn.Maxout, x: np.ndarray) -> Step:
        y, linear_back = self.Linear(layer, x)
        pieces = y.reshape(len(y), layer.out_features, layer.pieces)
        y = pieces.max(2)
        largest = pieces == y[:, :, None]
        return y, lambda g, learn: linear_back((largest * g[:, :, None]).reshape(len(y), -1), learn)

    def Dropout(self, layer: nn.Dropout, x: np.ndarray) -> Step:
        scale = np.float32(1 / (1 - layer.p))
        keep = (self.rng.random(x.shape, dtype=np.float32) >= layer.p) * scale
        return x * keep, lambda g, learn: g * keep

    def ReLU(self, layer: nn.ReLU, x: np.ndarray) -> Step:
        return np.maximum(x, 0, out=x), lambda g, learn: np.multiply(g, x > 0, out=g)

    def LeakyReLU(self, layer: nn.LeakyReLU, x: np.ndarray) -> Step:
        slope = np.where(x > 0, np.float32(1), np.float32(layer.negative_slope))
        x *= slope
        return x, lambda g, learn: np.multiply(g, slope, out=g)

    def Tanh(self, layer: nn.Tanh, x: np.ndarray) -> Step:
        y = np.tanh(x, out=x)
        return y, lambda g, learn: g * (1 - y * y)

    def Sigmoid(self, layer: nn.Sigmoid, x: np.ndarray) -> Step:
        y = sigmoid(x)
        return y, lambda g, learn: g * y * (1 - y)

    def Flatten(self, layer: nn.Flatten, x: np.ndarray) -> Step:
        return x.reshape(len(x), -1), lambda g, learn: g.reshape(x.shape)

    def Unflatten(self, layer: nn.Unflatten, x: np.ndarray) -> Step:
        return x.reshape(len(x), *layer.unflattened_size), lambda g, learn: g.reshape(x.shape)

    def step(self) -> None:
        """Adam (Kingma and Ba 2015, end of section 2); the gradients become zero."""
        (b1, b2), g = BETAS, self.g
        self.t += 1
        self.m += (1 - b1) * (g - self.m)
        self.v += (1 - b2) * (g * g - self.v)
        scale = (1 - b2**self.t) ** 0.5
        self.w -= LR * scale / (1 - b1**self.t) * self.m / (np.sqrt(self.v) + 1e-8 * scale)
        g.fill(0)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def player(pair: Pair, images: np.ndarray, batch: int) -> Callable[[int], None] | None:
    """A function that plays n rounds; None if the pair has a layer that `Net` lacks."""
    if not all(hasattr(Net, type(a).__name__) for net in pair[:2] for _, a in net.children()):
        return None
    rng = np.random.default_rng(0)
    G, D = Net(pair.G, rng), Net(pair.D, rng)

    def noise() -> np.ndarray:
        if pair.prior == "normal":
            return rng.standard_normal((batch, pair.z_size), dtype=np.float32)
        uniform = rng.random((batch, pair.z_size), dtype=np.float32)
        return (uniform * 2 - 1) * np.float32(3**0.5)

    def play(rounds: int) -> None:
        for _ in range(rounds):
            x = images[rng.integers(len(images), size=batch)].astype(np.float32)
            x *= (1 - pair.low) / 255
            x += pair.low
            for sign, minibatch in ((-1, x), (1, G.forward(noise())[0])):  # real, then fake
                logits, backs = D.forward(minibatch)
                D.backward(sign * sigmoid(sign * logits) / batch, backs)
            D.step()

            fake, g_backs = G.forward(noise())
            logits, d_backs = D.forward(fake)
            G.backward(D.backward(-sigmoid(-logits) / batch, d_backs, learn=False), g_backs)
            G.step()

    return play
