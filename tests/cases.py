"""Cases: one or more examples of each public name, as data. The tests prove the same of all.

A case draws a `Point` with hypothesis: a function of tensors, its arguments, and its value in plain
NumPy. Shapes, axes and options are drawn one by one, so that a failure shrinks to the smallest.
Numbers come from a drawn seed, and are away from kinks by construction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from tinygan import Tensor, nn

Draw = Callable[[Any], Any]
Shape = tuple[int, ...]


class Point(NamedTuple):
    function: Callable[..., Tensor]
    arrays: Sequence[np.ndarray]
    value: Callable[..., Any] | None = None
    module: nn.Module | None = None  # the layer behind the function, if it has one

    def tensors(self, dtype: type = np.float64) -> list[Tensor]:
        return [Tensor(array.astype(dtype)) for array in self.arrays]


@dataclass(frozen=True)
class Case:
    name: str
    note: str
    build: Callable[[Draw], Point]

    def __str__(self) -> str:
        return f"{self.name}: {self.note}" if self.note else self.name


class Cases(list):
    """The cases of one family; `add` is a decorator of functions that draw a point."""

    def add(self, name: str, note: str = "") -> Callable[[Callable], Callable]:
        def register(build: Callable[[Draw], Point]) -> Callable[[Draw], Point]:
            self.append(Case(name, note, build))
            return build

        return register

    @property
    def names(self) -> set[str]:
        return {case.name for case in self}


# Drawing shapes and axes.


def generator(draw: Draw) -> np.random.Generator:
    return np.random.default_rng(draw(st.integers(0, 1 << 20)))


def shape(draw: Draw, minimum: int = 0, most: int = 3, side: int = 3) -> Shape:
    return tuple(draw(st.lists(st.integers(1, side), min_size=minimum, max_size=most)))


def part_of(draw: Draw, full: Shape) -> Shape:
    """A shape that broadcasts to `full`: without some leading axes, with 1 for some others."""
    kept = full[draw(st.integers(0, len(full))) :]
    return tuple(1 if draw(st.booleans()) else n for n in kept)


def axis(draw: Draw, ndim: int) -> Any:
    """None, an axis counted from either end, or a tuple of axes."""
    if not ndim:
        return None
    one = st.integers(-ndim, ndim - 1)
    several = st.lists(one, max_size=ndim, unique_by=lambda a: a % ndim).map(tuple)
    return draw(st.none() | one | several)


# Drawing numbers. All take a generator and a shape.


def smooth(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return np.clip(rng.normal(size=shape), -2, 2)


def positive(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.uniform(0.5, 2, shape)


def nonzero(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Numbers of either sign, at least 1/2 from 0."""
    return positive(rng, shape) * rng.choice([-1.0, 1.0], shape)


def near_integers(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Numbers within 1/10 of -2, ..., 2, and so never near those of `near_halves`."""
    return rng.integers(-2, 3, shape) + rng.uniform(-0.1, 0.1, shape)


def near_halves(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return near_integers(rng, shape) + 0.5


def distinct(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Numbers in random order, no two closer than 1/5, so that the largest is clear."""
    size = int(np.prod(shape))
    return ((rng.permutation(size) - size / 2) * 0.4 + rng.uniform(-0.1, 0.1, size)).reshape(shape)
