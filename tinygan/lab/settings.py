"""The settings of a game in the lab, and the text that stands for them in an address.

    settings = read_query("game=hinge&seed=3")     other settings have their defaults
    write_query(settings)                          "game=hinge&seed=3": only what differs

A live setting can change while the game goes on. Any other change starts it anew.
"""

import base64
import binascii
import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from ..errors import InputError, choose, first_line
from ..gan import GAMES, PENALTIES, SeparableGame
from ..optim import OPTIMIZERS

LONGEST = 2000  # characters of a query
POINTS = 400  # maximum of drawn points
IN_PLANE = "ring", "grid", "moons", "spiral", "drawn"


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
    rate_g: float = 2e-3
    rate_d: float = 4e-3
    beta1: float = 0.0
    beta2: float = 0.999
    seed: int = 1
    exhibit: str = ""


# Data with defaults of their own: on the line D is to be near D*, so it is faster than G; digits
# need wider networks.
DEFAULTS = {
    "line": Settings(data="line", k=3, rate_g=1e-3, rate_d=5e-3),
    "digits": Settings(
        data="digits", m=64, g_width=128, g_depth=1, d_width=128, d_depth=1,
        rate_g=1e-3, rate_d=1e-3, beta1=0.5,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """A setting with a few values."""

    group: str
    choices: tuple[str, ...]
    live: bool = False
    kind: str = "choice"

    def read(self, name: str, text: str) -> str:
        """The value. Raises InputError if it is not among the choices."""
        return choose(name, text[:40], self.choices)


@dataclass(frozen=True)
class Number:
    """A setting with a range; `kind` is "integer" or "number". The scale of its slider is
    logarithmic if `log` is true."""

    group: str
    kind: str
    low: float
    high: float
    live: bool = False
    log: bool = False

    def read(self, name: str, text: str) -> float:
        """The value. Raises InputError if it is not a number of this kind in the range."""
        is_integer = self.kind == "integer"
        try:
            value = int(text) if is_integer else float(text)
        except ValueError:
            value = math.nan
        if not self.low <= value <= self.high:
            raise InputError(
                f"{name}: expected {'an integer' if is_integer else 'a number'} from {self.low:g} "
                f"to {self.high:.10g}, got {text[:40]!r}"
            )
        return value


FORM: dict[str, Choice | Number] = {
    "data": Choice("data", (*IN_PLANE, "line", "digits"), live=True),  # within the plane
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
LIVE = {"points", *(name for name, each in FORM.items() if each.live)}


def read_query(query: str) -> Settings:
    """The settings that a text stands for, such as "game=hinge&seed=3".

    Raises InputError, which names the setting, for an unknown one, a value out of range, and
    settings that do not go together.
    """
    if len(query) > LONGEST:
        raise InputError(f"query: expected at most {LONGEST} characters, got {len(query)}")
    try:
        pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True, errors="strict")
    except ValueError as problem:  # not UTF-8
        raise InputError(f"query: {first_line(problem)}") from problem
    given: dict[str, Any] = {}
    for name, text in pairs:
        choose("setting", name[:40], [field.name for field in fields(Settings)])
        if name in given:
            raise InputError(f"{name}: expected one value, got several")
        given[name] = FORM[name].read(name, text) if name in FORM else text
    settings = replace(_defaults(given.get("data", "ring")), **given)
    _check(settings)
    return settings


def write_query(settings: Settings) -> str:
    """The text with the settings that differ from the defaults, in their order."""
    default = asdict(replace(_defaults(settings.data), data=Settings.data))
    return urlencode({k: v for k, v in asdict(settings).items() if v != default[k]})


def describe(settings: Settings) -> list[dict[str, Any]]:
    """Each control of a form: its name, kind and limits, and its value."""
    values = asdict(settings)
    return [{"name": name, **asdict(each), "value": values[name]} for name, each in FORM.items()]


def is_live(before: Settings, after: Settings) -> bool:
    """Return whether a game can go on: only live settings differ, and the data stays in the plane
    if it changes."""
    old, new = asdict(before), asdict(after)
    differ = {name for name in old if old[name] != new[name]}
    return differ <= LIVE and ("data" not in differ or {before.data, after.data} <= set(IN_PLANE))


def read_points(text: str) -> bytes:
    """The coordinates of drawn points, two bytes for each: -2 is 0, 2 is 255.

    Raises InputError for anything but url-safe base64 of at most POINTS pairs."""
    try:
        points = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError) as problem:
        raise InputError(f"points: expected url-safe base64, got {text[:40]!r}") from problem
    if len(points) % 2 or len(points) > 2 * POINTS:
        raise InputError(f"points: expected at most {POINTS} pairs, got {len(points)} bytes")
    return points


def _defaults(data: str) -> Settings:
    return DEFAULTS.get(data, Settings(data=data))


def _check(settings: Settings) -> None:
    """Raise InputError for settings that do not go together."""
    if not read_points(settings.points) and settings.data == "drawn":
        raise InputError("points: expected at least one for the data drawn, got none")
    if settings.penalty != "none" and settings.batchnorm != "none":
        raise InputError(
            f"penalty: expected none with BatchNorm, which mixes the examples, got "
            f"{settings.penalty!r}"
        )
    labels = settings.smoothing or settings.noise
    if labels and not isinstance(GAMES[settings.game], SeparableGame):
        raise InputError(
            f"smoothing, noise: expected 0 in the game {settings.game!r}, which has no labels"
        )
