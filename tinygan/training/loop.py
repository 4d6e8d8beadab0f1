"""The training loop: Algorithm 1 with log, pictures, checkpoints, progress bar and Ctrl-C."""

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .. import plots
from ..backend.inputs import SINGLE_PROCESS, Comm
from ..errors import InputError, Interrupted
from ..parallel import agree, from_first, mean_of
from .config import Config
from .health_monitor import HealthMonitor, health
from .memory_check import check_memory
from .readings import equilibrium
from .run_folder import ReadOnly, RunFolder, diverged
from .session import Session
from .state_hashes import HASH_EVERY, surroundings

LOG_EVERY = 10  # rounds
LABELS = {"d_loss": "loss D", "g_loss": "loss G", "d_real": "D(x)", "d_fake": "D(G(z))"}
GRID = 64  # maximum number of images of data.png
SHOWN = 10  # maximum number of images left out that are named
SAVE_EVERY = 20.0  # seconds; when checkpoints are written does not change the run
OnStep = Callable[[int, dict[str, float]], object]


def train(
    config: Config,
    out: str | Path | None = None,
    *,
    progress: bool = True,
    doctor: bool = True,
    on_step: OnStep | None = None,
    comm: Comm = SINGLE_PROCESS,
) -> RunFolder:
    """Train a GAN with the options `config`, and return the run folder, which is `out` (default: a
    new one under runs/).

    If `comm` has several ranks, all call this with the same arguments, and rank 0 writes the files.
    With `doctor`, diagnoses are printed on stderr; they do not change the run (`health_monitor`).

    on_step(step, readings) is called on rank 0 after each round that has a row in log.csv, with the
    row: the number of rounds played, and "d_loss", "g_loss", "d_real", "d_fake" as floats. If it
    raises an exception, the run is saved and the training ends with this exception.

    Raises InputError for unusable options or data and for a run that diverged, OSError if the disk
    cannot be written, Interrupted after Ctrl-C. The folder keeps its last complete checkpoint.
    """
    if not isinstance(config, Config):
        raise TypeError(f"config: expected a Config, got {type(config).__name__}")
    _check(on_step)
    check_memory(config, comm)
    session = Session(config, comm)
    agree(comm, lambda: [{"--out": str(out)}, *session.facts()])
    frames = [_frame(session)]
    folder = _folder_of_rank(comm, from_first(comm, lambda: RunFolder.new(config, out).path))
    with folder.locked():
        folder.prepare()
        folder.save(session, frames)  # from here on the run can be resumed
        _run(session, folder, frames, progress, doctor, on_step)
    return folder


def resume(
    path: str | Path,
    *,
    steps: int | None = None,
    backend: str | None = None,
    no_graph: bool | None = None,
    progress: bool = True,
    doctor: bool = True,
    on_step: OnStep | None = None,
    comm: Comm = SINGLE_PROCESS,
) -> RunFolder:
    """Resume a run, given its folder or its checkpoint, up to its own number of rounds or `steps`.

    The result is bit for bit that of an uninterrupted run, on the same backend and processor with
    the same number of ranks (with another number of ranks: up to rounding). If all rounds have been
    played, only the pictures are drawn again. `on_step` is that of `train`; rounds since the last
    checkpoint of a killed run are played again, so it is called for them again.

    Raises the errors of `train`.
    """
    _check(on_step)
    folder = _folder_of_rank(comm, RunFolder.existing(path).path)
    with folder.locked():
        from_first(comm, folder.check_files)
        given = {"steps": steps, "backend": backend, "no_graph": no_graph}
        session, frames = folder.load(comm, **{k: v for k, v in given.items() if v is not None})
        agree(comm, session.facts)
        if steps is not None and session.step >= steps:
            raise InputError(
                f"--steps {steps}: {folder.path} has played {session.step} rounds already; give "
                "a larger number, or leave --steps out to draw its pictures again"
            )
        expected = plots.grid(np.zeros((len(session.fixed_z), *session.data.images.shape[1:])))
        if frames[0].shape != expected.shape:
            raise InputError(
                f"{folder.checkpoint}: holds frames {frames[0].shape}, expected {expected.shape}"
            )
        if doctor:
            health(folder)  # raises if health.jsonl is damaged, before anything is written
        folder.prepare()
        _run(session, folder, frames, progress, doctor, on_step)
    return folder


def _folder_of_rank(comm: Comm, path: Path) -> RunFolder:
    """The folder, to which only rank 0 can write."""
    return ReadOnly(path) if comm.rank else RunFolder(path)


def _check(on_step: object) -> None:
    """Raise TypeError unless `on_step` can be called or is None."""
    if on_step is not None and not callable(on_step):
        raise TypeError(f"on_step: expected a function of step and readings, got {on_step!r}")


