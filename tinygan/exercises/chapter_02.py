"""The exercises of chapter 2: the pulls of the softplus and of the leaky ReLU."""

from collections.abc import Callable, Iterator

import numpy as np

from ..backend import Rng
from ..language import Text
from . import Exercise, Mistake

DIFFERENCES = Text("finite differences", "유한 차분")
STEP = 1e-5


def _sigmoid(p: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-p))


def _slope(function: Callable[[np.ndarray], np.ndarray], p: np.ndarray) -> np.ndarray:
    """The derivative of a function of each element, by differences."""
    return (function(p + STEP) - function(p - STEP)) / (2 * STEP)


def _cases(rng: Rng) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for shape in ((1,), (3,), (2, 3), (4, 5)):
        yield rng.normal(0, 2, shape), rng.normal(size=shape)


def _leaky_cases(rng: Rng) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    yield np.array([2.0, -2.0]), np.array([1.0, 1.0]), 0.2
    for (p, g), slope in zip(_cases(rng), (0.2, 0.1, 0.2, 0.01), strict=True):
        yield p, g, slope


def _leaky(p: np.ndarray, g: np.ndarray, slope: float) -> np.ndarray:
    return g * _slope(lambda p: np.maximum(p, slope * p), p)


def _softplus(p: np.ndarray, g: np.ndarray) -> np.ndarray:
    return g * _slope(lambda p: np.logaddexp(0, p), p)


EXERCISES = (
    Exercise(
        "2.1",
        "softplus_pull(p, g)",
        Text(
            "y = log(1 + exp(p)), and g is the gradient of the loss at y. Return the gradient at p. "
            "All are arrays of one shape.",
            "y = log(1 + exp(p))이고 g는 y에서 손실의 기울기입니다. p에서의 기울기를 돌려주세요. "
            "모두 모양이 같은 배열입니다.",
        ),
        _cases,
        _softplus,
        DIFFERENCES,
        (
            Mistake(
                lambda p, g: _sigmoid(p),
                Text(
                    "this is the derivative of y; multiply it by g, the gradient at y",
                    "이것은 y의 도함수입니다. y에서의 기울기 g를 곱하세요",
                ),
            ),
            Mistake(
                lambda p, g: g * _sigmoid(-p),
                Text(
                    "a sign is wrong in the sigmoid: the softplus grows faster for large p",
                    "시그모이드 안의 부호가 틀렸습니다. 소프트플러스는 p가 클수록 가파릅니다",
                ),
            ),
            Mistake(
                lambda p, g: -g * _sigmoid(p),
                Text(
                    "the sign is wrong: the softplus grows",
                    "부호가 반대입니다. 소프트플러스는 증가합니다",
                ),
            ),
            Mistake(
                lambda p, g: g * (p > 0),
                Text(
                    "this is the pull of the ReLU, which is a rough softplus",
                    "이것은 소프트플러스를 거칠게 닮은 렐루의 풀입니다",
                ),
            ),
            Mistake(
                lambda p, g: g * _sigmoid(p) * (1 - _sigmoid(p)),
                Text(
                    "this is the pull of the sigmoid: one derivative too many",
                    "이것은 시그모이드의 풀입니다. 미분을 한 번 더 했습니다",
                ),
            ),
            Mistake(
                lambda p, g: g * np.logaddexp(0, p),
                Text(
                    "g must be multiplied by the derivative of y, not by y",
                    "g에 y가 아니라 y의 도함수를 곱해야 합니다",
                ),
            ),
        ),
    ),
    Exercise(
        "2.2",
        "leaky_relu_pull(p, g, slope)",
        Text(
            "y is p where p > 0, and slope * p elsewhere; g is the gradient of the loss at y. Return "
            "the gradient at p.",
            "y는 p > 0이면 p이고 아니면 slope * p입니다. g는 y에서 손실의 기울기입니다. p에서의 "
            "기울기를 돌려주세요.",
        ),
        _leaky_cases,
        _leaky,
        DIFFERENCES,
        (
            Mistake(
                lambda p, g, slope: g * (p > 0),
                Text(
                    "where p < 0 the gradient is not 0: that is why it is called leaky",
                    "p < 0인 곳의 기울기는 0이 아닙니다. 그래서 '새는(leaky)' 렐루입니다",
                ),
            ),
            Mistake(
                lambda p, g, slope: np.where(g > 0, g, slope * g),
                Text(
                    "the sign of p decides which slope it is, not the sign of g",
                    "경사를 정하는 것은 g의 부호가 아니라 p의 부호입니다",
                ),
            ),
            Mistake(
                lambda p, g, slope: np.where(p > 0, slope * g, g),
                Text("the two slopes are swapped", "두 경사가 뒤바뀌었습니다"),
            ),
            Mistake(
                lambda p, g, slope: np.where(p > 0, 1.0, slope),
                Text(
                    "this is the derivative of y; multiply it by g, the gradient at y",
                    "이것은 y의 도함수입니다. y에서의 기울기 g를 곱하세요",
                ),
            ),
            Mistake(
                lambda p, g, slope: g * np.maximum(p, slope * p),
                Text(
                    "g must be multiplied by the derivative of y, not by y",
                    "g에 y가 아니라 y의 도함수를 곱해야 합니다",
                ),
            ),
            Mistake(
                lambda p, g, slope: np.where(p > 0, g, -slope * g),
                Text(
                    "y grows with p for negative p, too: the slope is positive",
                    "p가 음수여도 p가 커지면 y도 커집니다. 경사는 양수입니다",
                ),
            ),
        ),
    ),
)
