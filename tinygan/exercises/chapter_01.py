"""The exercises of chapter 1: gradients that are never cleared, and classes that are found."""

from collections.abc import Iterator

import numpy as np

from ..backend import Rng
from ..language import Text
from . import Exercise, Mistake


def _used_cases(rng: Rng) -> Iterator[tuple[np.ndarray, bool]]:
    for rounds, k in ((2, 1), (3, 2), (5, 3)):
        for cleared in (False, True):
            yield rng.integers(-3, 4, (rounds, k)).astype(float), cleared


def _used(gradients: np.ndarray, cleared: bool) -> np.ndarray:
    if cleared:
        return gradients
    return np.array([gradients[: t + 1].sum(axis=0) for t in range(len(gradients))])


def _found_cases(rng: Rng) -> Iterator[tuple[np.ndarray, int]]:
    yield np.array([3, 3, 3, 7]), 2
    yield np.array([0, 0, 1, 1, 1, 9]), 2
    for n in (20, 50, 50):
        yield rng.integers(0, 10, n), 4


def _found(labels: np.ndarray, minimum: int) -> int:
    return sum(int((labels == k).sum()) >= minimum for k in range(10))


EXERCISES = (
    Exercise(
        "1.1",
        "gradients_used(gradients, cleared)",
        Text(
            "`gradients` (T, K) has the gradient of each round. Return the gradients (T, K) that the "
            "optimizer gets: the same if stored gradients are cleared before each round, and the "
            "sums of all rounds so far if they are not.",
            "gradients (T, K)에는 라운드마다의 기울기가 있습니다. 옵티마이저가 받는 기울기 (T, K)를 "
            "돌려주세요. 라운드마다 저장된 기울기를 비우면 그대로이고, 비우지 않으면 그때까지의 모든 "
            "라운드의 합입니다.",
        ),
        _used_cases,
        _used,
        Text("the sum, round by round", "라운드마다 더한 값"),
        (
            Mistake(
                lambda gradients, cleared: gradients,
                Text(
                    "without clearing, each round adds to the sum of the rounds before it",
                    "비우지 않으면 라운드마다 앞선 라운드의 합에 더해집니다",
                ),
            ),
            Mistake(
                lambda gradients, cleared: _used(gradients, False),
                Text(
                    "if gradients are cleared, nothing is added: return them as they are",
                    "기울기를 비우면 아무것도 더해지지 않습니다. 그대로 돌려주세요",
                ),
            ),
            Mistake(
                lambda gradients, cleared: _used(gradients, not cleared),
                Text(
                    "the two cases are swapped: gradients are added if they are *not* cleared",
                    "두 경우가 뒤바뀌었습니다. 비우지 *않을* 때 기울기가 더해집니다",
                ),
            ),
            Mistake(
                lambda gradients, cleared: gradients if cleared else gradients.cumsum(axis=1),
                Text(
                    "the sum is over the other axis: rounds are axis 0",
                    "더하는 축이 다릅니다. 라운드는 축 0입니다",
                ),
            ),
            Mistake(
                lambda gradients, cleared: (
                    gradients if cleared else _used(gradients, False) - gradients
                ),
                Text(
                    "the gradient of the round itself belongs to the sum, too",
                    "그 라운드 자신의 기울기도 합에 들어갑니다",
                ),
            ),
            Mistake(
                lambda gradients, cleared: (
                    gradients
                    if cleared
                    else _used(gradients, False) / np.arange(1, len(gradients) + 1)[:, None]
                ),
                Text(
                    "stored gradients are added, not averaged",
                    "저장된 기울기는 평균이 아니라 합입니다",
                ),
            ),
        ),
    ),
    Exercise(
        "1.2",
        "classes_found(labels, minimum)",
        Text(
            "`labels` are the classes of samples, integers 0 to 9. Return how many of the ten "
            "classes have at least `minimum` samples.",
            "labels는 표본의 클래스이며 0에서 9까지의 정수입니다. 열 클래스 가운데 표본이 minimum개 "
            "이상인 클래스가 몇 개인지 돌려주세요.",
        ),
        _found_cases,
        _found,
        Text("a count, class by class", "클래스마다 센 값"),
        (
            Mistake(
                lambda labels, minimum: len(np.unique(labels)),
                Text(
                    "a class with fewer than `minimum` samples does not count",
                    "표본이 minimum개보다 적은 클래스는 세지 않습니다",
                ),
            ),
            Mistake(
                lambda labels, minimum: _found(labels, minimum + 1),
                Text(
                    "`minimum` samples are enough: use >=, not >",
                    "minimum개면 충분합니다. >가 아니라 >=를 쓰세요",
                ),
            ),
            Mistake(
                lambda labels, minimum: 10 - _found(labels, minimum),
                Text(
                    "these are the classes that are missing, not those that are found",
                    "그것은 찾은 클래스가 아니라 빠진 클래스의 수입니다",
                ),
            ),
            Mistake(
                lambda labels, minimum: _found(labels[labels > 0], minimum),
                Text("the digit 0 is a class, too", "숫자 0도 하나의 클래스입니다"),
            ),
            Mistake(
                lambda labels, minimum: int(np.bincount(labels, minlength=10).max()),
                Text(
                    "this is the number of samples of the largest class; count the classes",
                    "그것은 가장 큰 클래스의 표본 수입니다. 클래스의 수를 세세요",
                ),
            ),
        ),
    ),
)
