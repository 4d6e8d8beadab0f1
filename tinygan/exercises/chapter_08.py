"""The exercises of chapter 8: what Algorithm 1 draws, and a round of it."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ..backend import Rng
from ..language import Text
from . import Exercise, Mistake

STEP = 1e-5


def _drawn_cases(rng: Rng) -> Iterator[tuple[int, int, int]]:
    yield from ((1, 1, 1), (1, 3, 1), (2, 3, 1), (1, 2, 3), (100, 64, 5))


def _drawn(rounds: int, m: int, k: int) -> tuple[int, int]:
    """The counts, step by step."""
    images = noise = 0
    for _ in range(rounds):
        for _ in range(k):
            images, noise = images + m, noise + m
        noise += m
    return images, noise


def _round_cases(rng: Rng) -> Iterator[tuple[Any, ...]]:
    yield np.array([2.0]), np.array([0.0]), np.array([1.0]), 0.0, 1.0, 0.5
    for m in (1, 2, 2, 5):
        x, z_d, z_g = rng.normal([[3.0], [0.0], [0.0]], 1, (3, m))
        theta, w = rng.normal(size=2)
        yield x, z_d, z_g, float(theta), float(w), 0.5


def _slope(function: Callable[[float], Any], at: float) -> float:
    return float((function(at + STEP) - function(at - STEP)) / (2 * STEP))


def _mean_softplus(l: np.ndarray) -> float:
    return float(np.logaddexp(0, l).mean())


def _one_round(
    x: np.ndarray, z_d: np.ndarray, z_g: np.ndarray, theta: float, w: float, lr: float, *,
    factor_d: float = 1, factor_g: float = 1, with_fakes: bool = True, old_d: bool = False,
    saturating: bool = False, sums: bool = False, same_z: bool = False,
) -> tuple[float, float]:  # fmt: skip
    """A round by finite differences, with a mistake or with none."""

    def d_loss(w: float) -> float:
        fakes = _mean_softplus(w * (z_d + theta)) if with_fakes else 0.0
        return _mean_softplus(-w * x) + fakes

    def g_loss(theta: float) -> float:
        logits = (w if old_d else new_w) * ((z_d if same_z else z_g) + theta)
        return -_mean_softplus(logits) if saturating else _mean_softplus(-logits)

    lr = lr * len(x) if sums else lr
    new_w = w - factor_d * lr * _slope(d_loss, w)
    return theta - factor_g * lr * _slope(g_loss, theta), new_w


def _without_means(
    x: np.ndarray, z_d: np.ndarray, z_g: np.ndarray, theta: float, w: float, lr: float
) -> tuple[np.ndarray, ...]:
    """A round for each image by itself."""
    rows = np.stack((x, z_d, z_g), axis=1)[:, :, None]
    rounds = [_one_round(row[0], row[1], row[2], theta, w, lr) for row in rows]
    return tuple(np.array(rounds).T)


def _without_slope_of_logit(*arguments: Any) -> tuple[float, float]:
    """G's gradient at the logit, taken for that at theta."""
    old_theta = arguments[3]
    theta, w = _one_round(*arguments)
    return old_theta + (theta - old_theta) / w, w


