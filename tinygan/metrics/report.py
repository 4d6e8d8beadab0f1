"""The table of `evaluation.evaluate`, with its notes and warnings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from .. import plots
from .classifier import CLASSES, FEATURES
from .evaluation import FLOOR, OURS, K, Real
from .precision_recall import expected_coverage

__all__ = ["COLUMNS", "alarms", "cell", "notes", "picture", "table", "warnings"]

Row = Mapping[str, float]
COUNTS = [f"class_{c}" for c in range(CLASSES)]
COLUMNS = {  # by name: title, and which values are better
    **{name: (name.replace("_", " "), "as real") for name in COUNTS},
    "class_kl": ("class KL", "less"),
    "score": ("MNIST score", "more"),
    "mean_square": ("features, mean square", "as real"),
    "frechet": ("Frechet", "less"),
    "kid": ("KID", "less"),
    "kid_error": ("KID, standard error", ""),
    "precision": ("precision", "as real"),
    "recall": ("recall", "as real"),
    "density": ("density", "as real"),
    "coverage": ("coverage", "as real"),
    "pixel_precision": ("precision, pixels", "as real"),
    "pixel_recall": ("recall, pixels", "as real"),
    "pixel_density": ("density, pixels", "as real"),
    "pixel_coverage": ("coverage, pixels", "as real"),
    "nearest": ("nearest training image", "as real"),
    "closer": ("nearer than held out", "as real"),
    "copying_z": ("copying z", "as real"),
    "duplicates": ("duplicates", "less"),
    "parzen": ("Parzen", "as real"),
    "parzen_error": ("Parzen, standard error", ""),
    "sigma": ("Parzen, sigma", ""),
}


def alarms(row: Row, floor: Row) -> dict[str, str]:
    """The numbers of a set that should not be taken at face value, by name, each with the reason.
    The alarm for recall allows for sampling noise: four times sqrt(2 r (1 - r) / N) below the
    reference r."""
    return dict(_alarms(row, floor))


def _alarms(row: Row, floor: Row) -> Iterator[tuple[str, str]]:
    n = sum(row[name] for name in COUNTS)
    most = max(COUNTS, key=lambda name: row[name])
    if row[most] > n / 2:
        yield (
            most,
            f"{row[most]:.0f} of {n:.0f} samples are of {most.replace('_', ' ')}: the generator "
            "has collapsed, or was asked for one class",
        )
    for prefix, where in (("", "in features"), ("pixel_", "in pixels")):
        density, recall = row[f"{prefix}density"], row[f"{prefix}recall"]
        minimum = floor[f"{prefix}recall"]
        if row[f"{prefix}precision"] < floor[f"{prefix}precision"] / 2:
            yield (
                f"{prefix}precision",
                f"precision {row[f'{prefix}precision']:.3f} {where} is under half of its floor "
                f"{floor[f'{prefix}precision']:.3f}: most samples are unlike any real image",
            )
        if density > 1.2:
            yield (
                f"{prefix}density",
                f"density {density:.2f} {where} is over 1.2: the samples crowd where real images "
                "are dense, as averages do",
            )
        if recall < minimum - 4 * math.sqrt(2 * minimum * (1 - minimum) / n):
            yield (
                f"{prefix}recall",
                f"recall {recall:.3f} {where} is under its floor {minimum:.3f}: some real images "
                "have nothing like them among the samples",
            )
    if row["at_edge"]:
        yield (
            "sigma",
            f"sigma {row['sigma']:g} is at the edge of its grid: the log-likelihood may be better "
            "beyond it",
        )
    if row["parzen"] > floor["parzen"] + 4 * math.hypot(row["parzen_error"], floor["parzen_error"]):
        yield (
            "parzen",
            f"Parzen {row['parzen']:.1f} is over that of real images, {floor['parzen']:.1f}: it "
            "rewards averages",
        )
    if row.get("copying_z", 0) > 3:
        yield (
            "copying_z",
            f"copying z {row['copying_z']:.1f} is over 3: the samples are nearer to the training "
            "images than other real images are; copies, or averages",
        )
    if row["duplicates"] > 0:
        yield "duplicates", f"{row['duplicates']:.1%} of the samples equal another one in 8 bits"


def warnings(rows: Mapping[str, Row]) -> list[str]:
    """The `alarms` of "this run", as sentences."""
    return list(alarms(rows[OURS], rows[FLOOR]).values())


def notes(rows: Mapping[str, Row], real: Real) -> list[str]:
    """Notes on how to read the table: its reference, expected values of real images, and which
    numbers are comparable."""
    n = len(real.reference)
    said = [
        f"{FLOOR} are the floor: {n} others, as many as the samples; the sets to their right are "
        "controls, known to be bad; ! marks a number not to be taken at its face",
        f"Frechet and KID grow with the square and the sixth power of the {FEATURES} features: "
        f"comparable at n = {n} and for one classifier only, never with published ones",
        f"precision, recall, density, coverage are for k = {K}: at n = {n}, real images have "
        f"density 1 and coverage {expected_coverage(n, n, K):.3f} on average",
    ]
    if real.held_out:
        said.append(
            "copies: how far the nearest training image is, beside held-out images; the floor is "
            "half of those beside the other half, one class alone is of training images"
        )
    else:
        said.append("no test for copies: it needs images that the run has not seen, --against test")
    said.append(
        f"a Parzen log-likelihood is worth little: here real images score "
        f"{rows[FLOOR]['parzen']:.1f}, averages of k-means {rows['k-means']['parzen']:.1f}; by the "
        "2014 protocol, on all of MNIST, 242.5 and 317.0"
    )
    if not real.digits:
        said.append("the classifier knows digits: classes, KL and score mean little here")
    return said


def table(rows: Mapping[str, Row]) -> str:
    """The table as text: a line for each metric, a column for each set, a ! after each alarm."""
    marked = _cells(rows)
    width = max(len(title) for title, _ in COLUMNS.values())
    lines = [f"{'':<{width}}  {'better':<7}" + "".join(f"  {name:>10} " for name in rows)]
    for column, (title, better) in COLUMNS.items():
        cells = [marked.get((name, column), " ") for name in rows]
        if any(map(str.strip, cells)):
            said = [f"  {c:>{max(10, len(n)) + 1}}" for n, c in zip(rows, cells, strict=True)]
            lines.append(f"{title:<{width}}  {better:<7}" + "".join(said))
    return "\n".join(line.rstrip() for line in lines)


def _cells(rows: Mapping[str, Row]) -> dict[tuple[str, str], str]:
    """The formatted numbers by set and metric, each followed by a ! or a space."""
    found = {}
    for name, row in rows.items():
        loud = alarms(row, rows[FLOOR])
        for column in COLUMNS:
            if column in row:
                found[name, column] = cell(column, row[column]) + ("!" if column in loud else " ")
    return found


def cell(column: str, value: float) -> str:
    """A number formatted for the table: an integer for counts, else up to three decimals."""
    if column in COUNTS:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 1e5 else f"{value:.{1 if abs(value) >= 100 else 3}f}"


def picture(path: str | Path, rows: Mapping[str, Row], title: str) -> None:
    """Write the table as a PNG: a panel for each metric, and the histogram of the classes."""
    aside = ("mean_square", "kid_error", "parzen_error", *COUNTS)
    titles = {name: COLUMNS[name][0] for name in COLUMNS if name not in aside}
    labels = {place: text.strip() for place, text in _cells(rows).items()}
    counts = {name: COLUMNS[name][0] for name in COUNTS}
    plots.bars(path, rows, titles, histogram=counts, labels=labels, title=title)
