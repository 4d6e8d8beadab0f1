import numpy as np


def least_squares(real, fake, a, b, c):
    d_loss = np.mean((real - b) ** 2) / 2 + np.mean((fake - a) ** 2) / 2
    return d_loss, np.mean((fake - c) ** 2) / 2
