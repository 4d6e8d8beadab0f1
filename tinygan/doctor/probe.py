"""Probes: measurements of a game on one minibatch of real images and one of fakes.

    probe(game, G, D, x, z)     losses, logits, gradient norms, spread of samples, dead units, ...

A probe copies G and D with their random sources, and runs the copies in training mode, as the game
does. So it changes nothing in the game, on any backend. It takes about as long as a round.

    with hook_layers("D", D, visit):
        D(x)                    calls visit("D.3 (Linear)", layer, forward, inputs) for each layer

`visit` returns the output of the layer, in general `forward(*inputs)`. The end of the block removes
the hooks.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..autograd import grad
from ..gan import AnyGame
from ..gan.games import check_game
from ..metrics.distances import squared_distances
from ..nn import BatchNorm1d, BatchNorm2d, Module, ReLU, Sequential
from ..tensor import Tensor


class Probe(NamedTuple):
    """The measurements after round `step`. A number that cannot be computed is NaN."""

    step: int
    d_loss: float
    g_loss: float
    blind: float  # D's loss if all logits have their value at the equilibrium, or else 0
    real: float  # the mean of D's logits on real images
    fake: float  # the mean of D's logits on fakes
    order: (
        float  # the share of pairs (real image, fake) in which the real image has the larger logit
    )
    push: float  # mean |d G's loss / d logit|, which scales G's gradient
    spread: float  # lower quartile of the distances between fakes / of those between real images
    apart: float  # the median distance between a real image and a fake
    size: float  # `apart` / the median distance between real images
    norms: Mapping[str, float]  # the norm of the gradient at each parameter, "G.0.weight"
    dead: Mapping[str, float]  # the share of units that are 0 for all examples, "G.1 (ReLU)"
    drift: Mapping[str, float]  # evaluation against training at each BatchNorm of G: see `_drift`
    moved: Mapping[str, float]  # |change of the weights in a round| / |weights|, of "G" and "D"

    def length(self, player: str) -> float:
        """The norm of the whole gradient of a player."""
        return math.hypot(*(v for k, v in self.norms.items() if k.startswith(f"{player}.")))


def probe(
    game: AnyGame,
    G: Module,
    D: Module,
    x: Tensor,
    z: Tensor,
    *,
    step: int = 0,
    moved: Mapping[str, float] | None = None,
) -> Probe:
    """Measure G and D on real images x (m, ...) and noise z (n, ...).

    The losses of `game` must not draw random numbers. `step` and `moved` are copied to the result.

    Raises TypeError for arguments of other types, ValueError for fewer than two images or fakes."""
    check_game(game)
    checks.modules(G=G, D=D)
    checks.tensors(x=x, z=z)
    for name, minibatch in (("x", x), ("z", z)):
        if minibatch.ndim < 2 or len(minibatch) < 2:
            raise ValueError(f"{name}: expected at least 2 examples, got shape {minibatch.shape}")
    G, D = G.copy().train(), D.copy().train()
    dead: dict[str, Any] = {}
    drift: dict[str, float] = {}

    def visit(label: str, layer: Module, forward: Any, inputs: tuple[Any, ...]) -> Tensor:
        if isinstance(layer, (BatchNorm1d, BatchNorm2d)) and label.startswith("G."):
            drift[label] = _drift(layer, inputs[0])
        y: Tensor = forward(*inputs)
        if isinstance(layer, ReLU):
            off = (y.data <= 0).all(axis=(0, *range(2, y.ndim)))
            dead[label] = off & dead[label] if label in dead else off
        return y

    with hook_layers("G", G, visit), hook_layers("D", D, visit):
        fake = G(z)
        real_logits = D(x)
        d_loss = game.d_loss(real_logits, D(fake.detach()))
        fake_logits = D(fake)
        g_loss = game.g_loss(fake_logits, real_logits)
    norms = {
        f"{player}.{name}": _norm(g)
        for player, net, loss in (("G", G, g_loss), ("D", D, d_loss))
        for (name, _), g in zip(
            net.named_parameters(), grad(loss, net.parameters(), allow_unused=True), strict=True
        )
    }
    logits = fake_logits.detach()
    loss = game.g_loss(logits, real_logits.detach())
    (pushes,) = grad(loss * float(logits.size), [logits], allow_unused=True)
    real, fakes = (t.numpy().reshape(len(t), -1).astype(np.float64) for t in (x, fake))
    r, f = (l.numpy().astype(np.float64).reshape(-1) for l in (real_logits, logits))
    within, between = _distances(real, real), _distances(real, fakes)
    return Probe(
        step=step,
        d_loss=d_loss.item(),
        g_loss=g_loss.item(),
        blind=_blind(game, logits),
        real=float(r.mean()),
        fake=float(f.mean()),
        order=float((np.sign(r[:, None] - f) + 1).mean() / 2),  # NaN stays NaN
        push=float(np.abs(pushes.numpy()).mean()),
        spread=_ratio(_distances(fakes, fakes), within, 0.25),
        apart=float(np.median(between)),
        size=_ratio(between, within, 0.5),
        norms=norms,
        dead={label: float(off.mean()) for label, off in dead.items()},
        drift=drift,
        moved=dict(moved or {}),
    )


def _blind(game: AnyGame, logits: Tensor) -> float:
    """D's loss if all logits have the equilibrium value of the game, or 0 if there is none."""
    level = game.d_at_equilibrium or 0.0
    if game.probability and level:
        level = math.log(level / (1 - level))
    same = logits * 0 + level
    return game.d_loss(same, same).item()


