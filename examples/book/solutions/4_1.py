def sum_back(g, shape):
    extra = g.ndim - len(shape)
    ones = tuple(extra + i for i, n in enumerate(shape) if n == 1)
    return g.sum(axis=(*range(extra), *ones)).reshape(shape)
