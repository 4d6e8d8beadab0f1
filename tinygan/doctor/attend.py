"""attend: stand beside each layer of a network while it computes.

    with attend("D", D, visit):
        D(x)                    calls visit("D.3 (Linear)", layer, forward, inputs) for each layer

`visit` gives what the layer gives, mostly `forward(*inputs)`. The layers are as before afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..nn import Module, Sequential
from ..tensor import Tensor

__all__ = ["Visit", "attend", "layers"]

Visit = Callable[[str, Module, Callable[..., Tensor], tuple[Any, ...]], Tensor]


def layers(player: str, net: Module) -> Iterator[tuple[str, Module]]:
    """All modules of a network by their path and kind, those inside before what holds them; plain
    Sequentials, which compute nothing, are left out."""
    for name, child in net.children():
        yield from layers(f"{player}.{name}", child)
    if type(net) is not Sequential:
        yield f"{player} ({type(net).__name__})", net


@contextmanager
def attend(player: str, net: Module, visit: Visit) -> Iterator[None]:
    """Within this block every pass through a layer of `net` is a call of `visit`."""
    attended = {id(layer): (label, layer) for label, layer in layers(player, net)}
    for label, layer in attended.values():
        # The instance's own attribute hides the method of its class; nothing else looks there.
        vars(layer)["forward"] = _Beside(label, layer, visit)
    try:
        yield
    finally:
        for _, layer in attended.values():
            vars(layer).pop("forward", None)


class _Beside:
    """A forward that is handed to `visit`."""

    def __init__(self, label: str, layer: Module, visit: Visit) -> None:
        self.label, self.layer, self.visit = label, layer, visit

    def __call__(self, *inputs: Any) -> Tensor:
        layer = self.layer
        return self.visit(
            self.label, layer, lambda *given: type(layer).forward(layer, *given), inputs
        )