EXERCISES = (
    Exercise(
        "8.1",
        "drawn(rounds, m, k)",
        Text(
            "Return how many real images and how many noise samples Algorithm 1 draws in so many "
            "rounds, with minibatches of m and k steps of D in each round.",
            "미니배치가 m개이고 라운드마다 판별자가 k걸음 움직일 때, 알고리즘 1이 rounds라운드 동안 "
            "뽑는 진짜 이미지의 수와 잡음의 수를 돌려주세요.",
        ),
        _drawn_cases,
        _drawn,
        Text("a count, step by step", "걸음마다 센 값"),
        (
            Mistake(
                lambda rounds, m, k: (rounds * k * m, rounds * k * m),
                Text(
                    "G's step draws noise, too: new noise, once in each round",
                    "생성자의 걸음도 라운드마다 한 번씩 잡음을 새로 뽑습니다",
                ),
            ),
            Mistake(
                lambda rounds, m, k: (rounds * k * m, 2 * rounds * k * m),
                Text(
                    "G's step comes once in each round, after all k steps of D",
                    "생성자의 걸음은 판별자의 k걸음이 모두 끝난 뒤 라운드마다 한 번입니다",
                ),
            ),
            Mistake(
                lambda rounds, m, k: (rounds * (k + 1) * m, rounds * (k + 1) * m),
                Text(
                    "G's step draws no real images",
                    "생성자의 걸음은 진짜 이미지를 뽑지 않습니다",
                ),
            ),
            Mistake(
                lambda rounds, m, k: (rounds * m, 2 * rounds * m),
                Text(
                    "D takes k steps in each round, and each draws a minibatch of its own",
                    "판별자는 라운드마다 k걸음 움직이고, 걸음마다 미니배치를 새로 뽑습니다",
                ),
            ),
            Mistake(
                lambda rounds, m, k: (rounds * k, rounds * (k + 1)),
                Text(
                    "these are minibatches: each has m images or noise samples",
                    "그것은 미니배치의 수입니다. 미니배치마다 이미지나 잡음이 m개 있습니다",
                ),
            ),
            Mistake(
                lambda rounds, m, k: (rounds * (k + 1) * m, rounds * k * m),
                Text(
                    "the two are swapped: real images first, then noise",
                    "둘이 뒤바뀌었습니다. 진짜 이미지가 먼저, 잡음이 다음입니다",
                ),
            ),
            Mistake(
                lambda rounds, m, k: (rounds * m, rounds * (k + 1) * m),
                Text(
                    "D's loss compares: each of its k steps draws real images, too",
                    "판별자는 진짜와 가짜를 견줍니다. k걸음마다 진짜 이미지도 뽑습니다",
                ),
            ),
        ),
    ),
    Exercise(
        "8.2",
        "one_round(x, z_d, z_g, theta, w, lr)",
        Text(
            "Each image is one number, G(z) = z + theta, and D's logit is w * x. x, z_d and z_g are "
            "minibatches, arrays (m,). Play one round: D takes a step of gradient descent on its "
            "loss, the mean of -log D(x) plus the mean of -log(1 - D(G(z_d))), then G one on the "
            "mean of -log D(G(z_g)), both with the rate lr. Return the new theta and w, two numbers.",
            "이미지는 저마다 수 하나이고 G(z) = z + theta, 판별자의 로짓은 w * x입니다. x, z_d, z_g는 "
            "미니배치이고 모양이 (m,)인 배열입니다. 한 라운드를 진행하세요. 먼저 판별자가 자기 손실, 곧 "
            "-log D(x)의 평균과 -log(1 - D(G(z_d)))의 평균을 더한 값에 경사 하강법을 한 걸음 쓰고, "
            "다음에 생성자가 -log D(G(z_g))의 평균에 한 걸음 씁니다. 학습률은 모두 lr입니다. 새 theta와 "
            "w를 수 두 개로 돌려주세요.",
        ),
        _round_cases,
        _one_round,
        Text("finite differences", "유한 차분"),
        (
            Mistake(
                partial(_one_round, old_d=True),
                Text(
                    "G's step asks the D that has just learned: use the new w",
                    "생성자의 걸음은 방금 배운 판별자에게 묻습니다. 새 w를 쓰세요",
                ),
            ),
            Mistake(
                partial(_one_round, factor_d=-1),
                Text(
                    "the sign of D's step is wrong: it goes down its loss (up V)",
                    "판별자의 걸음은 부호가 반대입니다. 손실을 따라 내려갑니다(V는 올라갑니다)",
                ),
            ),
            Mistake(
                partial(_one_round, factor_g=-1),
                Text(
                    "the sign of G's step is wrong: G goes to where the logit is larger",
                    "생성자의 걸음은 부호가 반대입니다. 생성자는 로짓이 커지는 쪽으로 갑니다",
                ),
            ),
            Mistake(
                partial(_one_round, with_fakes=False),
                Text(
                    "the fakes are left out of D's loss",
                    "판별자의 손실에 가짜가 빠졌습니다",
                ),
            ),
            Mistake(
                partial(_one_round, saturating=True),
                Text(
                    "that is G's loss log(1 - D(G(z))); the exercise has -log D(G(z))",
                    "그것은 생성자의 손실 log(1 - D(G(z)))입니다. 여기서는 -log D(G(z))입니다",
                ),
            ),
            Mistake(
                partial(_one_round, same_z=True),
                Text(
                    "G's step has noise of its own, z_g",
                    "생성자의 걸음에는 따로 뽑은 잡음 z_g를 씁니다",
                ),
            ),
            Mistake(
                partial(_one_round, sums=True),
                Text(
                    "the losses are means over the minibatch, not sums",
                    "손실은 미니배치의 합이 아니라 평균입니다",
                ),
            ),
            Mistake(
                _without_means,
                Text(
                    "x, z_d and z_g are minibatches: each loss is a mean, so theta and w are numbers",
                    "x, z_d, z_g는 미니배치입니다. 손실은 평균이므로 theta와 w는 수 하나입니다",
                ),
            ),
            Mistake(
                partial(_one_round, factor_d=0.5),
                Text(
                    "D's loss is the sum of its two means, not half of the sum",
                    "판별자의 손실은 두 평균의 합이고, 2로 나누지 않습니다",
                ),
            ),
            Mistake(
                _without_slope_of_logit,
                Text(
                    "the logit is w (z_g + theta): its derivative at theta, w, is a factor of G's step",
                    "로짓은 w (z_g + theta)입니다. theta에 대한 도함수 w를 생성자의 걸음에 곱해야 합니다",
                ),
            ),
            Mistake(
                lambda x, z_d, z_g, theta, *rest: _one_round(
                    x, z_d - theta, z_g - theta, theta, *rest
                ),
                Text("a fake is z + theta, not z", "가짜는 z가 아니라 z + theta입니다"),
            ),
            Mistake(
                lambda *arguments: _one_round(*arguments)[::-1],
                Text("the two are swapped: theta first, then w", "theta가 먼저, w가 다음입니다"),
            ),
        ),
    ),
)
