def drawn(rounds, m, k):
    return rounds * k * m, rounds * (k + 1) * m
