def linear_back(x, w, g):
    return g @ w, g.T @ x, g.sum(axis=0)
