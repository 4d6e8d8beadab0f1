"""Philox4x32-10: a counter-based generator, whose random numbers are a function of a counter.

    rng = Philox(seed, stream=1)          block i of draw t consists of the four 32-bit words
                                          philox(counter = (i, stream, t), key = from the seed)

Most generators compute each state from the one before, so their numbers must be drawn in order.
This one computes any number directly (Salmon et al. 2011, "Parallel random numbers: as easy as 1,
2, 3"). So a GPU computes all numbers of a draw in parallel, a CUDA graph needs only the number of
the draw, and a resumed run needs one integer. The code works on the arrays of any library. On NumPy
it gives the same integers as the kernel in `cuda.kernels`, and the same numbers up to the rounding
of log, sin and cos.
"""

import math
from typing import Any

import numpy as np

Array = Any
MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85  # added to the key after each of the ROUNDS of one block
ROUNDS, MASK = 10, 0xFFFFFFFF


class Philox:
    """A stream of draws: `key` (two words, from the seed), the number of the stream, and `t`, the
    number of draws so far.

    Raises ValueError unless seed and stream are ints >= 0."""

    def __init__(self, seed: int, stream: int = 0) -> None:
        for name, value in (("seed", seed), ("stream", stream)):
            if not isinstance(value, (int, np.integer)) or value < 0:
                raise ValueError(f"{name}: expected an int >= 0, got {value!r}")
        low, high = np.random.SeedSequence(seed).generate_state(2, np.uint32)
        self.key, self.stream, self.t = (int(low), int(high)), int(stream), 0

    def count(self) -> np.ndarray:
        """Return t, the number of this draw, as two words, the low one first, and increment it."""
        t, self.t = self.t, self.t + 1
        return np.array([t & MASK, t >> 32], np.uint32)

    def __repr__(self) -> str:
        return f"Philox(key={self.key}, stream={self.stream}, t={self.t})"


def words(xp: Any, blocks: int, rng: Philox, t: Array) -> list[Array]:
    """The words of all blocks, as four uint64 arrays (blocks,) of 32-bit numbers. t (2,) is the
    number of the draw, from `count`."""
    index = xp.arange(blocks, dtype=np.uint64)
    t = t.astype(np.uint64)
    c0, c1, c2, c3 = index, index * 0 + rng.stream, index * 0 + t[0], index * 0 + t[1]
    k0, k1 = rng.key
    for _ in range(ROUNDS):
        p, q = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0, c1, c2, c3 = (q >> 32) ^ c1 ^ k0, q & MASK, (p >> 32) ^ c3 ^ k1, p & MASK
        k0, k1 = (k0 + WEYL[0]) & MASK, (k1 + WEYL[1]) & MASK
    return [c0, c1, c2, c3]


def uniform(xp: Any, shape: tuple[int, ...], dtype: Any, rng: Philox, t: Array) -> Array:
    """Uniform numbers in [0, 1) of 24 bits, or of 32 bits in float64, as an array of `shape`.
    Number 4 i + j is word j of block i. In float16, rounding can give 1."""
    n = math.prod(shape)
    four = xp.stack(words(xp, -(-n // 4), rng, t), axis=1).reshape(-1)[:n]
    if np.dtype(dtype) == np.float64:
        return (four * 2.0**-32).reshape(shape)
    return ((four >> 8).astype(np.float32) * np.float32(2.0**-24)).astype(dtype).reshape(shape)


def normal(xp: Any, shape: tuple[int, ...], dtype: Any, rng: Philox, t: Array) -> Array:
    """Standard normal numbers, as an array of `shape`: two from each two words, by the method of
    Box and Muller (1958)."""
    n = math.prod(shape)
    double = np.dtype(dtype) == np.float64
    kind, bits = (np.float64, 32) if double else (np.float32, 24)
    four = [((word >> (32 - bits)).astype(kind) + kind(0.5)) * kind(2.0**-bits)
            for word in words(xp, -(-n // 4), rng, t)]  # fmt: skip
    numbers = []
    for u, v in (four[:2], four[2:]):  # u in (0, 1], so that its logarithm is finite
        radius, angle = xp.sqrt(-2 * xp.log(u)), kind(2 * math.pi) * v
        numbers += [radius * xp.cos(angle), radius * xp.sin(angle)]
    return xp.stack(numbers, axis=1).reshape(-1)[:n].astype(dtype).reshape(shape)
