"""Damage to every kind of file that a command reads, and the fuzzer that makes it at random.

    python tests/damage.py --files 10000           about an hour; prints each find as a line of JSON
    python tests/damage.py --files 10000 --keep    and adds it to tests/finds.jsonl
    python tests/damage.py --replay                tries all finds again

A find is a file and a list of edits, after which a command printed a traceback, took longer than
10 s or twice the memory that it takes for the undamaged file and the added bytes, named another
file, or changed a file although it refused to work. `test_damage.py` replays all finds.
"""

import argparse
import contextlib
import functools
import gzip
import io
import json
import os
import random
import resource
import shutil
import signal
import socket
import struct
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from safetensors.numpy import save as safetensors_bytes

from tinygan import InputError, models, storage
from tinygan.commands.parser import main
from tinygan.experiments import example
from tinygan.experiments.reproduce.history import History
from tinygan.experiments.results import Result, SeedResults
from tinygan.lab.export import PARTS
from tinygan.training import Config, loop, train

FINDS = Path(__file__).with_name("finds.jsonl")
SECONDS, PAUSE = 10.0, 0.002
ROOM = 3 << 30  # bytes of address space for a command, so that no damage fills the machine


def history(path="history.json"):
    return History(path, "vae", "numpy", {"epochs": 1}, resume=True)


def figures():
    sys.argv = ["x.py"]
    example.Example("x", "About x.", steps=1, full=1, data=None)._begin()


NEW = "train --model mlp-small --batch 2 --steps 1 --quiet --doctor off --out new --data"
RESUME, VERIFY = "train --resume run --steps 61 --quiet", "verify run"
SAMPLE, DOCTOR = "sample run -n 4 -o new.png", "doctor run"
PICTURES = {"png": "PNG", "jpg": "JPEG", "bmp": "BMP", "gif": "GIF", "tif": "TIFF", "ppm": "PPM",
            "webp": "WEBP"}  # fmt: skip
# Each file, with the commands or functions that read it.
READERS: dict[str, tuple[str | Callable, ...]] = {
    "run/checkpoint.safetensors": (RESUME, VERIFY, SAMPLE, "doctor probeless", "verify run --from"),
    "run/config.json": (RESUME, VERIFY, DOCTOR),
    "run/log.csv": (RESUME, DOCTOR),
    "run/states.jsonl": (RESUME, VERIFY),
    "run/health.jsonl": (RESUME, DOCTOR),
    "data/mnist/train-images-idx3-ubyte.gz": (f"{NEW} mnist", RESUME, VERIFY),
    "data/mnist/train-labels-idx1-ubyte": (f"{NEW} mnist",),
    "data/cifar-10/cifar-10-binary.tar.gz": (f"{NEW} cifar10",),
    "data/cifar10/cifar-10-batches-bin/data_batch_1.bin": (f"{NEW} cifar10",),
    "data/tfd/TFD_48x48.npz": (f"{NEW} tfd",),
    **{f"{kind}/a.{kind}": (f"{NEW} folder:{kind}",) for kind in PICTURES},
    "history.json": (history,),
    "out/x/figures.json": (figures,),
    "pyodide/pyodide-lock.json": ("lab --export new --pyodide pyodide",),
    "site/config.json": ("lab --export site",),
}
UNPACKED = "data/cifar10/cifar-10-batches-bin/data_batch_1.bin"


# The undamaged files.


