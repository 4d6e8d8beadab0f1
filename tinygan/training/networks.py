"""The two networks of a run, and the sizes of all its arrays, which are known before any is made.

A checkpoint may claim any model of any width and images of any size, so `unfit` compares its arrays
with the sizes that its options give. It builds the networks with a small width first and doubles
it, until the width is that of the run or the networks have more numbers than the checkpoint. So it
makes nothing that is much larger than the checkpoint.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .. import models
from ..backend import Rng
from ..checks import MAX_COUNT
from ..models import Pair
from ..models.pair import Shape
from ..nn import BatchNorm1d, BatchNorm2d, Module, Sequential
from ..optim import OPTIMIZERS
from .config import Config

DOUBLINGS = 14  # of the width of the first build, whose hidden layers have about one unit
SMALL_PIXELS = 3 * 32**2  # of images that are built whatever the checkpoint holds
PARTS = "G", "D", "ema", "opt_g", "opt_d"
Outline = dict[str, tuple[int, ...]]  # shapes by name


def networks(config: Config, shape: Shape, *, rng: Rng, part: float = 1) -> Pair:
    """The pair of the run for images of `shape` (C, H, W), initialized from rng; its width is
    `part` of that of the run."""
    pair = models.build(config.model, shape, rng=rng, width=part * config.width)
    return pair._replace(D=_without_batchnorm(pair.D)) if config.penalty_used != "none" else pair


def _without_batchnorm(D: Module) -> Module:
    """D without BatchNorm. A penalty needs D's gradient at each example, and BatchNorm makes D a
    function of the whole minibatch."""
    layers = [layer for _, layer in D.children()]
    return Sequential(*(l for l in layers if not isinstance(l, (BatchNorm1d, BatchNorm2d))))


def outline(config: Config, shape: Shape, part: float = 1) -> Outline:
    """The shapes of all arrays in the state of a run on images of `shape` (C, H, W), of which the
    networks have `part` of the width.

    Raises InputError if the model does not take them."""
    pair, found = networks(config, shape, rng=np.random.default_rng(0), part=part), Outline()
    for net, parts, optimizer in ((pair.G, ("G", "ema"), "opt_g"), (pair.D, ("D",), "opt_d")):
        for name, array in net.state_dict().items():
            found |= {f"{each}/{name}": array.shape for each in parts}
        total = sum(parameter.size for parameter in net.parameters())
        slots = OPTIMIZERS[config.optimizer].slots
        found |= {f"{optimizer}/t": (), **{f"{optimizer}/{slot}": (total,) for slot in slots}}
    return found


def unfit(
    arrays: Mapping[str, np.ndarray], config: Config, shape: Shape, parts: Sequence[str] = PARTS
) -> str | None:
    """The reason why these arrays are not the given parts of a run on images of `shape` (C, H, W),
    or None if they are: missing, unexpected, of another shape or dtype, or a count out of range.

    Raises InputError if the model does not take such images."""
    found = {name: array for name, array in arrays.items() if name.split("/")[0] in parts}
    pixels, stored = math.prod(shape), sum(array.size for array in found.values())
    if pixels > max(stored, SMALL_PIXELS):  # for larger images, G has a weight for each pixel
        return f"{stored} numbers are too few for images of {pixels}"
    for doublings in range(DOUBLINGS, -1, -1):
        expected = {
            name: size
            for name, size in outline(config, shape, 0.5**doublings).items()
            if name.split("/")[0] in parts
        }
        if doublings and sum(map(math.prod, expected.values())) > stored:
            return f"{stored} numbers are too few"
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            return f"{name!r} is missing"
        if name not in expected:
            return f"{name!r} is unexpected"
        array, count = found[name], name.endswith(("/t", "num_batches_tracked"))
        kind = "int64" if count else "float32"
        if (array.dtype.name, array.shape) != (kind, expected[name]):
            return f"{name!r} is {array.dtype} {array.shape}, expected {kind} {expected[name]}"
        if count and not 0 <= array.item() <= MAX_COUNT:
            return f"{name!r} is {array}, expected 0 to {MAX_COUNT}"
    return None
