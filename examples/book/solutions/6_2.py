import numpy as np


def log_d(l):
    return -np.logaddexp(0, -l)