def build(root: Path) -> None:
    """Write all files of READERS below `root`, and go there."""
    rng = np.random.default_rng(0)
    for name in READERS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
    images = rng.integers(0, 256, (4, 28, 28), np.uint8)
    mnist = root / "data/mnist"
    content = b"\0\0\x08\x03" + struct.pack(">3I", 4, 28, 28) + images.tobytes()
    (mnist / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(content, mtime=0))
    content = b"\0\0\x08\x01" + struct.pack(">I", 4) + bytes(range(4))
    (mnist / "train-labels-idx1-ubyte").write_bytes(content)
    records = (b"\5" + bytes(range(256)) * 12) * 2
    (root / UNPACKED).write_bytes(records)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
        member.size = len(records)
        archive.addfile(member, io.BytesIO(records))
    archive = gzip.compress(packed.getvalue(), mtime=0)
    (root / "data/cifar-10/cifar-10-binary.tar.gz").write_bytes(archive)
    faces = {"images": np.zeros((2, 48, 48), np.uint8), "labs_ex": np.array([[-1], [7]], np.int8)}
    np.savez(root / "data/tfd/TFD_48x48.npz", **faces, folds=np.ones((2, 5), np.uint8))
    for kind, name in PICTURES.items():
        Image.fromarray(images[0]).convert("RGB").save(root / f"{kind}/a.{kind}", format=name)
    (root / "out/x/figures.json").write_text('{"pictures": ["a.png"]}')
    lock = {"packages": {"numpy": {"file_name": "numpy.whl"}}}
    (root / "pyodide/pyodide-lock.json").write_text(json.dumps(lock))
    for name in (*PARTS, "numpy.whl"):
        (root / "pyodide" / name).write_bytes(b"a part of Pyodide")
    (root / "site/config.json").write_text('{"files": ["config.json", "index.html"]}')
    results = SeedResults([Result("a figure", 1.5)], {"epoch": [1]}, 2.0)
    os.chdir(root)
    history().add(0, results, {"cores": 2})
    os.environ |= {"TINYGAN_DATA": str(root / "data"), "XDG_CACHE_HOME": str(root / "cache")}
    os.environ |= dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")  # no network
    loop.draw = lambda *args: None
    models.MODELS["mlp-small"] = functools.partial(_narrow, models.MODELS["mlp-small"])
    train(Config(model="mlp-small", data="mnist", batch=2, steps=60), "run", progress=False)


def _narrow(model, shape, *, rng, width=1.0):
    return model(shape, rng=rng, width=width / 16)


# Edits: each is a list whose first element names it.


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
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as listener:
                here = os.getcwd()
                os.chdir(path.parent)  # the name of a socket is short
                listener.bind(path.name)
                os.chdir(here)
        case "sparse":
            with open(path, "wb") as file:
                file.truncate(1 << 37)
        case target:
            path.symlink_to(target)


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


# A command in a process of its own.


class Outcome(NamedTuple):
    status: int  # negative: the signal that ended the process
    err: str
    memory: int  # bytes, the largest resident set
    hung: bool


def attempt(reader: str | Callable) -> Outcome:
    """Run a command or a function in a fork of this process."""
    with tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            _child(reader, err.fileno())
        # Pauses are counted, not seconds: a machine may stop this process and its child together.
        for _ in range(round(SECONDS / PAUSE)):
            done, status, used = os.wait4(child, os.WNOHANG)
            if done:
                break
            time.sleep(PAUSE)
        else:
            os.kill(child, signal.SIGKILL)
            _, status, used = os.wait4(child, 0)
        err.seek(0)
        text = err.read().decode(errors="replace")
    code = os.waitstatus_to_exitcode(status)
    return Outcome(code, text, used.ru_maxrss << 10, not done)


def _child(reader, err):
    status = 70
    try:
        os.dup2(err, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
        status = main(reader.split()) if isinstance(reader, str) else _called(reader)
    except SystemExit as end:
        status = end.code
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 70)


def _called(reader):
    try:
        reader()
        return 0
    except InputError as problem:
        print(f"tinygan: {problem}", file=sys.stderr)
        return 2


def snapshot(root: Path) -> dict:
    """All files below `root`: their contents if they are regular, else their kind."""
    found = {}
    for path in root.rglob("*"):
        about = path.lstat()
        whole = path.is_file() and not path.is_symlink() and about.st_size < 1 << 30
        found[str(path.relative_to(root))] = path.read_bytes() if whole else about.st_mode
    return found


