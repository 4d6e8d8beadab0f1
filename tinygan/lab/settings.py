"""The settings of a game in the lab, and the text that stands for them in an address.

    settings = read_query("game=hinge&seed=3")     unnamed settings have their defaults
    write_query(settings)                          "game=hinge&seed=3": only what differs

A live setting can change while the game goes on. Any other change starts it anew.
"""

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from ..errors import InputError, choose, first_line
from ..gan import GAMES, PENALTIES
from ..optim import OPTIMIZERS

LONGEST = 2000  # characters of an address's text
POINTS = 400  # maximum of drawn points


@dataclass(frozen=True)
class Settings:
    """The settings by name, with their defaults."""

    data: str = "ring"
    points: str = ""
    game: str = "non-saturating"
    k: int = 1
    m: int = 128
    penalty: str = "none"
    smoothing: float = 0.0
    noise: float = 0.0
    g_width: int = 32
    g_depth: int = 2
    d_width: int = 32
    d_depth: int = 2
    batchnorm: str = "none"
    optimizer: str = "adam"
    rate_g: float = 1e-3
    rate_d: float = 1e-3
    beta1: float = 0.5
    beta2: float = 0.999
    seed: int = 0
    exhibit: str = ""


@dataclass(frozen=True)
class Choice:
    """A setting with a few values."""

    group: str
    choices: tuple[str, ...]
    live: bool = False
    kind: str = "choice"

    def read(self, name: str, text: str) -> str:
        return choose(name, text, self.choices)


@dataclass(frozen=True)
class Number:
    """A setting with a range; `kind` is "integer" or "number"."""

    group: str
    kind: str
    low: float
    high: float
    live: bool = False
    log: bool = False

    def read(self, name: str, text: str) -> float:
        try:
            value = int(text) if self.kind == "integer" else float(text)
        except ValueError:
            value = math.nan
        if not self.low <= value <= self.high:
            raise InputError(
                f"{name}: expected {self.kind_text} from {self.low:g} to {self.high:g}, "
                f"got {text[:40]!r}"
            )
        return value

    @property
    def kind_text(self) -> str:
        return "an integer" if self.kind == "integer" else "a number"


FORM: dict[str, Choice | Number] = {
    "data": Choice("data", ("ring", "grid", "moons", "spiral", "drawn", "line", "digits")),
    "game": Choice("game", tuple(GAMES), live=True),
    "k": Number("game", "integer", 1, 10, live=True),
    "m": Number("game", "integer", 2, 1024, live=True, log=True),
    "penalty": Choice("game", tuple(PENALTIES), live=True),
    "smoothing": Number("game", "number", 0, 0.5, live=True),
    "noise": Number("game", "number", 0, 1, live=True),
    "g_width": Number("networks", "integer", 1, 256, log=True),
    "g_depth": Number("networks", "integer", 0, 4),
    "d_width": Number("networks", "integer", 1, 256, log=True),
    "d_depth": Number("networks", "integer", 0, 4),
    "batchnorm": Choice("networks", ("none", "D")),
    "optimizer": Choice("optimizer", tuple(OPTIMIZERS)),
    "rate_g": Number("optimizer", "number", 1e-5, 1, live=True, log=True),
    "rate_d": Number("optimizer", "number", 1e-5, 1, live=True, log=True),
    "beta1": Number("optimizer", "number", 0, 0.999, live=True),
    "beta2": Number("optimizer", "number", 0, 0.9999, live=True),
    "seed": Number("run", "integer", 0, 2**31 - 1),
}

# Data that need other networks than the ring: their own defaults.
DEFAULTS: dict[str, Mapping[str, Any]] = {
    "digits": {"g_width": 128, "g_depth": 1, "d_width": 128, "d_depth": 1, "m": 64},
}


def read_query(query: str) -> Settings:
    """The settings that a text stands for, such as "game=hinge&seed=3".

    Raises InputError, which names the setting, for an unknown one or a value out of range.
    """
    if len(query) > LONGEST:
        raise InputError(f"query: expected at most {LONGEST} characters, got {len(query)}")
    try:
        pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True, errors="strict")
    except ValueError as problem:  # a broken escape
        raise InputError(f"query: {first_line(problem)}") from problem
    given: dict[str, Any] = {}
    for name, text in pairs:
        choose("setting", name, [field.name for field in fields(Settings)])
        if name in given:
            raise InputError(f"{name}: expected one value, got several")
        if name in FORM:
            given[name] = FORM[name].read(name, text)
        else:
            given[name] = text
    settings = replace(_defaults(given.get("data", "ring")), **given)
    read_points(settings.points)
    check(settings)
    return settings


def write_query(settings: Settings) -> str:
    """The text with the settings that differ from the defaults, in their order."""
    default = asdict(_defaults(settings.data)) | {"data": "ring"}
    return urlencode({k: v for k, v in asdict(settings).items() if v != default[k]})


def _defaults(data: str) -> Settings:
    return Settings(data=data, **DEFAULTS.get(data, {}))


def describe(settings: Settings) -> list[dict[str, Any]]:
    """Each control of a form: its name, kind and limits, and its value."""
    values = asdict(settings)
    return [{"name": name, **vars(each), "value": values[name]} for name, each in FORM.items()]


def is_live(before: Settings, after: Settings) -> bool:
    """Return whether only live settings differ."""
    old, new = asdict(before), asdict(after)
    return all(name in FORM and FORM[name].live for name in old if old[name] != new[name])


def check(settings: Settings) -> None:
    """Raise InputError for settings that do not go together."""
    if settings.data == "drawn" and not settings.points:
        raise InputError("points: expected points for data=drawn, got none")


def read_points(text: str) -> bytes:
    """The bytes of drawn points, two for each.

    Raises InputError unless the text is url-safe base64 of at most 400 pairs."""
    try:
        points = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as problem:
        raise InputError(f"points: expected url-safe base64, got {text[:40]!r}") from problem
    if len(points) % 2 or len(points) > 2 * POINTS:
        raise InputError(f"points: expected at most {POINTS} pairs, got {len(points)} bytes")
    return points
