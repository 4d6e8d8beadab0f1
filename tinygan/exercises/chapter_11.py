"""The exercises of chapter 11: the sizes of convolutions, and the transpose along one axis."""

from collections.abc import Iterator

import numpy as np

from ..backend import Rng
from ..conv import conv2d, conv_transpose2d
from ..language import Text
from ..tensor import Tensor
from . import Exercise, Mistake

Sizes = tuple[int, int]


def _size_cases(rng: Rng) -> Iterator[tuple[int, int, int, int]]:
    yield from ((4, 1, 1, 0), (4, 3, 1, 0), (4, 3, 1, 1), (4, 2, 2, 0), (5, 2, 2, 0))
    yield from ((7, 4, 2, 1), (14, 4, 2, 1), (9, 5, 3, 2))


def _sizes(n: int, k: int, s: int, p: int) -> Sizes:
    """The sizes of the results of the package's convolutions."""
    row, kernel = Tensor(np.ones((1, 1, 1, n))), Tensor(np.ones((1, 1, 1, k)))
    results = (f(row, kernel, (1, s), (0, p)) for f in (conv2d, conv_transpose2d))
    one, other = (result.shape[3] for result in results)
    return one, other


def _transpose_cases(rng: Rng) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    yield np.array([2.0]), np.array([1.0, 3.0]), 1
    yield np.array([1.0, 10.0]), np.array([1.0, 2.0, 3.0]), 2
    for i, k, s in ((3, 3, 1), (3, 2, 2), (4, 3, 2), (3, 5, 2), (4, 4, 3)):
        yield rng.normal(size=i), rng.normal(size=k), s


def _transpose(y: np.ndarray, w: np.ndarray, s: int) -> np.ndarray:
    """The transpose of the matrix of the convolution, times y."""
    matrix = np.zeros((len(y), (len(y) - 1) * s + len(w)))
    for i in range(len(y)):
        matrix[i, i * s : i * s + len(w)] = w
    return matrix.T @ y


def _overwritten(y: np.ndarray, w: np.ndarray, s: int) -> np.ndarray:
    x = np.zeros((len(y) - 1) * s + len(w))
    for i in range(len(y)):
        x[i * s : i * s + len(w)] = y[i] * w
    return x


def _mean(y: np.ndarray, w: np.ndarray, s: int) -> np.ndarray:
    return _transpose(y, w, s) / _transpose(np.ones_like(y), np.ones_like(w), s).clip(1)


EXERCISES = (
    Exercise(
        "11.1",
        "sizes(n, k, s, p)",
        Text(
            "n pixels along one axis, kernel size k, stride s, padding p. Return two integers: the "
            "size of the result of a convolution, and of a transposed convolution.",
            "한 축의 픽셀이 n개이고 커널의 크기는 k, 스트라이드는 s, 패딩은 p입니다. 합성곱 결과의 "
            "크기와 전치 합성곱 결과의 크기를 정수 두 개로 돌려주세요.",
        ),
        _size_cases,
        _sizes,
        Text("the sizes of the package's results", "패키지가 낸 결과의 크기"),
        (
            Mistake(
                lambda n, k, s, p: ((n + 2 * p - k) // s, _sizes(n, k, s, p)[1]),
                Text(
                    "convolution: (n + 2p - k) // s steps lie between the first place and the "
                    "last, so there is one more place",
                    "합성곱: 첫 자리와 마지막 자리 사이의 걸음이 (n + 2p - k) // s번이므로 자리는 "
                    "하나 더 많습니다",
                ),
            ),
            Mistake(
                lambda n, k, s, p: ((n + p - k) // s + 1, (n - 1) * s - p + k),
                Text("padding is added at both borders", "패딩은 양쪽 끝에 모두 들어갑니다"),
            ),
            Mistake(
                lambda n, k, s, p: (_sizes(n, k, s, p)[0], (n - 1) * s + 2 * p + k),
                Text(
                    "transpose: what a convolution pads, its transpose cuts off: the sign of 2p is "
                    "wrong",
                    "전치 합성곱: 합성곱이 덧댄 것을 전치는 잘라 냅니다. 2p의 부호가 반대입니다",
                ),
            ),
            Mistake(
                lambda n, k, s, p: (_sizes(n, k, s, p)[0], n * s - 2 * p + k),
                Text(
                    "transpose: n kernels begin s apart, so the last begins at (n - 1) s",
                    "전치 합성곱: 커널 n개가 s 간격으로 놓이므로 마지막 커널은 (n - 1) s에서 "
                    "시작합니다",
                ),
            ),
            Mistake(
                lambda n, k, s, p: _sizes(n, k, s, p)[::-1],
                Text("the two sizes are swapped", "두 크기의 순서가 바뀌었습니다"),
            ),
            Mistake(
                lambda n, k, s, p: (-(-(n + 2 * p - k) // s) + 1, _sizes(n, k, s, p)[1]),
                Text(
                    "convolution: a kernel that does not fit in whole has no place: round down",
                    "합성곱: 다 들어가지 않는 커널은 놓지 않습니다. 내림하세요",
                ),
            ),
        ),
    ),
    Exercise(
        "11.2",
        "transpose_1d(y, w, s)",
        Text(
            "y (I,) and a kernel w (K,), stride s, no padding. The convolution is y_i = sum_a "
            "x[s i + a] w[a]. Return its transpose of y, ((I - 1) s + K,).",
            "y (I,)와 커널 w (K,), 스트라이드 s가 있고 패딩은 없습니다. 합성곱은 y_i = sum_a "
            "x[s i + a] w[a]입니다. y의 전치 합성곱을 모양 ((I - 1) s + K,)로 돌려주세요.",
        ),
        _transpose_cases,
        _transpose,
        Text("the transpose of the convolution's matrix", "합성곱 행렬의 전치"),
        (
            Mistake(
                _overwritten,
                Text(
                    "where kernels overlap, the terms add up: use +=, not =",
                    "커널이 겹치는 곳에서는 항을 더합니다. =가 아니라 +=를 쓰세요",
                ),
            ),
            Mistake(
                lambda y, w, s: _transpose(y, w[::-1], s),
                Text(
                    "the kernel is flipped: x[s i + a] gets y[i] w[a]",
                    "커널이 뒤집혔습니다. x[s i + a]에 y[i] w[a]가 더해집니다",
                ),
            ),
            Mistake(
                lambda y, w, s: _transpose(y, w, 1),
                Text(
                    "the stride is missing: the kernel of y[i] begins at s i",
                    "스트라이드가 빠졌습니다. y[i]의 커널은 s i에서 시작합니다",
                ),
            ),
            Mistake(
                _mean,
                Text(
                    "where kernels overlap, take the sum of the terms, not the mean",
                    "커널이 겹치는 곳에서는 평균이 아니라 합을 구하세요",
                ),
            ),
            Mistake(
                lambda y, w, s: -_transpose(y, w, s),
                Text("the sign is wrong", "부호가 반대입니다"),
            ),
            Mistake(
                lambda y, w, s: np.convolve(y, w, "valid"),
                Text(
                    "that is a convolution of y, which is smaller than y; the transpose is larger",
                    "그것은 y의 합성곱이어서 y보다 작습니다. 전치 합성곱의 결과는 더 큽니다",
                ),
            ),
        ),
    ),
)
