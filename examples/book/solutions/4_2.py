def scale_back(x, scale, g):
    return g * scale, (g * x).sum(axis=0)
