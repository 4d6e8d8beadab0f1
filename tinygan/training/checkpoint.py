"""The reader of a run's checkpoint, which believes nothing in it.

It checks the fields, then the arrays, against those of a run with these options. Until then no
image is read, and no network is built that is much larger than the file (`networks`).
"""

from pathlib import Path
from typing import Any

import numpy as np

from .. import storage
from ..errors import InputError
from .fields import check
from .networks import unfit


def load_run(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any], np.ndarray]:
    """The arrays and meta of `Session.state`, and the frames of the animation, uint8 (n, H, W) or
    (n, H, W, 3).

    Raises InputError if the file cannot be read, or if no run has such contents."""
    arrays, meta = storage.load(path)
    frames = arrays.pop("frames", np.empty(0))
    try:
        config = check(meta)
        fault = unfit(arrays, config, tuple(meta["shape"]))
    except InputError as problem:
        raise InputError(f"{path}: {problem}") from problem
    if fault is not None:
        raise InputError(
            f"{path}: does not fit model {config.model!r} on images of shape "
            f"{meta['shape']}: {fault}"
        )
    shape = frames.shape
    colors = len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)
    if frames.dtype != np.uint8 or not frames.size or not colors:
        raise InputError(
            f"{path}: holds no run of tinygan: expected frames, uint8 (n, H, W) or (n, H, W, 3), "
            f"found {frames.dtype} {shape}"
        )
    return arrays, meta, frames
