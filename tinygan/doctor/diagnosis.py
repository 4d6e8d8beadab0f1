"""Diagnoses of training failures from probes; `advice.py` has the remedies, `words.py` the text.

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

from ..language import Text
from . import words
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

    def report(self, options: Mapping[str, Any], language: str = "en") -> str:
        """The diagnosis with the remedies for a run with these options of `tinygan train`. `seen`
        is not translated: let `diagnose` give it in this language."""
        advice = [f"  - {remedy.of(language)}" for remedy in remedies(self.name, options)]
        head = words.HEAD.format(korean=words.KOREAN[self.name], **self._asdict())
        return "\n".join([head.of(language), f"  {words.REMEDIES.of(language)}", *advice])


def diagnose(probes: Sequence[Probe], language: str = "en") -> list[Diagnosis]:
    """The failures at the last of these probes: those that it shows alone, and those that it shows
    together with probes before it, if PATIENCE of them are from round EVERY on. The evidence is in
    this language."""
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
    return [Diagnosis(name, now.step, text.of(language)) for name, text in evidence.items() if text]


def diagnose_run(probes: Iterable[Probe], language: str = "en") -> Iterator[Diagnosis]:
    """The diagnoses of a whole run, each once, at the first probe that shows it."""
    past: list[Probe] = []
    reported: set[str] = set()
    for each in probes:
        past.append(each)
        for found in diagnose(past, language):
            if found.name not in reported:
                reported.add(found.name)
                yield found


# Each rule returns the evidence in both languages, or None. The first two take one probe.


def _explosion(now: Probe) -> Text | None:
    """The round multiplied the weights, or the logits or D's loss are beyond all range."""
    listed = _lasting([now.moved], EXPLODED, words.EXPLODED_ITEM)
    return words.EXPLODED.format(listed=listed) if listed else _divergence([now], BEYOND)


def _constant(now: Probe) -> Text | None:
    """All samples are the same."""
    return words.CONSTANT.format(now=now) if now.spread < CONSTANT else None


# The others take the last PATIENCE probes.


def _divergence(last: Sequence[Probe], times: float = 1.0) -> Text | None:
    """The logits or D's loss are far out of range: `times` as far as the limit."""

    def is_far(p: Probe) -> bool:
        limit = times * max(FAR, SLOPE * p.apart)
        gap, level = abs(p.real - p.fake), max(abs(p.real), abs(p.fake))
        return not (gap < limit and level < LEVEL * limit and abs(p.d_loss) < LEVEL * limit)

    return words.DIVERGED.format(now=last[-1]) if all(map(is_far, last)) else None


def _d_too_strong(last: Sequence[Probe], first: Sequence[Probe]) -> Text | None:
    """D ranks nearly all pairs correctly, and G's loss is saturated, D's loss is nearly 0, or G's
    gradient has vanished."""
    if not all(p.order >= SURE for p in last):
        return None
    now, initial = last[-1], statistics.median(p.length("G") for p in first)
    known = {"now": now, "ranking": words.RANKING.format(now=now), "g_norm": now.length("G")}
    if all(p.push < SATURATED for p in last):
        return words.SATURATED.format(**known, d_norm=now.length("D"))
    if all(p.blind > 0 and p.d_loss < SETTLED * p.blind for p in last):
        return words.SETTLED.format(**known)
    if initial > 0 and all(p.length("G") < VANISHED * initial for p in last):
        return words.VANISHED.format(**known, initial=initial)
    return None


def _g_too_strong(last: Sequence[Probe]) -> Text | None:
    """D ranks nearly all pairs wrongly."""
    if not all(p.order <= WRONG for p in last):
        return None
    return words.WRONG.format(now=last[-1], wrong=1 - last[-1].order)


def _mode_collapse(last: Sequence[Probe], probes: Sequence[Probe]) -> Text | None:
    """The spread of the samples is near 0, is much smaller than before, or stays small."""
    measured = words.SPREAD.format(now=last[-1])
    if all(p.spread < ALIKE for p in last):
        return words.ALIKE.format(measured=measured)
    if all(p.spread < LOW for p in last):
        spreads = [p.spread for p in probes]
        windows = (spreads[i : i + PATIENCE] for i in range(len(spreads) - PATIENCE + 1))
        maximum = max(map(statistics.median, windows))
        if all(p.spread < maximum / SHRUNK for p in last):
            return words.SHRUNK.format(measured=measured, maximum=maximum)
    if len(probes) >= LONG:
        halves = probes[-LONG : -LONG // 2], probes[-LONG // 2 :]
        earlier, later = (statistics.median(p.spread for p in half) for half in halves)
        if earlier < LOW and later < min(LOW, GROWTH * earlier):
            return words.STAYED.format(measured=measured, first=probes[-LONG])
    return None


def _does_not_move(player: str, last: Sequence[Probe]) -> Text | None:
    """A round changes the weights of `player` by no more than rounding."""
    if not all(p.moved.get(player, math.inf) < STILL for p in last):
        return None
    now, norm = last[-1], last[-1].length(player)
    cause = words.NO_GRADIENT if norm == 0 else words.SMALL_RATE.format(norm=norm)
    return words.STILL.format(player=player, moved=now.moved[player], cause=cause)


def _dead_units(last: Sequence[Probe]) -> Text | None:
    """Nearly all units of a layer are 0 for all examples."""
    listed = _lasting([p.dead for p in last], DEAD, words.DEAD_ITEM)
    return words.DEAD.format(listed=listed) if listed else None


def _batchnorm_drift(last: Sequence[Probe]) -> Text | None:
    """BatchNorm's outputs in evaluation and in training differ."""
    listed = _lasting([p.drift for p in last], DRIFTED, words.DRIFTED_ITEM)
    return words.DRIFTED.format(listed=listed) if listed else None


def _lasting(probed: Sequence[Mapping[str, float]], minimum: float, item: Text) -> Text | None:
    """The latest values, listed as `item`, of the entries that are >= `minimum` in all probes;
    None if there are none."""
    listed = [
        item.format(name=name, value=value)
        for name, value in probed[-1].items()
        if all(each.get(name, 0) >= minimum for each in probed)
    ]
    return Text(*map(", ".join, zip(*listed, strict=True))) if listed else None