def _run(
    session: Session,
    folder: RunFolder,
    frames: list[np.ndarray],
    progress: bool,
    doctor: bool,
    on_step: OnStep | None,
) -> None:
    """Play the rounds that are left, and draw the pictures. The caller has locked the folder."""
    config, comm, saved = session.config, session.comm, time.monotonic()
    writes, reported = comm.rank == 0, comm.rank > 0
    folder.start_log(up_to=session.step)
    if writes:
        folder.states.start(surroundings(config.backend, comm), session.step, session.sha256())
    folder.write_config(config)
    if writes and not folder.data.exists():  # a killed run may lack it
        plots.save_png(folder.data, _examples(session))
    bar = _bar(config.steps, session.step, progress and writes)
    for line in _left_out(session) if writes else ():
        bar.echo(line)
    if config.is_folder and not session.step and not bar.disable:
        bar.echo(f"{folder.data}: the images as the networks see them")
    monitor = HealthMonitor(session, folder, bar.echo, on=doctor)
    # NumPy's overflow warnings are off: a number that is not finite ends the run with its reason.
    with monitor.explaining(), bar, _stopping() as stop_requested, np.errstate(all="ignore"):
        while session.step < config.steps:
            result = monitor.play_round()
            bar.update()
            at_end = session.step == config.steps
            logged = at_end or session.step % LOG_EVERY == 0
            if session.not_captured and not reported:
                bar.echo(f"rounds are not captured: {session.not_captured}")
                reported = True
            if logged:
                readings = session.readings(result)
                if not all(map(math.isfinite, readings.values())):
                    seen = (f"{name} = {value:g}" for name, value in readings.items())
                    raise diverged(session.step, ", ".join(seen))
                folder.append_log(session.step, readings)
                shown = (f"{label} {readings[name]:.2f}" for name, label in LABELS.items())
                bar.set_postfix_str(", ".join(shown), refresh=False)
            if writes and (at_end or session.step % HASH_EVERY == 0):
                folder.states.append(session.step, session.sha256())
            if session.step % config.frame_every == 0:
                frames.append(_frame(session))
            if on_step is not None and logged and writes:
                try:
                    on_step(session.step, readings)
                except Exception:
                    folder.save(session, frames)
                    raise
            due = writes and time.monotonic() - saved > SAVE_EVERY
            stopping, saving = mean_of(comm, [stop_requested(), due])  # above 0 if any rank has 1
            if stopping or saving:
                agree(comm, session.standing)
                folder.save(session, frames)
                saved = time.monotonic()
            if stopping:
                raise Interrupted(folder.path, session.step)
        agree(comm, session.standing)
        last = _frame(session)  # before the checkpoint: raises if G's samples are not finite
        folder.save(session, frames)
    if writes:
        draw(session, folder, frames, last)


def draw(session: Session, folder: RunFolder, frames: list[np.ndarray], last: np.ndarray) -> None:
    """Write the three pictures of a run; `last` is the grid of its current samples."""
    plots.save_png(folder.samples, last)
    has_last = session.step % session.config.frame_every == 0
    plots.save_gif(folder.progress, frames if has_last else [*frames, last])
    game, penalty = session.game, session.config.penalty_used
    known, log = equilibrium(game, penalty), folder.read_log()
    curve = plots.Curve(log, known, game.probability, penalty != "none")
    plots.curves(folder.curves, {"": curve})


def _left_out(session: Session) -> Iterator[str]:
    """Lines that name the images that were left out."""
    out = session.left_out
    yield from (f"left out: {reason}" for reason in out[:SHOWN])
    if out:
        more = f", of which {SHOWN} are named above" * (len(out) > SHOWN)
        noun = "image" if len(out) == 1 else "images"
        yield f"left out {len(out)} {noun} that cannot be read{more}"


def _examples(session: Session) -> np.ndarray:
    """The grid of 64 images of the data, at equal distances in their order, uint8 pixels."""
    n = len(session.data.images)
    images = session.data.at(np.linspace(0, n - 1, min(n, GRID)).astype(int)).numpy()
    return plots.grid(images, low=session.pair.low)


def _frame(session: Session) -> np.ndarray:
    """The grid of the samples of the fixed noise, uint8 pixels.

    Raises Diverged if a sample is not finite."""
    samples = session.generate(session.fixed_z)
    if not np.isfinite(samples).all():
        raise diverged(session.step, "G's samples are not finite")
    return plots.grid(samples, low=session.pair.low)


@cache
def bar_class() -> Any:
    """The class of progress bars that disable themselves if stderr cannot be written (closed, or a
    full disk). It is made once, because tqdm starts a thread for each class of bars."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]  # tqdm has no types
        def display(self, *args: Any, **kwargs: Any) -> None:
            try:
                super().display(*args, **kwargs)
            except OSError:
                self.disable = True

        def echo(self, text: str) -> None:
            """Write lines above the bar, on stderr if there is one."""
            if sys.stderr is not None:
                with suppress(OSError):
                    self.write(text, file=sys.stderr)

    return Bar


def _bar(total: int, initial: int, progress: bool) -> Any:
    return bar_class()(
        total=total,
        initial=initial,
        disable=not progress or sys.stderr is None,
        unit="round",
        dynamic_ncols=True,
        mininterval=0.3,
    )


@contextmanager
def _stopping() -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C, SIGTERM and SIGHUP (the terminal has closed) into a request to stop after the
    current round. SIGHUP stays ignored under nohup. SIGQUIT is left to the system: it ends the
    process at once, and the run keeps its last checkpoint."""
    requests: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # only the main thread gets signals
        return

    def restore() -> None:
        for each, handler in before.items():
            signal.signal(each, handler)

    def request(number: int, frame: object) -> None:
        requests.append(number)
        restore()  # a second Ctrl-C stops at once

    signals = [signal.SIGINT, signal.SIGTERM]
    hang_up = getattr(signal, "SIGHUP", None)  # Windows has none
    if hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN:
        signals.append(hang_up)
    before = {each: signal.signal(each, request) for each in signals}
    try:
        yield lambda: bool(requests)
    finally:
        restore()
