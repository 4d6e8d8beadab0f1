import numpy as np


def linear_penalty(w, weight):
    norm = np.sqrt(np.sum(w**2))
    return weight * (norm - 1) ** 2, 2 * weight * (norm - 1) * w / norm
