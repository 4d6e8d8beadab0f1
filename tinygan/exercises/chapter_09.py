"""The exercises of chapter 9: the best discriminator, and the Jensen-Shannon divergence."""

from collections.abc import Iterator

import numpy as np

from ..backend import Rng
from ..gan.theory import criterion, divergence, optimal_discriminator
from ..language import Text
from . import Exercise, Mistake

Numbers = np.ndarray
CLOSED_FORM = Text("the closed form", "닫힌 식")


def _positive_cases(rng: Rng) -> Iterator[tuple[Numbers, Numbers]]:
    yield np.array([0.5, 0.5]), np.array([0.25, 0.75])
    yield np.array([0.5, 0.5]), np.array([0.5, 0.5])
    for k in (2, 3, 6):
        yield rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k))


def _cases(rng: Rng) -> Iterator[tuple[Numbers, Numbers]]:
    yield from _positive_cases(rng)
    yield np.array([1.0, 0.0]), np.array([0.5, 0.5])
    yield np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.0, 1.0])


def _best(p: Numbers, q: Numbers) -> tuple[Numbers, float]:
    return optimal_discriminator(p, q), criterion(p, q)


def _objective(d: Numbers, p: Numbers, q: Numbers) -> Numbers:
    return p * np.log(d) + q * np.log(1 - d)


def _jsd(p: Numbers, q: Numbers) -> float:
    return divergence("js", p, q)


def _kl_terms(p: Numbers, q: Numbers) -> Numbers:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * np.log(p / q), 0)


def _two_kl(p: Numbers, m: Numbers, q: Numbers) -> float:
    """KL(p || m) + KL(q || m)."""
    return float(np.sum(_kl_terms(p, m) + _kl_terms(q, m)))


def _without_the_rule(p: Numbers, q: Numbers) -> float:
    """The divergence where 0 log 0 is NaN."""
    return _jsd(p, q) if (p * q).all() else np.nan


