"""The complete state of a run, which a checkpoint saves.

The images are not saved; a resumed run compares their SHA-256 with the saved one.

Four random streams are spawned from the seed: for the networks (initial weights, dropout), the game
(noise, label noise), the data order, and the displayed samples. So displaying samples does not
change training. NumPy draws the numbers of each round on the host, or Philox on the device.

In data-parallel training (`parallel`) each rank has its own session. All have the same state,
except for the running statistics of a local BatchNorm: only those of rank 0 are saved.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from .. import __version__, backend, gan, storage
from ..backend.cuda.blas import tf32
from ..backend.graph_replay import GraphReplay, captured
from ..backend.inputs import SINGLE_PROCESS, Comm, playing
from ..backend.philox import Philox
from ..data import Minibatches, load
from ..errors import InputError
from ..gan import AnyGame, Round
from ..nn import Dropout, GaussianNoise, Module
from ..optim import EMA
from ..parallel import data_parallel, mean_of, own_device
from ..tensor import Tensor, no_grad
from .config import Config, flag
from .fields import FORMAT, check
from .networks import networks
from .ranks import check_share
from .readings import readings


class Session:
    """The two networks, their optimizers, the data and the noise, after `step` rounds.

    Raises InputError if the images cannot be loaded, or if the ranks cannot share a minibatch."""

    def __init__(self, config: Config, comm: Comm = SINGLE_PROCESS) -> None:
        if not isinstance(config, Config):
            raise TypeError(f"config: expected a Config, got {type(config).__name__}")
        self.comm, self.backend = comm, own_device(config.backend, comm)
        check_share(config.batch, comm.size)
        self._share = config.batch // comm.size
        backend.use(self.backend)
        streams = np.random.SeedSequence(config.seed).spawn(4)
        net_rng, game_rng, data_rng, sample_rng = map(np.random.default_rng, streams)
        self.left_out: list[str] = []  # the reasons, for images that cannot be read
        skip = self.left_out.append if config.skip_broken else None
        images = load(config.data, size=config.size, mode=config.mode, skip=skip).images
        if config.flip:  # an epoch then has each image and its mirror image
            images = np.concatenate([images, images[..., ::-1]])

        self.config, self.step = config, 0
        self.pair = pair = networks(config, images.shape[1:], rng=net_rng)
        self.G, self.D = pair.G.to(self.backend), pair.D.to(self.backend)
        self.ema = EMA(self.G, config.ema)
        lr_g = pair.lr_g if config.lr_g is None else config.lr_g
        lr_d = pair.lr_d if config.lr_d is None else config.lr_d
        self.opt_g = config.new_optimizer(self.G.parameters(), lr_g)
        self.opt_d = config.new_optimizer(self.D.parameters(), lr_d)
        self.images_sha256 = hashlib.sha256(np.ascontiguousarray(images).data).hexdigest()
        self.data = Minibatches(images, rng=data_rng, low=pair.low, backend=self.backend)
        self.fixed_z = pair.noise(sample_rng)(64)
        sources: dict[str, backend.Noise] = {"networks": net_rng, "game": game_rng}
        if config.rng == "philox":
            sources = {name: Philox(config.seed, i) for i, name in enumerate(sources)}
            for module in (*self.G.modules(), *self.D.modules()):
                if isinstance(module, (Dropout, GaussianNoise)):
                    module.rng = sources["networks"]
        self._sources = sources
        self.game = _game(config, sources["game"])
        self._steppers = data_parallel(self.opt_g, comm), data_parallel(self.opt_d, comm)
        self._rounds = self._play() if config.no_graph else captured(self._play, self.backend)

    def _play(self) -> Iterator[Round]:
        """The rounds of the run, not captured."""
        c, rng = self.config, self._sources["game"]
        play = gan.play_simultaneously if c.simultaneous else partial(gan.play, k=c.k)
        players = (self.G, self.D, self.data, self.pair.noise(rng), *self._steppers)
        penalty = gan.PENALTIES[c.penalty_used](rng)
        for result in play(self.game, *players, m=self._share, penalty=penalty):
            if c.ema:
                self.ema.update()
            yield result

    def play_round(self) -> Round:
        """Play one round of Algorithm 1; the losses and logits returned are those of this rank."""
        synchronized = self.config.batchnorm == "synchronized"
        with tf32(self.config.tf32), playing(self.comm, synchronized=synchronized):
            result = next(self._rounds)
        self.step += 1
        return result

    @property
    def not_captured(self) -> str:
        """The reason why rounds could not be captured as a CUDA graph, or "" if there is none."""
        return getattr(self._rounds, "why", "")

    def captured_graph(self) -> str:
        """The CUDA graph of a round in the language of Graphviz; plays three rounds to capture it.

        Raises InputError, with the reason, if no round was captured."""
        for _ in range(3):
            self.play_round()
        if not isinstance(self._rounds, GraphReplay) or not self._rounds.captured:
            raise InputError(f"no round was captured: {self.not_captured or 'not on a GPU'}")
        return self._rounds.graph()

    def readings(self, result: Round) -> dict[str, float]:
        """The `readings` of a round, as means over the ranks, which must all call this."""
        own = readings(self.game, result)
        return dict(zip(own, mean_of(self.comm, list(own.values())), strict=True))

    def generate(self, z: Tensor) -> np.ndarray:
        """Images (m, C, H, W) of `shown` for noise z (m, ...), in evaluation mode. The state does
        not change."""
        with no_grad(), self.shown.evaluating():
            return self.shown(z).numpy()

    @property
    def shown(self) -> Module:
        """The generator that draws samples: the moving average of G if there is one, else G."""
        return self.ema.module if self.config.ema else self.G

    def facts(self) -> list[dict[str, Any]]:
        """The facts that all ranks must agree on before training: options, images, versions,
        state."""
        config = {flag(name): value for name, value in self.config.as_dict().items()}
        images = {f"the SHA-256 of the images of {self.config.data}": self.images_sha256}
        versions = {"the version of tinygan": __version__, "of NumPy": np.__version__}
        return [config, images, versions, *self.standing()]

    def standing(self) -> list[dict[str, Any]]:
        """The facts that all ranks must agree on at any time: the round, and a hash of weights,
        optimizers and random generators, without the running statistics of BatchNorm."""
        arrays, meta = self.state()
        common = {name: array for name, array in arrays.items() if ".running_" not in name}
        step = {"the number of rounds played": self.step, **self.data.state_dict()}
        return [step, {"the SHA-256 of weights, optimizers and generators": digest(common, meta)}]

    # Save and restore.

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The state of the run: all arrays by name, and the rest as a dict for JSON."""
        arrays = {
            f"{part}/{key}": backend.of(value).to_host(value)
            for part, owner in self._parts().items()
            for key, value in owner.state_dict().items()
        }
        meta = {
            "format": FORMAT,
            "config": self.config.as_dict(),
            "shape": self.data.images.shape[1:],
            "step": self.step,
            "ema_updates": self.ema.t,
            "data": self.data.state_dict(),
            "images_sha256": self.images_sha256,
            "rngs": {
                name: rng.t if isinstance(rng, Philox) else rng.bit_generator.state
                for name, rng in self._sources.items()
            },
        }
        return arrays, meta

    def sha256(self) -> str:
        """The SHA-256 of `state`: sessions with equal hashes stay equal in all later rounds."""
        return digest(*self.state())

    def restore(self, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
        """Restore the state that `state` returned.

        Raises InputError if it has another format or a field out of range, or does not fit the
        networks or the images."""
        check(meta)
        if meta.get("images_sha256") != self.images_sha256:
            raise InputError(
                f"the images of {self.config.data} are not those that the run was trained on; put "
                "them back, or start a new run"
            )
        try:
            for part, owner in self._parts().items():
                owner.load_state_dict(part_of(arrays, part))
            self.data.load_state_dict(meta["data"])
            for name, rng in self._sources.items():
                state = meta["rngs"][name]
                if isinstance(rng, Philox):
                    rng.t = state
                else:
                    rng.bit_generator.state = state
            self.step, self.ema.t = meta["step"], meta["ema_updates"]
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as problem:
            raise InputError(
                f"the checkpoint does not fit model {self.config.model!r} on data "
                f"{self.config.data!r}: {problem}"
            ) from problem

    def _parts(self) -> dict[str, Any]:
        ema, optimizers = self.ema.module, {"opt_g": self.opt_g, "opt_d": self.opt_d}
        return {"G": self.G, "D": self.D, "ema": ema, **optimizers}


def digest(arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> str:
    """The SHA-256 of a state without the options, so that hashes do not depend on `steps`."""
    rest = {name: value for name, value in meta.items() if name != "config"}
    return storage.digest(arrays, json.dumps(rest, sort_keys=True))


def part_of(arrays: Mapping[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """The state dict of a part, such as "G", in the arrays of a session's state."""
    prefix = f"{part}/"
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


def _game(config: Config, rng: backend.Noise) -> AnyGame:
    """The game of the run, with label smoothing, label noise and label flips."""
    game = gan.GAMES[config.game]
    if not isinstance(game, gan.SeparableGame):  # Config has refused smoothing, noise and flips
        return game
    if config.smoothing:
        game = gan.one_sided_smoothing(game, config.smoothing)
    if config.label_noise:
        game = gan.label_noise(game, config.label_noise, rng=rng)
    if config.label_flips:
        game = gan.label_flips(game, config.label_flips, rng=rng)
    return game
