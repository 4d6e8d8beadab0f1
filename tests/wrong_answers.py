"""Wrong answers to the exercises of the book: (old, new, words of the hint) edits of a solution. An
empty hint stands for a mistake that is refused without one."""

WRONG = {
    "1.1": [
        (
            " if cleared else gradients.cumsum(axis=0)",
            "",
            "adds to the sum of the rounds before it",
        ),
        ("gradients if cleared else ", "", "return them as they are"),
        ("if cleared", "if not cleared", "the two cases are swapped"),
        ("axis=0", "axis=1", "rounds are axis 0"),
        ("cumsum(axis=0)", "cumsum(axis=0) - gradients", "the round itself belongs to the sum"),
        ("gradients.cumsum", "-gradients.cumsum", ""),
    ],
    "1.2": [
        ("counts >= minimum", "counts > 0", "does not count"),
        (">=", ">", "use >=, not >"),
        (">=", "<", "missing, not those that are found"),
        ("counts >=", "counts[1:] >=", "the digit 0 is a class"),
        ("(counts >= minimum).sum()", "counts.max()", "count the classes"),
        ("(counts >= minimum).sum()", "counts.sum()", ""),
    ],
    "2.1": [
        ("g * (1", "(1", "multiply it by g"),
        ("(p / 2)", "(-p / 2)", "the softplus grows faster for large p"),
        ("return g", "return -g", "the softplus grows"),
        ("(1 + np.tanh(p / 2)) / 2", "(p > 0)", "the pull of the ReLU"),
        ("(1 + np.tanh(p / 2)) / 2", "(1 - np.tanh(p / 2) ** 2) / 4", "the pull of the sigmoid"),
        ("(1 + np.tanh(p / 2)) / 2", "np.log(1 + np.exp(p))", "not by y"),
        ("(p / 2)", "(p)", ""),
    ],
    "2.2": [
        ("slope * g", "0", "why it is called leaky"),
        ("p > 0", "g > 0", "not the sign of g"),
        ("g, slope * g", "slope * g, g", "the two slopes are swapped"),
        ("g, slope * g", "1.0, slope", "multiply it by g"),
        ("np.where(p > 0, g, slope * g)", "g * np.where(p > 0, p, slope * p)", "not by y"),
        ("slope * g", "-slope * g", "the slope is positive"),
    ],
    "3.1": [
        ("grads.get(parent, 0) + ", "", "the sum of what they send, not the last"),
        (
            "sorted(graph, key=lambda value: -value.born)",
            "graph",
            "before all its children had sent",
        ),
        ("1.0}", "loss.data}", "at itself is 1"),
        ("in value.edges:", "in value.edges[:1]:", ""),
        ("return [grads[x]", "return [-grads[x]", "the sign is wrong"),
        ("pull(grads[value])", "pull(1.0)", ""),
        ("[grads[x] for x in xs]", "grads[xs[0]]", ""),
    ],
    "3.2": [
        ("2 * n", "n", "each sum has two edges"),
        ("2**n", "2 * n", "and does not add"),
        ("2 * n, 2**n", "2**n, 2 * n", "are swapped"),
        ("2**n", "2 ** (n - 1)", "the first sum doubles"),
        ("2**n", "n**2", "it is a power of two"),
        ("2 * n, 2**n", "2 * n + 2, 2 ** (n + 1)", "x_0 has no parents"),
    ],
    "4.1": [
        ("return g.sum", "return -g.sum", "the sign is wrong"),
        (".sum(", ".mean(", "take the sum, not the mean"),
        (
            "    return g.sum(axis=(*range(extra), *ones)).reshape(shape)",
            "    return g",
            "has the shape of b",
        ),
        (
            "(*range(extra), *ones)).reshape(shape)",
            "tuple(range(extra)))",
            "an axis of size 1 was broadcast",
        ),
        (
            ".sum(axis=(*range(extra), *ones)).reshape(shape)",
            "[(0,) * extra][tuple(slice(0, n) for n in shape)]",
            "one copy of b is not all",
        ),
        (".reshape(shape)", "", ""),
    ],
    "4.2": [
        (".sum(axis=0)", "", "needs a sum over the minibatch"),
        (".sum(", ".mean(", "not the mean"),
        ("g * scale, (g * x)", "g * x, (g * scale)", "the factors are swapped"),
        ("g * scale, (g * x)", "g, g", "that is the rule of x + scale"),
        ("axis=0", "axis=1", "over the other axis"),
        ("g * scale", "-g * scale", ""),
    ],
}