EXERCISES = (
    Exercise(
        "9.1",
        "best_discriminator(p, q)",
        Text(
            "p and q (K,) are probabilities above 0: p of the data, q of the samples of G. Return "
            "the D that maximizes V(D) = E_p[log D] + E_q[log(1 - D)], (K,), and this maximum, a "
            "number.",
            "p와 q (K,)는 0보다 큰 확률이고, p는 데이터, q는 G의 표본의 확률입니다. "
            "V(D) = E_p[log D] + E_q[log(1 - D)]를 가장 크게 하는 D (K,)와 그 최댓값(수 하나)을 "
            "돌려주세요.",
        ),
        _positive_cases,
        _best,
        CLOSED_FORM,
        (
            Mistake(
                lambda p, q: (q / (p + q), np.sum(_objective(q / (p + q), p, q))),
                Text(
                    "D is large where the data are: p belongs in the numerator",
                    "D는 데이터가 있는 곳에서 큽니다. 분자에는 p가 와야 합니다",
                ),
            ),
            Mistake(
                lambda p, q: (p / q, _best(p, q)[1]),
                Text(
                    "p / q is the exponential of the logit; D is a probability, p / (p + q)",
                    "p / q는 로짓의 지수입니다. D는 확률이므로 p / (p + q)입니다",
                ),
            ),
            Mistake(
                lambda p, q: (np.log(p / q), _best(p, q)[1]),
                Text(
                    "that is the logit of the best D; D is a probability, p / (p + q)",
                    "그것은 가장 좋은 D의 로짓입니다. D는 확률이므로 p / (p + q)입니다",
                ),
            ),
            Mistake(
                lambda p, q: (_best(p, q)[0], _objective(_best(p, q)[0], p, q)),
                Text(
                    "V is one number: the sum of its terms over all states",
                    "V는 수 하나입니다. 항을 모든 상태에 대해 더하세요",
                ),
            ),
            Mistake(
                lambda p, q: (_best(p, q)[0], -_best(p, q)[1]),
                Text(
                    "that is D's loss; V is its negative, and never above 0",
                    "그것은 D의 손실입니다. V는 부호가 반대이고 0보다 클 수 없습니다",
                ),
            ),
            Mistake(
                lambda p, q: (_best(p, q)[0], np.mean(_objective(_best(p, q)[0], p, q))),
                Text(
                    "an expectation weights each state by its probability: sum, do not average",
                    "기댓값은 상태마다 확률을 가중치로 곱한 합입니다. 다시 평균하지 마세요",
                ),
            ),
            Mistake(
                lambda p, q: (_best(p, q)[0], np.sum(p * np.log(_best(p, q)[0]))),
                Text(
                    "the second term is missing: E_q[log(1 - D)]",
                    "둘째 항 E_q[log(1 - D)]가 빠졌습니다",
                ),
            ),
            Mistake(
                lambda p, q: (_best(p, q)[0], np.sum((p + q) * np.log(_best(p, q)[0]))),
                Text(
                    "on samples of G, V has log(1 - D), not log D",
                    "G의 표본에서는 log D가 아니라 log(1 - D)입니다",
                ),
            ),
            Mistake(
                lambda p, q: (_best(p, q)[0], _best(p, q)[1] / np.log(2)),
                Text(
                    "use the natural logarithm, not that of base 2",
                    "밑이 2인 로그가 아니라 자연로그를 쓰세요",
                ),
            ),
        ),
    ),
    Exercise(
        "9.2",
        "jsd(p, q)",
        Text(
            "p and q (K,) are probabilities, and some may be 0. Return their Jensen-Shannon "
            "divergence, in nats: the mean of KL(p || m) and KL(q || m), where m is the mean of p "
            "and q.",
            "p와 q (K,)는 확률이고 일부는 0일 수 있습니다. 두 분포의 옌센-섀넌 발산을 "
            "자연로그로 계산해 돌려주세요. m이 p와 q의 평균일 때 KL(p || m)과 KL(q || m)의 "
            "평균입니다.",
        ),
        _cases,
        _jsd,
        CLOSED_FORM,
        (
            Mistake(
                lambda p, q: 2 * _jsd(p, q),
                Text(
                    "take the mean of the two KL, not their sum: the JSD is at most log 2",
                    "두 KL의 합이 아니라 평균입니다. JSD는 log 2를 넘지 않습니다",
                ),
            ),
            Mistake(
                lambda p, q: float(_kl_terms(p, (p + q) / 2).sum()),
                Text(
                    "KL(q || m) is missing: the JSD treats p and q alike",
                    "KL(q || m)이 빠졌습니다. JSD는 p와 q를 똑같이 다룹니다",
                ),
            ),
            Mistake(
                lambda p, q: (_two_kl(p, q, q) + _two_kl(q, p, p)) / 2,
                Text(
                    "compare p and q with their mean m, not with each other: this one can be "
                    "infinite",
                    "p와 q를 서로가 아니라 평균 m과 비교하세요. 이 값은 무한대가 될 수 있습니다",
                ),
            ),
            Mistake(
                lambda p, q: _two_kl(p, p + q, q) / 2,
                Text(
                    "m is the mean of p and q, (p + q) / 2, not their sum",
                    "m은 p와 q의 합이 아니라 평균 (p + q) / 2입니다",
                ),
            ),
            Mistake(
                lambda p, q: float(np.sqrt(_jsd(p, q))),
                Text(
                    "that is the Jensen-Shannon distance, the root of the divergence",
                    "그것은 발산의 제곱근인 옌센-섀넌 거리입니다",
                ),
            ),
            Mistake(
                lambda p, q: -_jsd(p, q),
                Text(
                    "the sign is wrong: a divergence is never below 0",
                    "부호가 반대입니다. 발산은 0보다 작을 수 없습니다",
                ),
            ),
            Mistake(
                lambda p, q: _jsd(p, q) / np.log(2),
                Text(
                    "use the natural logarithm, not that of base 2",
                    "밑이 2인 로그가 아니라 자연로그를 쓰세요",
                ),
            ),
            Mistake(
                _without_the_rule,
                Text(
                    "NumPy gives NaN for 0 log 0; that term is 0",
                    "NumPy에서 0 log 0은 NaN입니다. 그 항은 0으로 보아야 합니다",
                ),
            ),
        ),
    ),
)
