"""The exercises of chapter 14: a Parzen window, and the Frechet distance of diagonal Gaussians."""

import math
from collections.abc import Iterator

import numpy as np

from ..backend import Rng
from ..language import Text
from ..metrics.frechet import gaussian_distance
from ..metrics.parzen import log_likelihoods
from . import Exercise, Mistake

Gaussians = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _window_cases(rng: Rng) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    yield np.zeros(1), np.array([[1.0]]), 1.0
    yield np.zeros(1), np.array([[0.0], [2.0]]), 1.0
    yield np.zeros(2), np.array([[1.0, 0.0], [0.0, 2.0]]), 0.5
    for n, d, sigma in ((3, 2, 0.5), (4, 3, 2.0), (5, 4, 0.7)):
        yield rng.normal(size=d), rng.normal(size=(n, d)), sigma


def _window(x: np.ndarray, samples: np.ndarray, sigma: float) -> float:
    return float(log_likelihoods(samples, x[None], [sigma])[0, 0])


def _normalizer(sigma: float) -> float:
    return math.log(sigma * math.sqrt(2 * math.pi))


def _exponents(x: np.ndarray, samples: np.ndarray, sigma: float) -> np.ndarray:
    return -((x - samples) ** 2).sum(axis=1) / (2 * sigma**2)


def _log_mean(exponents: np.ndarray) -> float:
    return math.log(np.exp(exponents).mean())


def _gaussian_cases(rng: Rng) -> Iterator[Gaussians]:
    one = np.ones(1)
    yield one, one, 3 * one, one
    yield one, one, one, 4 * one
    yield one, 9 * one, 3 * one, 4 * one
    for d in (2, 3, 5):
        yield rng.normal(size=d), rng.uniform(0.2, 3, d), rng.normal(size=d), rng.uniform(0.2, 3, d)


def _frechet(m1: np.ndarray, v1: np.ndarray, m2: np.ndarray, v2: np.ndarray) -> float:
    return gaussian_distance(m1, np.diag(v1), m2, np.diag(v2))


def _of_means(m1: np.ndarray, m2: np.ndarray) -> float:
    return float(((m1 - m2) ** 2).sum())


