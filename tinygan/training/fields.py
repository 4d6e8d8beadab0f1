"""The fields of a checkpoint's JSON object: the type and the range of each.

The writer and the reader of a run check the same table, so that no number is believed only because
the SHA-256 of its file is right.
"""

import re
import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ..checks import MAX_COUNT
from ..data.image_folder import SIZES
from ..errors import InputError
from .config import Config

FORMAT = 2  # of a checkpoint. Since 2, the moments of Adam are those that the paper prints.


class Field(NamedTuple):
    """The allowed values of a field: in words, and as a test."""

    expected: str
    fits: Callable[[Any], bool]


def whole(low: int, high: int) -> Field:
    """A whole number from `low` to `high`; a bool is none."""
    expected = f"a whole number from {low} to {high}"
    return Field(expected, lambda value: type(value) is int and low <= value <= high)


def _is_shape(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == 3
        and all(type(size) is int for size in value)
        and value[0] in (1, 3)
        and all(SIZES[0] <= size <= SIZES[1] for size in value[1:])
    )


COUNT = whole(0, MAX_COUNT)
FIELDS = {
    "format": whole(FORMAT, FORMAT),
    "config": Field("an object of options", lambda value: isinstance(value, dict)),
    "shape": Field(
        f"one channel or three, and a height and width from {SIZES[0]} to {SIZES[1]}", _is_shape
    ),
    "step": COUNT,
    "ema_updates": COUNT,
    "data/seed": whole(0, 2**63 - 1),
    "data/epoch": COUNT,
    "data/position": COUNT,
    "images_sha256": Field(
        "64 hexadecimal digits",
        lambda value: isinstance(value, str) and bool(re.fullmatch("[0-9a-f]{64}", value)),
    ),
}
PCG64 = {
    "bit_generator": Field("'PCG64'", lambda value: value == "PCG64"),
    "state/state": whole(0, 2**128 - 1),
    "state/inc": whole(0, 2**128 - 1),
    "has_uint32": whole(0, 1),
    "uinteger": whole(0, 2**32 - 1),
}
STREAMS = "networks", "game"
RNGS = {
    "numpy": {f"rngs/{each}/{key}": field for each in STREAMS for key, field in PCG64.items()},
    "philox": {f"rngs/{each}": COUNT for each in STREAMS},
}


def check(meta: Mapping[str, Any], only: Iterable[str] = ()) -> Config:
    """Check all fields of a checkpoint, or `only` some, and return its options.

    Raises InputError, which names the field, for another format, or for a field that is missing,
    unexpected or out of range."""
    if not only and meta.get("format", 1) != FORMAT:
        raise InputError(
            f"the checkpoint has format {reprlib.repr(meta.get('format', 1))}, expected {FORMAT}: "
            "another version of tinygan wrote it; train again, or continue with that version"
        )
    found = _flat(meta)
    _field(FIELDS, "config", found)
    config = Config.from_dict(meta["config"])
    fields = FIELDS | RNGS[config.rng]
    for name in only or sorted(fields.keys() | found.keys()):
        _field(fields, name, found)
    if config.is_folder and tuple(meta["shape"]) != config.image_shape:
        expected = list(config.image_shape)
        raise InputError(f"shape: expected {expected}, as the options say, found {meta['shape']}")
    return config


def _field(fields: Mapping[str, Field], name: str, found: Mapping[str, Any]) -> None:
    if name not in found:
        raise InputError(f"{name}: missing, expected {fields[name].expected}")
    if name not in fields:
        raise InputError(f"{name[:60]!r}: unexpected")
    if not fields[name].fits(found[name]):
        got = reprlib.repr(found[name])
        raise InputError(f"{name}: expected {fields[name].expected}, found {got}")


def _flat(value: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """The values of nested objects by path, such as "data/epoch". The options stay one value."""
    flat: dict[str, Any] = {}
    for name, each in value.items():
        path = f"{before}{name}"
        nested = isinstance(each, dict) and path != "config"
        flat |= _flat(each, f"{path}/") if nested else {path: each}
    return flat
