"""The nodes of the overview: z -> G -> fake, x and fake -> D -> logits -> losses -> gradients.

    node("d_grad", game, G, D, x, z)    entries: name, shape, mean, sd, first values, histogram

The networks are copied, so a look changes nothing in the game.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..autograd import grad
from ..errors import choose
from ..gan import AnyGame, discriminate
from ..nn import Module
from ..tensor import Tensor

NODES = "z", "G", "fake", "x", "D", "logits", "d_loss", "g_loss", "d_grad", "g_grad"
FIRST, BINS = 8, 20  # values that are listed; bins of a histogram


def node(
    name: str, game: AnyGame, G: Module, D: Module, x: Tensor, z: Tensor, penalty: Any = None
) -> list[dict[str, Any]]:
    """The entries of a node of NODES, for real examples x and noise z (m, ...).

    The losses of `game` and `penalty` must not draw the game's random numbers.

    Raises InputError for another name.
    """
    choose("node", name, NODES)
    G, D = G.copy().train(), D.copy().train()
    if name in "GD":
        return [entry(k, p.data) for k, p in (G if name == "G" else D).named_parameters()]
    fake = G(z)
    real_logits, fake_logits = discriminate(D, x, fake.detach())
    d_loss = game.d_loss(real_logits, fake_logits)
    if penalty is not None:
        d_loss = d_loss + penalty(D, x, fake.detach())
    g_loss = game.g_loss(D(fake), real_logits)
    if name in ("d_grad", "g_grad"):
        net, loss = (D, d_loss) if name == "d_grad" else (G, g_loss)
        names, parameters = zip(*net.named_parameters(), strict=True)
        gradients = grad(loss, parameters, allow_unused=True)
        return [entry(k, g.data) for k, g in zip(names, gradients, strict=True)]
    tensors: Mapping[str, Mapping[str, Tensor]] = {
        "z": {"z": z},
        "x": {"x": x},
        "fake": {"fake": fake},
        "logits": {"real_logits": real_logits, "fake_logits": fake_logits},
        "d_loss": {"d_loss": d_loss},
        "g_loss": {"g_loss": g_loss},
    }
    return [entry(k, t.data) for k, t in tensors[name].items()]


def entry(name: str, values: Any) -> dict[str, Any]:
    """The shape of an array, its mean and standard deviation, its first values and a histogram of
    its finite values; None stands for a number that is not finite."""
    flat = values.astype(np.float64).reshape(-1)
    finite = flat[np.isfinite(flat)]
    with np.errstate(all="ignore"):
        mean, sd = flat.mean(), flat.std()
    counts, edges = np.histogram(finite, BINS) if finite.size else (np.zeros(BINS, int), [0.0, 0.0])
    return {
        "name": name,
        "shape": list(values.shape),
        "mean": number(mean),
        "sd": number(sd),
        "values": [number(v) for v in flat[:FIRST]],
        "histogram": {
            "low": float(edges[0]),
            "high": float(edges[-1]),
            "counts": [int(n) for n in counts],
        },
    }


def number(value: Any) -> float | None:
    """A finite number, or None: JSON has no NaN."""
    return float(value) if np.isfinite(value) else None
