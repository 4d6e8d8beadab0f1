"""Wrong answers to the exercises of the book: (old, new, words of the hint) edits of a solution. An
empty hint stands for a mistake that is refused without one."""

WRONG = {
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
