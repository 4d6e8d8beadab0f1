"""The exercises of chapter 10: the slopes of G's two losses, and minibatch discrimination."""

from collections.abc import Iterator

import numpy as np

from ..backend import Rng
from ..gan import minimax, non_saturating
from ..gan.theory import best_logit_slope
from ..language import Text
from . import Exercise, Mistake

Numbers = np.ndarray


def _logit_cases(rng: Rng) -> Iterator[tuple[Numbers]]:
    yield (np.array([0.0]),)
    yield (np.array([-3.0, 3.0]),)
    for shape in ((4,), (3, 1), (5, 2)):
        yield (rng.normal(0, 3, shape),)


def _slopes(logits: Numbers) -> tuple[Numbers, Numbers]:
    return best_logit_slope(minimax, logits), best_logit_slope(non_saturating, logits)


def _sigmoid(logits: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-logits))


def _close_cases(rng: Rng) -> Iterator[tuple[Numbers]]:
    for shape in ((1, 1, 1), (2, 1, 1), (2, 1, 3), (3, 2, 2), (5, 4, 3)):
        yield (rng.normal(size=shape),)


def _closeness(m: Numbers) -> Numbers:
    """By the definition, element by element."""
    found = np.zeros(m.shape[:2])
    for i, j, b in np.ndindex(len(m), *m.shape[:2]):
        found[i, b] += np.exp(-abs(m[i, b] - m[j, b]).sum())
    return found


def _pairs(m: Numbers) -> Numbers:
    """The differences of all pairs, (N, N, B, C)."""
    return m[:, None] - m[None, :]


EXERCISES = (
    Exercise(
        "10.1",
        "generator_slopes(logits)",
        Text(
            "D gives each fake a logit l, and D(G(z)) = sigmoid(l). Return two arrays of the shape "
            "of logits: the derivatives with respect to l of log(1 - D(G(z))) and of "
            "-log D(G(z)).",
            "D는 가짜마다 로짓 l을 주고, D(G(z)) = sigmoid(l)입니다. log(1 - D(G(z)))와 "
            "-log D(G(z))를 l로 미분한 값을 logits와 모양이 같은 두 배열로 돌려주세요.",
        ),
        _logit_cases,
        _slopes,
        Text("the engine's gradient", "엔진의 기울기"),
        (
            Mistake(
                lambda logits: _slopes(logits)[::-1],
                Text(
                    "the two are swapped: the minimax loss comes first",
                    "둘이 뒤바뀌었습니다. 미니맥스 손실이 먼저입니다",
                ),
            ),
            Mistake(
                lambda logits: (-_slopes(logits)[0], -_slopes(logits)[1]),
                Text(
                    "the sign is wrong: both losses fall as the logit grows",
                    "부호가 반대입니다. 로짓이 커지면 두 손실 모두 작아집니다",
                ),
            ),
            Mistake(
                lambda logits: (-1 / (1 - _sigmoid(logits)), -1 / _sigmoid(logits)),
                Text(
                    "these are derivatives with respect to D; multiply by dD/dl = D (1 - D)",
                    "이것은 D로 미분한 값입니다. dD/dl = D (1 - D)를 곱하세요",
                ),
            ),
            Mistake(
                lambda logits: (-_sigmoid(logits), _sigmoid(logits)),
                Text(
                    "the second derivative is D - 1: it is 0 where D accepts the fake",
                    "둘째 도함수는 D - 1입니다. D가 가짜를 받아들이는 곳에서 0입니다",
                ),
            ),
            Mistake(
                lambda logits: (_slopes(logits)[0], -_slopes(logits)[1]),
                Text(
                    "the sign of the second is wrong: -log D falls as the logit grows",
                    "둘째의 부호가 반대입니다. 로짓이 커지면 -log D는 작아집니다",
                ),
            ),
            Mistake(
                lambda logits: (-logits, logits - 1),
                Text(
                    "l is a logit, not a probability: D = sigmoid(l)",
                    "l은 확률이 아니라 로짓입니다. D = sigmoid(l)입니다",
                ),
            ),
        ),
    ),
    Exercise(
        "10.2",
        "closeness(m)",
        Text(
            "m (N, B, C) has, for each of N examples, B rows of C numbers. Return o (N, B): o[i, b] "
            "is the sum over all j, i too, of exp(-|m[i, b] - m[j, b]|), where |.| is the sum of "
            "absolute values.",
            "m (N, B, C)에는 예제 N개마다 수 C개로 된 행이 B개씩 있습니다. o (N, B)를 돌려주세요. "
            "o[i, b]는 exp(-|m[i, b] - m[j, b]|)를 i 자신을 포함한 모든 j에 대해 더한 값이고, "
            "|.|는 절댓값의 합입니다.",
        ),
        _close_cases,
        _closeness,
        Text("the definition, element by element", "원소마다 정의대로 더한 값"),
        (
            Mistake(
                lambda m: _closeness(m) - 1,
                Text(
                    "the sum is over all j, with j = i: an example is close to itself",
                    "합에는 j = i도 들어갑니다. 예제는 자기 자신과 가깝습니다",
                ),
            ),
            Mistake(
                lambda m: _closeness(m) / len(m),
                Text(
                    "take the sum over j, not the mean",
                    "j에 대해 평균이 아니라 합을 구하세요",
                ),
            ),
            Mistake(
                lambda m: np.exp(abs(_pairs(m)).sum(axis=3)).sum(axis=1),
                Text(
                    "a minus is missing: close examples must give large numbers",
                    "음의 부호가 빠졌습니다. 가까운 예제일수록 큰 수가 나와야 합니다",
                ),
            ),
            Mistake(
                lambda m: np.exp(-(_pairs(m) ** 2).sum(axis=3)).sum(axis=1),
                Text(
                    "the distance is the sum of absolute values, not of squares",
                    "거리는 제곱의 합이 아니라 절댓값의 합입니다",
                ),
            ),
            Mistake(
                lambda m: np.exp(-_pairs(m).sum(axis=3)).sum(axis=1),
                Text(
                    "the absolute value is missing: differences of both signs cancel",
                    "절댓값이 빠졌습니다. 부호가 다른 차이가 서로 지워집니다",
                ),
            ),
            Mistake(
                lambda m: abs(_pairs(m)).sum(axis=3).sum(axis=1),
                Text(
                    "this is the sum of distances; closeness is exp(-distance)",
                    "이것은 거리의 합입니다. 가까움은 exp(-거리)입니다",
                ),
            ),
            Mistake(
                lambda m: np.exp(-abs(_pairs(m))).sum(axis=(1, 3)),
                Text(
                    "sum the absolute values over the last axis first, then take exp",
                    "먼저 마지막 축으로 절댓값을 더하고 나서 exp를 취하세요",
                ),
            ),
        ),
    ),
)
