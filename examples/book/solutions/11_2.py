import numpy as np


def transpose_1d(y, w, s):
    x = np.zeros((len(y) - 1) * s + len(w))
    for i in range(len(y)):
        x[i * s : i * s + len(w)] += y[i] * w
    return x
