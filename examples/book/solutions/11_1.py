def sizes(n, k, s, p):
    return (n + 2 * p - k) // s + 1, (n - 1) * s - 2 * p + k
