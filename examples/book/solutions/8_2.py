import numpy as np


def sigmoid(l):
    return (1 + np.tanh(l / 2)) / 2


def one_round(x, z_d, z_g, theta, w, lr):
    fake = z_d + theta
    new_w = w - lr * (np.mean(fake * sigmoid(w * fake)) - np.mean(x * sigmoid(-w * x)))
    theta = theta + lr * np.mean(new_w * sigmoid(-new_w * (z_g + theta)))
    return theta, new_w
