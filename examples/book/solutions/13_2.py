import numpy as np


def acgan_g_loss(real_logits, class_logits, labels):
    p = np.exp(class_logits) / np.exp(class_logits).sum(axis=1, keepdims=True)
    log_p = np.log(p[np.arange(len(labels)), labels])
    return np.mean(np.log(1 + np.exp(-real_logits)) - log_p)
