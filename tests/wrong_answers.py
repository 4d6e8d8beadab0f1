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
