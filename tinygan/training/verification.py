"""Verification: play a run again, and check that it is the same run bit for bit."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..backend.inputs import SINGLE_PROCESS, Comm
from ..errors import InputError
from ..parallel import agree, from_first
from .checkpoint import load_run
from .config import Config
from .run_folder import RunFolder, same_run
from .session import Session, digest
from .state_hashes import HASH_EVERY, surroundings


class Verdict(NamedTuple):
    """The result of `verify`."""

    agreed: tuple[int, ...]  # the rounds after which the state was equal to the recorded one
    differs: int | None  # the first round after which it differed, if any
    recorded: str  # the recorded SHA-256 of the state after that round, or ""
    now: str  # the SHA-256 of the state after that round, played again, or ""
    warnings: tuple[str, ...]  # differences between the recorded and the current environment
    played: int  # the number of rounds played
    file: str = ""  # the file with the recorded hash


def verify(
    run: str | Path,
    *,
    start: str | Path | None = None,
    echo: Callable[[int, int], object] = lambda step, last: None,
    comm: Comm = SINGLE_PROCESS,
) -> Verdict:
    """Repeat a run from its start, or from its checkpoint `start`, and compare the state with each
    recorded one, up to the first that differs.

    Nothing is written. The state in the run's checkpoint also counts as recorded. After each round,
    `echo` is called with its number and that of the last round. A run of several ranks is verified
    by the same number of ranks, which all call this with the same arguments.

    Raises InputError for a run that cannot be read, lacks a hash, has other images now, or has no
    hash from `start` on.
    """
    folder = RunFolder.existing(run)
    written = folder.states.read()
    if not written.hashes:
        raise InputError(f"{folder.states.path}: holds no hashes; `tinygan train` writes them")
    arrays, meta, _ = folder.contents()
    saved = {(meta["step"], digest(arrays, meta)): folder.checkpoint.name}
    recorded = saved | dict.fromkeys(written.hashes.items(), folder.states.path.name)
    first = min(written.hashes)
    for (before, _), (step, _) in itertools.pairwise(sorted(recorded)):
        if before >= first and step - before > HASH_EVERY:
            raise InputError(
                f"{folder.states.path}: has no hash between steps {before} and {step}; a run "
                f"writes one every {HASH_EVERY} rounds, so lines are missing"
            )
    config = Config.from_dict(meta["config"])
    warnings = tuple(_changes(written.made_with, surroundings(config.backend, comm)))
    session = Session(config, comm)
    if session.images_sha256 != meta.get("images_sha256"):
        raise InputError(
            f"{folder.path}: the images of {config.data} are not those that the run was trained on"
        )
    if start is not None:
        _restore(session, Path(start), meta["config"])
    agree(comm, session.facts)
    initial, (last, _) = session.step, max(recorded)
    if session.step > last:
        raise InputError(
            f"{start}: was saved after round {session.step}, but the last hash in "
            f"{folder.states.path} is that after round {last}"
        )
    agreed: list[int] = []
    with np.errstate(all="ignore"):  # as in training
        for step, sha256 in sorted(recorded):
            if step < session.step:
                continue
            while session.step < step:
                session.play_round()
                echo(session.step, last)
            now = from_first(comm, session.sha256)
            if now != sha256:
                before = tuple(each for each in agreed if each < step)
                file = recorded[step, sha256]
                return Verdict(before, step, sha256, now, warnings, step - initial, file)
            agreed.append(step)
    return Verdict(tuple(agreed), None, "", "", warnings, last - initial)


def _restore(session: Session, start: Path, options: dict[str, Any]) -> None:
    """Restore the checkpoint `start`, a file or in a folder, of a run with these options.

    Raises InputError if it belongs to another run."""
    path = RunFolder.existing(start).checkpoint if start.is_dir() else start
    arrays, meta, _ = load_run(path)
    if not same_run(meta["config"], options):
        raise InputError(f"{start}: is not a checkpoint of this run, which has other options")
    try:
        session.restore(arrays, meta)
    except InputError as problem:
        raise InputError(f"{start}: {problem}") from problem


def _changes(recorded: list[dict[str, Any]], now: dict[str, Any]) -> list[str]:
    """The differences between the recorded environments and the current one, one line each."""
    return list(
        dict.fromkeys(
            f"{name.replace('_', ' ')}: recorded {before.get(name)}, now {now.get(name)}"
            for before in recorded
            for name in {**before, **now}
            if before.get(name) != now.get(name)
        )
    )
