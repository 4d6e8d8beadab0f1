import numpy as np


def generator_slopes(logits):
    d = 1 / (1 + np.exp(-logits))
    return -d, d - 1
