"""Samples of a run from its checkpoint; the data are not needed, and the run may continue."""

from pathlib import Path

import numpy as np

from .. import backend as backends
from .. import checks, models, storage
from ..checks import is_size
from ..errors import InputError
from ..models import Pair
from ..models.latent import interpolate
from ..models.pair import Shape
from ..tensor import Tensor, no_grad
from .fields import check
from .networks import unfit
from .run_folder import RunFolder
from .session import part_of


class Sampler:
    """The generator of a run (its moving average, if the run has one) after `step` rounds, in
    evaluation mode. `run` is a run folder or a checkpoint file.

    Raises InputError if there is no checkpoint, or if it is damaged.
    """

    def __init__(self, run: str | Path, backend: str = "numpy") -> None:
        path = RunFolder(run).path
        path = path if path.is_file() else RunFolder.existing(run).checkpoint
        arrays, meta = storage.load(path)
        backends.use(backend)
        try:
            self.config = config = check(meta, only=("shape", "step"))
            part = "ema" if config.ema else "G"
            self.shape: Shape = tuple(meta["shape"])
            if fault := unfit(arrays, config, self.shape, [part]):
                raise ValueError(fault)
            rng = np.random.default_rng(config.seed)
            self.pair: Pair = models.build(config.model, self.shape, rng=rng, width=config.width)
            self.pair.G.load_state_dict(part_of(arrays, part))
        except ValueError as problem:
            raise InputError(f"{path}: holds no generator of tinygan ({problem})") from problem
        self.pair.G.to(backend).eval()
        self.folder, self.step = path.parent, meta["step"]

    def draw(self, n: int, *, seed: int = 0, batch: int = 256) -> np.ndarray:
        """Draw n images (n, C, H, W) in [low, 1], the same for the same seed."""
        checks.sizes(n=n, batch=batch)
        return self._generate(self._noise(n, seed), batch)

    def walk(self, rows: int, steps: int, *, seed: int = 0, batch: int = 256) -> np.ndarray:
        """Draw `rows` interpolations between two z, of `steps` images each: (rows * steps, C, H,
        W)."""
        checks.sizes(rows=rows, batch=batch)
        ends = self._noise(2 * rows, seed).numpy()
        pairs = zip(ends[::2], ends[1::2], strict=True)
        paths = [interpolate(a, b, steps, self.pair.prior) for a, b in pairs]
        like = self.pair.G.parameters()[0].data
        return self._generate(Tensor(backends.place(np.concatenate(paths), like)), batch)

    def _noise(self, n: int, seed: int) -> Tensor:
        if not is_size(seed, minimum=0):
            raise ValueError(f"seed: expected an int >= 0, got {seed!r}")
        return self.pair.noise(np.random.default_rng(seed))(n)

    def _generate(self, z: Tensor, batch: int) -> np.ndarray:
        with no_grad(), np.errstate(all="ignore"):  # as in training
            return np.concatenate(
                [self.pair.G(z[i : i + batch]).numpy() for i in range(0, len(z), batch)]
            )
