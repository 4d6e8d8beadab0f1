"""Damage to every kind of file that a command reads, and the fuzzer that makes it at random.

    python tests/damage.py --files 10000           about an hour; prints each find as a line of JSON
    python tests/damage.py --files 10000 --keep    and adds it to tests/finds.jsonl
    python tests/damage.py --replay                tries all finds again

A find is a file and a list of edits, after which a command printed a traceback, took longer than
10 s or twice the memory that it takes for the undamaged file and the added bytes, named another
file, or changed a file although it refused to work. `test_damage.py` replays all finds.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from edits import drawn, put
from readers import DOCTOR, READERS, UNPACKED, build

from tinygan import InputError
from tinygan.commands.parser import main

FINDS = Path(__file__).with_name("finds.jsonl")
SECONDS, PAUSE = 10.0, 0.002
ROOM = 3 << 30  # bytes of address space for a command, so that no damage fills the machine


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
            known = (
                Path(file).name,
                "diverged",
                "NaN or infinity",
                "no images in it",
                "CuPy is",
                "expected a run on",
            )
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
