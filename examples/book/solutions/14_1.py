import numpy as np


def parzen_ll(x, samples, sigma):
    squares = ((x - samples) ** 2).sum(axis=1)
    log_mean = np.log(np.exp(-squares / (2 * sigma**2)).mean())
    return log_mean - len(x) * np.log(sigma * np.sqrt(2 * np.pi))