EXERCISES = (
    Exercise(
        "14.1",
        "parzen_ll(x, samples, sigma)",
        Text(
            "x (D,) is an image, `samples` is (N, D), and each sample has a Gaussian of standard "
            "deviation sigma. Return the log of the mean of the N densities at x, a number.",
            "x (D,)는 이미지이고 samples는 (N, D)이며, 표본마다 표준편차가 sigma인 가우스가 "
            "있습니다. x에서 N개의 밀도를 평균한 값의 로그를 수 하나로 돌려주세요.",
        ),
        _window_cases,
        _window,
        Text("the package's log_likelihoods", "패키지의 log_likelihoods"),
        (
            Mistake(
                lambda x, s, sigma: _log_mean(_exponents(x, s, sigma)) - _normalizer(sigma),
                Text(
                    "each of the D pixels has a factor 1 / (sigma sqrt(2 pi)): subtract its log D "
                    "times",
                    "D개의 픽셀마다 인수 1 / (sigma sqrt(2 pi))가 있습니다. 그 로그를 D번 빼세요",
                ),
            ),
            Mistake(
                lambda x, s, sigma: _window(x, s, sigma) + math.log(len(s)),
                Text(
                    "take the mean of the densities of the samples, not the sum",
                    "표본마다의 밀도에 대해 합이 아니라 평균을 구하세요",
                ),
            ),
            Mistake(
                lambda x, s, sigma: (
                    float(_exponents(x, s, sigma).mean()) - len(x) * _normalizer(sigma)
                ),
                Text(
                    "the log of the mean, not the mean of the logs",
                    "로그의 평균이 아니라 평균의 로그입니다",
                ),
            ),
            Mistake(
                lambda x, s, sigma: _log_mean(_exponents(x, s, sigma)),
                Text(
                    "the density has a constant in front, 1 / (sigma sqrt(2 pi)) for each pixel",
                    "밀도의 앞에는 픽셀마다 상수 1 / (sigma sqrt(2 pi))가 있습니다",
                ),
            ),
            Mistake(
                lambda x, s, sigma: (
                    _log_mean(2 * _exponents(x, s, sigma)) - len(x) * _normalizer(sigma)
                ),
                Text(
                    "the exponent is divided by 2 sigma^2: the 2 is missing",
                    "지수는 2 sigma^2로 나눕니다. 2가 빠졌습니다",
                ),
            ),
            Mistake(
                lambda x, s, sigma: (
                    _log_mean(sigma * _exponents(x, s, sigma)) - len(x) * _normalizer(sigma)
                ),
                Text(
                    "the exponent has the square of sigma",
                    "지수에는 sigma의 제곱이 들어갑니다",
                ),
            ),
            Mistake(
                lambda x, s, sigma: (
                    _log_mean(_exponents(x, s, sigma)) + len(x) * _normalizer(sigma)
                ),
                Text(
                    "the sign of D log(sigma sqrt(2 pi)) is wrong: a wider Gaussian is lower",
                    "D log(sigma sqrt(2 pi))의 부호가 반대입니다. 가우스는 넓을수록 낮습니다",
                ),
            ),
        ),
    ),
    Exercise(
        "14.2",
        "frechet(m1, v1, m2, v2)",
        Text(
            "Two Gaussians with the means m1 and m2 and diagonal covariances, whose diagonals are "
            "v1 and v2 (variances), all (D,). Return their Frechet distance, a number.",
            "평균이 m1, m2이고 공분산이 대각 행렬인 두 가우스가 있습니다. v1과 v2는 그 대각선, 곧 "
            "분산이고 모양은 모두 (D,)입니다. 둘의 프레셰 거리를 수 하나로 돌려주세요.",
        ),
        _gaussian_cases,
        _frechet,
        Text("the package's gaussian_distance", "패키지의 gaussian_distance"),
        (
            Mistake(
                lambda m1, v1, m2, v2: _of_means(m1, m2),
                Text(
                    "that compares the means alone; the variances count, too",
                    "평균만 비교했습니다. 분산도 셈에 들어갑니다",
                ),
            ),
            Mistake(
                lambda m1, v1, m2, v2: _of_means(m1, m2) + float((v1 + v2 - 2 * v1 * v2).sum()),
                Text(
                    "take the root of the product of the variances",
                    "분산의 곱에 제곱근을 씌우세요",
                ),
            ),
            Mistake(
                lambda m1, v1, m2, v2: (
                    _of_means(m1, m2) + float((v1 + v2 - np.sqrt(v1 * v2)).sum())
                ),
                Text(
                    "the factor 2 is missing: for equal Gaussians the distance is 0",
                    "2를 곱하지 않았습니다. 같은 가우스 사이의 거리는 0이어야 합니다",
                ),
            ),
            Mistake(
                lambda m1, v1, m2, v2: _frechet(m1, v1, m2, v2) / len(m1),
                Text(
                    "take the sum over the features, not the mean",
                    "특징에 대해 평균이 아니라 합을 구하세요",
                ),
            ),
            Mistake(
                lambda m1, v1, m2, v2: _frechet(m1, v1**2, m2, v2**2),
                Text(
                    "v1 and v2 are variances already, not standard deviations",
                    "v1과 v2는 표준편차가 아니라 이미 분산입니다",
                ),
            ),
            Mistake(
                lambda m1, v1, m2, v2: (
                    _frechet(m1, v1, m2, v2) - _of_means(m1, m2) + math.sqrt(_of_means(m1, m2))
                ),
                Text(
                    "the distance of the means is squared",
                    "평균 사이의 거리는 제곱합니다",
                ),
            ),
        ),
    ),
)
