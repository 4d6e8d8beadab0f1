"""The exercises of chapter 7: a step of Adam, and the weights in its average."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from ..backend import Rng
from ..language import Text
from ..nn import Parameter
from ..optim import Adam
from ..tensor import Tensor
from . import Exercise, Mistake

Arrays = tuple[np.ndarray, ...]


def _step_cases(rng: Rng) -> Iterator[tuple[Any, ...]]:
    """Steps from the start, and steps with averages of earlier rounds; at last a large eps."""
    yield np.array([1.0]), np.array([2.0]), np.zeros(1), np.zeros(1), 1, 0.1, 0.5, 0.9, 1e-8
    for n, t, b2, eps in (
        (2, 1, 0.999, 1e-8),
        (1, 3, 0.999, 1e-8),
        (4, 3, 0.9, 1e-8),
        (3, 2, 0.9, 0.1),
    ):
        w, g, m = rng.normal(size=(3, n)) * [[1], [1], [t > 1]]
        v = rng.uniform(0.5, 2, n) * (1 - b2 ** (t - 1))
        yield w, g, m, v, t, 0.1, 0.5, b2, eps


def _package(
    w: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray, t: int, lr: float, b1: float,
    b2: float, eps: float,
) -> Arrays:  # fmt: skip
    """The step of the package's Adam."""
    optimizer = Adam([parameter := Parameter(w)], lr, (b1, b2), eps)
    state = {**optimizer.state_dict(), "t": np.array(t - 1), "m": m, "v": v}
    optimizer.load_state_dict(state)
    optimizer.step([Tensor(g)])
    after = optimizer.state_dict()
    return parameter.numpy(), after["m"], after["v"]


def _step(
    w: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray, t: int, lr: float, b1: float,
    b2: float, eps: float, *, square: bool = True, root: bool = True, inside: bool = False,
    correct: bool = True, uphill: bool = False, hats: bool = False,
) -> Arrays:  # fmt: skip
    """A step with a mistake, or with none."""
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * (g**2 if square else abs(g))
    m_hat, v_hat = (m / (1 - b1**t), v / (1 - b2**t)) if correct else (m, v)
    size = np.sqrt(v_hat + eps) if inside else (np.sqrt(v_hat) if root else v_hat) + eps
    step = lr * m_hat / size
    return w + step if uphill else w - step, m_hat if hats else m, v_hat if hats else v


def _swapped_shares(
    w: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray, t: int, lr: float, b1: float,
    b2: float, eps: float,
) -> Arrays:  # fmt: skip
    m, v = (1 - b1) * m + b1 * g, (1 - b2) * v + b2 * g**2
    return w - lr * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps), m, v


def _late(
    w: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray, t: int, *rest: float
) -> Arrays:
    """The step with t + 1: for a t that counts from 0."""
    return _step(w, g, m, v, t + 1, *rest)


def _average_cases(rng: Rng) -> Iterator[tuple[int, float]]:
    yield from ((1, 0.5), (2, 0.5), (3, 0.5), (4, 0.9), (20, 0.9), (3, 0.0))


def _average_weights(t: int, beta: float) -> np.ndarray:
    """The averages of gradients of which a single one is 1 and the others are 0."""
    m = np.zeros(t)
    for g in np.eye(t):
        m = beta * m + (1 - beta) * g
    return m / (1 - beta**t)


