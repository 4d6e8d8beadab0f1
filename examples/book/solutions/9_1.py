import numpy as np


def best_discriminator(p, q):
    d = p / (p + q)
    return d, np.sum(p * np.log(d)) + np.sum(q * np.log(1 - d))
