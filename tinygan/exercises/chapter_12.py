"""The exercises of chapter 12: the losses of LSGAN, and the penalty of WGAN-GP."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import gan
from ..backend import Rng
from ..language import Text
from ..tensor import Tensor
from . import Exercise, Mistake

Numbers = np.ndarray
STEP = 1e-6


def _square_cases(rng: Rng) -> Iterator[tuple[Any, ...]]:
    yield np.array([1.0]), np.array([0.5]), 0.0, 1.0, 1.0
    yield np.array([0.5, 2.0]), np.array([-1.0, 0.0]), -1.0, 1.0, 0.0
    for n in (3, 8):
        a, b, c = rng.normal(size=3).round(2)
        yield rng.normal(size=n), rng.normal(size=n), float(a), float(b), float(c)


def _squares(real: Numbers, fake: Numbers, a: float, b: float, c: float) -> tuple[float, float]:
    """The package's game, as numbers."""
    game, x, y = gan.least_squares(a, b, c), Tensor(real), Tensor(fake)
    return game.d_loss(x, y).item(), game.g_loss(y).item()


def _half(outputs: Numbers, target: float) -> float:
    return float(np.mean((outputs - target) ** 2) / 2)


def _penalty_cases(rng: Rng) -> Iterator[tuple[Numbers, float]]:
    yield np.array([2.0]), 1.0
    yield np.array([3.0, 4.0]), 10.0
    for k in (2, 3, 6):
        yield rng.normal(size=k), 10.0


def _value(w: Numbers, weight: float) -> float:
    return float(weight * (np.linalg.norm(w) - 1) ** 2)


def _penalty(w: Numbers, weight: float) -> tuple[float, Numbers]:
    """The penalty, and its gradient by finite differences."""
    steps = STEP * np.eye(len(w))
    slopes = [(_value(w + h, weight) - _value(w - h, weight)) / (2 * STEP) for h in steps]
    return _value(w, weight), np.array(slopes)


def _other_norm(w: Numbers, weight: float, norm: float) -> tuple[float, Numbers]:
    return weight * (norm - 1) ** 2, 2 * weight * (norm - 1) * w / norm