EXERCISES = (
    Exercise(
        "7.1",
        "adam_step(w, g, m, v, t, lr, b1, b2, eps)",
        Text(
            "Take step number t of Adam (the first has t = 1): w are the weights, g their gradient, "
            "m and v the averages so far, all of one shape. Return the new w, m and v.",
            "Adam의 t번째 걸음을 계산하세요(첫 걸음은 t = 1). w는 가중치, g는 기울기, m과 v는 "
            "지금까지의 평균이고 모양은 모두 같습니다. 새 w, m, v를 돌려주세요.",
        ),
        _step_cases,
        _package,
        Text("the package's Adam", "패키지의 Adam"),
        (
            Mistake(
                partial(_step, correct=False),
                Text(
                    "m and v begin at 0: divide them by 1 - b1^t and 1 - b2^t",
                    "m과 v는 0에서 시작합니다. 1 - b1^t와 1 - b2^t로 나누세요",
                ),
            ),
            Mistake(
                partial(_step, hats=True),
                Text(
                    "the corrected averages serve the step alone: return m and v without correction",
                    "보정한 평균은 걸음에만 씁니다. m과 v는 보정하지 않은 값을 돌려주세요",
                ),
            ),
            Mistake(
                partial(_step, square=False),
                Text("v is the average of g^2", "v는 g^2의 평균입니다"),
            ),
            Mistake(
                partial(_step, root=False),
                Text(
                    "divide by the root of v: g^2 has the square of the size of g",
                    "v의 제곱근으로 나누세요. g^2의 크기는 g의 크기의 제곱입니다",
                ),
            ),
            Mistake(
                partial(_step, inside=True),
                Text("eps is added to the root, not under it", "eps는 제곱근 밖에서 더합니다"),
            ),
            Mistake(
                partial(_step, uphill=True),
                Text(
                    "the sign is wrong: a step goes down the gradient",
                    "부호가 반대입니다. 기울기를 따라 내려가야 합니다",
                ),
            ),
            Mistake(
                _swapped_shares,
                Text(
                    "the shares are swapped: the old average keeps b, the new gradient has 1 - b",
                    "비중이 뒤바뀌었습니다. 옛 평균에 b를, 새 기울기에 1 - b를 곱합니다",
                ),
            ),
            Mistake(
                _late,
                Text(
                    "t is the number of this step already: do not add 1",
                    "t가 이미 이 걸음의 번호입니다. 1을 더하지 마세요",
                ),
            ),
        ),
    ),
    Exercise(
        "7.2",
        "average_weights(t, beta)",
        Text(
            "Return the weights with which g_1, ..., g_t enter the corrected average m_hat_t, an "
            "array (t,).",
            "g_1, ..., g_t가 보정한 평균 m_hat_t에 들어가는 비중을 배열 (t,)로 돌려주세요.",
        ),
        _average_cases,
        _average_weights,
        Text("the averages, gradient by gradient", "기울기를 하나씩 넣어 구한 평균"),
        (
            Mistake(
                lambda t, beta: _average_weights(t, beta) * (1 - beta**t),
                Text(
                    "these sum to 1 - beta^t: m_hat is divided by that",
                    "더하면 1 - beta^t입니다. m_hat은 그것으로 나눈 값입니다",
                ),
            ),
            Mistake(
                lambda t, beta: _average_weights(t, beta)[::-1],
                Text(
                    "the order is reversed: the newest gradient, g_t, counts most",
                    "순서가 거꾸로입니다. 가장 새로운 기울기 g_t의 비중이 가장 큽니다",
                ),
            ),
            Mistake(
                lambda t, beta: np.full(t, 1 / t),
                Text(
                    "that is the plain mean; here, old gradients count less",
                    "그것은 보통의 평균입니다. 여기서는 오래된 기울기의 비중이 작습니다",
                ),
            ),
            Mistake(
                lambda t, beta: _average_weights(t, beta) / (1 - beta),
                Text(
                    "each gradient enters with the factor 1 - beta",
                    "기울기는 저마다 1 - beta가 곱해져 들어갑니다",
                ),
            ),
            Mistake(
                lambda t, beta: _average_weights(t, beta) * beta,
                Text(
                    "off by one: the newest gradient was not yet multiplied by beta",
                    "하나씩 밀렸습니다. 가장 새로운 기울기에는 아직 beta가 곱해지지 않았습니다",
                ),
            ),
        ),
    ),
)
