"""Algorithm 1 of Goodfellow et al. 2014, and the simultaneous steps of its authors' code.

x       real images                 m   size of a minibatch
z       noise                       k   steps of D for each step of G
G(z)    fakes
D(x)    here a logit: the paper's D(x) is its sigmoid
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

from .. import checks
from ..autograd import grad
from ..nn.module import Module
from ..ops import concatenate
from ..tensor import Tensor, no_grad
from .games import AnyGame, check_game

__all__ = [
    "AnyOptimizer",
    "Penalty",
    "Round",
    "Source",
    "check_players",
    "discriminate",
    "play",
    "play_simultaneously",
    "update",
]


class Round(NamedTuple):
    """The result of one round: losses and logits, without graphs. On a GPU, reading a value waits
    for all queued work."""

    d_loss: Tensor
    g_loss: Tensor
    real: Tensor  # D's logits on the last real minibatch, (m, 1)
    fake: Tensor  # D's logits on the last fakes it was trained with, (m, 1)


class AnyOptimizer(Protocol):
    """An optimizer: `optim.Optimizer`, or that of `parallel.data_parallel`."""

    @property
    def parameters(self) -> Sequence[Tensor]: ...

    def step(self, grads: Sequence[Tensor]) -> None: ...


Source = Callable[[int], Tensor]  # data(m): m real images; noise(m): m noise samples
Penalty = Callable[[Module, Tensor, Tensor], Tensor]  # penalty(D, x, fake): a term of D's loss


def play(
    game: AnyGame,
    G: Module,
    D: Module,
    data: Source,
    noise: Source,
    opt_g: AnyOptimizer,
    opt_d: AnyOptimizer,
    *,
    m: int = 64,
    k: int = 1,
    penalty: Penalty | None = None,
) -> Iterator[Round]:
    """Algorithm 1 of Goodfellow et al. 2014: k steps of D, then one of G, repeated.

    Quotes are lines of the paper. Each `next` plays one round; between rounds the caller prints,
    saves or stops. If the game compares fakes with real images, G's step draws another minibatch
    of real images.

    Raises TypeError or ValueError for arguments that do not fit together.
    """
    checks.sizes(m=m, k=k)
    check_players(game, {"G": G}, {"D": D}, opt_g, opt_d, penalty, data=data, noise=noise)

    # The steps are functions, so that the graph of one is freed before the next begins.

    def d_step() -> tuple[Tensor, Tensor, Tensor]:
        z = noise(m)  # "sample minibatch of m noise samples"
        x = data(m)  # "sample minibatch of m examples"
        with no_grad():  # G is fixed while D learns
            fake = G(z)
        real_logits, fake_logits = discriminate(D, x, fake)
        loss = game.d_loss(real_logits, fake_logits)
        if penalty is not None:
            loss = loss + penalty(D, x, fake)
        # "update the discriminator by ascending its stochastic gradient" (down a loss)
        d_loss = update(opt_d, loss)
        return d_loss, real_logits.detach(), fake_logits.detach()

    def g_step() -> Tensor:
        z = noise(m)  # "sample minibatch of m noise samples"
        real_logits = D(data(m)) if game.g_uses_real else None  # if the game compares both
        # The gradient passes through D to G. D does not move: opt_g has the parameters of G alone.
        loss = game.g_loss(D(G(z)), real_logits)
        # "update the generator by descending its stochastic gradient"
        return update(opt_g, loss)

    while True:  # "for number of training iterations do"
        for _ in range(k):  # "for k steps do"
            d_loss, real_logits, fake_logits = d_step()
        g_loss = g_step()
        yield Round(d_loss, g_loss, real_logits, fake_logits)


def play_simultaneously(
    game: AnyGame,
    G: Module,
    D: Module,
    data: Source,
    noise: Source,
    opt_g: AnyOptimizer,
    opt_d: AnyOptimizer,
    *,
    m: int = 64,
    penalty: Penalty | None = None,
) -> Iterator[Round]:
    """Both players step at once: the code of the 2014 paper does this, its Algorithm 1 does not.

    One minibatch of fakes and one pass through D serve both losses, so G's gradient is that of D
    before its step. Both gradients are taken before either step.

    Raises TypeError or ValueError for arguments that do not fit together.
    """
    checks.sizes(m=m)
    check_players(game, {"G": G}, {"D": D}, opt_g, opt_d, penalty, data=data, noise=noise)

    def both_steps() -> Round:
        x, fake = data(m), G(noise(m))
        real_logits, fake_logits = D(x), D(fake)
        d_loss = game.d_loss(real_logits, fake_logits)
        if penalty is not None:
            d_loss = d_loss + penalty(D, x, fake.detach())
        g_loss = game.g_loss(fake_logits, real_logits)
        d_grads, g_grads = grad(d_loss, opt_d.parameters), grad(g_loss, opt_g.parameters)
        opt_d.step(d_grads)
        opt_g.step(g_grads)
        return Round(*(t.detach() for t in (d_loss, g_loss, real_logits, fake_logits)))

    while True:
        yield both_steps()


def update(opt: AnyOptimizer, loss: Tensor) -> Tensor:
    """Take one step of `opt` down the gradient of `loss`; return the loss without its graph."""
    opt.step(grad(loss, opt.parameters))
    return loss.detach()


def discriminate(D: Module, *minibatches: Tensor) -> list[Tensor]:
    """D's logits on each minibatch. One pass over all of them is faster, but if a layer of D mixes
    the examples of its minibatch, as BatchNorm does, each minibatch has its own pass.

    Dropout masks differ between the two ways. Raises TypeError for anything but a Module and
    tensors.
    """
    checks.modules(D=D)
    checks.tensors(**{f"minibatches[{i}]": x for i, x in enumerate(minibatches)})
    kinds = {(x.shape[1:], x.dtype) for x in minibatches}
    if D.mixes_examples or len(kinds) > 1:
        return [D(x) for x in minibatches]
    logits, ends = D(concatenate(minibatches)), accumulate(map(len, minibatches))
    return [logits[end - len(x) : end] for x, end in zip(minibatches, ends, strict=True)]


def check_players(
    game: Any,
    g: Mapping[str, Any],
    d: Mapping[str, Any],
    opt_g: Any,
    opt_d: Any,
    penalty: Any = None,
    **sources: Any,
) -> None:
    """Check the arguments of a training loop. `g` and `d` are the networks of G and of D by name;
    `opt_g` must have all parameters of `g`, and `opt_d` all of `d`, in this order.

    Raises TypeError for an argument of another type, ValueError for an optimizer of other
    parameters.
    """
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
    if penalty is not None and not callable(penalty):
        raise TypeError(f"penalty: expected None, wgan_gp(...) or r1(...), got {penalty!r}")
