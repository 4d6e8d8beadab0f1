import numpy as np


def classes_found(labels, minimum):
    counts = np.bincount(labels, minlength=10)
    return int((counts >= minimum).sum())