class Fuzzer:
    """All files below `root`, and the memory of each command on undamaged ones."""

    def __init__(self, root: Path) -> None:
        self.root, self.valid = root / "now", root / "valid"
        self.valid.mkdir()
        build(self.valid)
        self.healthy: dict = {}

    def fresh(self) -> None:
        os.chdir(self.valid)
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self.valid, self.root)
        os.chdir(self.root)
        os.environ["TINYGAN_DATA"] = str(self.root / "data")

    def prepare(self, name: str, reader: str | Callable) -> str | Callable:
        """Set the files up for a reader, and return the command."""
        self.fresh()
        if name == UNPACKED:
            shutil.rmtree("data/cifar-10")
        if reader == "doctor probeless":
            os.unlink("run/health.jsonl")
            return DOCTOR
        if reader == "verify run --from":
            shutil.copy("run/checkpoint.safetensors", "from.safetensors")
            return f"{reader} from.safetensors"
        return reader

    def fault(self, name: str, reader: str | Callable, edits: list) -> str | None:
        """The fault that a reader shows on a damaged file, or None."""
        if (name, reader) not in self.healthy:
            well = attempt(self.prepare(name, reader))
            assert well.status == 0, (name, reader, well)
            self.healthy[name, reader] = well.memory
        command = self.prepare(name, reader)
        file = "from.safetensors" if "from." in str(command) else name
        if ["without config"] in edits:
            Path("run/config.json").unlink()
        size = os.stat(file).st_size
        put(Path(file), edits)
        whole = not any(edit[0] == "become" for edit in edits)
        added = max(0, os.lstat(file).st_size - size) if whole else 0
        before = snapshot(self.root)
        found = attempt(command)
        last = found.err.strip()
        if found.hung:
            return f"takes more than {SECONDS} s"
        allowed = (0, 1, 2) if "verify" in str(command) else (0, 2)
        if "Traceback" in found.err or found.status not in allowed:
            return f"status {found.status}: {last[-300:]}"
        if found.memory > 2 * (self.healthy[name, reader] + added):
            return f"takes {found.memory >> 20} MiB, undamaged {self.healthy[name, reader] >> 20}"
        if found.status == 2:
            known = (Path(file).name, "diverged", "NaN or infinity", "no images in it")
            if last.count("\n") or not any(each in last for each in known):
                return f"names no cause: {last}"
            if "out of memory" in last:
                return last
            if (after := snapshot(self.root)) != before:
                changed = {k for k in before.keys() | after.keys() if before.get(k) != after.get(k)}
                return f"was refused, but changed {sorted(changed)}: {last}"
        return None

    def random(self, seed: int) -> tuple[str, str | Callable, list]:
        """A file, a reader of it, and edits, which the seed determines."""
        rng = random.Random(seed)
        name = rng.choice(list(READERS))
        reader = rng.choice(READERS[name])
        edits = drawn(rng, name, (self.valid / name).read_bytes())
        if name.startswith("run/check") and rng.random() < 0.5:
            edits.append(["without config"])
        return name, reader, edits


def reader_of(name: str, label: str) -> str | Callable:
    """The reader of a file by its label in a find."""
    return next(each for each in READERS[name] if label_of(each) == label)


def label_of(reader: str | Callable) -> str:
    return reader if isinstance(reader, str) else reader.__name__


def cases(args: argparse.Namespace, fuzzer: Fuzzer) -> Iterator[tuple[str, str | Callable, list]]:
    """The finds, or random cases."""
    if args.replay:
        for line in FINDS.read_text().splitlines():
            find = json.loads(line)
            yield find["file"], reader_of(find["file"], find["reader"]), find["edits"]
    else:
        yield from map(fuzzer.random, range(args.seed, args.seed + args.files))


def run(args: argparse.Namespace, root: Path) -> int:
    """Try all cases and print each fault; return the exit status, 1 if there is one."""
    fuzzer, found, tried = Fuzzer(root), 0, 0
    for name, reader, edits in cases(args, fuzzer):
        tried += 1
        fault = fuzzer.fault(name, reader, edits)
        if fault is not None:
            found += 1
            line = json.dumps({"file": name, "reader": label_of(reader), "edits": edits})
            print(f"{fault}\n  {line}", flush=True)
            if args.keep:
                with open(FINDS, "a") as finds:
                    finds.write(f"{line}\n")
    print(f"{tried} files, {found} finds")
    return int(found > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--replay", action="store_true", help="try the finds, no random files")
    parser.add_argument("--keep", action="store_true", help="add finds to tests/finds.jsonl")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            sys.exit(run(given, Path(folder)))
        finally:
            os.chdir("/")