EXERCISES = (
    Exercise(
        "12.1",
        "least_squares(real, fake, a, b, c)",
        Text(
            "real and fake (N,) are D's outputs. D's targets are b for real images and a for "
            "fakes, G's target is c. Return the losses of D and of G in LSGAN, two numbers: half "
            "of the mean square for each term.",
            "real과 fake (N,)는 D의 출력입니다. D의 목표는 진짜에서 b, 가짜에서 a이고 G의 목표는 "
            "c입니다. LSGAN에서 D의 손실과 G의 손실을 두 수로 돌려주세요. 항마다 제곱의 평균의 "
            "절반입니다.",
        ),
        _square_cases,
        _squares,
        Text("the package's game", "패키지의 게임"),
        (
            Mistake(
                lambda real, fake, a, b, c: tuple(2 * x for x in _squares(real, fake, a, b, c)),
                Text("the factor 1/2 is missing", "1/2이 빠졌습니다"),
            ),
            Mistake(
                lambda real, fake, a, b, c: tuple(
                    len(real) * x for x in _squares(real, fake, a, b, c)
                ),
                Text(
                    "take the mean over the minibatch, not the sum",
                    "미니배치에 대해 합이 아니라 평균을 구하세요",
                ),
            ),
            Mistake(
                lambda real, fake, a, b, c: (_half(real, a) + _half(fake, b), _half(fake, c)),
                Text(
                    "the targets of D are swapped: b is for real images",
                    "D의 목표가 뒤바뀌었습니다. 진짜 이미지의 목표는 b입니다",
                ),
            ),
            Mistake(
                lambda real, fake, a, b, c: (_half(real, b) + _half(fake, a), _half(fake, a)),
                Text(
                    "a is D's target for fakes; G wants the value c",
                    "a는 가짜에 대한 D의 목표입니다. G가 바라는 값은 c입니다",
                ),
            ),
            Mistake(
                lambda real, fake, a, b, c: (_half(real, b) + _half(fake, a), _half(real, c)),
                Text(
                    "G does not make the real images: its loss is of fakes",
                    "진짜 이미지는 G가 만든 것이 아닙니다. G의 손실은 가짜로 계산합니다",
                ),
            ),
            Mistake(
                lambda real, fake, a, b, c: (_half(real, b) + _half(fake, a), -_half(fake, a)),
                Text(
                    "G's loss is not the negative of D's: it has a target of its own",
                    "G의 손실은 D의 손실의 부호를 바꾼 것이 아닙니다. 목표가 따로 있습니다",
                ),
            ),
            Mistake(
                lambda real, fake, a, b, c: (_half(real, b), _half(fake, c)),
                Text(
                    "fakes are missing in D's loss: their target is a",
                    "D의 손실에 가짜가 빠졌습니다. 가짜의 목표는 a입니다",
                ),
            ),
        ),
    ),
    Exercise(
        "12.2",
        "linear_penalty(w, weight)",
        Text(
            "D(x) is the scalar product of w (K,) and x, so its gradient at each x is w. Return "
            "the penalty weight * (|w| - 1)^2, a number, and its gradient with respect to w, (K,). "
            "|w| is the root of the sum of squares.",
            "D(x)는 w (K,)와 x의 내적이므로 모든 x에서 기울기는 w입니다. 벌점 "
            "weight * (|w| - 1)^2 (수 하나)과, 이것을 w로 미분한 기울기 (K,)를 돌려주세요. |w|는 "
            "제곱의 합의 제곱근입니다.",
        ),
        _penalty_cases,
        _penalty,
        Text("finite differences", "유한 차분"),
        (
            Mistake(
                lambda w, weight: (_value(w, weight), _penalty(w, weight)[1] / 2),
                Text(
                    "the factor 2 of the square's derivative is missing",
                    "제곱을 미분할 때 나오는 2가 빠졌습니다",
                ),
            ),
            Mistake(
                lambda w, weight: (
                    _value(w, weight),
                    _penalty(w, weight)[1] * np.linalg.norm(w),
                ),
                Text(
                    "the derivative of |w| is w / |w|: divide by the norm",
                    "|w|를 미분하면 w / |w|입니다. 노름으로 나누세요",
                ),
            ),
            Mistake(
                lambda w, weight: (_value(w, weight), _penalty(w, 1)[1]),
                Text(
                    "the factor weight is missing in the gradient",
                    "기울기에 weight가 빠졌습니다",
                ),
            ),
            Mistake(
                lambda w, weight: _other_norm(w, weight, np.sum(w**2)),
                Text(
                    "the norm is a square root of the sum of squares",
                    "노름은 제곱의 합의 제곱근입니다",
                ),
            ),
            Mistake(
                lambda w, weight: (_value(w, weight), -_penalty(w, weight)[1]),
                Text(
                    "the sign is wrong: if |w| > 1, the penalty grows with w",
                    "부호가 반대입니다. |w| > 1이면 w가 커질수록 벌점도 커집니다",
                ),
            ),
            Mistake(
                lambda w, weight: (_value(w, weight), 2 * weight * (np.linalg.norm(w) - 1)),
                Text(
                    "this is the derivative with respect to |w|; the last factor is missing, w / |w|",
                    "이것은 |w|로 미분한 값입니다. 마지막 인수 w / |w|가 빠졌습니다",
                ),
            ),
            Mistake(
                lambda w, weight: _other_norm(w, weight, np.sum(abs(w))),
                Text(
                    "the norm is of squares, not of absolute values",
                    "노름은 절댓값이 아니라 제곱으로 계산합니다",
                ),
            ),
        ),
    ),
)
