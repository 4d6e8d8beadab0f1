"""The exercises of chapter 13: D(x) of the semi-supervised game, and G's loss in an AC-GAN."""

from collections.abc import Callable, Iterator

import numpy as np

from ..backend import Rng
from ..gan.games import minimax, non_saturating
from ..gan.variants.semi_supervised import real_logit
from ..language import Text
from ..losses import cross_entropy
from ..tensor import Tensor
from . import Exercise, Mistake

Loss = Callable[[np.ndarray, np.ndarray, np.ndarray], float]


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _logit_cases(rng: Rng) -> Iterator[tuple[np.ndarray]]:
    yield (np.zeros((1, 1)),)
    yield (np.zeros((1, 3)),)
    for n, k in ((1, 2), (3, 2), (2, 5), (5, 10)):
        yield (rng.normal(size=(n, k)),)


def _real(logits: np.ndarray) -> np.ndarray:
    return _sigmoid(real_logit(Tensor(logits)).numpy()[:, 0])


def _softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits)
    return e / e.sum(axis=1, keepdims=True)


def _loss_cases(rng: Rng) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    yield np.zeros(1), np.array([[0.0, 1.0]]), np.array([1])
    yield np.array([1.0, -1.0]), np.array([[0.0, 2.0], [1.0, 0.0]]), np.array([0, 0])
    for n, k in ((3, 2), (4, 3), (6, 10)):
        yield rng.normal(size=n), rng.normal(size=(n, k)), rng.integers(k, size=n)


def _loss(game: float = 1, classes: float = 1, scale: bool = False) -> Loss:
    """G's loss with weights of its two terms; with `scale`, a sum over the minibatch."""

    def loss(real: np.ndarray, logits: np.ndarray, labels: np.ndarray) -> float:
        first = non_saturating.g_loss(Tensor(real[:, None])).item()
        second = cross_entropy(Tensor(logits), Tensor(labels)).item()
        return (game * first + classes * second) * (len(real) if scale else 1)

    return loss


def _saturating(real: np.ndarray, logits: np.ndarray, labels: np.ndarray) -> float:
    return minimax.g_loss(Tensor(real[:, None])).item() + _loss(0)(real, logits, labels)


def _as_fake(real: np.ndarray, logits: np.ndarray, labels: np.ndarray) -> float:
    return _loss()(-real, logits, labels)


def _not_the_logarithm(real: np.ndarray, logits: np.ndarray, labels: np.ndarray) -> float:
    chosen = _softmax(logits)[np.arange(len(labels)), labels]
    return _loss(1, 0)(real, logits, labels) - float(chosen.mean())


EXERCISES = (
    Exercise(
        "13.1",
        "real_probability(logits)",
        Text(
            'D of the semi-supervised game has class logits (N, K), and the class "fake" has the '
            "logit 0. Return the probability that x is real, (N,).",
            '준지도 게임의 D에는 클래스 로짓 (N, K)가 있고, 클래스 "가짜"의 로짓은 0입니다. x가 '
            "진짜일 확률을 모양 (N,)으로 돌려주세요.",
        ),
        _logit_cases,
        _real,
        Text("the sigmoid of the package's log Z", "패키지의 log Z에 시그모이드를 적용한 값"),
        (
            Mistake(
                lambda l: 1 - _real(l),
                Text(
                    'that is the probability of "fake", 1 / (Z + 1)',
                    '그것은 "가짜"일 확률 1 / (Z + 1)입니다',
                ),
            ),
            Mistake(
                lambda l: np.ones(len(l)),
                Text(
                    '"fake" is a class, too: its logit 0 adds 1 to the denominator',
                    '"가짜"도 클래스입니다. 로짓 0이 분모에 1을 더합니다',
                ),
            ),
            Mistake(
                lambda l: _sigmoid(l.sum(axis=1)),
                Text(
                    "take the sum of the exponentials, not the exponential of the sum",
                    "합의 지수가 아니라 지수의 합을 구하세요",
                ),
            ),
            Mistake(
                lambda l: _sigmoid(l.max(axis=1)),
                Text(
                    "the most likely class is not all: add the probabilities of all K classes",
                    "가장 그럴듯한 클래스가 전부는 아닙니다. 클래스 K개의 확률을 모두 더하세요",
                ),
            ),
            Mistake(
                lambda l: _sigmoid(np.log(np.exp(l).mean(axis=1))),
                Text(
                    "Z is the sum over the classes, not the mean",
                    "Z는 클래스에 대한 평균이 아니라 합입니다",
                ),
            ),
            Mistake(
                lambda l: np.exp(l) / (1 + np.exp(l).sum(axis=1, keepdims=True)),
                Text(
                    "those are the probabilities of the single classes; real is their sum",
                    "그것은 클래스마다의 확률입니다. 진짜일 확률은 그 합입니다",
                ),
            ),
        ),
    ),
    Exercise(
        "13.2",
        "acgan_g_loss(real_logits, class_logits, labels)",
        Text(
            "D gives the fakes of G the logits `real_logits` (N,) of being real, and class logits "
            "(N, K). G was given `labels` (N,). Return its non-saturating loss, a number: the mean "
            "of -log D(x) - log p(y | x).",
            "D가 G의 가짜에 준 진짜 로짓이 real_logits (N,), 클래스 로짓이 class_logits (N, K)입니다. "
            "G가 받은 클래스는 labels (N,)입니다. G의 비포화 손실, 곧 -log D(x) - log p(y | x)의 "
            "평균을 수 하나로 돌려주세요.",
        ),
        _loss_cases,
        _loss(),
        Text("the package's game and cross-entropy", "패키지의 게임과 교차 엔트로피"),
        (
            Mistake(
                _loss(1, -1),
                Text(
                    "the sign of the class term is wrong: G wants D to name its class",
                    "클래스 항의 부호가 반대입니다. G는 D가 클래스를 맞히기를 바랍니다",
                ),
            ),
            Mistake(
                _loss(1, 0),
                Text("the class term is missing", "클래스 항이 빠졌습니다"),
            ),
            Mistake(
                _loss(0, 1),
                Text(
                    "the term of the game, -log D(x), is missing",
                    "게임의 항 -log D(x)가 빠졌습니다",
                ),
            ),
            Mistake(
                _loss(1, 1, True),
                Text(
                    "take the mean over the minibatch, not the sum",
                    "미니배치에 대해 합이 아니라 평균을 구하세요",
                ),
            ),
            Mistake(
                _as_fake,
                Text(
                    "-log(1 - D(x)) is the loss of D on fakes; G minimizes -log D(x)",
                    "-log(1 - D(x))는 가짜에 대한 D의 손실입니다. G는 -log D(x)를 줄입니다",
                ),
            ),
            Mistake(
                _saturating,
                Text(
                    "log(1 - D(x)) is the saturating loss; use -log D(x)",
                    "log(1 - D(x))는 포화 손실입니다. -log D(x)를 쓰세요",
                ),
            ),
            Mistake(
                _not_the_logarithm,
                Text(
                    "the class term is -log p(y | x), not -p(y | x)",
                    "클래스 항은 -p(y | x)가 아니라 -log p(y | x)입니다",
                ),
            ),
        ),
    ),
)
