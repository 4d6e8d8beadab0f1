"""The two networks of a run, and the sizes of all its arrays, which are known before any is made.

A checkpoint may claim any model and images of any size, so `unfit` compares its arrays with the
sizes that its options give. It makes only small networks: each axis of a weight depends on the
images or on the width of the hidden layers. So its size is the larger one of two builds: for small
images, and with hidden layers of one unit.
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

NARROW = 1e-9  # times the width of a hidden layer: one unit
SMALL = 32  # height and width of small images; the convolutional models take no larger ones
SMALL_PIXELS = 3 * SMALL**2
PARTS = "G", "D", "ema", "opt_g", "opt_d"
Outline = dict[str, tuple[int, ...]]  # shapes by name


def networks(config: Config, shape: Shape, *, rng: Rng, width: float = 1) -> Pair:
    """The pair of the run for images of `shape` (C, H, W), initialized from rng."""
    pair = models.build(config.model, shape, rng=rng, width=width)
    return pair._replace(D=_without_batchnorm(pair.D)) if config.penalty_used != "none" else pair


def _without_batchnorm(D: Module) -> Module:
    """D without BatchNorm. A penalty needs D's gradient at each example, and BatchNorm makes D a
    function of the whole minibatch."""
    layers = [layer for _, layer in D.children()]
    return Sequential(*(l for l in layers if not isinstance(l, (BatchNorm1d, BatchNorm2d))))


def outline(config: Config, shape: Shape) -> Outline:
    """The shapes of all arrays in the state of a run on images of `shape` (C, H, W).

    Raises InputError if the model does not take them."""
    channels, height, width = shape
    small = channels, min(height, SMALL), min(width, SMALL)
    builds = [
        networks(config, images, rng=np.random.default_rng(0), width=hidden)
        for images, hidden in ((shape, NARROW), (small, 1.0))
    ]
    found: Outline = {}
    for net, average, optimizer in (("G", ["ema"], "opt_g"), ("D", [], "opt_d")):
        one, other = (getattr(pair, net) for pair in builds)
        shapes = {
            name: tuple(map(max, array.shape, other.state_dict()[name].shape))
            for name, array in one.state_dict().items()
        }
        for part in (net, *average):
            found |= {f"{part}/{name}": size for name, size in shapes.items()}
        total = sum(math.prod(shapes[name]) for name, _ in one.named_parameters())
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
    expected = {
        name: size for name, size in outline(config, shape).items() if name.split("/")[0] in parts
    }
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
