"""train and resume: Algorithm 1 with a log, pictures, checkpoints, a progress bar and Ctrl-C."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .. import plots
from ..errors import InputError
from ..gan import Game
from ..tensor import Tensor
from .config import Config
from .folder import RunFolder
from .session import Session

__all__ = ["Interrupted", "resume", "train"]

LOG_EVERY = 10  # rounds
SAVE_EVERY = 20.0  # seconds; when a checkpoint is written changes nothing in the run


class Interrupted(Exception):
    """Ctrl-C (or SIGTERM) came; the run is saved as of the round that was being played."""


def train(config: Config, out: str | Path | None = None, *, progress: bool = True) -> RunFolder:
    """Train as `config` says, into the folder `out` (default: a new one under runs/).

    Raises InputError for what cannot be used, OSError if the disk cannot be written, Interrupted
    after Ctrl-C; in each case the folder keeps its last whole checkpoint.
    """
    session = Session(config)
    folder = RunFolder.new(config, out)
    folder.write_config(config)
    folder.start_log(up_to=0)
    frames = [_frame(session)]
    folder.save(session, frames)
    _run(session, folder, frames, progress)
    return folder


def resume(
    path: str | Path, *, steps: int | None = None, backend: str | None = None, progress: bool = True
) -> RunFolder:
    """Go on with a run from its checkpoint, to its number of steps or to a new one.

    It ends bit for bit where it would have ended without the stop, on the same backend.
    """
    folder = RunFolder.existing(path)
    given = {"steps": steps, "backend": backend}
    session, frames = folder.load(**{k: v for k, v in given.items() if v is not None})
    if session.step >= session.config.steps:
        raise InputError(
            f"{folder.path}: {session.step} rounds are played, {session.config.steps} were asked "
            "for; ask for more by --steps N"
        )
    folder.write_config(session.config)
    folder.start_log(up_to=session.step)
    _run(session, folder, frames, progress)
    return folder


def _run(session: Session, folder: RunFolder, frames: list[np.ndarray], progress: bool) -> None:
    from tqdm import tqdm

    config, saved = session.config, time.monotonic()
    bar = tqdm(
        total=config.steps,
        initial=session.step,
        disable=not progress,
        unit="round",
        dynamic_ncols=True,
        mininterval=0.3,
    )
    with bar, _stopping() as stop_asked:
        while session.step < config.steps:
            result = session.play_round()
            bar.update()
            if session.step % LOG_EVERY == 0 or session.step == config.steps:
                readings = session.readings(result)
                _check_finite(session, readings)
                folder.append_log(session.step, readings)
                bar.set_postfix_str(_summary(readings), refresh=False)
            if session.step % config.frame_every == 0:
                frames.append(_frame(session))
            if stop_asked():
                folder.save(session, frames)
                raise Interrupted(folder.path, session.step)
            if time.monotonic() - saved > SAVE_EVERY:
                folder.save(session, frames)
                saved = time.monotonic()
    folder.save(session, frames)
    draw(session, folder, frames)


def draw(session: Session, folder: RunFolder, frames: list[np.ndarray]) -> None:
    """Make the three pictures of a run."""
    low = session.pair.low
    plots.save_png(folder.samples, plots.grid(session.generate(session.fixed_z), low=low))
    plots.save_gif(folder.progress, frames)
    plots.curves(
        folder.curves,
        folder.read_log(),
        balance=balance(session.game),
        probability=session.game.probability,
    )


def balance(game: Game) -> dict[str, float]:
    """What a log shows once G is perfect and D the best against it, if there is that point."""
    if game.balance is None:
        return {}
    output = game.balance
    l = Tensor(np.array(math.log(output / (1 - output)) if game.probability else output))
    d_loss, g_loss = game.d_loss(l, l).item(), game.g_loss(l).item()
    return {"d_loss": d_loss, "g_loss": g_loss, "d_real": output, "d_fake": output}


def _frame(session: Session) -> np.ndarray:
    return plots.grid(session.generate(session.fixed_z), low=session.pair.low)


def _summary(readings: dict[str, float]) -> str:
    names = {"d_loss": "loss D", "g_loss": "loss G", "d_real": "D(x)", "d_fake": "D(G(z))"}
    return ", ".join(f"{label} {readings[key]:.2f}" for key, label in names.items())


def _check_finite(session: Session, readings: dict[str, float]) -> None:
    """Stop before a checkpoint of numbers that are none replaces the last good one."""
    if not all(math.isfinite(value) for value in readings.values()):
        values = ", ".join(f"{name} = {value:g}" for name, value in readings.items())
        raise InputError(
            f"the training diverged by step {session.step} ({values}); the checkpoint before it is "
            "kept. Lower --lr-d and --lr-g"
        )


@contextmanager
def _stopping() -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C and SIGTERM into a wish that is granted after the round being played."""
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # signals come to the main thread alone
        return

    def ask(number: int, frame: object) -> None:
        asked.append(number)
        for each, handler in before.items():  # a second Ctrl-C does not wait
            signal.signal(each, handler)

    before = {each: signal.signal(each, ask) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