def _norm(g: Tensor) -> float:
    """The norm |g|, scaled by the largest element because float32 squares overflow at 2e19."""
    largest = float(abs(g.data).max())
    if not 0 < largest < math.inf:
        return largest
    return largest * math.sqrt(float(((g.data / largest) ** 2).sum()))


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The distances between all rows of a and of b; if b is a, between all pairs of its rows."""
    with np.errstate(all="ignore"):
        squared = squared_distances(a, b)
    return np.sqrt(squared[np.triu_indices(len(a), 1)] if a is b else squared.reshape(-1))


def _ratio(a: np.ndarray, b: np.ndarray, q: float) -> float:
    """The q-quantile of a over that of b; NaN if that of b is 0."""
    numerator, denominator = (float(np.quantile(each, q)) for each in (a, b))
    return numerator / denominator if denominator > 0 else math.nan


def _drift(layer: BatchNorm1d | BatchNorm2d, x: Tensor) -> float:
    """The difference of the layer's normalized output between evaluation and training, in standard
    deviations: sqrt(mean over channels of (s - 1)^2 + d^2), with s = sigma / sigma_running and
    d = (mu - mu_running) / sigma_running."""
    axes = (0, *range(2, x.ndim))
    mean, var = x.data.mean(axis=axes), x.data.var(axis=axes)
    xp, running = x.xp, layer.running_var + layer.eps
    scale = xp.sqrt((var + layer.eps) / running) - 1
    shift = (mean - layer.running_mean) / xp.sqrt(running)
    return float(xp.sqrt((scale * scale + shift * shift).mean()))


Visit = Callable[[str, Module, Callable[..., Tensor], tuple[Any, ...]], Tensor]


def _layers(player: str, net: Module) -> Iterator[tuple[str, Module]]:
    """All modules of a network, labeled by path and class, children before parents. Plain
    Sequentials are left out, because they compute nothing themselves."""
    for name, child in net.children():
        yield from _layers(f"{player}.{name}", child)
    if type(net) is not Sequential:
        yield f"{player} ({type(net).__name__})", net


@contextmanager
def hook_layers(player: str, net: Module, visit: Visit) -> Iterator[None]:
    """Within this block, call `visit(label, layer, forward, inputs)` in place of every forward pass
    of a layer of `net`; it returns the layer's output."""
    labels = {layer: label for label, layer in _layers(player, net)}
    for layer, label in labels.items():
        layer.hook = partial(visit, label, layer)
    try:
        yield
    finally:
        for layer in labels:
            layer.hook = None
