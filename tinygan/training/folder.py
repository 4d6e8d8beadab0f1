"""RunFolder: what a run leaves on the disk, and nothing of it half-written.

config.json   log.csv   checkpoint.safetensors   samples.png   progress.gif   curves.png
health.jsonl (the doctor's looks, see `watch`)
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .. import checkpoint
from ..errors import InputError
from ..files import atomic
from .config import Config
from .session import Session

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["Diverged", "RunFolder", "diverged"]

COLUMNS = ("step", "d_loss", "g_loss", "d_real", "d_fake")


class RunFolder:
    """The folder of one run. Opening reads nothing; the methods say what they read and write."""

    def __init__(self, path: str | Path) -> None:
        if not str(path):
            raise InputError("a run folder: expected a path, got ''")
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.log = self.path / "log.csv"
        self.checkpoint = self.path / "checkpoint.safetensors"
        self.samples = self.path / "samples.png"
        self.progress = self.path / "progress.gif"
        self.curves = self.path / "curves.png"
        self.health = self.path / "health.jsonl"

    @classmethod
    def new(cls, config: Config, out: str | Path | None) -> RunFolder:
        """Make the folder `out`, or the next numbered one under runs/.

        Raises InputError if `out` holds anything already."""
        if out is not None:
            path = cls(out).path
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                also = f", or go on with it by --resume {path}" if path.is_dir() else ""
                raise InputError(
                    f"--out {path}: exists and is not an empty folder; choose another{also}"
                )
            path.mkdir(parents=True, exist_ok=True)
        else:
            path = cls._next_numbered(Path("runs"), f"{config.model}-{config.game}")
        return cls(path)

    @staticmethod
    def _next_numbered(root: Path, name: str) -> Path:
        root.mkdir(exist_ok=True)
        while True:
            taken = [re.match(r"(\d+)-", p.name) for p in root.iterdir()]
            number = 1 + max((int(m[1]) for m in taken if m), default=0)
            path = root / f"{number:03d}-{name}"
            try:
                path.mkdir()
                return path
            except FileExistsError:
                continue  # another run took the number just now

    @classmethod
    def existing(cls, path: str | Path) -> RunFolder:
        """The folder of a run that has been started, given it or the checkpoint in it; raises
        InputError if it is none."""
        folder = cls(path)
        if folder.path.is_file() and folder.path.name == folder.checkpoint.name:
            folder = cls(folder.path.parent)
        if not folder.path.is_dir():
            raise InputError(f"{path}: there is no such run folder")
        if not folder.checkpoint.is_file():
            raise InputError(
                f"{path}: no run folder, it has no {folder.checkpoint.name}; expected a folder "
                "that `tinygan train` made"
            )
        return folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing here, where the system can; InputError if one does."""
        if fcntl is None:
            yield
            return
        handle = os.open(self.path, os.O_RDONLY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as problem:
                raise InputError(f"{self.path}: another process is training there") from problem
            except OSError:
                pass  # a file system without locks
            yield
        finally:
            os.close(handle)  # and the lock with it, even that of a killed process

    def write_config(self, config: Config) -> None:
        """Write config.json."""
        with atomic(self.config) as file:
            file.write(json.dumps(config.as_dict(), indent=2).encode() + b"\n")

    def save(self, session: Session, frames: list[np.ndarray]) -> None:
        """Write the checkpoint: all of the session, and the frames of the animation so far.

        Raises InputError if the networks have diverged: the last good checkpoint is worth more.
        """
        arrays, meta = session.state()
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise diverged(session.step, f"{name} is not finite")
        arrays["frames"] = np.stack(frames)
        checkpoint.save(self.checkpoint, arrays, meta)

    def load(self, **changes: Any) -> tuple[Session, list[np.ndarray]]:
        """The session and the frames, as saved; `changes` replace options (steps, backend)."""
        arrays, meta = checkpoint.load(self.checkpoint)
        try:
            options, frames = dict(meta["config"]), list(arrays.pop("frames"))
        except (KeyError, TypeError, ValueError) as problem:
            raise InputError(f"{self.checkpoint}: holds no run of tinygan") from problem
        self._check_config(options)
        session = Session(Config.from_dict({**options, **changes}))
        try:
            session.restore(arrays, meta)
        except InputError as problem:
            raise InputError(f"{self.checkpoint}: {problem}") from problem
        return session, frames

    def _check_config(self, options: dict[str, Any]) -> None:
        """Whoever edits config.json learns that a run keeps the options that it began with."""
        try:
            written = json.loads(self.config.read_bytes()) if self.config.exists() else options
        except ValueError as problem:
            raise InputError(f"{self.config}: is no JSON ({problem}); remove it") from problem
        free = ("steps", "backend", "no_graph")  # may have been changed by a resume that was killed
        if not isinstance(written, dict) or _without(written, free) != _without(options, free):
            raise InputError(
                f"{self.config}: differs from the options in {self.checkpoint.name}, by which the "
                "run goes on; remove it, and give --steps or --backend on the command line"
            )

    # The log: a row now and then, so that a run can be watched from outside.

    def start_log(self, up_to: int) -> None:
        """Keep the rows up to a step (those of a resumed run's past), or begin an empty log."""
        rows = [row for row in self._rows() if int(row[0]) <= up_to] if up_to else []
        with atomic(self.log) as file:
            file.write("".join(",".join(row) + "\n" for row in (COLUMNS, *rows)).encode())

    def append_log(self, step: int, readings: dict[str, float]) -> None:
        """Add a row to log.csv."""
        row = [str(step)] + [f"{readings[name]:.7g}" for name in COLUMNS[1:]]
        with open(self.log, "a", encoding="utf-8") as file:
            file.write(",".join(row) + "\n")

    def read_log(self) -> dict[str, np.ndarray]:
        """The columns of log.csv."""
        rows = self._rows()
        return {name: np.array([float(row[i]) for row in rows]) for i, name in enumerate(COLUMNS)}

    def _rows(self) -> list[list[str]]:
        """The whole rows: a row that a killed process left half-written is not one."""
        if not self.log.is_file():
            return []
        whole, _, _ = self.log.read_bytes().rpartition(b"\n")
        text = whole.decode(errors="replace").splitlines()
        head, *rows = [line.split(",") for line in text] or [[]]
        for row in (head, *rows):
            good = row == list(COLUMNS) if row is head else _is_reading(row)
            if not good:
                raise InputError(
                    f"{self.log}: damaged at {','.join(row)[:60]!r}; expected the columns "
                    f"{','.join(COLUMNS)} and then numbers. Mend it, or remove it: only the curves "
                    "need it"
                )
        return rows


def _without(options: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in names}


def _is_reading(row: list[str]) -> bool:
    try:
        return int(row[0]) >= 0 and len([float(value) for value in row]) == len(COLUMNS)
    except (ValueError, IndexError):
        return False


class Diverged(InputError):
    """The numbers of a run have left the finite ones."""


def diverged(step: int, seen: str) -> Diverged:
    """What to raise for such a run."""
    return Diverged(
        f"the training diverged by step {step} ({seen}); the checkpoint before it is kept. Lower "
        "--lr-d and --lr-g"
    )
