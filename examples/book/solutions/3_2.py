def pulls(n):
    return 2 * n, 2**n
