"""Read several runs to compare them: options, curves, samples, and metrics if there are any."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import plots
from ..errors import InputError
from ..files import read
from ..gan import GAMES
from ..metrics.evaluation import OURS
from .config import Config, flag
from .readings import equilibrium
from .run_folder import RunFolder
from .sampling import Sampler

SAMPLES = 64
LIMIT = 1 << 20  # bytes of evaluation.json
FACTS = {"n": int, "seed": int, "against": str, "network": str}  # of an evaluation


class ReadRun(NamedTuple):
    """A run: `name` is its path as given, `step` the rounds that were played, `curve` None before
    the first logged round, `samples` uint8 pixels of a grid, `noise` the size and the prior of z,
    `evaluation` the content of evaluation.json, or None if there is none."""

    name: str
    config: Config
    step: int
    curve: plots.Curve | None
    samples: np.ndarray
    noise: tuple[int, str]
    evaluation: Mapping[str, Any] | None


def read_run(path: str | Path, *, seed: int = 0) -> ReadRun:
    """Read a run, and draw SAMPLES samples with noise from `seed`.

    Raises InputError if there is no run, or if a file is damaged or has other content."""
    folder = RunFolder.existing(path)
    _, meta, _ = folder.contents()
    sampler, log = Sampler(path), folder.read_log()
    config, game = sampler.config, GAMES[sampler.config.game]
    penalty = config.penalty_used
    curve = plots.Curve(log, equilibrium(game, penalty), game.probability, penalty != "none")
    images = sampler.draw(SAMPLES, seed=seed)
    if not np.isfinite(images).all():
        raise InputError(f"{path}: the generator makes NaN or infinity; train again")
    return ReadRun(
        str(path),
        config,
        meta["step"],
        curve if len(log["step"]) else None,
        plots.grid(images, low=sampler.pair.low),
        (sampler.pair.z_size, sampler.pair.prior),
        _evaluation(folder.path / "evaluation.json"),
    )


def _evaluation(path: Path) -> Mapping[str, Any] | None:
    try:
        found = json.loads(read(path, LIMIT))
        numbers = [value for row in found["rows"].values() for value in row.values()]
        whole = OURS in found["rows"] and all(
            [type(found[name]) is kind for name, kind in FACTS.items()]
            + [type(value) in (int, float) and math.isfinite(value) for value in numbers]
        )
    except FileNotFoundError:
        return None
    except InputError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
        whole = False
    if not whole:
        raise InputError(f"{path}: expected the metrics of a run; evaluate it again, or remove it")
    return found


def differences(runs: Sequence[ReadRun]) -> dict[str, list[Any]]:
    """The options that are not equal in all runs, by name, with a value for each run."""
    options = [run.config.as_dict() for run in runs]
    values = {flag(name): [each[name] for each in options] for name in options[0]}
    return {name: found for name, found in values.items() if any(v != found[0] for v in found)}


def notes(runs: Sequence[ReadRun]) -> list[str]:
    """Sentences on what cannot be compared, and on the noise of the samples."""
    configs, lines = [run.config for run in runs], []
    if len({(c.data, c.size, c.mode) for c in configs}) > 1:
        lines.append("The runs have different data: neither losses nor metrics can be compared.")
    if len({(c.game, c.penalty_used) for c in configs}) > 1:
        lines.append("The games differ, so their losses have different scales: compare shapes.")
    same = len({run.noise for run in runs}) == 1
    lines.append(
        "Samples: the same noise at the same place of each grid."
        if same
        else "Samples: different noise, since the models take noise of different sizes or priors."
    )
    known = [run.evaluation for run in runs if run.evaluation]
    missing = [run.name for run in runs if not run.evaluation]
    if missing:
        lines.append(f"Not evaluated: {', '.join(missing)}; tinygan evaluate RUN does it.")
    older = [
        f"{run.name} (round {played})"
        for run in runs
        if (played := (run.evaluation or {}).get("step", run.step)) != run.step
    ]
    if older:
        lines.append(f"Evaluated at another round: {', '.join(older)}; evaluate again.")
    if len({tuple(each[name] for name in FACTS) for each in known}) > 1:
        lines.append(
            "The evaluations differ in number, seed, real images or features, so their metrics "
            "cannot be compared."
        )
    return lines
