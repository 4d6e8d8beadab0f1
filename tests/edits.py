"""Edits of the bytes of a file or of a request, for `damage.py` and `lab_damage.py`.

Each is a list whose first element names it, and the rest of which JSON can hold.
"""

import contextlib
import json
import random
import tempfile
from pathlib import Path

import numpy as np
import special_files
from safetensors.numpy import save as safetensors_bytes

from tinygan import InputError, storage


def edited(content: bytes, edits: list) -> bytes:
    """The content after all edits of bytes and of values."""
    for name, *given in edits:
        if name in BYTES:
            content = BYTES[name](content, *given)
        elif name == "json":
            content = _with_value(content, *given)
        elif name == "meta":
            content = _with_meta(content, *given)
        elif name == "array":
            content = _with_array(content, *given)
    return content


BYTES = {
    "set": lambda c, at, hex: c[:at] + bytes.fromhex(hex) + c[at + len(hex) // 2 :],
    "insert": lambda c, at, hex: c[:at] + bytes.fromhex(hex) + c[at:],
    "cut": lambda c, at: c[:at],
    "delete": lambda c, at, n: c[:at] + c[at + n :],
    "repeat": lambda c, at, n, times: c[:at] + c[at : at + n] * times + c[at + n :],
    "zero": lambda c, at, n: c[:at] + bytes(len(c[at : at + n])) + c[at + n :],
    "all": lambda c, hex, times: bytes.fromhex(hex) * times,
}


def _with_value(content, line, keys, value):
    """The content with a value at a path of keys in one of its lines of JSON."""
    lines = content.split(b"\n") if line is not None else [content]
    with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
        lines[line or 0] = json.dumps(placed(json.loads(lines[line or 0]), keys, value)).encode()
    return b"\n".join(lines)


def placed(tree, keys, value):
    """The tree with `value` at a path of keys."""
    if not keys:
        return value
    tree[keys[0]] = placed(tree[keys[0]], keys[1:], value)
    return tree


def _opened(content):
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(content)
        return storage.load(file.name)


def packed(arrays, meta):
    """A checkpoint with a correct SHA-256."""
    text = json.dumps(meta)
    header = json.dumps({"meta": text, "sha256": storage.digest(arrays, text)})
    return safetensors_bytes(arrays, metadata={storage.KEY: header})


def _with_meta(content, keys, value):
    with contextlib.suppress(InputError, LookupError, TypeError):
        arrays, meta = _opened(content)
        return packed(arrays, placed(meta, keys, value))
    return content


def _with_array(content, name, change):
    try:
        arrays, meta = _opened(content)
    except InputError:
        return content
    if name not in arrays:
        return content
    match change:
        case "gone":
            del arrays[name]
        case "more":
            arrays[f"{name}x"] = arrays[name]
        case "flat":
            arrays[name] = arrays[name].reshape(-1)
        case "empty":
            arrays[name] = arrays[name].reshape(-1)[:0]
        case "nan":
            arrays[name] = np.full(arrays[name].shape, np.nan, np.float32)
        case "huge":
            arrays[name] = np.full(arrays[name].shape, 3e38, np.float64)
        case kind:
            arrays[name] = arrays[name].astype(kind)
    return packed(arrays, meta)


def put(path: Path, edits: list) -> None:
    """Damage the file at `path`."""
    kinds = [edit[1] for edit in edits if edit[0] == "become"]
    content = edited(path.read_bytes(), [] if kinds else edits)
    path.unlink()
    match kinds[-1] if kinds else "":
        case "":
            path.write_bytes(content)
        case "sparse":
            with open(path, "wb") as file:
                file.truncate(1 << 37)
        case kind:
            special_files.make(path, kind)


KINDS = ("folder", "pipe", "socket", "sparse", "/dev/zero", "/dev/full", "itself", "gone", ".")
NUMBERS = (0, 1, 127, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)
VALUES = (
    None, True, -1, -9, -10, 0, 1, 1.5, "7", "", 10**400, 2**53 + 1, 2**63, 2**64, 1e308, -0.0,
    float("nan"), float("inf"), [], {}, [[]], {"a": 1}, "\ud800", "\x1b[31m\r\u2028\n", "x" * 5000,
    [1, 2000, 2000], [1, 1024, 1024], [3, 28, 28], [1, 28, 28.0], [1, -28, -28], [0, 0, 0],
    "mlp-2014", "mlp-mid", "dcgan28", "dcgan32", "rmsprop", "sgd", "wgan-gp", "philox", "cupy",
    "folder:png", "folder:.", "cifar10", "tfd", "wasserstein", "MT19937", "PCG64", "0" * 64,
)  # fmt: skip
SLOW = {"k", "batch"}  # options that may ask for any amount of work
ARRAYS = ("gone", "more", "flat", "empty", "nan", "huge", "float64", "int64", "uint8", "bool")


def paths(tree, before=()):
    """The paths of keys to all values of a tree of JSON."""
    yield list(before)
    if isinstance(tree, (dict, list)):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from paths(value, (*before, key))


def drawn(rng: random.Random, name: str, content: bytes) -> list:
    """One to four random edits of a file."""
    if rng.random() < 0.05:
        return [["become", rng.choice(KINDS)]]
    edits = []
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        size = len(content)
        at = rng.choice((rng.randrange(size + 1), rng.randrange(min(size, 200) + 1)))
        width = rng.choice((1, 2, 4, 8))
        number = (rng.choice(NUMBERS) % 256**width).to_bytes(width, rng.choice(("little", "big")))
        choices = [
            ["set", at, rng.randbytes(1).hex()],
            ["set", at, number.hex()],
            ["insert", at, rng.randbytes(rng.randrange(17)).hex()],
            ["cut", at],
            ["delete", at, rng.randrange(1, 17)],
            ["repeat", at, rng.randrange(1, 600), rng.choice((2, 3, 1000))],
            ["zero", at, rng.choice((1, 16, 4096))],
            [
                "all",
                rng.choice((b"", b"\0", b"[", b"1", b"\n")).hex(),
                rng.choice((1, 5000, 99_999)),
            ],
        ]
        edits.append(_structured(rng, name, content) or rng.choice(choices))
    return edits


def _structured(rng, name, content):
    """An edit of a value in JSON or in a checkpoint, or None."""
    value = rng.choice(VALUES)
    if name.endswith(".safetensors") and rng.random() < 0.8:
        arrays, meta = _opened(content)
        if rng.random() < 0.3:
            return ["array", rng.choice(sorted(arrays)), rng.choice(ARRAYS)]
        keys = rng.choice([keys for keys in paths(meta) if not SLOW.intersection(keys)])
        return ["meta", keys, value]
    if ".json" in name and rng.random() < 0.7:
        lines = content.splitlines() if name.endswith("l") else [content]
        line = rng.randrange(len(lines))
        keys = rng.choice(list(paths(json.loads(lines[line]))))
        return ["json", line if name.endswith("l") else None, keys, value]
    return None
