"""Diagnoses of training failures from probes; `advice.py` has the remedies.

    diagnose(probes)             the failures at the last of these probes

The functions are pure: the same probes give the same text.

A diagnosis requires its signs in each of the last `PATIENCE` probes from round `EVERY` on, because
games fluctuate and one minibatch is noisy. Each threshold is far from the values of games that
learn. So false alarms are rare, but some failures are missed. A single probe, even an earlier one,
suffices only for numbers that no game recovers from: huge logits and losses, weights that a round
multiplies, constant samples.
"""

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .advice import remedies
from .monitor import EVERY
from .probe import Probe

PATIENCE = 4  # successive probes that must agree

# The share of (real, fake) pairs that D ranks correctly. Below it, D is never "too strong".
SURE = 0.99
# The mean |d G's loss / d logit|, which scales G's gradient. In the minimax game it is D(G(z)): 1/2
# at equilibrium, and still 0.3 in a healthy game in which D is ahead. At 0.01, G learns a hundred
# times more slowly: the saturation of Goodfellow et al. 2014, section 3. In other games it does not
# vanish when D is ahead.
SATURATED = 0.01
# D's loss over its loss at equal logits. At 0.003 (odds of 500 to 1) D has nothing left to learn.
# In a healthy game in which D is ahead, it is a few hundredths.
SETTLED = 3e-3
# The norm of G's gradient over the norm in the first probes. In healthy games it changes by at most
# a factor of 30.
VANISHED = 1e-3
# The spread: distances between fakes over distances between real images. Perceptrons start with a
# spread of 0.05, which then grows. If G ignores z, the spread goes to 0.
ALIKE = 0.02
# G has also collapsed if the spread is below LOW and below a fifth of its earlier maximum, or if it
# is below LOW for LONG probes and does not grow by 25 %.
SHRUNK, LOW = 5.0, 0.2
LONG, GROWTH = 20, 1.25
# The share of pairs that D ranks correctly, 1/2 at equilibrium. If D ranks nearly all pairs wrongly
# in successive probes, it does not follow G at all.
WRONG = 0.05
# Logits. A sigmoid at -100 is below the smallest normal float32. The logits of a critic of slope 1
# differ by no more than the distance between real images and fakes (Kantorovich and Rubinstein).
# The limit is ten times that.
FAR, SLOPE = 100.0, 10.0
# The mean of all logits, which a critic can choose freely, has a limit that is ten times as large.
LEVEL = 10.0
# A single probe suffices if its logits and losses are this many times beyond these limits.
BEYOND = 100.0
# A single probe suffices if the round changed the weights by this many times their norm. In healthy
# games it is at most a tenth.
EXPLODED = 10.0
# A single probe suffices if the spread is below this: all samples are one, up to rounding.
CONSTANT = 1e-4
# |change of the weights in a round| / |weights|. The rounding error of float32 is 6e-8.
STILL = 1e-7
# The share of a layer's units that are 0 for all examples. In healthy games on points in the plane
# it reaches 0.6.
DEAD = 0.9
# The difference of BatchNorm's output between evaluation and training, in standard deviations. In
# healthy games it falls to 0.1 within a hundred rounds.
DRIFTED = 0.5


class Diagnosis(NamedTuple):
    """A diagnosis: its name in `ADVICE`, the number of rounds played, and the evidence."""

    name: str
    step: int
    seen: str

    def __str__(self) -> str:
        """The diagnosis with all remedies, on a few lines."""
        return self.report({})

    def report(self, options: Mapping[str, Any]) -> str:
        """The diagnosis with the remedies for a run with these options of `tinygan train`."""
        advice = [f"  - {remedy}" for remedy in remedies(self.name, options)]
        head = f"after round {self.step}: {self.name}. {self.seen}"
        return "\n".join([head, "  Remedies:", *advice])


def diagnose(probes: Sequence[Probe]) -> list[Diagnosis]:
    """The failures at the last of these probes: those that it shows alone, and those that it shows
    together with probes before it, if PATIENCE of them are from round EVERY on."""
    if not probes:
        return []
    now, later = probes[-1], [p for p in probes if p.step >= EVERY]
    evidence = {"divergence": _explosion(now), "mode collapse": _constant(now)}
    if len(later) >= PATIENCE:
        last = later[-PATIENCE:]
        evidence = {
            "divergence": evidence["divergence"] or _divergence(last),
            "D too strong": _d_too_strong(last, later[:PATIENCE]),
            "G too strong": _g_too_strong(last),
            "mode collapse": evidence["mode collapse"] or _mode_collapse(last, later),
            "G does not move": _does_not_move("G", last),
            "D does not move": _does_not_move("D", last),
            "dead units": _dead_units(last),
            "BatchNorm drift": _batchnorm_drift(last),
        }
    return [Diagnosis(name, now.step, text) for name, text in evidence.items() if text]


def diagnose_run(probes: Iterable[Probe]) -> Iterator[Diagnosis]:
    """The diagnoses of a whole run, each once, at the first probe that shows it."""
    past: list[Probe] = []
    reported: set[str] = set()
    for each in probes:
        past.append(each)
        for found in diagnose(past):
            if found.name not in reported:
                reported.add(found.name)
                yield found


# Each rule returns the evidence, or "". The first two take one probe.


def _explosion(now: Probe) -> str:
    """The round multiplied the weights, or the logits or D's loss are beyond all range."""
    listed = _lasting([now.moved], EXPLODED, "{value:.2g} times the norm of {name}'s")
    if listed:
        return f"One round changed the weights by {listed} (healthy: at most a tenth)"
    return _divergence([now], BEYOND)


