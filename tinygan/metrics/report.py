"""The table of `evaluation.evaluate`, with its notes and warnings."""

from collections.abc import Mapping
from pathlib import Path

from .. import plots
from .classifier import FEATURES
from .evaluation import COUNTS, METRICS, OURS, K, Network, Row
from .image_sets import REFERENCE, Real
from .precision_recall import expected_coverage


def alarms(row: Row, real: Row) -> dict[str, str]:
    """The values of a set that can mislead, by metric, each with the reason. `real` is the row of
    the reference."""
    return {
        m.name: f"{m.title}: {cell(m.name, row[m.name])}, "
        f"{REFERENCE}: {cell(m.name, real[m.name])}; {m.finding}"
        for m in METRICS
        if m.name in row and m.alarm(row, real)
    }


def warnings(rows: Mapping[str, Row]) -> list[str]:
    """The `alarms` of "this run", as sentences."""
    return list(alarms(rows[OURS], rows[REFERENCE]).values())


def notes(rows: Mapping[str, Row], real: Real, network: Network) -> list[str]:
    """Notes on how to read the table: its reference, expected values of real images, which numbers
    are comparable, and what the numbers cannot show."""
    n = len(real.reference)
    unseen = ", which were not used in training" if real.held_out else ""
    lines = [
        f"each set is compared with {n} {real.named}{unseen}; {REFERENCE}, the reference, are {n} "
        "training images; to the right of it are controls, known to be bad; ! marks a value that "
        "can mislead",
        _frechet(rows),
        _features(n, network),
        f"precision, recall, density, coverage are for k = {K}: at n = {n}, real images have "
        f"density 1 and coverage {expected_coverage(n, n, K):.3f} on average",
        "copies: the share of samples at most half as far from one training image as from any "
        "other, in pixels (blurred or shifted copies are missed); copying z compares this share "
        "with that of held-out images, and for the reference one half of these with the other"
        if real.held_out
        else "no test for copies: it needs images that were not used in training; give them by "
        "--against folder:PATH, or by --against test if the data set has test images",
    ]
    if real.excluded:
        lines.append(
            f"{real.named}: {real.excluded} were left out, because they are training images"
        )
    if real.held_out and "k-means" in rows:
        lines.append(
            "copies among the controls: one class alone has training images, and an average of one "
            "image is a copy"
        )
    if real.validation is not None:
        averages, others = rows["k-means"]["parzen"], rows[REFERENCE]["parzen"]
        lines.append(
            f"a Parzen log-likelihood says little: here real images score {others:.1f}, averages "
            f"by k-means {averages:.1f}; by the 2014 protocol, on all of MNIST, 242.5 and 317.0"
        )
    return lines


def _frechet(rows: Mapping[str, Row]) -> str:
    """A sentence on the Frechet distances of all sets, in order. If that of a control is below that
    of real images, the sentence says that the features do not tell them apart."""
    distances = {name: row["frechet"] for name, row in rows.items()}
    order = sorted(distances, key=lambda name: distances[name])
    listed = ", ".join(f"{name} {cell('frechet', distances[name])}" for name in order)
    real = distances[REFERENCE]
    missed = " and ".join(name for name in order if name != OURS and distances[name] < real)
    unseen = f"; these features do not tell {missed} from real images" if missed else ""
    return (
        f"Frechet, in order: {listed}{unseen}; real images have {cell('frechet', real)} at this n, "
        "not 0, so no better value can be expected"
    )


def _features(n: int, network: Network) -> str:
    """A sentence on the network whose features Frechet and KID use."""
    if network.classes:
        return (
            f"Frechet and KID use {FEATURES} features of a classifier of {network.classes} "
            f"classes, trained with tinygan: they are comparable at n = {n} and for one classifier "
            "only, not with published values"
        )
    return (
        f"Frechet and KID use {FEATURES} features of a random network, which knows no objects: "
        "they find noise, blur, wrong colors and missing variety, not wrong shapes; they are "
        f"comparable at n = {n} and for the same real images only, not with published values"
    )


def table(rows: Mapping[str, Row]) -> str:
    """The table as text: a line for each metric, a column for each set, and a ! after each value
    with an alarm."""
    marked = _cells(rows)
    shown = [m for m in METRICS if m.title and m.name in rows[OURS]]
    width = max(len(m.title) for m in METRICS)
    lines = [f"{'':<{width}}  {'better':<7}" + "".join(f"  {name:>10} " for name in rows)]
    for m in shown:
        cells = "".join(f"  {marked[name, m.name]:>{max(10, len(name)) + 1}}" for name in rows)
        lines.append(f"{m.title:<{width}}  {m.better:<7}" + cells)
    return "\n".join(line.rstrip() for line in lines)


def _cells(rows: Mapping[str, Row]) -> dict[tuple[str, str], str]:
    """The formatted numbers by set and metric, each followed by a ! or a space."""
    found = {}
    for name, row in rows.items():
        marked = alarms(row, rows[REFERENCE])
        for metric, value in row.items():
            found[name, metric] = cell(metric, value) + ("!" if metric in marked else " ")
    return found


def cell(metric: str, value: float) -> str:
    """A number formatted for the table: an integer for counts, else up to three decimals."""
    if metric in COUNTS:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 1e5 else f"{value:.{1 if abs(value) >= 100 else 3}f}"


def picture(path: str | Path, rows: Mapping[str, Row], title: str) -> None:
    """Write the table as a PNG: a panel for each metric, and the histogram of the classes."""
    panels = {m.name: m.title for m in METRICS if m.panel}
    labels = {place: text.strip() for place, text in _cells(rows).items()}
    counts = {m.name: m.title for m in METRICS if m.name in COUNTS and m.name in rows[OURS]}
    plots.bars(path, rows, panels, histogram=counts, labels=labels, title=title)
