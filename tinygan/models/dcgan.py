"""Deep convolutional pairs (Radford et al. 2015, section 3): strided convolutions instead of
pooling, BatchNorm except at G's output and D's input, ReLU in G, LeakyReLU in D."""

from .. import nn
from ..backend import Rng
from ..errors import InputError
from ..nn import init
from .pair import Pair, Shape, scaled

RATE = 2e-4  # the paper's learning rate
CHANNELS = 32  # of the largest feature map
MOST = 5  # stages


def dcgan(
    shape: Shape,
    *,
    rng: Rng,
    width: float = 1,
    inputs: int = 100,
    planes: int = 0,
    logits: int = 1,
) -> Pair:
    """A pair whose depth follows the size: each stage of G doubles the height and width, from 4 to
    7 pixels up to the image, and halves the channels, down to 32. For 64x64, G: 100 -> 256 x 4 x 4
    -> 128 x 8 x 8 -> 64 x 16 x 16 -> 32 x 32 x 32 -> C x 64 x 64; D in reverse. The G of the paper
    has the width 4. The learning rates are higher than those of the paper, for short runs.

    Other sizes, for conditional pairs: `inputs` is the size of G's input (default 100), `planes`
    the number of additional input channels of D (0), and `logits` the number of D's outputs (1).
    With less noise, also set the pair's `z_size`.

    Raises InputError for images that are not square or of a size that no number of stages makes.
    """
    if not (depth := stages(shape)):
        made = [n << k for k in range(1, MOST + 1) for n in (4, 5, 6, 7)]
        raise InputError(
            f"model 'dcgan' makes images of {', '.join(map(str, made))} pixels, square, the data "
            f"has {shape[1]}x{shape[2]}; choose one of these sizes, or an mlp-* model, which takes "
            "any"
        )
    start, widths = shape[1] >> depth, [scaled(CHANNELS << k, width) for k in range(depth)][::-1]
    G: list[nn.Module] = [
        nn.Linear(inputs, widths[0] * start * start, rng=rng),
        nn.Unflatten(1, (widths[0], start, start)),
    ]
    for before, after in zip(widths, (*widths[1:], shape[0]), strict=True):
        convolution = nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, rng=rng)
        G += [nn.BatchNorm2d(before), nn.ReLU(), convolution]
    G.append(nn.Tanh())

    D: list[nn.Module] = []
    for before, after in zip((shape[0] + planes, *widths[:0:-1]), widths[::-1], strict=True):
        # No BatchNorm at D's input: it would hide brightness and contrast.
        norm = [nn.BatchNorm2d(after)] if D else []
        strided = nn.Conv2d(before, after, 4, stride=2, padding=1, rng=rng)
        D += [strided, *norm, nn.LeakyReLU(0.2)]
    D += [nn.Flatten(), nn.Linear(widths[0] * start * start, logits, rng=rng)]
    pair = Pair(nn.Sequential(*G), nn.Sequential(*D), lr_d=5e-4, lr_g=1e-3)
    for network in (pair.G, pair.D):
        init.dcgan_(network, rng=rng)
    return pair


def stages(shape: Shape) -> int:
    """The number of stages of `dcgan` for images of this shape; 0 if no number fits."""
    _, height, width = shape
    if height == width:
        for depth in range(1, MOST + 1):
            if 4 << depth <= height < 8 << depth and height % (1 << depth) == 0:
                return depth
    return 0


def dcgan28(shape: Shape, *, rng: Rng, width: float = 1, **sizes: int) -> Pair:
    """A pair for 28x28: `dcgan` of twice the width, with the learning rate of the paper.
    `sizes` are those of `dcgan`.

    Raises InputError for images of another size."""
    return _of_size(28, shape, rng, 2 * width, sizes)._replace(lr_d=RATE, lr_g=RATE)


def dcgan28_slim(shape: Shape, *, rng: Rng, width: float = 1) -> Pair:
    """dcgan28 with half the channels, about a quarter of the computation, and higher learning rates
    for short runs: `dcgan` for 28x28."""
    return _of_size(28, shape, rng, width, {})


def dcgan32(shape: Shape, *, rng: Rng, width: float = 1, **sizes: int) -> Pair:
    """A pair for 32x32: `dcgan` of twice the width, with the learning rate of the paper.
    `sizes` are those of `dcgan`.

    Raises InputError for images of another size."""
    return _of_size(32, shape, rng, 2 * width, sizes)._replace(lr_d=RATE, lr_g=RATE)


def _of_size(size: int, shape: Shape, rng: Rng, width: float, sizes: dict[str, int]) -> Pair:
    """`dcgan` for images of this size alone."""
    if shape[1:] != (size, size):
        raise InputError(
            f"model 'dcgan{size}' makes images of {size}x{size}, the data has {shape[1]}x"
            f"{shape[2]}; choose the model dcgan, or an mlp-* model, which takes any size"
        )
    return dcgan(shape, rng=rng, width=width, **sizes)
