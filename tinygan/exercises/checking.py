"""The check of an answer: the first case with a wrong result, and the mistake that explains it."""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..language import Text
from . import Exercise
from .comparison import difference, shown

WORDS = {
    "right": Text("right, in {n} cases", "맞았습니다. {n}가지 경우 모두 옳습니다"),
    "wrong": Text("not yet right", "아직 맞지 않습니다"),
    "for": Text("for", "입력"),
    "raised": Text("it raised {error}", "{error} 예외가 났습니다"),
    "changed": Text(
        "it changed its argument {i}; compute a new array instead",
        "인자 {i}번을 바꾸었습니다. 새 배열을 만들어 돌려주세요",
    ),
    "result": Text("your result", "여러분의 결과"),
    "expected": Text("expected", "올바른 값"),
    "first": Text("the first difference", "처음으로 다른 곳"),
    "hint": Text("hint", "힌트"),
}


class Verdict(NamedTuple):
    """Whether an answer is right, and the report for the reader."""

    right: bool
    report: str


def check(exercise: Exercise, answer: Callable[..., Any], language: str = "en") -> Verdict:
    """Call an answer with the arguments of each case and compare its results with the right ones.
    The report names the first wrong number, its case and the right value, and has a hint if a known
    mistake gives the same results."""
    word = {name: text.of(language) for name, text in WORDS.items()}
    cases = list(exercise.cases(np.random.default_rng(0)))
    title = f"{exercise.number} {exercise.signature}: "
    for arguments in cases:
        given, expected = copy.deepcopy(arguments), exercise.answer(*copy.deepcopy(arguments))
        try:
            got = answer(*given)
        except Exception as error:
            found = word["raised"].format(error=f"{type(error).__name__}: {error}")
            return Verdict(
                False, f"{title}{word['wrong']}\n{_for(exercise, arguments, word)}{found}"
            )
        for i, pair in enumerate(zip(given, arguments, strict=True)):
            if isinstance(pair[1], np.ndarray) and difference(*pair):
                found = word["changed"].format(i=i + 1)
                return Verdict(False, f"{title}{word['wrong']}\n{found}")
        if different := difference(got, expected, language):
            lines = [
                f"{title}{word['wrong']}",
                f"{_for(exercise, arguments, word)}{word['result']}: {shown(got)}",
                f"{word['expected']}: {shown(expected)} ({exercise.source.of(language)})",
                f"{word['first']}: {different}",
            ]
            if hint := _hint(exercise, answer, cases):
                lines.append(f"{word['hint']}: {hint.of(language)}")
            return Verdict(False, "\n".join(lines))
    return Verdict(True, title + word["right"].format(n=len(cases)))


def _for(exercise: Exercise, arguments: tuple[Any, ...], word: dict[str, str]) -> str:
    names = exercise.signature.partition("(")[2].rstrip(")").split(", ")
    pairs = zip(names, map(shown, arguments), strict=True)
    return f"{word['for']} {', '.join(f'{name} = {value}' for name, value in pairs)}\n"


def _hint(exercise: Exercise, answer: Callable[..., Any], cases: list[Any]) -> Text | None:
    """The hint of the first mistake that gives the results of the answer in all cases."""
    for mistake in exercise.mistakes:
        if all(_same(answer, mistake.answer, arguments) for arguments in cases):
            return mistake.hint
    return None


def _same(one: Callable[..., Any], other: Callable[..., Any], arguments: Any) -> bool:
    """Whether two functions give the same result, or both raise."""

    def result(function: Callable[..., Any]) -> Any:
        try:
            return function(*copy.deepcopy(arguments))
        except Exception:
            return None

    first, second = result(one), result(other)
    if first is None or second is None:
        return first is second
    return difference(first, second) is None
