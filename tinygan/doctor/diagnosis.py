"""Diagnoses of training failures from probes; `advice.py` has the remedies.

    diagnose(probes)             the failures at the last of these probes

The functions are pure: the same probes give the same text.

A diagnosis requires its signs in each of the last `PATIENCE` probes, since games fluctuate and one
minibatch is noisy. Each threshold is far from the values of games that learn. This keeps false
alarms rare, at the cost of missed cases.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from .advice import ADVICE
from .probe import Probe

__all__ = ["PATIENCE", "Diagnosis", "diagnose", "diagnose_run"]

PATIENCE = 4  # successive probes that must agree

# The share of (real, fake) pairs that D ranks correctly. D is "too strong" only from here on.
SURE = 0.99
# The mean |d G's loss / d logit|, which scales G's gradient. In the minimax game it is D(G(z)): 1/2
# at equilibrium, and still 0.3 in a healthy game that D wins. At 0.01 G learns a hundred times more
# slowly: the saturation of Goodfellow et al. 2014, section 3. In other games it is near 1.
SHUT = 0.01
# D's loss over its loss at equal logits. At 0.003 (odds of 500 to 1) D has nothing left to learn.
# In a healthy game that D wins, it is a few hundredths.
SETTLED = 3e-3
# The norm of G's gradient over that in the first probes. Healthy games stay within a factor of 30.
VANISHED = 1e-3
# The spread: distances between fakes over distances between real images. Perceptrons start with
# blobs of 0.05 and grow from there. If G ignores z, the spread goes to 0.
ALIKE = 0.02
# Also collapsed: spread below FEW and 5x below its earlier maximum, or below FEW for LONG probes
# without growing by 25 %.
LOST, FEW = 5.0, 0.2
LONG, GROWTH = 20, 1.25
# The share of pairs that D ranks correctly. It is 1/2 at equilibrium. If D ranks nearly all pairs
# wrongly for some hundred rounds, it does not follow G at all.
FOOLED = 0.05
# Logits. A sigmoid at -100 is below the smallest float32. A critic of slope 1 cannot separate real
# images and fakes by more than their distance (Kantorovich and Rubinstein); the limit is ten times
# that.
FAR, SLOPE = 100.0, 10.0
# The common level of all logits, which a critic can choose freely, has a limit ten times as large.
LEVEL = 10.0
# |change of the weights in a round| / |weights|. The resolution of float32 is 6e-8.
STILL = 1e-7
# The share of a layer's units that are 0 for all examples. With data in the plane it reaches 0.6 in
# games that learn.
DEAD = 0.9
# BatchNorm's output in evaluation against training, in standard deviations. Averages that follow
# reach 0.1 within a hundred rounds.
ADRIFT = 0.5


class Diagnosis(NamedTuple):
    """A diagnosis: its name in `ADVICE`, the round after which it was made, and the evidence."""

    name: str
    step: int
    seen: str

    def __str__(self) -> str:
        """The diagnosis with all remedies, on a few lines."""
        return self.told({})

    def told(self, options: Mapping[str, object]) -> str:
        """The diagnosis without the remedies that a run with these options uses already."""
        taken = tuple(f"(--{name.replace('_', '-')} {value})" for name, value in options.items())
        lines = [f"after round {self.step}: {self.name}. {self.seen}", "  What others do:"]
        for what, source in ADVICE[self.name]:
            if not what.endswith(taken):
                lines.append(f"  - {what} ({source})")
        return "\n".join(lines)


def diagnose(looks: Sequence[Probe]) -> list[Diagnosis]:
    """The failures at the last of these probes; none if there are fewer than PATIENCE."""
    if len(looks) < PATIENCE:
        return []
    rules: list[tuple[str, Callable[[Sequence[Probe], Sequence[Probe]], str]]] = [
        ("divergence", _diverges),
        ("D too strong", _d_too_strong),
        ("G too strong", _g_too_strong),
        ("mode collapse", _collapsed),
        ("G does not move", lambda last, _: _still("G", last)),
        ("D does not move", lambda last, _: _still("D", last)),
        ("dead units", lambda last, _: _dead(last)),
        ("BatchNorm drift", lambda last, _: _adrift(last)),
    ]
    found = [(name, rule(looks[-PATIENCE:], looks)) for name, rule in rules]
    return [Diagnosis(name, looks[-1].step, seen) for name, seen in found if seen]


def diagnose_run(looks: Iterable[Probe]) -> Iterator[Diagnosis]:
    """The diagnoses of a whole run, each once, at the first probe that shows it."""
    past: list[Probe] = []
    said: set[str] = set()
    for each in looks:
        past.append(each)
        for found in diagnose(past):
            if found.name not in said:
                said.add(found.name)
                yield found


# Each rule takes the last PATIENCE probes and all probes, and returns the evidence, or "".


def _d_too_strong(last: Sequence[Probe], looks: Sequence[Probe]) -> str:
    if not all(l.order >= SURE for l in last):
        return ""
    now, first = last[-1], _typical(looks[:PATIENCE])
    sure = f"D puts {now.order:.1%} of the pairs of a real image and a fake in the right order"
    if all(l.push < SHUT for l in last):
        return (
            f"{sure}, and the price that G pays has gone flat: it passes on {now.push:.2g} of D's "
            f"slope (healthy: some tenths). The gradient of G has a length of "
            f"{now.length('G'):.2g}, that of D {now.length('D'):.2g}"
        )
    if all(l.blind > 0 and l.d_loss < SETTLED * l.blind for l in last):
        return (
            f"{sure}, and pays {now.d_loss:.2g}, of the {now.blind:.3g} of a D that knows nothing. "
            f"It has nothing left to learn, and G does not catch up: it pays {now.g_loss:.3g}"
        )
    if first > 0 and all(l.length("G") < VANISHED * first for l in last):
        return (
            f"{sure}, and the gradient of G has vanished: its length is {now.length('G'):.2g}, "
            f"and was {first:.2g} in the beginning"
        )
    return ""


def _g_too_strong(last: Sequence[Probe], looks: Sequence[Probe]) -> str:
    if not all(l.order <= FOOLED for l in last):
        return ""
    now = last[-1]
    return (
        f"D takes fakes for more real than real images in {1 - now.order:.1%} of the pairs (a coin "
        f"would in 50 %): its logits are {now.fake:.3g} on fakes, {now.real:.3g} on real images, "
        "on average. G exploits a D that does not follow, and learns nothing of the images"
    )


def _collapsed(last: Sequence[Probe], looks: Sequence[Probe]) -> str:
    now = last[-1].spread
    told = (
        f"a quarter of the pairs of fakes are no further apart than {now:.2g} times what a quarter "
        "of the pairs of real images are"
    )
    if all(l.spread < ALIKE for l in last):
        return f"The samples are nearly one: {told}"
    if all(l.spread < FEW for l in last):
        spreads = [l.spread for l in looks]
        windows = (spreads[i : i + PATIENCE] for i in range(len(spreads) - PATIENCE + 1))
        most = max(map(statistics.median, windows))
        if all(l.spread < most / LOST for l in last):
            return f"The samples have grown alike: {told}; it was {most:.2g} before"
    if len(looks) >= LONG:
        halves = looks[-LONG : -LONG // 2], looks[-LONG // 2 :]
        earlier, later = (statistics.median(l.spread for l in half) for half in halves)
        if earlier < FEW and later < min(FEW, GROWTH * earlier):
            begun = looks[-LONG].step
            return f"The samples are alike, and have been since round {begun}: {told}"
    return ""


def _diverges(last: Sequence[Probe], looks: Sequence[Probe]) -> str:
    def away(l: Probe) -> bool:
        limit = max(FAR, SLOPE * l.apart)
        gap, level = abs(l.real - l.fake), max(abs(l.real), abs(l.fake))
        return not (gap < limit and level < LEVEL * limit and abs(l.d_loss) < LEVEL * limit)

    if not all(map(away, last)):
        return ""
    now = last[-1]
    return (
        f"D's logits have left all scale: {now.real:.3g} on real images and {now.fake:.3g} on "
        f"fakes, on average, where some ten are much; its loss is {now.d_loss:.3g}, that of G "
        f"{now.g_loss:.3g}"
    )


def _still(player: str, last: Sequence[Probe]) -> str:
    if not all(l.moved.get(player, math.inf) < STILL for l in last):
        return ""
    now = last[-1]
    length = now.length(player)
    cause = f"its gradient has a length of {length:.2g}, so its learning rate is too small or 0"
    if length == 0:
        cause = (
            "its gradient is 0 throughout: nothing that it could change a little would matter, as "
            "where units are dead or outputs saturated, often by too high a rate"
        )
    return (
        f"A round changes the weights of {player} by {now.moved[player]:.2g} of their length; "
        f"{cause}"
    )


def _lasting(seen: Sequence[Mapping[str, float]], least: float) -> dict[str, float]:
    """The latest values, by name, of the entries that were >= `least` in every probe."""
    return {
        name: value
        for name, value in seen[-1].items()
        if all(each.get(name, 0) >= least for each in seen)
    }


def _dead(last: Sequence[Probe]) -> str:
    gone = _lasting([look.dead for look in last], DEAD)
    if not gone:
        return ""
    told = ", ".join(f"{share:.0%} of {name}" for name, share in gone.items())
    return f"Units that are 0 for every example of a minibatch, and so get no gradient: {told}"


def _adrift(last: Sequence[Probe]) -> str:
    gone = _lasting([look.drift for look in last], ADRIFT)
    if not gone:
        return ""
    told = ", ".join(f"by {d:.2g} at {name}" for name, d in gone.items())
    return (
        "The averages that BatchNorm keeps for evaluation are not those of the minibatches: what "
        f"G shows when samples are drawn is off, in standard deviations, {told}"
    )


def _typical(looks: Sequence[Probe]) -> float:
    return statistics.median(l.length("G") for l in looks)
