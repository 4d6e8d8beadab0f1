"""Algorithm 1 of Goodfellow et al. 2014, and how its authors' own code plays instead.

x        real images                        m   size of a minibatch
z        noise, G(z) a generated image      k   steps of D for one of G
D(x)     here a logit: the paper's D(x) is its sigmoid
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

from .. import checks
from ..autograd import grad
from ..nn import Module
from ..ops import concatenate
from ..tensor import Tensor, no_grad
from .games import Game, check_game
from .penalties import Penalty

__all__ = [
    "Round",
    "Source",
    "Updates",
    "check_players",
    "discriminate",
    "play",
    "play_simultaneously",
]


class Round(NamedTuple):
    """What one round of Algorithm 1 leaves: values, in tensors, so that a GPU need not be waited
    for."""

    d_loss: Tensor
    g_loss: Tensor
    real: Tensor  # D's logits on the last real minibatch,
    fake: Tensor  # and on the last fakes that D was trained with


class Updates(Protocol):
    """An optimizer (`optim.Optimizer`), or several ranks' (`parallel.DataParallel`)."""

    @property
    def parameters(self) -> Sequence[Tensor]: ...

    def step(self, grads: Sequence[Tensor]) -> None: ...


Source = Callable[[int], Tensor]  # of m: a minibatch of real images, or of noise


def play(
    game: Game,
    G: Module,
    D: Module,
    data: Source,
    noise: Source,
    opt_g: Updates,
    opt_d: Updates,
    *,
    m: int = 64,
    k: int = 1,
    penalty: Penalty | None = None,
) -> Iterator[Round]:
    """Algorithm 1 of Goodfellow et al. 2014: k steps for D, one for G, again and again.

    The paper's lines stand in quotes beside ours. Each `next` plays one round. What else there is
    to do (print, draw, save, stop) is done by the caller between rounds.
    """
    checks.sizes(m=m, k=k)
    check_players(game, {"G": G}, {"D": D}, opt_g, opt_d, data=data, noise=noise)
    _check_penalty(penalty)
    theta_g, theta_d = G.parameters(), D.parameters()
    while True:  # "for number of training iterations do"
        for _ in range(k):  # "for k steps do"
            x = data(m)  # "sample minibatch of m examples"
            z = noise(m)  # "sample minibatch of m noise samples"
            with no_grad():  # G stands still: D is to tell its fakes, not to change them
                fake = G(z)
            real_logits, fake_logits = discriminate(D, x, fake)
            d_loss = game.d_loss(real_logits, fake_logits)
            if penalty is not None:
                d_loss = d_loss + penalty(D, x, fake)
            # "update the discriminator by ascending its stochastic gradient" (down a loss)
            opt_d.step(grad(d_loss, theta_d))
            d_loss, real_logits, fake_logits = _values(d_loss, real_logits, fake_logits)

        z = noise(m)  # "sample minibatch of m noise samples"
        g_loss = game.g_loss(D(G(z)))
        # "update the generator by descending its stochastic gradient"
        opt_g.step(grad(g_loss, theta_g))
        (g_loss,) = _values(g_loss)

        yield Round(d_loss, g_loss, real_logits, fake_logits)


def play_simultaneously(
    game: Game,
    G: Module,
    D: Module,
    data: Source,
    noise: Source,
    opt_g: Updates,
    opt_d: Updates,
    *,
    m: int = 64,
    penalty: Penalty | None = None,
) -> Iterator[Round]:
    """As the paper's own code does it, and its Algorithm 1 does not: both players step at once.

    One minibatch of fakes and one pass through D serve both losses, so G answers the D of the
    round before.
    """
    checks.sizes(m=m)
    check_players(game, {"G": G}, {"D": D}, opt_g, opt_d, data=data, noise=noise)
    _check_penalty(penalty)
    theta_g, theta_d = G.parameters(), D.parameters()
    while True:
        x, z = data(m), noise(m)
        fake = G(z)
        real_logits, fake_logits = D(x), D(fake)
        d_loss = game.d_loss(real_logits, fake_logits)
        (fake,) = _values(fake)
        if penalty is not None:
            d_loss = d_loss + penalty(D, x, fake)
        g_loss = game.g_loss(fake_logits)
        d_grads, g_grads = grad(d_loss, theta_d), grad(g_loss, theta_g)
        opt_d.step(d_grads)
        opt_g.step(g_grads)
        d_loss, g_loss, real_logits, fake_logits = _values(d_loss, g_loss, real_logits, fake_logits)
        yield Round(d_loss, g_loss, real_logits, fake_logits)


def check_players(
    game: Any,
    g: Mapping[str, Any],
    d: Mapping[str, Any],
    opt_g: Any,
    opt_d: Any,
    **sources: Any,
) -> None:
    """Raise TypeError for what cannot play, ValueError for an optimizer that moves another. `g` and
    `d` are the networks of a player, by their names; each has one optimizer for all of its own."""
    check_game(game)
    checks.modules(**g, **d)
    checks.sources(**sources)
    for name, opt, nets in (("opt_g", opt_g, g), ("opt_d", opt_d, d)):
        if not hasattr(opt, "parameters"):
            raise TypeError(f"{name}: expected an optimizer, got {type(opt).__name__}")
        theirs = [id(p) for net in nets.values() for p in net.parameters()]
        if [*map(id, opt.parameters)] != theirs:
            owners = " and ".join(f"{net}.parameters()" for net in nets)
            raise ValueError(f"{name}: expected an optimizer of {owners}, got one of others")


def _check_penalty(penalty: Any) -> None:
    if penalty is not None and not callable(penalty):
        raise TypeError(f"penalty: expected None, wgan_gp(...) or r1(...), got {penalty!r}")


def _values(*tensors: Tensor) -> list[Tensor]:
    """Without the graph behind them, which so makes room for the next one."""
    return [t.detach() for t in tensors]


def discriminate(D: Module, *minibatches: Tensor) -> list[Tensor]:
    """D's logits on each minibatch, real images and fakes: in one pass where D takes each example
    by itself, which is faster and gives the same (what D's layers draw at random falls otherwise);
    in one pass for each where it does not, as with BatchNorm. Raises TypeError for other than a
    Module and tensors."""
    checks.modules(D=D)
    checks.tensors(**{f"minibatches[{i}]": x for i, x in enumerate(minibatches)})
    kinds = {(x.shape[1:], x.dtype) for x in minibatches}
    if len(kinds) > 1 or D.mixes_examples:
        return [D(x) for x in minibatches]
    logits, ends = D(concatenate(minibatches)), accumulate(map(len, minibatches))
    return [logits[end - len(x) : end] for x, end in zip(minibatches, ends, strict=True)]
