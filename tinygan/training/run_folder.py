"""The folder of a run. Each file is complete even if the process is killed.

config.json              the options
log.csv                  losses, D(x) and D(G(z)), a row every ten rounds
checkpoint.safetensors   the state of the run (`session`), and the frames of progress.gif
states.jsonl             SHA-256 of the state (`state_hashes`)
data.png                 images of the data, as the networks see them
health.jsonl             the probes (`health_monitor`)
samples.png, progress.gif, curves.png
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from .. import storage
from ..backend.inputs import SINGLE_PROCESS, Comm
from ..errors import InputError, as_argument
from ..files import read, whole_lines
from ..storage import append, atomic, flush, flush_folder, partials
from ..writable import check_file, kept, locked
from .checkpoint import load_run
from .config import Config
from .fields import check
from .session import Session
from .state_hashes import StateHashes

RESUMABLE = ("steps", "backend", "no_graph")  # options that a resume may change
LIMIT = 1 << 20  # bytes of config.json
COLUMNS = ("step", "d_loss", "g_loss", "d_real", "d_fake")


class RunFolder:
    """The folder of one run. The constructor reads nothing."""

    def __init__(self, path: str | Path) -> None:
        if not isinstance(path, (str, Path)) or not str(path):
            raise InputError(f"a run folder: expected a path, got {path!r}")
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.log = self.path / "log.csv"
        self.states = StateHashes(self.path / "states.jsonl")
        self.checkpoint = self.path / "checkpoint.safetensors"
        self.data = self.path / "data.png"
        self.samples = self.path / "samples.png"
        self.progress = self.path / "progress.gif"
        self.curves = self.path / "curves.png"
        self.health = self.path / "health.jsonl"

    @classmethod
    def new(cls, config: Config, out: str | Path | None) -> RunFolder:
        """Make the folder `out`, or the next numbered one under runs/.

        Raises InputError if `out` exists and is not an empty folder."""
        if out is not None:
            folder = cls(out)
            path = folder.path
            # A killed run may have left partial files in an otherwise empty folder.
            used = path.exists() and (
                not path.is_dir() or set(path.iterdir()) != set(folder._partials())
            )
            if used:
                also = f", or continue it by --resume {as_argument(path)}" if path.is_dir() else ""
                raise InputError(
                    f"--out {path}: exists and is not an empty folder; choose another{also}"
                )
            path.mkdir(parents=True, exist_ok=True)
        else:
            path = cls._next_numbered(Path("runs"), f"{config.model}-{config.game}")
        flush_folder(path.parent)
        return cls(path)

    def _files(self) -> list[Path]:
        files = (self.config, self.log, self.states.path, self.checkpoint, self.health)
        return [*files, self.data, self.samples, self.progress, self.curves]

    def _partials(self) -> list[Path]:
        return partials(self.path, (path.name for path in self._files()))

    def check_files(self) -> None:
        """Check that all files of the run can be written.

        Raises InputError for a file that cannot, such as a link, before any is read or changed."""
        if not os.access(self.path, os.W_OK):
            raise InputError(f"{self.path}: the folder is read-only, so a run cannot write there")
        for path in self._files():
            check_file(path)

    def prepare(self) -> None:
        """Check all files, and remove the partial files of killed processes. The caller must hold
        the lock.

        Raises the errors of `check_files`."""
        self.check_files()
        for path in self._partials():
            path.unlink(missing_ok=True)

    @staticmethod
    def _next_numbered(root: Path, name: str) -> Path:
        root.mkdir(exist_ok=True)
        taken = [re.match(r"(\d+)-", p.name) for p in root.iterdir()]
        for number in itertools.count(1 + max((int(m[1]) for m in taken if m), default=0)):
            path = root / f"{number:03d}-{name}"
            with suppress(FileExistsError):  # another run has just taken the number
                path.mkdir()
                break
        return path

    @classmethod
    def existing(cls, path: str | Path) -> RunFolder:
        """The folder of an existing run, given the folder or the checkpoint in it.

        Raises InputError if there is no run."""
        folder = cls(path)
        if folder.path.is_file() and folder.path.name == folder.checkpoint.name:
            folder = cls(folder.path.parent)
        if not folder.path.is_dir():
            wrong = "is not a run folder" if folder.path.exists() else "there is no such run folder"
        elif not folder.checkpoint.exists():  # or the run was killed before its first round
            wrong = f"is not a run folder, because it has no {folder.checkpoint.name}"
        else:
            return folder
        raise InputError(
            f"{path}: {wrong}; expected a folder that `tinygan train` made, or the "
            f"{folder.checkpoint.name} in it"
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Within this block, lock the folder against other processes, if the system has locks, and
        refuse to write once the path leads to another folder.

        Raises InputError if another process holds the lock."""
        with ExitStack() as held:
            try:
                handle = held.enter_context(locked(self.path))
            except BlockingIOError as problem:
                raise InputError(f"{self.path}: another process is training there") from problem
            if handle is not None:
                held.enter_context(kept(self.path, handle))
            yield

    def write_config(self, config: Config) -> None:
        """Write config.json."""
        with atomic(self.config) as file:
            file.write(json.dumps(config.as_dict(), indent=2).encode() + b"\n")

    def options(self) -> dict[str, Any] | None:
        """The options in config.json, or None if there is no such file.

        Raises InputError if it holds no JSON object."""
        try:
            written = json.loads(read(self.config, LIMIT))
        except FileNotFoundError:
            return None
        except InputError:
            raise
        except (ValueError, RecursionError) as problem:
            raise InputError(f"{self.config}: is not JSON ({problem}); remove it") from problem
        if not isinstance(written, dict):
            raise InputError(f"{self.config}: expected the options of a run; remove it")
        return written

    def save(self, session: Session, frames: list[np.ndarray]) -> None:
        """Write the checkpoint: the state of the session, and all frames of the animation.

        Raises Diverged, and keeps the last checkpoint, if the state is not finite.
        """
        arrays, meta = session.state()
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise diverged(session.step, f"{name} is not finite")
        check(meta)
        arrays["frames"] = np.stack(frames)
        for path in (self.log, self.states.path, self.health):
            flush(path)  # they must reach at least as far as the checkpoint
        storage.save(self.checkpoint, arrays, meta)

    def load(self, comm: Comm = SINGLE_PROCESS, **changes: Any) -> tuple[Session, list[np.ndarray]]:
        """The saved session and frames; `changes` replace options (steps, backend, no_graph).

        Raises InputError if the checkpoint, the log or the state hashes are damaged."""
        arrays, meta, frames = self.contents()
        self._rows()  # raises if the log is damaged
        self.states.read()
        session = Session(Config.from_dict({**meta["config"], **changes}), comm)
        try:
            session.restore(arrays, meta)
        except InputError as problem:
            raise InputError(f"{self.checkpoint}: {problem}") from problem
        return session, frames

    def contents(self) -> tuple[dict[str, np.ndarray], dict[str, Any], list[np.ndarray]]:
        """The checkpoint: the arrays and meta of `Session.state`, and the frames.

        Raises InputError if it holds no run, or if config.json was edited: a run keeps its options.
        """
        arrays, meta, frames = load_run(self.checkpoint)
        written = self.options()
        try:
            same = written is None or same_run(written, meta["config"])
        except InputError as problem:
            raise InputError(f"{self.config}: {problem}; remove it") from problem
        if not same:
            raise InputError(
                f"{self.config}: differs from the options in {self.checkpoint.name}, which the run "
                "keeps; remove it, and give --steps or --backend on the command line"
            )
        return arrays, meta, list(frames)

    # The log.

    def start_log(self, up_to: int) -> None:
        """Keep the rows up to step `up_to` of a resumed run, or start an empty log."""
        rows = [row for row in self._rows() if int(row[0]) <= up_to] if up_to else []
        with atomic(self.log) as file:
            file.write("".join(",".join(row) + "\n" for row in (COLUMNS, *rows)).encode())

    def append_log(self, step: int, readings: dict[str, float]) -> None:
        """Add a row to log.csv."""
        row = [str(step)] + [f"{readings[name]:.7g}" for name in COLUMNS[1:]]
        append(self.log, ",".join(row))

    def read_log(self) -> dict[str, np.ndarray]:
        """The columns of log.csv."""
        rows = self._rows()
        return {name: np.array([float(row[i]) for row in rows]) for i, name in enumerate(COLUMNS)}

    def _rows(self) -> list[list[str]]:
        """The rows of log.csv, without its titles.

        Raises InputError if one is damaged."""
        rows: list[list[str]] = []
        for i, line in enumerate(whole_lines(self.log)):
            row = line.decode(errors="replace").split(",")
            if not (_is_reading(row) if i else row == list(COLUMNS)):
                raise InputError(
                    f"{self.log}: damaged at {','.join(row)[:60]!r}; expected the columns "
                    f"{','.join(COLUMNS)} and then numbers. Repair it, or remove it: only the "
                    "curves need it"
                )
            rows.append(row)
        return rows[1:]


