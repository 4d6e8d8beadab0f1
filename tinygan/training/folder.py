"""RunFolder: what a run leaves on the disk, and nothing of it half-written.

config.json   log.csv   checkpoint.safetensors   samples.png   progress.gif   curves.png
"""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from .. import checkpoint
from ..errors import InputError
from ..files import atomic
from .config import Config
from .session import Session

__all__ = ["RunFolder"]

COLUMNS = ("step", "d_loss", "g_loss", "d_real", "d_fake")


class RunFolder:
    """The folder of one run. Opening reads nothing; the methods say what they read and write."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.log = self.path / "log.csv"
        self.checkpoint = self.path / "checkpoint.safetensors"
        self.samples = self.path / "samples.png"
        self.progress = self.path / "progress.gif"
        self.curves = self.path / "curves.png"

    @classmethod
    def new(cls, config: Config, out: str | Path | None) -> RunFolder:
        """Make the folder `out`, or the next numbered one under runs/.

        Raises InputError if `out` holds anything already."""
        if out is not None:
            path = Path(out)
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise InputError(
                    f"--out {path}: exists and is not an empty folder; choose another, or go on "
                    f"with it by --resume {path}"
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
        """The folder of a run that has been started; raises InputError if it is none."""
        folder = cls(path)
        if not folder.path.is_dir():
            raise InputError(f"{path}: there is no such run folder")
        if not folder.checkpoint.is_file():
            raise InputError(
                f"{path}: no run folder, it has no {folder.checkpoint.name}; expected a folder "
                "that `tinygan train` made"
            )
        return folder

    def write_config(self, config: Config) -> None:
        """Write config.json."""
        with atomic(self.config) as file:
            file.write(json.dumps(config.as_dict(), indent=2).encode() + b"\n")

    def save(self, session: Session, frames: list[np.ndarray]) -> None:
        """Write the checkpoint: all of the session, and the frames of the animation so far."""
        arrays, meta = session.state()
        arrays["frames"] = np.stack(frames)
        checkpoint.save(self.checkpoint, arrays, meta)

    def load(self, **changes: Any) -> tuple[Session, list[np.ndarray]]:
        """The session and the frames, as saved; `changes` replace options (steps, backend)."""
        arrays, meta = checkpoint.load(self.checkpoint)
        try:
            options, frames = {**meta["config"], **changes}, list(arrays.pop("frames"))
        except (KeyError, TypeError) as problem:
            raise InputError(f"{self.checkpoint}: holds no run of tinygan") from problem
        session = Session(Config.from_dict(options))
        try:
            session.restore(arrays, meta)
        except InputError as problem:
            raise InputError(f"{self.checkpoint}: {problem}") from problem
        return session, frames

    # The log: a row now and then, so that a run can be watched from outside.

    def start_log(self, up_to: int) -> None:
        """Keep the rows up to a step (those of a resumed run's past), or begin an empty log."""
        rows = [row for row in self._rows() if int(row["step"]) <= up_to] if up_to else []
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        with atomic(self.log) as file:
            file.write(text.getvalue().encode())

    def append_log(self, step: int, readings: dict[str, float]) -> None:
        """Add a row to log.csv."""
        row = [str(step)] + [f"{readings[name]:.7g}" for name in COLUMNS[1:]]
        with open(self.log, "a", encoding="utf-8") as file:
            file.write(",".join(row) + "\n")

    def read_log(self) -> dict[str, np.ndarray]:
        """The columns of log.csv."""
        rows = self._rows()
        return {name: np.array([float(row[name]) for row in rows]) for name in COLUMNS}

    def _rows(self) -> list[dict[str, str]]:
        """The whole rows: a row that a killed process left half-written is not one."""
        if not self.log.is_file():
            return []
        whole, _, _ = self.log.read_text(encoding="utf-8").rpartition("\n")
        rows = csv.DictReader(whole.splitlines())
        if rows.fieldnames is None or tuple(rows.fieldnames) != COLUMNS:
            raise InputError(f"{self.log}: expected the columns {', '.join(COLUMNS)}")
        try:
            return [{n: row[n] for n in COLUMNS} for row in rows if float(row["step"]) >= 0]
        except (TypeError, ValueError) as problem:
            raise InputError(f"{self.log}: a row is damaged ({problem})") from problem
