"""The origin of the first number that is not finite: an op and its layer, or an input.

    inspector = Inspector(G, D, opt_g, opt_d)
    rounds = gan.play(inspector.wrap_game(game), G, D, data, noise, opt_g, opt_d)
    with inspector:
        next(rounds)
    print(inspector.found)      "exp in D.3 (Softplus)", "" if all were finite

A tensor has edges to its parents and a number in order of creation (`born`), so the oldest tensor
that is not finite is the first. Its edges hold the gradient rules of the op that made it, and their
names give the op's name. Inspection slows a round down but does not change its results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from .. import checks
from ..autograd import grad
from ..backend import Array, of
from ..gan import AnyGame, SeparableGame
from ..gan.games import check_game
from ..nn import Module
from ..ops import mean
from ..optim import Optimizer
from ..optim.optimizer import check_optimizers
from ..tensor import Tensor, is_recording, recording
from .probe import hook_layers

# The three functions that make up all convolutions and their gradients (see `conv`).
CONVOLUTIONS = {
    "_by_y": "conv2d",
    "_by_x": "conv_transpose2d",
    "_by_w": "the gradient of a convolution's weight",
}


def is_finite(array: Array) -> bool:
    """Return whether no element is NaN or infinite; always true of integers."""
    return array.dtype.kind != "f" or bool(of(array).xp.isfinite(array).all())


class Inspector:
    """Within `with inspector:`, check every number that G and D compute.

    `found` describes the first number that is not finite; it is "" if there is none.

    Raises TypeError if an argument is not a Module or an Optimizer."""

    def __init__(self, G: Module, D: Module, opt_g: Optimizer, opt_d: Optimizer) -> None:
        checks.modules(G=G, D=D)
        check_optimizers(opt_g=opt_g, opt_d=opt_d)
        self.found = ""
        self._players = {"G": (G, opt_g), "D": (D, opt_d)}
        self._losses: dict[str, list[Tensor]] = {}
        self._hooks = ExitStack()
        self._inspecting = False

    def __enter__(self) -> Inspector:
        for player, (net, optimizer) in self._players.items():
            self._hooks.enter_context(hook_layers(player, net, self._layer))
            optimizer.hook = partial(self._step, player)
            self._hooks.callback(setattr, optimizer, "hook", None)
        self._inspecting = True
        return self

    def __exit__(self, *error: object) -> None:
        self._inspecting = False
        self._hooks.close()

    def wrap_game(self, game: AnyGame) -> AnyGame:
        """The same game, with losses that the inspector checks."""
        check_game(game)

        def checked(player: str, loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
            def inspected_loss(*logits: Tensor) -> Tensor:
                y = loss(*logits)
                if self._inspecting:
                    self._check(y, f"{player}'s loss")
                    self._losses.setdefault(player, []).append(y)
                return y

            return inspected_loss

        if isinstance(game, SeparableGame):
            return replace(
                game,
                real_loss=checked("D", game.real_loss),
                fake_loss=checked("D", game.fake_loss),
                generator_loss=checked("G", game.generator_loss),
            )
        return replace(game, d_loss=checked("D", game.d_loss), g_loss=checked("G", game.g_loss))

    def drawing(self, G: Module) -> AbstractContextManager[None]:
        """Within this block, check the samples of G, or of a copy of it with averaged weights."""
        return hook_layers("G", G, self._layer)

    def _layer(self, label: str, layer: Module, forward: Any, inputs: tuple[Any, ...]) -> Tensor:
        """Compute a layer's output; check inputs, weights, output and running statistics, in this
        order."""
        for x in inputs:
            if isinstance(x, Tensor):
                self._check(x, f"the input of {label}")
        with recording(True):  # also under no_grad, as when D is trained on G's fakes
            y: Tensor = forward(*inputs)
        for name, parameter in layer.named_parameters():
            if not is_finite(parameter.data):
                self._report(f"{name} of {label}, which was not finite before")
        self._check(y, label)
        for name, buffer in layer.named_buffers():
            if not is_finite(buffer):
                self._report(f"{name} of {label}")
        return y if is_recording() else y.detach()

    def _check(self, y: Tensor, where: str) -> None:
        if not self.found and (first := _first([y])) is not None:
            op = _op(first)
            self._report(f"{op} in {where}" if op else where)

    def _report(self, origin: str) -> None:
        self.found = self.found or origin

    def _step(self, player: str, step: Callable[..., None], gradients: Sequence[Tensor]) -> None:
        """Take a step; check the gradients before it, the weights and optimizer state after it."""
        gradients = list(gradients)
        self._check_gradients(player, gradients)
        step(gradients)
        net, optimizer = self._players[player]
        rate = "" if callable(optimizer.lr) else f" with learning rate {optimizer.lr:g}"
        vectors = {"": optimizer.w} | {f"{k} of ": v for k, v in optimizer.state.items()}
        start = 0
        for name, p in net.named_parameters():
            part = slice(start, start := start + p.size)
            for state_of, vector in vectors.items():
                if not is_finite(vector[part]):
                    update = f"{type(optimizer).__name__}'s step{rate}"
                    self._report(f"{update}, in {state_of}{player}.{name}")

    def _check_gradients(self, player: str, gradients: list[Tensor]) -> None:
        """Check a player's gradients. If one is not finite, compute them again with a graph, to
        find the op."""
        losses, self._losses = self._losses.pop(player, []), {}
        bad = [not is_finite(g.data) for g in gradients]
        if self.found or not any(bad):
            return
        net, _ = self._players[player]
        name = [name for (name, _), b in zip(net.named_parameters(), bad, strict=True) if b][-1]
        op = ""
        if losses:  # differentiate again with a graph, to find the op
            loss = sum((mean(y) for y in losses[1:]), mean(losses[0]))
            again = grad(loss, net.parameters(), create_graph=True, allow_unused=True)
            first = _first(again)
            op = "the penalty" if first is None else _op(first)
        self._report(f"{op or 'an op'} in the backward pass, at the gradient of {player}.{name}")


def _first(results: list[Tensor]) -> Tensor | None:
    """The oldest tensor that is not finite among these results and their ancestors, or None if all
    results are finite."""
    if all(is_finite(t.data) for t in results):
        return None
    found, queue = set(results), list(results)
    while queue:
        for parent, _ in queue.pop().edges:
            if parent not in found:
                found.add(parent)
                queue.append(parent)
    return min((t for t in found if not is_finite(t.data)), key=lambda t: t.born, default=None)


def _op(y: Tensor) -> str:
    """The name of the op that made a tensor, from the qualified names of its gradient rules, or ""
    if no op made it."""
    names = [getattr(pull, "__qualname__", "_").partition(".")[0] for _, pull in y.edges]
    names = [CONVOLUTIONS.get(name, name) for name in names]
    return next((name for name in names if not name.startswith("_")), "")