def _is_reading(row: list[str]) -> bool:
    try:
        return int(row[0]) >= 0 and len([*map(float, row)]) == len(COLUMNS)
    except ValueError:
        return False


def same_run(one: Any, other: dict[str, Any]) -> bool:
    """Return whether two dicts of options belong to one run. Those that a resume may change can
    differ, as they do between config.json and the checkpoint of a run that was killed. Their names
    can be those of two versions.

    Raises InputError if one is no dict of options."""
    one, other = (Config.from_dict(options).as_dict() for options in (one, other))
    ignored = dict.fromkeys(RESUMABLE)
    return {**one, **ignored} == {**other, **ignored}


class ReadOnly(RunFolder):
    """The folder for all ranks except rank 0: methods that write or lock do nothing."""

    def _nothing(self, *args: Any, **options: Any) -> None:
        pass

    check_files = prepare = write_config = save = start_log = append_log = _nothing

    @contextmanager
    def locked(self) -> Iterator[None]:
        yield


class Diverged(InputError):
    """The error for a run with a loss, state or sample that is not finite."""


def diverged(step: int, seen: str) -> Diverged:
    """The error `Diverged` for a run after round `step`, with the evidence `seen`."""
    return Diverged(
        f"the training diverged by round {step} ({seen}); the last checkpoint before it is kept. "
        "Lower --lr-d and --lr-g"
    )
