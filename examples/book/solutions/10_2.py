import numpy as np


def closeness(m):
    distances = abs(m[:, None] - m[None, :]).sum(axis=3)
    return np.exp(-distances).sum(axis=1)
