"""The same round in PyTorch, as its users write it ("torch"), and as well as it goes ("tuned").

Tuned: one fused kernel for Adam, images channels-last in memory, no graph behind the fakes that D
is trained with, and D's parameters frozen while G learns, so that D's weight gradients are not
computed for nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from .. import nn
from ..models import Pair
from .workloads import BETAS, LR

__all__ = ["player", "translated"]


class Maxout(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, layer: nn.Maxout) -> None:
        super().__init__()
        self.shape = (layer.out_features, layer.pieces)
        self.linear = torch.nn.Linear(layer.in_features, layer.out_features * layer.pieces)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x).unflatten(1, self.shape).amax(2)


def translated(net: nn.Module) -> torch.nn.Sequential:
    """The same Sequential in PyTorch, with PyTorch's own initial weights."""
    return torch.nn.Sequential(*(_layer(layer) for _, layer in net.children()))


def _layer(layer: Any) -> torch.nn.Module:
    match layer:
        case nn.Linear():
            return torch.nn.Linear(layer.in_features, layer.out_features)
        case nn.Maxout():
            return Maxout(layer)
        case nn.Conv2d() | nn.ConvTranspose2d():
            kind = getattr(torch.nn, type(layer).__name__)
            sizes = layer.in_channels, layer.out_channels, layer.kernel_size
            return kind(*sizes, stride=layer.stride, padding=layer.padding)
        case nn.BatchNorm2d():
            return torch.nn.BatchNorm2d(layer.num_features)
        case nn.Unflatten():
            return torch.nn.Unflatten(1, layer.unflattened_size)
        case nn.LeakyReLU():
            return torch.nn.LeakyReLU(layer.negative_slope)
        case nn.Dropout():
            return torch.nn.Dropout(layer.p)
    return getattr(torch.nn, type(layer).__name__)()


def player(
    pair: Pair, images: np.ndarray, batch: int, threads: int, tuned: bool
) -> Callable[[int], None]:
    """A function that plays that many rounds."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    G, D = translated(pair.G), translated(pair.D)
    x = torch.from_numpy(images)
    if tuned:
        G, D, x = (a.to(memory_format=torch.channels_last) for a in (G, D, x))
    fused = True if tuned else None
    opt_g, opt_d = (
        torch.optim.Adam(net.parameters(), lr=LR, betas=BETAS, fused=fused) for net in (G, D)
    )
    bce = functional.binary_cross_entropy_with_logits
    ones, zeros = torch.ones(batch, 1), torch.zeros(batch, 1)

    def minibatches() -> Iterator[torch.Tensor]:
        while True:
            order = torch.randperm(len(x))
            yield from order[: len(x) // batch * batch].split(batch)

    def noise() -> torch.Tensor:
        if pair.prior == "normal":
            return torch.randn(batch, pair.z_size)
        return (torch.rand(batch, pair.z_size) * 2 - 1) * 3**0.5

    def round_(indices: torch.Tensor) -> None:
        real = x[indices].float() * ((1 - pair.low) / 255) + pair.low
        with torch.set_grad_enabled(not tuned):
            fake = G(noise())
        d_loss = bce(D(real), ones) + bce(D(fake.detach()), zeros)
        opt_d.zero_grad()
        d_loss.backward()
        opt_d.step()

        if tuned:
            D.requires_grad_(False)
        g_loss = bce(D(G(noise())), ones)
        opt_g.zero_grad()
        g_loss.backward()
        opt_g.step()
        if tuned:
            D.requires_grad_(True)

    def play(rounds: int) -> None:
        for indices in itertools.islice(batches, rounds):
            round_(indices)

    batches = minibatches()
    return play
