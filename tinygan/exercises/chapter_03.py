"""The exercises of chapter 3: the chain rule on a graph, and the number of its paths."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from ..backend import Rng
from ..language import Text
from . import Exercise, Mistake

STEP = 1e-6


class Value:
    """A number with an edge (parent, pull) to each value it was computed from, and its formula."""

    births = itertools.count()

    def __init__(
        self, formula: str, data: float, *edges: tuple[Any, Callable[[float], float]]
    ) -> None:
        self.formula, self.data, self.edges, self.born = formula, data, edges, next(Value.births)

    def __repr__(self) -> str:
        return f"{self.formula} = {self.data:.4g}"

    def __add__(self, other: "Value") -> "Value":
        formula = f"({self.formula} + {other.formula})"
        return Value(formula, self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other: "Value") -> "Value":
        p, q = self.data, other.data
        formula = f"({self.formula} * {other.formula})"
        return Value(formula, p * q, (self, lambda g: g * q), (other, lambda g: g * p))


def _double(x: Value, y: Value) -> Value:
    return x + x


def _product(x: Value, y: Value) -> Value:
    return x * y


def _late(x: Value, y: Value) -> Value:
    """`inner` is used in the last step and long before, so one of its children is much older."""
    inner = x * y
    return inner * ((inner * x) * y)


def _square(x: Value, y: Value) -> Value:
    square = x * x
    return square * square + square * y


FORMULAS = (_product, _double, _square, _late)


def _graph_cases(rng: Rng) -> Iterator[tuple[Value, list[Value]]]:
    for formula in FORMULAS:
        xs = [Value(name, float(v)) for name, v in zip("xy", rng.uniform(0.5, 2, 2), strict=True)]
        loss = formula(*xs)
        yield loss, (xs if formula is not _double else xs[:1])


def _ancestors(y: Value) -> list[Value]:
    return sorted(_from_the_loss([y]), key=lambda value: value.born)


def _gradients(loss: Value, xs: list[Value]) -> list[float]:
    """The gradients by differences: the graph is computed again from changed leaves."""
    return [(_again(loss, x, STEP) - _again(loss, x, -STEP)) / (2 * STEP) for x in xs]


def _again(y: Value, x: Value, change: float) -> float:
    """The value of y if that of x changes. Sums have pulls that keep g, products others."""
    if y is x:
        return y.data + change
    if not y.edges:
        return y.data
    (p, pull), (q, _) = y.edges
    one, other = _again(p, x, change), _again(q, x, change)
    is_sum = pull(2.0) == 2.0 and abs(p.data + q.data - y.data) < 1e-9
    return one + other if is_sum else one * other


def _walk(
    loss: Value, xs: list[Value], order: Callable[[list[Value]], list[Value]], add: bool = True
) -> list[float]:
    """`grad` with another order of the values, or without sums."""
    grads: dict[Value, float] = {loss: 1.0}
    for value in order(_ancestors(loss)):
        for parent, pull in value.edges:
            if value in grads:
                before = grads.get(parent, 0.0) if add else 0.0
                grads[parent] = before + pull(grads[value])
    return [grads.get(x, 0.0) for x in xs]


def _young_first(values: list[Value]) -> list[Value]:
    return values[::-1]


def _from_the_loss(values: list[Value]) -> list[Value]:
    """The order in which a search from the loss finds the values."""
    found = values[-1:]
    for value in found:
        found += {parent for parent, _ in value.edges}.difference(found)
    return found


def _one_for_each_path(values: list[Value]) -> list[Value]:
    """The youngest first, and each as many times as paths lead to it."""
    found = values[-1:]
    for value in found:
        found += (parent for parent, _ in value.edges)
    return sorted(found, key=lambda value: -value.born)


def _recursive(loss: Value, xs: list[Value]) -> list[float]:
    """A gradient that is sent on each time something is added to it."""
    grads: dict[Value, float] = {loss: 1.0}

    def send(value: Value) -> None:
        for parent, pull in value.edges:
            grads[parent] = grads.get(parent, 0.0) + pull(grads[value])
            send(parent)

    send(loss)
    return [grads[x] for x in xs]


SENT_AGAIN = Text(
    "a value sent its gradient more than once: run each pull once, when all children have sent",
    "한 값이 기울기를 여러 번 보냈습니다. 자식이 모두 보낸 다음에 풀을 한 번씩만 실행하세요",
)


def _first_edges(loss: Value, xs: list[Value]) -> list[float]:
    grads: dict[Value, float] = {loss: 1.0}
    for value in reversed(_ancestors(loss)):
        for parent, pull in value.edges[:1]:
            if value in grads:
                grads[parent] = grads.get(parent, 0.0) + pull(grads[value])
    return [grads.get(x, 0.0) for x in xs]


def _number_cases(rng: Rng) -> Iterator[tuple[int]]:
    for n in (1, 2, 3, 10):
        yield (n,)


EXERCISES = (
    Exercise(
        "3.1",
        "grad(loss, xs)",
        Text(
            "Return the gradients of `loss` at each of `xs`, a list of numbers. A value has `data`, "
            "a number; `edges`, pairs of a parent and a pull; and `born`, its number in the order of "
            "creation.",
            "xs의 값마다 loss의 기울기를 구해 수의 리스트로 돌려주세요. 값에는 수 data, 부모와 풀의 짝인 "
            "edges, 만들어진 순서의 번호 born이 있습니다.",
        ),
        _graph_cases,
        _gradients,
        Text("finite differences", "유한 차분"),
        (
            Mistake(
                lambda loss, xs: _walk(loss, xs, _young_first, add=False),
                Text(
                    "a value with several children gets the sum of what they send, not the last",
                    "자식이 여럿이면 마지막 것이 아니라 보낸 것을 모두 더해야 합니다",
                ),
            ),
            Mistake(
                lambda loss, xs: _walk(loss, xs, _from_the_loss),
                Text(
                    "a value was used before all its children had sent: sort by `born`, youngest first",
                    "자식이 모두 보내기 전에 값을 썼습니다. born이 큰 것부터 차례로 가세요",
                ),
            ),
            Mistake(lambda loss, xs: _walk(loss, xs, _one_for_each_path), SENT_AGAIN),
            Mistake(_recursive, SENT_AGAIN),
            Mistake(
                lambda loss, xs: _walk(loss, xs, list),
                Text(
                    "parents were visited before their children: go from the youngest to the oldest",
                    "부모를 자식보다 먼저 방문했습니다. 가장 어린 값부터 가세요",
                ),
            ),
            Mistake(
                lambda loss, xs: [loss.data * g for g in _gradients(loss, xs)],
                Text(
                    "the gradient of the loss at itself is 1, not its value",
                    "손실 자신에서의 기울기는 손실의 값이 아니라 1입니다",
                ),
            ),
            Mistake(
                _first_edges,
                Text(
                    "each value sends to all its parents, not only to the first",
                    "값은 첫 부모만이 아니라 모든 부모에게 보냅니다",
                ),
            ),
            Mistake(
                lambda loss, xs: [-g for g in _gradients(loss, xs)],
                Text("the sign is wrong", "부호가 반대입니다"),
            ),
        ),
    ),
    Exercise(
        "3.2",
        "pulls(n)",
        Text(
            "x_1 = x_0 + x_0, and so on to x_n. Return two numbers: how many pulls run if each edge "
            "is used once, and how many paths lead from x_n to x_0.",
            "x_1 = x_0 + x_0이고 x_n까지 이렇게 이어집니다. 두 수를 돌려주세요. 간선을 한 번씩만 쓸 때 "
            "실행되는 풀의 수와, x_n에서 x_0으로 가는 경로의 수입니다.",
        ),
        _number_cases,
        lambda n: (sum(2 for _ in range(n)), len(list(itertools.product("ab", repeat=n)))),
        Text("a count of edges and paths", "간선과 경로를 센 값"),
        (
            Mistake(
                lambda n: (n, 2**n),
                Text(
                    "each sum has two edges, although both lead to the same parent",
                    "덧셈마다 간선이 둘입니다. 둘 다 같은 부모로 가더라도 그렇습니다",
                ),
            ),
            Mistake(
                lambda n: (2 ** (n + 1) - 2, 2**n),
                Text(
                    "so many pulls run if each path is followed; here, each edge is used once",
                    "경로를 모두 따라갈 때의 풀의 수입니다. 여기서는 간선을 한 번씩만 씁니다",
                ),
            ),
            Mistake(
                lambda n: (2 * n, 2 * n),
                Text(
                    "each step doubles the number of paths: it multiplies by two, and does not add",
                    "단계마다 경로의 수는 두 배가 됩니다. 더하는 것이 아니라 곱합니다",
                ),
            ),
            Mistake(
                lambda n: (2**n, 2 * n),
                Text("the two numbers are swapped", "두 수의 자리가 바뀌었습니다"),
            ),
            Mistake(
                lambda n: (2 * n, 2 ** (n - 1)),
                Text(
                    "the first sum doubles the number of paths, too",
                    "첫 덧셈에서도 경로는 두 배가 됩니다",
                ),
            ),
            Mistake(
                lambda n: (2 * (n + 1), 2 ** (n + 1)),
                Text(
                    "x_0 has no parents: n values have edges, not n + 1",
                    "x_0에는 부모가 없습니다. 간선이 있는 값은 n + 1개가 아니라 n개입니다",
                ),
            ),
            Mistake(
                lambda n: (2 * n, n**2),
                Text(
                    "the number of paths doubles with each step: it is a power of two",
                    "경로의 수는 단계마다 두 배가 되므로 2의 거듭제곱입니다",
                ),
            ),
        ),
    ),
)
