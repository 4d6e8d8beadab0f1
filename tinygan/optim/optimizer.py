"""Schedules: a learning rate as a function of the number of updates done.

Where an optimizer takes a `Schedule`, it takes a number or any function from that count to one.

What all optimizers share: the flat array of the parameters, and the way through it.

All parameters of an optimizer lie in one flat array, of which each parameter becomes a view. So
an update is a formula on vectors. It is applied to a chunk at a time, whose temporaries stay in the
cache, and to chunks side by side on the processor's cores.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import checks
from ..backend import adopt, numpy, of, unfit
from ..backend.inputs import host_input
from ..nn import Parameter
from ..tensor import Tensor, listed

__all__ = ["Optimizer", "Schedule", "at", "check_optimizers"]

Schedule = float | Callable[[int], float]


def at(schedule: Schedule, t: int) -> float:
    """The value of a schedule (a number, or a function of the updates done) at update t."""
    value = float(schedule(t)) if callable(schedule) else float(schedule)
    if not math.isfinite(value):
        raise ValueError(f"a schedule: expected a finite number for update {t}, got {value}")
    return value


CHUNK, LEAST = 1 << 17, 1 << 18  # elements of a chunk, and of the share of a core
JOINED = 8  # gradients: of more, CuPy's concatenate asks the host for their addresses


class Optimizer:
    """The base: the flat array of the parameters `w`, the state vectors beside it, the count t.

    A subclass names its state vectors in `slots`, the options that may be schedules in `schedules`,
    and defines `update`, which changes vectors of parameters and state in place. What changes from
    one update to the next reaches it as `numbers`, computed on the host. Raises ValueError
    if there is no parameter, or if they differ in dtype or backend. A subclass checks its options
    before it comes here, where the parameters get new arrays.
    """

    slots: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ("lr",)
    # Called in place of the step, with it and the gradients, if set: for tools that watch steps.
    hook: Callable[[Callable[..., None], Sequence[Tensor]], None] | None = None

    def __init__(self, parameters: Iterable[Parameter], lr: Schedule) -> None:
        self.parameters = listed("parameters", parameters)
        if not self.parameters:
            raise ValueError("parameters: expected at least one, got none")
        if len(set(self.parameters)) < len(self.parameters):
            raise ValueError("parameters: one of them is there twice")
        kinds = {(p.backend.name, p.dtype.name) for p in self.parameters}
        if len(kinds) > 1:
            raise ValueError(f"parameters: expected one backend and dtype, got {sorted(kinds)}")
        if not callable(lr):
            checks.between(0, math.inf, lr=lr)
        self.lr, self.t = lr, 0
        xp = self.parameters[0].xp
        self.w = xp.concatenate([p.data.reshape(-1) for p in self.parameters])
        self.state = {slot: xp.zeros_like(self.w) for slot in self.slots}
        self._views: list[Any] = []
        self._runs: list[list[Tensor]] = []  # a large one alone, small ones together
        start = 0
        for p in self.parameters:
            p.data = self.w[start : start + p.size].reshape(p.shape)
            self._views.append(p.data)
            start += p.size
            last = self._runs[-1] if self._runs else []
            if 0 < len(last) < JOINED and max(p.size, last[0].size) < LEAST:
                last.append(p)
            else:
                self._runs.append([p])

    def step(self, grads: Sequence[Tensor]) -> None:
        """Update the parameters by their gradients, given in the order of the parameters.

        Raises ValueError if a gradient is missing or has another shape or dtype.
        """
        if self.hook is not None:
            self.hook(self._step, grads)
        else:
            self._step(grads)

    def _step(self, grads: Sequence[Tensor]) -> None:
        gradients = self._flat(grads)
        state = [self.state[slot] for slot in self.slots]
        numbers = list(host_input(self._count, like=self.w))

        chunk = CHUNK if of(self.w) is numpy else self.w.size  # a GPU takes them all at once

        def update(start: int, stop: int) -> None:
            first = 0
            for g in gradients:
                for begin in range(max(start, first), min(stop, first + g.size), chunk):
                    end = min(begin + chunk, stop, first + g.size)
                    here, inside = slice(begin, end), slice(begin - first, end - first)
                    self.update(self.w[here], g[inside], *(s[here] for s in state), *numbers)
                first += g.size

        of(self.w).share(update, self.w.size, LEAST)

    def _count(self) -> np.ndarray:
        """Count an update: the numbers that it takes. Asked before each, recorded or not."""
        self._check_views()
        now = [at(getattr(self, name), self.t) for name in self.schedules]
        self.t += 1
        for p in self.parameters:
            p.touch()
        return np.array(self.numbers(*now), self.w.dtype)

    def numbers(self, *now: Any) -> tuple[float, ...]:
        """The numbers that update number self.t takes, from the values of the schedules."""
        return now

    def update(self, w: Any, g: Any, *rest: Any) -> None:
        """Change the vectors w and of the state, but not the gradient g. `rest` are the state
        vectors, and then the `numbers`, as scalars of w's library."""
        raise TypeError(f"{type(self).__name__} defines no update()")

    def state_dict(self) -> dict[str, Any]:
        """Copies of the state vectors, and "t", the number of updates done."""
        return {"t": np.array(self.t), **{k: v.copy() for k, v in self.state.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where an optimizer of the same parameters was; raises ValueError if it was not,
        before any change."""
        if not isinstance(state, Mapping):
            raise TypeError(f"load_state_dict: expected arrays by name, got {type(state).__name__}")
        if set(state) != {"t", *self.slots}:
            raise ValueError(
                f"load_state_dict: expected {sorted({'t', *self.slots})}, got {sorted(state)}"
            )
        own = {"t": np.array(self.t), **self.state}
        for slot, value in own.items():
            if fault := unfit(state[slot], value):
                raise ValueError(f"load_state_dict: {slot!r} {fault}")
        t = np.asarray(state["t"])
        if t != np.floor(t) or t < 0:
            raise ValueError(f"load_state_dict: 't' is {t}, expected a number of updates")
        new = {slot: adopt(state[slot], value) for slot, value in own.items()}
        for slot in self.slots:
            self.state[slot][...] = new[slot]
        self.t = int(new["t"])

    def _flat(self, grads: Sequence[Tensor]) -> list[Any]:
        """The gradients as vectors, those of small parameters in a row as one."""
        flat = iter([g.data.reshape(-1) for g in self.checked(grads)])
        xp = of(self.w).xp
        return [
            next(flat) if len(run) == 1 else xp.concatenate([next(flat) for _ in run])
            for run in self._runs
        ]

    def checked(self, grads: Sequence[Tensor]) -> list[Tensor]:
        """The gradients, one for each parameter. Raises ValueError if they do not fit."""
        grads = listed("grads", grads)
        if len(grads) != len(self.parameters):
            raise ValueError(f"grads: expected {len(self.parameters)}, got {len(grads)}")
        for i, (p, g) in enumerate(zip(self.parameters, grads, strict=True)):
            if g.shape != p.shape or g.dtype != p.dtype:
                raise ValueError(
                    f"grads[{i}]: expected {p.shape} of {p.dtype}, got {g.shape} of {g.dtype}"
                )
        return grads

    def _check_views(self) -> None:
        """A parameter that was given another array would be updated where nobody looks."""
        for i, (p, view) in enumerate(zip(self.parameters, self._views, strict=True)):
            if p.data is not view:
                raise RuntimeError(
                    f"parameters[{i}] of shape {p.shape} got another array after this optimizer "
                    "was built (by .to(), .astype() or an assignment to .data); build optimizers "
                    "last, or write in place: p.data[...] = value"
                )


def check_optimizers(**values: Any) -> None:
    """Raise TypeError unless each value is an Optimizer."""
    for name, value in values.items():
        if not isinstance(value, Optimizer):
            raise TypeError(f"{name}: expected an Optimizer, got {type(value).__name__}")
