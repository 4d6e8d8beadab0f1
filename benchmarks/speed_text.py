"""The text about the speed on one processor, from the results of table.py."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Any, NamedTuple

from tinygan.commands.bench.table import counted

Table = dict[str, Any]  # of `bench`
Value = Callable[[Table, str], float | None]  # of a workload; None if the table lacks a contender


class Pick(NamedTuple):
    """A contender of a table. With no number of threads, as it comes; with no number of ranks, the
    first that the table has."""

    name: str
    threads: int | None = None
    ranks: int | None = None

    def row(self, table: Table, workload: str) -> dict[str, Any] | None:
        """Its row for a workload; None if there is none."""
        for row in table["rows"]:
            names = row["workload"], row["contender"], row["threads"]
            if names == (workload, self.name, self.threads) and self.ranks in (None, row["ranks"]):
                return row
        return None


OURS, ONE_PROCESS, OURS_1 = Pick("numpy"), Pick("numpy", ranks=1), Pick("numpy", 1)
EAGER, EAGER_1, TUNED, TUNED_1 = (Pick(n, t) for n in ("torch", "torch-tuned") for t in (None, 1))


def over(a: Pick, b: Pick) -> Value:
    """The time of one contender over that of another: the median over neighboring slots."""

    def value(table: Table, workload: str) -> float | None:
        rows = [pick.row(table, workload) for pick in (a, b)]
        times = [row["times"] for row in rows if row is not None]
        return median(x / y for x, y in zip(*times, strict=True)) if len(times) == 2 else None

    return value


def reading(pick: Pick, key: str, factor: float) -> Value:
    """A number of a contender's row, times a factor."""

    def value(table: Table, workload: str) -> float | None:
        row = pick.row(table, workload)
        return None if row is None else row[key] * factor

    return value


def to_fastest(table: Table, workload: str) -> float | None:
    """The time of tinygan as it comes over that of the fastest contender."""
    ours = OURS.row(table, workload)
    medians = [row["median"] for row in table["rows"] if row["workload"] == workload]
    return None if ours is None else ours["median"] / min(medians)


def ms(pick: Pick) -> Value:
    """Milliseconds a round."""
    return reading(pick, "median", 1e3)


def peak(pick: Pick) -> Value:
    """Peak memory in MB."""
    return reading(pick, "peak_memory", 2.0**-20)


Columns = dict[str, tuple[Value, str]]  # by title: a value and its format
RATIOS: Columns = {
    "ranks": (reading(OURS, "ranks", 1), ".0f"),
    "to PyTorch": (over(OURS, EAGER), ".2f"),
    "in one process": (over(ONE_PROCESS, EAGER), ".2f"),
    "at one thread": (over(OURS_1, EAGER_1), ".2f"),
    "to PyTorch, tuned": (over(OURS, TUNED), ".2f"),
    "tuned, in one process": (over(ONE_PROCESS, TUNED), ".2f"),
    "tuned, at one thread": (over(OURS_1, TUNED_1), ".2f"),
}
TIMES: Columns = {
    "ms": (ms(OURS), ".3g"),
    "PyTorch's": (ms(EAGER), ".3g"),
    "tuned": (ms(TUNED), ".3g"),
    "speed-up": (over(OURS_1, OURS), ".2f"),
    "of PyTorch": (over(EAGER_1, EAGER), ".2f"),
    "of tuned PyTorch": (over(TUNED_1, TUNED), ".2f"),
    "peak MB": (peak(OURS), ".0f"),
    "in one process": (peak(ONE_PROCESS), ".0f"),
    "PyTorch's peak": (peak(EAGER), ".0f"),
}
BUSY: Columns = {
    "tinygan": (ms(OURS), ".3g"),
    "at one thread": (ms(OURS_1), ".3g"),
    "PyTorch": (ms(EAGER), ".3g"),
    "PyTorch at one thread": (ms(EAGER_1), ".3g"),
    "to the fastest": (to_fastest, ".2f"),
}
PEERS = {"PyTorch": EAGER, "tuned PyTorch": TUNED}
TARGETS = (  # in the processor's name, whether of perceptrons, the largest ratio, to which peer
    ("AMD", True, 0.80, "PyTorch"),
    ("AMD", False, 0.95, "PyTorch"),
    ("AMD", True, 1.0, "tuned PyTorch"),
    ("AMD", False, 1.0, "tuned PyTorch"),
    ("Intel", True, 1.0, "PyTorch"),
    ("Intel", False, 1.0, "PyTorch"),
)
BUSY_TARGET = 1.15
QUOTA = "quota of one core"  # the name of this condition


