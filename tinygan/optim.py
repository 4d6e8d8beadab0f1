"""Optimizers: they take gradients as values and assign new parameters.

    opt = Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    opt.step(grad(loss, G.parameters()))

All parameters of an optimizer lie in one flat array, of which each parameter becomes a view. So
an update is a formula on vectors. It is applied to a chunk at a time, whose temporaries stay in the
cache, and to chunks side by side on the processor's cores.

A learning rate (and SGD's momentum) may be a function of the number of updates done, as
`exponential_decay` below makes one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from .backend import adopt, of, unfit
from .nn import Module, Parameter, checks
from .ops import add, clip, sqrt, sum
from .tensor import Tensor, listed

__all__ = [
    "EMA",
    "SGD",
    "Adam",
    "Optimizer",
    "RMSprop",
    "clip_grad_norm",
    "clip_grad_value",
    "cosine_decay",
    "exponential_decay",
    "linear",
]

Schedule = float | Callable[[int], float]
CHUNK, LEAST = 1 << 17, 1 << 18  # elements of a chunk, and of the share of a core


def at(schedule: Schedule, t: int) -> float:
    """The value of a schedule (a number, or a function of the updates done) at update t."""
    return float(schedule(t)) if callable(schedule) else float(schedule)


def linear(start: float, end: float, steps: int) -> Callable[[int], float]:
    """From `start` to `end` in a straight line over `steps` updates, then constant."""
    checks.between(0, math.inf, start=start, end=end)
    checks.between(0, math.inf, "()", steps=steps)
    return lambda t: start + (end - start) * min(1.0, t / steps)


def exponential_decay(start: float, rate: float, least: float = 0.0) -> Callable[[int], float]:
    """start / rate^t, but no less than `least`. The 2014 code has 0.1 / 1.000004^t, least 1e-6."""
    checks.between(0, math.inf, start=start, least=least)
    checks.between(1, math.inf, rate=rate)  # PyTorch's gamma is 1 / rate
    return lambda t: max(least, start * rate**-t)


def cosine_decay(start: float, steps: int, end: float = 0.0) -> Callable[[int], float]:
    """From `start` to `end` along half a cosine over `steps` updates (Loshchilov, Hutter 2016)."""
    checks.between(0, math.inf, start=start, end=end)
    checks.between(0, math.inf, "()", steps=steps)
    return lambda t: end + (start - end) * (1 + math.cos(math.pi * min(1.0, t / steps))) / 2


class Optimizer:
    """The base: the flat array of the parameters `w`, the state vectors beside it, the count t.

    A subclass names its state vectors in `slots`, the options that may be schedules in `schedules`,
    and defines `update`, which changes vectors of parameters and state in place. Raises ValueError
    if there is no parameter, or if they differ in dtype or backend. A subclass checks its options
    before it comes here, where the parameters get new arrays.
    """

    slots: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ("lr",)

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
            if self._runs and max(p.size, self._runs[-1][0].size) < LEAST:
                self._runs[-1].append(p)
            else:
                self._runs.append([p])

    def step(self, grads: Sequence[Tensor]) -> None:
        """Update the parameters by their gradients, given in the order of the parameters.

        Raises ValueError if a gradient is missing or has another shape or dtype.
        """
        gradients = self._flat(grads)
        self._check_views()
        state = [self.state[slot] for slot in self.slots]
        now = {name: at(getattr(self, name), self.t) for name in self.schedules}

        def update(start: int, stop: int) -> None:
            first = 0
            for g in gradients:
                for begin in range(max(start, first), min(stop, first + g.size), CHUNK):
                    end = min(begin + CHUNK, stop, first + g.size)
                    here, inside = slice(begin, end), slice(begin - first, end - first)
                    self.update(self.w[here], g[inside], *(s[here] for s in state), **now)
                first += g.size

        of(self.w).share(update, self.w.size, LEAST)
        self.t += 1
        for p in self.parameters:
            p.touch()

    def update(self, w: Any, g: Any, *state: Any, **now: Any) -> None:
        """Change the vectors w and state, but not the gradient g; self.t updates are done, and
        `now` has the values of the schedules."""
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
        new = {slot: adopt(state[slot], value) for slot, value in own.items()}
        for slot in self.slots:
            self.state[slot][...] = new[slot]
        self.t = int(new["t"])

    def _flat(self, grads: Sequence[Tensor]) -> list[Any]:
        """The gradients as vectors, those of small parameters in a row as one."""
        grads = listed("grads", grads)
        if len(grads) != len(self.parameters):
            raise ValueError(f"grads: expected {len(self.parameters)}, got {len(grads)}")
        for i, (p, g) in enumerate(zip(self.parameters, grads, strict=True)):
            if g.shape != p.shape or g.dtype != p.dtype:
                raise ValueError(
                    f"grads[{i}]: expected {p.shape} of {p.dtype}, got {g.shape} of {g.dtype}"
                )
        flat = iter([g.data.reshape(-1) for g in grads])
        xp = of(self.w).xp
        return [
            next(flat) if len(run) == 1 else xp.concatenate([next(flat) for _ in run])
            for run in self._runs
        ]

    def _check_views(self) -> None:
        """A parameter that was given another array would be updated where nobody looks."""
        for i, (p, view) in enumerate(zip(self.parameters, self._views, strict=True)):
            if p.data is not view:
                raise RuntimeError(
                    f"parameters[{i}] of shape {p.shape} got another array after this optimizer "
                    "was built (by .to(), .astype() or an assignment to .data); build optimizers "
                    "last, or write in place: p.data[...] = value"
                )


class SGD(Optimizer):
    """v <- momentum v - lr g;  w <- w + v.

    The classical form, as in the 2014 paper's code. PyTorch scales v by lr instead: the same
    while lr is constant.
    """

    slots, schedules = ("v",), ("lr", "momentum")

    def __init__(
        self, parameters: Iterable[Parameter], lr: Schedule, momentum: Schedule = 0.0
    ) -> None:
        if not callable(momentum):
            checks.between(0, 1, momentum=momentum)
        super().__init__(parameters, lr)
        self.momentum = momentum

    def update(self, w: Any, g: Any, v: Any, *, lr: float, momentum: float) -> None:
        v *= momentum
        v -= lr * g
        w += v


class RMSprop(Optimizer):
    """s <- alpha s + (1 - alpha) g^2;  w <- w - lr g / (sqrt(s) + eps)  (Hinton, lecture 6e)."""

    slots = ("s",)

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: Schedule = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
    ) -> None:
        checks.between(0, 1, alpha=alpha)
        checks.between(0, math.inf, "()", eps=eps)
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, w: Any, g: Any, s: Any, *, lr: float) -> None:
        s *= self.alpha
        s += (1 - self.alpha) * g * g
        w -= lr * g / (s**0.5 + self.eps)


class Adam(Optimizer):
    """Adam (Kingma and Ba 2014, algorithm 1), with decoupled weight decay (AdamW) on request.

    m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,  both corrected for starting at 0;
    w <- w - lr (m / (sqrt(v) + eps) + weight_decay w).
    GANs take betas (0.5, 0.999) (Radford et al. 2015).
    """

    slots = ("m", "v")

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: Schedule = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        if not isinstance(betas, Sequence) or len(betas) != 2:
            raise ValueError(f"betas: expected two numbers in [0, 1), got {betas!r}")
        checks.between(0, 1, "[)", **{"betas[0]": betas[0], "betas[1]": betas[1]})
        checks.between(0, math.inf, "()", eps=eps)
        checks.between(0, math.inf, weight_decay=weight_decay)
        super().__init__(parameters, lr)
        self.betas, self.eps, self.weight_decay = tuple(betas), eps, weight_decay

    def update(self, w: Any, g: Any, m: Any, v: Any, *, lr: float) -> None:
        # m and v are kept without the factors 1 - b1 and 1 - b2, which join the scalars below.
        xp, (b1, b2), t = of(w).xp, self.betas, self.t + 1
        m *= b1
        m += g
        square = g * g
        v *= b2
        v += square
        if self.weight_decay:
            w *= 1 - lr * self.weight_decay
        scale = ((1 - b2) / (1 - b2**t)) ** 0.5  # sqrt of the corrected v is scale * sqrt(v)
        step = xp.sqrt(v, out=square)
        step += self.eps / scale
        xp.divide(m, step, out=step)
        step *= lr * (1 - b1) / ((1 - b1**t) * scale)
        w -= step


def clip_grad_norm(grads: Sequence[Tensor], max_norm: float) -> list[Tensor]:
    """The gradients scaled down, if need be, so that their joint Euclidean norm is <= max_norm."""
    checks.between(0, math.inf, "(]", max_norm=max_norm)
    grads = listed("grads", grads)
    if not grads:
        raise ValueError("grads: expected at least one, got none")
    total = sqrt(reduce(add, [sum(g * g) for g in grads]))
    scale = clip(max_norm / (total + 1e-12), high=1.0)
    return [g * scale for g in grads]


def clip_grad_value(grads: Sequence[Tensor], limit: float) -> list[Tensor]:
    """The gradients with every element clipped to [-limit, limit]."""
    checks.between(0, math.inf, "(]", limit=limit)
    return [clip(g, -limit, limit) for g in listed("grads", grads)]


class EMA:
    """An exponential moving average of a network's parameters, in a copy of it: `ema.module`.

    Samples of the average are better than those of the last iterate, which circles around
    (Yazici et al. 2018). The average starts fast: the decay at update t is
    min(decay, (1 + t) / (10 + t)). Buffers are copied as they are. Build it after moving the
    network: it holds on to the arrays that it finds.
    """

    def __init__(self, module: Module, decay: float = 0.999) -> None:
        checks.between(0, 1, decay=decay)
        self.decay, self.t = decay, 0
        self.module = module.copy().eval()
        self._parameters = list(zip(module.parameters(), self.module.parameters(), strict=True))
        self._buffers = [
            (now, kept)
            for (_, now), (_, kept) in zip(
                module.named_buffers(), self.module.named_buffers(), strict=True
            )
        ]

    def update(self) -> None:
        """Move the average a little towards the parameters as they are now."""
        rate = 1 - min(self.decay, (1 + self.t) / (10 + self.t))
        for p, average in self._parameters:
            average.data[...] += rate * (p.data - average.data)
            average.touch()
        for now, kept in self._buffers:
            kept[...] = now
        self.t += 1
