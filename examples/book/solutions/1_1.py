def gradients_used(gradients, cleared):
    return gradients if cleared else gradients.cumsum(axis=0)
