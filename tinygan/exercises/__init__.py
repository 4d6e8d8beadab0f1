"""The exercises of the book (examples/book/), and the checks of a reader's answers.

    tinygan check 4.1              print the exercise
    tinygan check 4.1 answer.py    check the function in this file

Each module chapter_NN.py has the EXERCISES of a chapter. An answer is a function. It is called with
random arguments, and its results are compared with those of the right answer, which comes from a
closed form, from finite differences or from the package. A mistake that many make is recognized by
its results, and answered by a hint of its own.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..backend import Rng
from ..errors import choose
from ..language import Text


class Mistake(NamedTuple):
    """A wrong answer that many readers give, as a function, and the hint for those who do."""

    answer: Callable[..., Any]
    hint: Text


class Exercise(NamedTuple):
    """An exercise: the function that a reader has to write.

    number      chapter and place in it, "4.1"
    signature   the function's name and arguments, "sum_back(g, shape)"
    task        what the function returns, with shapes
    cases       the arguments of each call, from a generator; the smallest first
    answer      the function with the right results
    source      where the right results come from: "finite differences", "the closed form"
    mistakes    wrong answers, each with a hint
    """

    number: str
    signature: str
    task: Text
    cases: Callable[[Rng], Iterator[tuple[Any, ...]]]
    answer: Callable[..., Any]
    source: Text
    mistakes: tuple[Mistake, ...]

    @property
    def function(self) -> str:
        """The name of the function."""
        return self.signature.partition("(")[0]


def numbers() -> list[str]:
    """The numbers of all exercises, in the order of the book."""
    names = (module.name for module in pkgutil.iter_modules(__path__))
    chapters = sorted(int(name[8:]) for name in names if name.startswith("chapter_"))
    return [each.number for chapter in chapters for each in of_chapter(chapter)]


def of_chapter(chapter: int) -> tuple[Exercise, ...]:
    """The exercises of a chapter, 1 to 14."""
    module = importlib.import_module(f".chapter_{chapter:02}", __name__)
    exercises: tuple[Exercise, ...] = module.EXERCISES
    return exercises


def find(number: str) -> Exercise:
    """The exercise with this number.

    Raises InputError if there is none."""
    chosen = choose("exercise", number, numbers())
    return next(each for each in of_chapter(int(chosen.partition(".")[0])) if each.number == chosen)
