"""The exercises of chapter 5: the gradients of a linear layer, and how its weights begin."""

from collections.abc import Iterator

import numpy as np

from ..backend import Rng
from ..language import Text
from . import Exercise, Mistake


def _linear_cases(rng: Rng) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    for n, k, m in ((1, 1, 1), (2, 2, 2), (2, 1, 1), (2, 3, 1), (3, 2, 4)):
        sizes = (n, k), (m, k), (n, m)
        x, w, g = (rng.choice([-3.0, -2, -1, 1, 2, 3], size) for size in sizes)
        yield x, w, g


def _linear_back(x: np.ndarray, w: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, ...]:
    """The derivatives of sum(g * (x W^T + b)), use by use."""
    to_x, to_w, to_b = np.zeros_like(x), np.zeros_like(w), np.zeros(len(w))
    for i, j in np.ndindex(*g.shape):
        to_b[j] += g[i, j]
        to_x[i] += g[i, j] * w[j]
        to_w[j] += g[i, j] * x[i]
    return to_x, to_w, to_b


def _bound_cases(rng: Rng) -> Iterator[tuple[int, float]]:
    yield from ((6, 0.0), (100, 0.0), (100, 0.2), (784, 0.2), (7, 1.0), (1, 0.5))


def _bound(fan_in: int, slope: float) -> float:
    return float(np.sqrt(6 / ((1 + slope**2) * fan_in)))


EXERCISES = (
    Exercise(
        "5.1",
        "linear_back(x, w, g)",
        Text(
            "y = x W^T + b, with x (N, K), w (M, K) and b (M,). g (N, M) is the gradient at y. "
            "Return the gradients at x, (N, K), at w, (M, K), and at b, (M,).",
            "y = x W^T + b이고 x는 (N, K), w는 (M, K), b는 (M,)입니다. g (N, M)은 y에서의 "
            "기울기입니다. x에서의 기울기 (N, K), w에서의 기울기 (M, K), b에서의 기울기 (M,)를 "
            "돌려주세요.",
        ),
        _linear_cases,
        _linear_back,
        Text("the sum over all uses", "쓰일 때마다 더한 값"),
        (
            Mistake(
                lambda x, w, g: (g @ w, x.T @ g, g.sum(axis=0)),
                Text(
                    "the gradient at w is transposed: it has the shape of w, (M, K)",
                    "w의 기울기가 전치되었습니다. w와 같은 모양 (M, K)여야 합니다",
                ),
            ),
            Mistake(
                lambda x, w, g: (g @ w.T, g.T @ x, g.sum(axis=0)),
                Text(
                    "at x, it is w itself and not its transpose: the forward pass transposed it",
                    "x의 기울기에는 w의 전치가 아니라 w 자신이 들어갑니다. 전치는 앞으로 계산할 때 "
                    "했습니다",
                ),
            ),
            Mistake(
                lambda x, w, g: (g @ w, g.T @ x, g),
                Text(
                    "b was broadcast to all examples: its gradient is a sum over axis 0",
                    "b는 모든 예제로 브로드캐스트되었습니다. 기울기는 축 0에 대한 합입니다",
                ),
            ),
            Mistake(
                lambda x, w, g: (g @ w, g.T @ x, g.mean(axis=0)),
                Text(
                    "the gradient at b is the sum over the examples, not the mean",
                    "b의 기울기는 예제에 대한 평균이 아니라 합입니다",
                ),
            ),
            Mistake(
                lambda x, w, g: (g @ w, g.T @ x / len(x), g.sum(axis=0)),
                Text(
                    "the gradient at w is the sum over the examples; a mean, if the loss has one, "
                    "is in g already",
                    "w의 기울기는 예제에 대한 합입니다. 손실에 평균이 있다면 이미 g에 들어 있습니다",
                ),
            ),
            Mistake(
                lambda x, w, g: (g @ w, g.T @ x, g.sum(axis=1)),
                Text(
                    "at b, the sum is over the other axis: b has one element for each output",
                    "b에서 합을 구하는 축이 다릅니다. b는 출력마다 원소가 하나입니다",
                ),
            ),
            Mistake(
                lambda x, w, g: (g.T @ x, g @ w, g.sum(axis=0)),
                Text(
                    "the first two are swapped: return the gradient at x first, then that at w",
                    "앞의 둘이 뒤바뀌었습니다. x의 기울기가 먼저, w의 기울기가 다음입니다",
                ),
            ),
        ),
    ),
    Exercise(
        "5.2",
        "bound(fan_in, slope)",
        Text(
            "Return the r for which weights from U(-r, r) keep the mean square through a linear "
            "layer with `fan_in` inputs and a leaky ReLU with this slope. The bias is 0, and the "
            "outputs of the linear layer are symmetric around 0.",
            "입력이 fan_in개인 선형 층과 이 slope의 리키 렐루를 지나도 제곱 평균이 그대로이려면 "
            "가중치를 U(-r, r)에서 뽑을 때 r이 얼마여야 하는지 돌려주세요. 편향은 0이고 선형 층의 "
            "출력은 0을 중심으로 대칭입니다.",
        ),
        _bound_cases,
        _bound,
        Text("the closed form", "닫힌 꼴의 식"),
        (
            Mistake(
                lambda fan_in, slope: (2 / ((1 + slope**2) * fan_in)) ** 0.5,
                Text(
                    "that is the standard deviation; numbers from U(-r, r) have the variance "
                    "r^2 / 3",
                    "그것은 표준편차입니다. U(-r, r)에서 뽑은 수의 분산은 r^2 / 3입니다",
                ),
            ),
            Mistake(
                lambda fan_in, slope: (6 / fan_in) ** 0.5,
                Text(
                    "that is for a ReLU; a leaky one keeps slope^2 of the square below 0",
                    "그것은 렐루일 때입니다. 리키 렐루는 0 아래에서 제곱의 slope^2배를 남깁니다",
                ),
            ),
            Mistake(
                lambda fan_in, slope: (3 / fan_in) ** 0.5,
                Text(
                    "that is for a linear layer alone; the activation takes part of the square",
                    "그것은 선형 층만 있을 때입니다. 활성화 함수가 제곱의 일부를 없앱니다",
                ),
            ),
            Mistake(
                lambda fan_in, slope: fan_in**-0.5,
                Text(
                    "that is where PyTorch and the page begin; values shrink from layer to layer",
                    "그것은 PyTorch와 한 쪽짜리 코드의 값입니다. 층을 지날 때마다 값이 작아집니다",
                ),
            ),
            Mistake(
                lambda fan_in, slope: 6 / ((1 + slope**2) * fan_in),
                Text("that is r^2: take the root", "그것은 r^2입니다. 제곱근을 구하세요"),
            ),
            Mistake(
                lambda fan_in, slope: (6 / ((1 + slope) * fan_in)) ** 0.5,
                Text(
                    "it is a mean *square*: the slope enters as slope^2",
                    "*제곱*의 평균이므로 slope는 slope^2으로 들어갑니다",
                ),
            ),
        ),
    ),
)