def _constant(now: Probe) -> str:
    """All samples are the same."""
    if not now.spread < CONSTANT:
        return ""
    return (
        "The samples are constant: the lower quartile of their distances is "
        f"{now.spread:.2g} times that of real images"
    )


# The others take the last PATIENCE probes.


def _divergence(last: Sequence[Probe], times: float = 1.0) -> str:
    """The logits or D's loss are far out of range: `times` as far as the limit."""

    def is_far(p: Probe) -> bool:
        limit = times * max(FAR, SLOPE * p.apart)
        gap, level = abs(p.real - p.fake), max(abs(p.real), abs(p.fake))
        return not (gap < limit and level < LEVEL * limit and abs(p.d_loss) < LEVEL * limit)

    if not all(map(is_far, last)):
        return ""
    now = last[-1]
    return (
        f"D's logits are far out of range: their mean is {now.real:.3g} on real images and "
        f"{now.fake:.3g} on fakes (healthy: at most a few tens). D's loss is {now.d_loss:.3g}, G's "
        f"loss is {now.g_loss:.3g}"
    )


def _d_too_strong(last: Sequence[Probe], first: Sequence[Probe]) -> str:
    """D ranks nearly all pairs correctly, and G's loss is saturated, D's loss is nearly 0, or G's
    gradient has vanished."""
    if not all(p.order >= SURE for p in last):
        return ""
    now, norm = last[-1], last[-1].length("G")
    initial = statistics.median(p.length("G") for p in first)
    ranking = f"D ranks {now.order:.1%} of the pairs of a real image and a fake correctly"
    if all(p.push < SATURATED for p in last):
        return (
            f"{ranking}, and G's loss is saturated: its mean slope in D's logits is {now.push:.2g} "
            f"(healthy: some tenths). The norm of G's gradient is {norm:.2g}, that of D's is "
            f"{now.length('D'):.2g}"
        )
    if all(p.blind > 0 and p.d_loss < SETTLED * p.blind for p in last):
        return (
            f"{ranking}. Its loss is {now.d_loss:.2g}; if all logits were equal, it would be "
            f"{now.blind:.3g}. D has nothing left to learn, and G does not catch up: its loss is "
            f"{now.g_loss:.3g}"
        )
    if initial > 0 and all(p.length("G") < VANISHED * initial for p in last):
        return (
            f"{ranking}, and G's gradient has vanished: its norm is {norm:.2g}, and was "
            f"{initial:.2g} in the first probes"
        )
    return ""


def _g_too_strong(last: Sequence[Probe]) -> str:
    """D ranks nearly all pairs wrongly."""
    if not all(p.order <= WRONG for p in last):
        return ""
    now = last[-1]
    return (
        f"D ranks {1 - now.order:.1%} of the pairs of a real image and a fake wrongly (guessing: "
        f"50 %). Its mean logit is {now.fake:.3g} on fakes and {now.real:.3g} on real images. D "
        "does not follow G, so G's gradient has no information about the real images"
    )


def _mode_collapse(last: Sequence[Probe], probes: Sequence[Probe]) -> str:
    """The spread of the samples is near 0, is much smaller than before, or stays small."""
    now = last[-1].spread
    measured = f"the lower quartile of their distances is {now:.2g} times that of real images"
    if all(p.spread < ALIKE for p in last):
        return f"The samples are nearly identical: {measured}"
    if all(p.spread < LOW for p in last):
        spreads = [p.spread for p in probes]
        windows = (spreads[i : i + PATIENCE] for i in range(len(spreads) - PATIENCE + 1))
        maximum = max(map(statistics.median, windows))
        if all(p.spread < maximum / SHRUNK for p in last):
            return f"The samples have become alike: {measured}; it was {maximum:.2g} before"
    if len(probes) >= LONG:
        halves = probes[-LONG : -LONG // 2], probes[-LONG // 2 :]
        earlier, later = (statistics.median(p.spread for p in half) for half in halves)
        if earlier < LOW and later < min(LOW, GROWTH * earlier):
            return f"The samples have been alike since round {probes[-LONG].step}: {measured}"
    return ""


def _does_not_move(player: str, last: Sequence[Probe]) -> str:
    """A round changes the weights of `player` by no more than rounding."""
    if not all(p.moved.get(player, math.inf) < STILL for p in last):
        return ""
    now, norm = last[-1], last[-1].length(player)
    cause = f"The norm of its gradient is {norm:.2g}, so its learning rate is too small or 0"
    if norm == 0:
        cause = (
            "Its gradient is exactly 0: units are dead or outputs are saturated, often because of "
            "a learning rate that was too high"
        )
    return (
        f"A round changes the weights of {player} by {now.moved[player]:.2g} of their norm. {cause}"
    )


def _dead_units(last: Sequence[Probe]) -> str:
    """Nearly all units of a layer are 0 for all examples."""
    listed = _lasting([p.dead for p in last], DEAD, "{value:.0%} of {name}")
    return listed and f"Units are 0 for every example of a minibatch and get no gradient: {listed}"


def _batchnorm_drift(last: Sequence[Probe]) -> str:
    """BatchNorm's outputs in evaluation and in training differ."""
    listed = _lasting([p.drift for p in last], DRIFTED, "{value:.2g} standard deviations at {name}")
    return listed and (
        "BatchNorm's running averages do not follow the minibatches: when samples are "
        f"drawn, its output is off by {listed}"
    )


def _lasting(probed: Sequence[Mapping[str, float]], minimum: float, text: str) -> str:
    """The latest values, listed as `text`, of the entries that are >= `minimum` in all probes."""
    return ", ".join(
        text.format(name=name, value=value)
        for name, value in probed[-1].items()
        if all(each.get(name, 0) >= minimum for each in probed)
    )
