"""Modules: plain objects whose parameters are found by a walk through their attributes in order.

    class Net(nn.Module):
        def __init__(self, rng):
            super().__init__()
            self.inner = nn.Linear(2, 3, rng=rng)      found as "inner.weight", "inner.bias"

        def forward(self, x):
            return relu(self.inner(x))

A `Parameter` is learned. An attribute that is a plain array (running statistics) is a buffer: it is
saved and moved, but not learned. Lists of modules are walked too. Names that start with "_" are
skipped. Keys and shapes of `state_dict` are PyTorch's.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from .. import backend as backends
from .. import checks
from ..signposts import signposted
from ..tensor import Tensor, raw

__all__ = ["Module", "Parameter", "Sequential"]

Self = TypeVar("Self", bound="Module")


class Parameter(Tensor):
    """A learned tensor: `Module.parameters` finds it and an optimizer updates it."""

    __slots__ = ()


@signposted
class Module:
    """The base of all layers and networks: a forward function with parameters and buffers."""

    # True if an output may depend on the other examples of the minibatch, or if a pass changes the
    # layer's state. Each class that does neither sets False itself: subclasses do not inherit it.
    mixes_examples: ClassVar[bool] = True

    # If set, a call of the module is hook(self.forward, inputs): for tools that observe layers.
    hook: Callable[[Callable[..., Tensor], tuple[Any, ...]], Tensor] | None = None

    def __init_subclass__(cls) -> None:
        if "mixes_examples" not in vars(cls):
            cls.mixes_examples = True

    def __init__(self) -> None:
        self.training = True

    def forward(self, *inputs: Any) -> Tensor:
        """Compute the output of the module; called as `module(x)`."""
        raise TypeError(f"{type(self).__name__} defines no forward()")

    def __call__(self, *inputs: Any) -> Tensor:
        if self.hook is not None:
            return self.hook(self.forward, inputs)
        return self.forward(*inputs)

    # Contents.

    def children(self) -> Iterator[tuple[str, Module]]:
        """The direct submodules by name, in the order of their definition."""
        for name, value in self._attributes():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, (list, tuple)):
                for i, item in enumerate(value):
                    if isinstance(item, Module):
                        yield f"{name}.{i}", item

    def modules(self) -> Iterator[Module]:
        """This module and all its submodules, each once."""
        yield from {id(m): m for _, m in self._walk("")}.values()

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """The parameters by name. A shared parameter appears once, under its first name."""
        seen: set[int] = set()
        for key, owner, name in self._slots():
            value = getattr(owner, name)
            if isinstance(value, Parameter) and id(value) not in seen:
                seen.add(id(value))
                yield key, value

    def parameters(self) -> list[Parameter]:
        """The parameters in the order of their definition, a module's own before its children's."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_buffers(self) -> Iterator[tuple[str, Any]]:
        """The buffers by name: plain arrays that are saved but not learned."""
        for key, owner, name in self._slots():
            value = getattr(owner, name)
            if not isinstance(value, Parameter):
                yield key, value

    def _attributes(self) -> Iterator[tuple[str, Any]]:
        return ((n, v) for n, v in vars(self).items() if not n.startswith("_"))

    def _walk(self, prefix: str) -> Iterator[tuple[str, Module]]:
        yield prefix, self
        for name, child in self.children():
            yield from child._walk(f"{prefix}{name}.")

    def _slots(self) -> Iterator[tuple[str, Module, str]]:
        """(key, module, attribute) of every parameter and buffer."""
        for prefix, module in self._walk(""):
            for name, value in module._attributes():
                if isinstance(value, Parameter) or backends.is_array(value):
                    yield prefix + name, module, name

    # Training and evaluation mode.

    def train(self: Self, mode: bool = True) -> Self:
        """Set training mode: dropout is on, BatchNorm uses and tracks minibatch statistics."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: Self) -> Self:
        """Set evaluation mode: dropout is off, BatchNorm uses its running statistics."""
        return self.train(False)

    @contextmanager
    def evaluating(self: Self) -> Iterator[Self]:
        """Set evaluation mode in `with G.evaluating():`, then restore the mode of each module."""
        before = [(module, module.training) for module in self.modules()]
        self.eval()
        try:
            yield self
        finally:
            for module, mode in before:
                module.training = mode

    # Moving, copying, saving.

    def to(self: Self, backend: str) -> Self:
        """Move all parameters and buffers to a backend in place: "numpy", "cupy", "cupy:1".

        Inputs must be on the same device; `backend.use("cupy:1")` makes it the current one. Build
        optimizers after moving: they keep references to the arrays.
        """
        backends.get(backend)  # raises before anything is moved
        return self._convert(lambda array: backends.move(array, backend))

    def astype(self: Self, dtype: Any) -> Self:
        """Convert all floating-point parameters and buffers to another dtype in place."""
        return self._convert(lambda a: a.astype(dtype) if a.dtype.kind == "f" else a)

    def _convert(self: Self, convert: Callable[[Any], Any]) -> Self:
        for parameter in self.parameters():
            parameter.data = convert(parameter.data)
        for _, owner, name in list(self._slots()):
            value = getattr(owner, name)
            if not isinstance(value, Parameter):
                setattr(owner, name, convert(value))
        return self

    def copy(self: Self) -> Self:
        """A deep copy, with its own parameters and buffers."""
        return copy.deepcopy(self)

    def apply(self: Self, function: Callable[[Module], object]) -> Self:
        """Call `function` on this module and on every submodule, for example an initializer."""
        for module in self.modules():
            function(module)
        return self

    def state_dict(self) -> dict[str, Any]:
        """Copies of all parameters and buffers by name, on their own backend."""
        return {key: raw(getattr(owner, name)).copy() for key, owner, name in self._slots()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Assign arrays (or tensors) by name. The module keeps its dtype and backend.

        Raises ValueError, before any change, if entries are missing, unexpected or do not fit; the
        message names them all. Raises TypeError if `state` is not a mapping.
        """
        own = {key: getattr(owner, name) for key, owner, name in self._slots()}
        new = checks.state(state, {key: raw(value) for key, value in own.items()})
        for key, value in own.items():
            raw(value)[...] = new[key]
            if isinstance(value, Parameter):
                value.touch()

    def __repr__(self) -> str:
        own = ", ".join(
            f"{name}={value!r}"
            for name, value in self._attributes()
            if name != "training" and isinstance(value, (int, float, str, tuple))
        )
        lines = [f"  ({name}): {child!r}".replace("\n", "\n  ") for name, child in self.children()]
        return "\n".join([f"{type(self).__name__}({own}", *lines]) + ("\n)" if lines else ")")


class Sequential(Module):
    """A chain of modules: the output of each is the input of the next."""

    def __init__(self, *layers: Module) -> None:
        super().__init__()
        for i, layer in enumerate(layers):
            if not isinstance(layer, Module):
                raise TypeError(f"{type(self).__name__}: layer {i} must be a Module, got {layer!r}")
        self.layers = list(layers)

    def children(self) -> Iterator[tuple[str, Module]]:
        return ((str(i), layer) for i, layer in enumerate(self.layers))

    @property
    def mixes_examples(self) -> bool:  # type: ignore[override]
        return any(layer.mixes_examples for layer in self.layers)

    def forward(self, x: Any) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x

    def __getitem__(self, index: int) -> Module:
        return self.layers[index]

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.layers)
