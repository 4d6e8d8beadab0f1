import numpy as np


def average_weights(t, beta):
    ages = np.arange(t)[::-1]
    return (1 - beta) * beta**ages / (1 - beta**t)
