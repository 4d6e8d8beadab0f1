"""The exercises of chapter 4: broadcasting."""

from collections.abc import Iterator

import numpy as np

from ..backend import Rng
from ..language import Text
from . import Exercise, Mistake

DIFFERENCES = Text("finite differences", "유한 차분")
SHAPES = [  # of a parameter, and of the result that it is broadcast to
    ((1,), (3,)), ((3,), (2, 3)), ((2, 1), (2, 3)), ((), (2, 2)), ((2, 3), (2, 3)),
    ((1, 4, 1), (3, 4, 2)), ((4,), (2, 3, 4)),
]  # fmt: skip


def _sum_back_cases(rng: Rng) -> Iterator[tuple[np.ndarray, tuple[int, ...]]]:
    for small, large in SHAPES:
        yield rng.integers(-4, 5, large).astype(float), small


def _sum_back(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The derivative of sum(g * broadcast(b)) with respect to b, by finite differences. The sum is
    linear in b, so differences are exact."""
    found, zero = np.zeros(shape), np.zeros(shape)
    for at in np.ndindex(*shape):
        step = zero.copy()
        step[at] = 1
        found[at] = np.sum(g * np.broadcast_to(step, g.shape))
    return found


def _over_first_axes(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return g.sum(axis=tuple(range(g.ndim - len(shape))))


def _mean_back(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return _sum_back(g, shape) * np.prod(shape) / g.size


def _first_part(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return g[tuple([0] * (g.ndim - len(shape)))][tuple(slice(0, n) for n in shape)]


def _scale_cases(rng: Rng) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    for n, k in ((1, 1), (2, 1), (2, 3), (5, 4)):
        yield rng.normal(size=(n, k)), rng.normal(size=k), rng.normal(size=(n, k))


def _scale_back(x: np.ndarray, scale: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, ...]:
    """The derivatives of sum(g * scale * x), by the definition, element by element."""
    to_x, to_scale = np.zeros_like(x), np.zeros_like(scale)
    for i, j in np.ndindex(*x.shape):
        to_x[i, j] = g[i, j] * scale[j]
        to_scale[j] += g[i, j] * x[i, j]
    return to_x, to_scale


EXERCISES = (
    Exercise(
        "4.1",
        "sum_back(g, shape)",
        Text(
            "b of the shape `shape` was broadcast to the shape of g, and g is the gradient there. "
            "Return the gradient at b, an array of the shape `shape`.",
            "모양이 shape인 b가 g의 모양으로 브로드캐스트되었고, g는 그곳의 기울기입니다. "
            "b에서의 기울기를 모양이 shape인 배열로 돌려주세요.",
        ),
        _sum_back_cases,
        _sum_back,
        DIFFERENCES,
        (
            Mistake(
                _mean_back,
                Text(
                    "each copy of b adds its own gradient: take the sum, not the mean",
                    "b의 복사본마다 기울기가 더해집니다. 평균이 아니라 합을 구하세요",
                ),
            ),
            Mistake(
                lambda g, shape: -_sum_back(g, shape),
                Text("the sign is wrong", "부호가 반대입니다"),
            ),
            Mistake(
                lambda g, shape: g,
                Text(
                    "the gradient at b has the shape of b: sum over the axes that were broadcast",
                    "b의 기울기는 b와 모양이 같습니다. 브로드캐스트된 축을 따라 더하세요",
                ),
            ),
            Mistake(
                _over_first_axes,
                Text(
                    "an axis of size 1 was broadcast, too: sum over it, and keep it",
                    "크기가 1인 축도 브로드캐스트되었습니다. 그 축을 따라 더하되 축은 남겨 두세요",
                ),
            ),
            Mistake(
                _first_part,
                Text(
                    "one copy of b is not all of them: sum over the axes that were broadcast",
                    "복사본 하나가 전부는 아닙니다. 브로드캐스트된 축을 따라 더하세요",
                ),
            ),
        ),
    ),
    Exercise(
        "4.2",
        "scale_back(x, scale, g)",
        Text(
            "y = x * scale, with x (N, K) and scale (K,). g (N, K) is the gradient at y. Return "
            "the gradients at x, (N, K), and at scale, (K,).",
            "y = x * scale이고 x는 (N, K), scale은 (K,)입니다. g (N, K)는 y에서의 기울기입니다. "
            "x에서의 기울기 (N, K)와 scale에서의 기울기 (K,)를 돌려주세요.",
        ),
        _scale_cases,
        _scale_back,
        Text("the sum over all elements", "원소마다 더한 값"),
        (
            Mistake(
                lambda x, scale, g: (g * scale, g * x),
                Text(
                    "the gradient at scale needs a sum over the minibatch, axis 0",
                    "scale의 기울기에는 미니배치 축(축 0)의 합이 필요합니다",
                ),
            ),
            Mistake(
                lambda x, scale, g: (g * scale, (g * x).mean(axis=0)),
                Text(
                    "take the sum over the minibatch, not the mean",
                    "미니배치에 대해 평균이 아니라 합을 구하세요",
                ),
            ),
            Mistake(
                lambda x, scale, g: (g * x, (g * scale).sum(axis=0)),
                Text(
                    "the factors are swapped: the derivative of x * scale at x is scale",
                    "인수가 뒤바뀌었습니다. x * scale을 x로 미분하면 scale입니다",
                ),
            ),
            Mistake(
                lambda x, scale, g: (g, g.sum(axis=0)),
                Text(
                    "that is the rule of x + scale; in a product, multiply g by the other factor",
                    "그것은 x + scale의 규칙입니다. 곱에서는 g에 다른 인수를 곱합니다",
                ),
            ),
            Mistake(
                lambda x, scale, g: (g * scale, (g * x).sum(axis=1)),
                Text(
                    "the sum is over the other axis: scale has one element for each column",
                    "합을 구하는 축이 다릅니다. scale은 열마다 원소가 하나입니다",
                ),
            ),
        ),
    ),
)
