"""The exercises of chapter 6: the gradients of D's loss at its logits, and log D of a logit."""

from collections.abc import Callable, Iterator

import numpy as np

from ..backend import Rng
from ..language import Text
from . import Exercise, Mistake

STEP = 1e-5


def _sigmoid(l: np.ndarray) -> np.ndarray:
    return (1 + np.tanh(l / 2)) / 2


def _loss_cases(rng: Rng) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    yield np.array([[0.0]]), np.array([[1.0]])
    yield np.array([[2.0], [-1.0]]), np.array([[-2.0], [0.5]])
    for m, n in ((3, 3), (2, 4), (5, 1)):
        yield rng.normal(0, 3, (m, 1)), rng.normal(0, 3, (n, 1))


def _d_loss(real: np.ndarray, fake: np.ndarray) -> float:
    return float(np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean())


def _d_loss_back(real: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The derivatives of D's loss, by differences, logit by logit."""
    at_real, at_fake = np.zeros_like(real), np.zeros_like(fake)
    for logits, found in ((real, at_real), (fake, at_fake)):
        for at in np.ndindex(*logits.shape):
            start, values = logits[at], []
            for change in (STEP, -STEP):
                logits[at] = start + change
                values.append(_d_loss(real, fake))
            logits[at] = start
            found[at] = (values[0] - values[1]) / (2 * STEP)
    return at_real, at_fake


def _log_d_cases(rng: Rng) -> Iterator[tuple[np.ndarray]]:
    yield from ((np.array(l),) for l in ([0.0], [2.0, -3.0], [40.0, -40.0], [1000.0, -1000.0]))


def _log_d(l: np.ndarray) -> np.ndarray:
    return -np.logaddexp(0, -l)


def _clipped(least: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda l: np.log(np.clip(_sigmoid(l), least, 1))


def _as_written(l: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.log(1 / (1 + np.exp(-l)))


EXERCISES = (
    Exercise(
        "6.1",
        "d_loss_back(real, fake)",
        Text(
            "`real` (M, 1) and `fake` (N, 1) are D's logits, and D's loss is the mean of -log D(x) "
            "plus the mean of -log(1 - D(G(z))). Return its gradients at `real` and at `fake`.",
            "real (M, 1)과 fake (N, 1)은 판별자의 로짓이고, 판별자의 손실은 -log D(x)의 평균과 "
            "-log(1 - D(G(z)))의 평균을 더한 것입니다. real에서의 기울기와 fake에서의 기울기를 "
            "돌려주세요.",
        ),
        _loss_cases,
        _d_loss_back,
        Text("finite differences", "유한 차분"),
        (
            Mistake(
                lambda real, fake: (_sigmoid(real) - 1, _sigmoid(fake)),
                Text(
                    "each loss is a mean: divide by the number of its logits",
                    "손실은 저마다 평균입니다. 로짓의 수로 나누세요",
                ),
            ),
            Mistake(
                lambda real, fake: ((1 - _sigmoid(real)) / len(real), -_sigmoid(fake) / len(fake)),
                Text(
                    "the sign is wrong: these are the gradients of V, and D's loss is -V",
                    "부호가 반대입니다. 그것은 V의 기울기이고, 판별자의 손실은 -V입니다",
                ),
            ),
            Mistake(
                lambda real, fake: ((1 - _sigmoid(real)) / len(real), _sigmoid(fake) / len(fake)),
                Text(
                    "the sign at the real logits is wrong: a larger logit makes this loss smaller",
                    "real의 부호가 반대입니다. 로짓이 커지면 이 손실은 작아집니다",
                ),
            ),
            Mistake(
                lambda real, fake: (_sigmoid(real) / len(real), _sigmoid(fake) / len(fake)),
                Text(
                    "softplus(-l) is the loss of a real image: its pull has the sigmoid of -l, and "
                    "the sign of -l",
                    "진짜 이미지의 손실은 softplus(-l)입니다. 풀에는 -l의 시그모이드가 들어가고, "
                    "-l의 부호도 곱해집니다",
                ),
            ),
            Mistake(
                lambda real, fake: (
                    (_sigmoid(real) - 1) / len(real),
                    (_sigmoid(fake) - 1) / len(fake),
                ),
                Text(
                    "at the fakes, that is the gradient of G's loss",
                    "fake에서 그것은 생성자의 손실의 기울기입니다",
                ),
            ),
            Mistake(
                lambda real, fake: (
                    (_sigmoid(real) - 1) / (len(real) + len(fake)),
                    _sigmoid(fake) / (len(real) + len(fake)),
                ),
                Text(
                    "there are two means, each over logits of its own",
                    "평균은 두 개이고, 저마다 자기 로짓에 대한 것입니다",
                ),
            ),
        ),
    ),
    Exercise(
        "6.2",
        "log_d(l)",
        Text(
            "Return log D, where D = sigmoid(l), for an array of logits of any size.",
            "로짓의 배열 l에 대해 log D를 돌려주세요. D = sigmoid(l)이고 로짓은 얼마든지 클 수 "
            "있습니다.",
        ),
        _log_d_cases,
        _log_d,
        Text("the closed form, of the logit", "로짓으로 쓴 닫힌 꼴의 식"),
        (
            Mistake(
                _as_written,
                Text(
                    "the sigmoid was rounded to 0 before its logarithm was taken: use the softplus",
                    "로그를 취하기 전에 시그모이드가 0으로 반올림되었습니다. 소프트플러스를 쓰세요",
                ),
            ),
            *(
                Mistake(
                    _clipped(least),
                    Text(
                        "a clipped D is wrong for large logits, and has no gradient there",
                        "잘라 낸 D는 큰 로짓에서 틀리고, 그곳에서는 기울기도 없습니다",
                    ),
                )
                for least in (1e-7, 1e-8, 1e-12)
            ),
            Mistake(
                lambda l: np.logaddexp(0, -l),
                Text(
                    "the sign is wrong: the logarithm of a probability is at most 0",
                    "부호가 반대입니다. 확률의 로그는 0보다 클 수 없습니다",
                ),
            ),
            Mistake(
                lambda l: -np.logaddexp(0, l),
                Text("that is log(1 - D)", "그것은 log(1 - D)입니다"),
            ),
            Mistake(
                _sigmoid,
                Text("that is D: take its logarithm", "그것은 D입니다. 로그를 구하세요"),
            ),
            Mistake(
                lambda l: np.minimum(l, 0),
                Text(
                    "that is right far from 0 only; at a logit of 0, D is 1/2",
                    "그것은 0에서 먼 곳에서만 맞습니다. 로짓이 0이면 D는 1/2입니다",
                ),
            ),
        ),
    ),
)
