"""The base of all optimizers: the flat array of the parameters and its update.

All parameters of an optimizer are views of one flat array, so an update is a formula on vectors. It
is applied to one chunk at a time, so that temporaries stay in the cache, and the cores of the CPU
share the chunks. A `Schedule` is a number or a function of the number of updates so far.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from .. import checks
from ..backend import Array, cpu, numpy, of
from ..backend.inputs import host_input
from ..nn.module import Parameter
from ..signposts import signposted
from ..tensor import Tensor, listed

__all__ = ["Optimizer", "Schedule", "at", "check_optimizers"]

Schedule = float | Callable[[int], float]


def at(schedule: Schedule, t: int) -> float:
    """The value of a schedule after t updates.

    Raises ValueError if it is not finite.
    """
    value = float(schedule(t)) if callable(schedule) else float(schedule)
    if not math.isfinite(value):
        raise ValueError(f"schedule: expected a finite number for update {t}, got {value}")
    return value


CHUNK, MIN_SHARE = 1 << 17, 1 << 16  # elements of a chunk; minimum of a part for a thread
# Gradients with fewer elements are concatenated, up to 8: for more, CuPy's concatenate waits for
# the GPU.
SMALL, JOINED = 1 << 18, 8


@signposted
class Optimizer:
    """The base class: the flat array `w` of the parameters, state vectors of its size, the count t.

    A subclass names its state vectors in `slots` and the options that may be schedules in
    `schedules`. Its `update` changes w and the state in place. `numbers` computes the scalars that
    differ between updates, on the host. A subclass checks its options before it calls `__init__`
    here, which gives the parameters new arrays.

    Raises ValueError if there is no parameter, one occurs twice, or they differ in dtype or
    backend.
    """

    slots: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ("lr",)
    # If set, a step is hook(self._step, grads): for tools that observe steps.
    hook: Callable[[Callable[..., None], Sequence[Tensor]], None] | None = None

    def __init__(self, parameters: Iterable[Parameter], lr: Schedule) -> None:
        self.parameters = listed("parameters", parameters)
        if not self.parameters:
            raise ValueError("parameters: expected at least one, got none")
        if len(set(self.parameters)) < len(self.parameters):
            raise ValueError("parameters: expected each once, got one of them twice")
        kinds = {(p.backend.name, p.dtype.name) for p in self.parameters}
        if len(kinds) > 1:
            raise ValueError(f"parameters: expected one backend and dtype, got {sorted(kinds)}")
        if not callable(lr):
            checks.between(0, math.inf, lr=lr)
        self.lr, self.t = lr, 0
        xp = self.parameters[0].xp
        self.w = xp.concatenate([p.data.reshape(-1) for p in self.parameters])
        self.state = {slot: xp.zeros_like(self.w) for slot in self.slots}
        self._share: Callable[[cpu.Work, int, int], object] = of(self.w).share
        self._bind()
        self._runs: list[list[Tensor]] = []  # consecutive small ones, or one large one
        for p in self.parameters:
            last = self._runs[-1] if self._runs else []
            if 0 < len(last) < JOINED and max(p.size, last[0].size) < SMALL:
                last.append(p)
            else:
                self._runs.append([p])

    def _bind(self) -> None:
        """Make the parameters views of `w`."""
        self._views = views(self.w, self.parameters)
        for p, view in zip(self.parameters, self._views, strict=True):
            p.data = view

    def __getstate__(self) -> dict[str, Any]:
        """The contents, for `copy.deepcopy` and `pickle`, without what belongs to this object: the
        views of its array, the threads it shares, and an observer of its steps.

        Raises RuntimeError if a parameter got another array."""
        self._check_views()
        return {k: v for k, v in vars(self).items() if k not in ("_views", "_share", "hook")}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Make the copied parameters views of the copied array. A network that is copied together
        with its optimizer, as in `copy.deepcopy((network, optimizer))`, has these parameters."""
        vars(self).update(state)
        self._share = of(self.w).share
        self._bind()

    def __copy__(self) -> NoReturn:
        """Raise TypeError, because two optimizers cannot own the same parameters."""
        raise TypeError(
            f"a copy of this {type(self).__name__} would have the same parameters; use "
            "copy.deepcopy((network, optimizer))"
        )

    def move(
        self, copy: Callable[[Array], Array], share: Callable[[cpu.Work, int, int], object]
    ) -> None:
        """Move the parameters and the state into the arrays that `copy` returns, which have the
        same values. From now on, `share(work, n, minimum)` divides the work of an update, as
        `cpu.share` does."""
        self.w = copy(self.w)
        self.state = {slot: copy(vector) for slot, vector in self.state.items()}
        self._share = share
        self._bind()

    def step(self, grads: Sequence[Tensor]) -> None:
        """Update the parameters, given their gradients in the same order.

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

        chunk = CHUNK if of(self.w) is numpy else self.w.size  # one chunk on a GPU

        def update(start: int, stop: int) -> None:
            first = 0
            for g in gradients:
                for begin in range(max(start, first), min(stop, first + g.size), chunk):
                    end = min(begin + chunk, stop, first + g.size)
                    in_w, in_g = slice(begin, end), slice(begin - first, end - first)
                    self.update(self.w[in_w], g[in_g], *(s[in_w] for s in state), *numbers)
                first += g.size

        self._share(update, self.w.size, MIN_SHARE)

    def _count(self) -> np.ndarray:
        """Count an update and return its `numbers`. A captured round calls it at each launch."""
        self._check_views()
        now = [at(getattr(self, name), self.t) for name in self.schedules]
        self.t += 1
        for p in self.parameters:
            p.touch()
        return np.array(self.numbers(*now), self.w.dtype)

    def numbers(self, *now: Any) -> tuple[float, ...]:
        """The scalars of update self.t, given the values of the schedules."""
        return now

    def update(self, w: Any, g: Any, *rest: Any) -> None:
        """Change w and the state vectors in place, but not the gradient g. `rest` contains the
        state vectors, then the `numbers` as scalars of w's array library.

        Raises TypeError unless a subclass defines it.
        """
        raise TypeError(f"{type(self).__name__} defines no update()")

    def state_dict(self) -> dict[str, Any]:
        """Copies of the state vectors, and "t", the number of updates done."""
        return {"t": np.array(self.t), **{k: v.copy() for k, v in self.state.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the state of an optimizer of the same parameters.

        Raises ValueError, before any change, if an entry is missing, unexpected or does not fit;
        TypeError if `state` is not a mapping.
        """
        new = checks.state(state, {"t": np.array(self.t), **self.state})
        t = np.asarray(state["t"])
        if t != np.floor(t) or t < 0:
            raise ValueError(f"load_state_dict: 't' is {t}, expected a number of updates")
        for slot in self.slots:
            self.state[slot][...] = new[slot]
        self.t = int(new["t"])

    def _flat(self, grads: Sequence[Tensor]) -> list[Any]:
        """The gradients as vectors; those of consecutive small parameters are concatenated."""
        flat = iter([g.data.reshape(-1) for g in self.checked(grads)])
        xp = of(self.w).xp
        return [
            next(flat) if len(run) == 1 else xp.concatenate([next(flat) for _ in run])
            for run in self._runs
        ]

    def checked(self, grads: Sequence[Tensor]) -> list[Tensor]:
        """Return the gradients as a list.

        Raises ValueError unless there is one for each parameter, of its shape and dtype.
        """
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
        """Raise RuntimeError if a parameter got another array: updates would not reach it."""
        for i, (p, view) in enumerate(zip(self.parameters, self._views, strict=True)):
            if p.data is not view:
                raise RuntimeError(
                    f"parameters[{i}] of shape {p.shape} got another array after this optimizer "
                    "was built (by .to(), .astype() or an assignment to .data); build optimizers "
                    "last, or write in place: p.data[...] = value"
                )


def views(flat: Array, parameters: Sequence[Tensor]) -> list[Array]:
    """Views of a flat array, one after the other, in the shapes of the parameters."""
    ends = itertools.accumulate(p.size for p in parameters)
    return [
        flat[end - p.size : end].reshape(p.shape) for p, end in zip(parameters, ends, strict=True)
    ]


def check_optimizers(**values: Any) -> None:
    """Raise TypeError unless each value is an Optimizer."""
    for name, value in values.items():
        if not isinstance(value, Optimizer):
            raise TypeError(f"{name}: expected an Optimizer, got {type(value).__name__}")
