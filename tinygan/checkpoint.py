"""Checkpoints: named arrays and a JSON object in one safetensors file. No pickle anywhere.

The file carries a SHA-256 of all that it holds, so a flipped bit is an error and not a network
that is slightly wrong.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError
from .files import atomic

__all__ = ["digest", "load", "save"]

KINDS = ("bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
         "float16", "float32", "float64")  # fmt: skip
KEY = "tinygan checkpoint 1"  # the one entry of the header: several come in a random order


def save(path: str | Path, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
    """Write arrays and `meta` (what JSON can hold) to `path`, atomically.

    The same arrays and meta give the same bytes. Raises ValueError, and leaves `path` as it is, for
    what `load` would not give back.
    """
    from safetensors.numpy import save as to_bytes

    for what, value in (("arrays", arrays), ("meta", meta)):
        if not isinstance(value, Mapping):
            raise ValueError(f"{what}: expected values by their names, got {value!r}")
    whole = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    for name, array in whole.items():
        if not isinstance(name, str) or name == "__metadata__" or not name.isprintable():
            raise ValueError(f"arrays: expected printable names, got {name!r}")
        if array.dtype.name not in KINDS:
            raise ValueError(f"arrays: expected {', '.join(KINDS)}, got {array.dtype} for {name!r}")
        whole[name] = array.astype(array.dtype.newbyteorder("<"), copy=False)
    try:
        text = json.dumps(dict(meta), sort_keys=True)
    except (TypeError, ValueError, RecursionError) as problem:
        raise ValueError(f"meta: expected what JSON can hold, got {problem}") from problem
    header = {KEY: json.dumps({"meta": text, "sha256": digest(whole, text)})}
    with atomic(path) as file:
        file.write(to_bytes(whole, metadata=header))


def load(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the meta object of a checkpoint.

    Raises InputError if there is no such file, if it is no checkpoint of tinygan, or if it is not
    what was written (cut short, changed).
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise InputError(f"{path}: there is no such checkpoint")
    try:
        with safe_open(path, framework="numpy") as file:
            entries = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, AttributeError, TypeError, KeyError, ValueError) as problem:
        raise InputError(
            f"{path}: damaged or no safetensors file ({problem}); use an earlier checkpoint, or "
            "train again"
        ) from problem
    if set(entries) != {KEY}:
        raise InputError(
            f"{path}: a safetensors file, but no checkpoint of tinygan (its header has "
            f"{sorted(entries) or 'no metadata'}, expected {KEY!r})"
        )
    try:
        header = json.loads(entries[KEY])
        whole = digest(arrays, header["meta"]) == header["sha256"]
        meta = json.loads(header["meta"]) if whole else None
    except (AttributeError, ValueError, TypeError, KeyError, RecursionError):
        meta = None
    if not isinstance(meta, dict):
        raise InputError(
            f"{path}: damaged, its SHA-256 is not the one recorded when it was written; use an "
            "earlier checkpoint, or train again"
        )
    return arrays, meta


def digest(arrays: Mapping[str, np.ndarray], text: str) -> str:
    """The SHA-256 of the arrays, their names, dtypes and shapes, and of a text."""
    found = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        found.update(f"{name} {array.dtype.str} {array.shape}".encode())
        found.update(np.asarray(array, order="C").data)
    return found.hexdigest()
