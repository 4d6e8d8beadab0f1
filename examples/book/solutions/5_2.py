def bound(fan_in, slope):
    return (6 / ((1 + slope**2) * fan_in)) ** 0.5
