"""The same round in PyTorch: as its users write it, and as fast as PyTorch allows.

torch, torch-cuda      the usual training loop
torch-tuned            one fused kernel for Adam, images channels-last in memory, no graph behind
                       the fakes in D's step, no gradients of D's weights in G's step
torch-cuda-compile     tuned, and both networks compiled (mode reduce-overhead)
torch-cuda-graph       tuned, and the whole round captured as one CUDA graph
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ... import nn
from ...models import Pair
from .workloads import BETAS, LR

CONV = ("in_channels", "out_channels", "kernel_size", "stride", "padding")
SETTINGS = {  # the attributes of a layer that are arguments of PyTorch's layer
    "Linear": ("in_features", "out_features"),
    "Conv2d": CONV,
    "ConvTranspose2d": CONV,
    "BatchNorm2d": ("num_features",),
    "LeakyReLU": ("negative_slope",),
    "Dropout": ("p",),
}


class Maxout(torch.nn.Module):  # type: ignore[misc]
    """Each output is the largest of several linear functions, as in `nn.Maxout`."""

    def __init__(self, layer: nn.Maxout) -> None:
        super().__init__()
        self.shape = (layer.out_features, layer.pieces)
        self.linear = torch.nn.Linear(layer.in_features, layer.out_features * layer.pieces)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x).unflatten(1, self.shape).amax(2)


def translated(net: nn.Module) -> torch.nn.Sequential:
    """The same Sequential in PyTorch, with initial weights by PyTorch."""
    return torch.nn.Sequential(*(_layer(layer) for _, layer in net.children()))


def _layer(layer: Any) -> torch.nn.Module:
    """The layer of PyTorch with the same settings."""
    name = type(layer).__name__
    match layer:
        case nn.Maxout():
            return Maxout(layer)
        case nn.Unflatten():
            return torch.nn.Unflatten(1, layer.unflattened_size)
    return getattr(torch.nn, name)(**{key: getattr(layer, key) for key in SETTINGS.get(name, ())})


def player(
    pair: Pair, images: np.ndarray, batch: int, threads: int, name: str, tf32: bool = False
) -> Callable[[int], None]:
    """A function that plays n rounds and returns when they are computed. `name` is a contender of
    the table above; `images` are uint8 (N, C, H, W). With 0 threads, PyTorch chooses the number."""
    if threads:
        torch.set_num_threads(threads)
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    cuda, tuned = name.startswith("torch-cuda"), name not in ("torch", "torch-cuda")
    compiled, graph = name == "torch-cuda-compile", name == "torch-cuda-graph"
    backend = "cuda" if cuda else "cpu"
    G, D = translated(pair.G).to(backend), translated(pair.D).to(backend)
    x = torch.from_numpy(images).to(backend)
    if tuned:
        G, D, x = (a.to(memory_format=torch.channels_last) for a in (G, D, x))
    opt_g, opt_d = (
        torch.optim.Adam(
            net.parameters(), lr=LR, betas=BETAS, fused=True if tuned else None, capturable=graph
        )
        for net in (G, D)
    )
    if compiled:
        G, D = (torch.compile(net, mode="reduce-overhead") for net in (G, D))
    bce = functional.binary_cross_entropy_with_logits
    ones, zeros = torch.ones(batch, 1, device=backend), torch.zeros(batch, 1, device=backend)

    def minibatches() -> Iterator[torch.Tensor]:
        while True:
            order = torch.randperm(len(x), device=backend)
            yield from order[: len(x) // batch * batch].split(batch)

    def noise() -> torch.Tensor:
        if pair.prior == "normal":
            return torch.randn(batch, pair.z_size, device=backend)
        return (torch.rand(batch, pair.z_size, device=backend) * 2 - 1) * 3**0.5

    def round_(indices: torch.Tensor) -> None:
        if compiled:  # a new step; else D(x) may overwrite G(z), which has no gradient
            torch.compiler.cudagraph_mark_step_begin()
        real = x[indices].float() * ((1 - pair.low) / 255) + pair.low
        with torch.set_grad_enabled(not tuned):
            fake = G(noise())
        if compiled:
            fake = fake.clone()
        d_loss = bce(D(real), ones) + bce(D(fake.detach()), zeros)
        opt_d.zero_grad()
        d_loss.backward()
        opt_d.step()

        D.requires_grad_(not tuned)
        g_loss = bce(D(G(noise())), ones)
        opt_g.zero_grad()
        g_loss.backward()
        opt_g.step()
        D.requires_grad_(True)

    batches = minibatches()
    one_round = _captured(round_, next(batches)) if graph else round_

    def play(rounds: int) -> None:
        for indices in itertools.islice(batches, rounds):
            one_round(indices)
        if cuda:
            torch.cuda.synchronize()

    return play


def _captured(
    round_: Callable[[torch.Tensor], None], indices: torch.Tensor
) -> Callable[[torch.Tensor], None]:
    """The round as one CUDA graph, by PyTorch's recipe: first a few rounds on a side stream."""
    static = indices.clone()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            round_(static)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        round_(static)

    def launch(indices: torch.Tensor) -> None:
        static.copy_(indices)
        graph.replay()

    return launch