def block(results: dict[str, Any]) -> str:
    """The tables and sentences about one processor. `results` is the content of its file."""
    parts = [f"### {results['processor']}, {counted(results['cores'], 'core')}"]
    runs, busy_runs = results["shapes"], results["busy"]
    if runs:
        rows = [([name], runs, name) for name in workloads(runs[0])]
        parts += [
            "The time of tinygan over that of PyTorch with the same setting of threads; less is "
            "better. The second number is that of a second run:",
            markdown(["workload"], RATIOS, rows),
            "Milliseconds a round as the contenders come, their speed-up over one thread, and the "
            "peak memory (each rank counts the memory that it shares):",
            markdown(["workload"], TIMES, rows),
            "\n".join(verdicts(results["processor"], runs)),
            f"`import tinygan` takes {runs[-1]['import_seconds']:.2f} s. {about(runs)}",
        ]
    if busy_runs:
        rows = list(conditions(busy_runs))
        ratios = {f"{name}, {key}": values(to_fastest, r, name) for (name, key), r, _ in rows}
        parts += [
            "Milliseconds a round on a busy machine, and tinygan as it comes over the fastest of "
            "the four:",
            markdown(["workload", "machine"], BUSY, rows),
            verdict(f"at most {BUSY_TARGET} of the time of the fastest", ratios, BUSY_TARGET),
            about([next(iter(run.values())) for run in busy_runs]),
        ]
        if not any(QUOTA in run for run in busy_runs):
            parts.append(f"There is no {QUOTA}: no cgroup could be made.")
    return "\n\n".join(part for part in parts if part)


def workloads(table: Table) -> list[str]:
    """The names of the workloads of a table, in its order."""
    return list(dict.fromkeys(row["workload"] for row in table["rows"]))


def conditions(runs: Sequence[dict[str, Table]]) -> Iterable[tuple[list[str], list[Table], str]]:
    """The rows of the table of a busy machine. A run has a table of `bench` for each condition."""
    for name in workloads(next(iter(runs[0].values()))):
        for key in dict.fromkeys(key for run in runs for key in run):
            yield [name, key], [run[key] for run in runs if key in run], name


def markdown(
    titles: list[str], columns: Columns, rows: Iterable[tuple[list[str], list[Table], str]]
) -> str:
    """A table in Markdown. A row has its titles, a table of `bench` for each run, and the name of a
    workload."""
    cells = [
        [*titles, *columns],
        [*["---"] * len(titles), *["---:"] * len(columns)],
        *(
            [*row, *(cell(values(value, runs, name), form) for value, form in columns.values())]
            for row, runs, name in rows
        ),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def values(value: Value, runs: Sequence[Table], workload: str) -> list[float]:
    """The values of the runs that have one."""
    return [x for table in runs if (x := value(table, workload)) is not None]


def cell(numbers: Iterable[float], form: str) -> str:
    """The numbers with a comma between them."""
    return ", ".join(format(x, form) for x in numbers)


def about(runs: Sequence[Table]) -> str:
    """The versions, the commit and the date of each run."""
    found = []
    for machine in (table["machine"] for table in runs):
        names = [name for name in ("tinygan", "python", "numpy", "torch") if name in machine]
        versions = ", ".join(f"{name} {machine[name]}" for name in names)
        found.append(f"{versions}, commit {machine['commit'] or 'unknown'}, {machine['date']}")
    return f"By {'; again by '.join(found)}."


def verdicts(processor: str, runs: Sequence[Table]) -> Iterable[str]:
    """A sentence for each target of the processor."""
    for part, perceptrons, target, peer in TARGETS:
        names = [name for name in workloads(runs[0]) if name.startswith("mlp") == perceptrons]
        if part in processor and names:
            ratios = {name: values(over(OURS, PEERS[peer]), runs, name) for name in names}
            kind = "perceptrons" if perceptrons else "convolutional networks"
            yield verdict(f"{kind}, at most {target:.2f} of the time of {peer}", ratios, target)


def verdict(goal: str, found: dict[str, list[float]], target: float) -> str:
    """The sentence about a target, for numbers by name: met if none is above the target."""
    measured = {name: numbers for name, numbers in found.items() if numbers}
    missed = {name: numbers for name, numbers in measured.items() if max(numbers) > target}
    text = f"- Target, {goal}: met by {len(measured) - len(missed)} of {len(measured)}"
    names = ", ".join(f"{name} ({cell(numbers, '.2f')})" for name, numbers in missed.items())
    return f"{text}; not by {names}." if missed else f"{text}."
