import numpy as np


def frechet(m1, v1, m2, v2):
    return np.sum((m1 - m2) ** 2) + np.sum(v1 + v2 - 2 * np.sqrt(v1 * v2))
