"""A reader's file, checked in a process of its own, so that an endless loop, a crash or a lack of
memory in it ends with one line."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from ..errors import InputError, first_line
from ..files import read
from . import find
from .checking import Verdict, check

SECONDS = 60.0  # for all cases of an exercise
MEMORY = 4 << 30  # bytes of address space, where the system can limit it
LIMIT = 1 << 20  # bytes of a file


def check_file(number: str, path: str, language: str, seconds: float = SECONDS) -> Verdict:
    """Check the answer to an exercise in a file, as `check` does.

    Raises InputError if there is no such exercise or file, if the file lacks the function or cannot
    be run, or if it does not end within `seconds`."""
    find(number)
    try:
        read(Path(path), LIMIT)
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror or problem})") from problem
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", __name__, number, path, language, str(report)]
        where = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        try:
            done = subprocess.run(
                command,
                env=os.environ | where,
                timeout=seconds,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        except subprocess.TimeoutExpired as problem:
            raise InputError(
                f"{path}: exercise {number} was stopped after {seconds:g} s; does a loop never end?"
            ) from problem
        if not report.exists():
            raise InputError(
                f"{path}: the process of exercise {number} ended with status {done.returncode} "
                "before the check did"
            )
        found = json.loads(read(report, LIMIT))
    if "problem" in found:
        raise InputError(f"{path}: {found['problem']}")
    return Verdict(**found)


def _checked(number: str, path: str, language: str) -> dict[str, object]:
    """The verdict on a file, or the problem that it has."""
    exercise = find(number)
    spec = importlib.util.spec_from_loader(Path(path).stem, loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    try:
        exec(compile(read(Path(path), LIMIT), path, "exec"), vars(module))
    except BaseException as problem:  # SystemExit, too
        frames = [f for f in traceback.extract_tb(problem.__traceback__) if f.filename == path]
        line = frames[-1].lineno if frames else getattr(problem, "lineno", None)
        where = f", line {line}" if line else ""
        return {"problem": f"{type(problem).__name__}{where}: {first_line(problem)}"}
    answer = vars(module).get(exercise.function)
    if not callable(answer):
        return {"problem": f"has no function {exercise.signature}"}
    return check(exercise, answer, language)._asdict()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY or hard > MEMORY:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))


if __name__ == "__main__":
    _limit_memory()
    *what, target = sys.argv[1:]
    Path(target).write_text(json.dumps(_checked(*what)), encoding="utf-8")
