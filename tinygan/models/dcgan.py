"""Deep convolutional pairs (Radford et al. 2015): strided convolutions instead of pooling,
BatchNorm except at G's output and D's input, ReLU in G, LeakyReLU in D."""

from .. import nn
from ..backend import Rng
from ..errors import InputError
from ..nn import init
from .pair import Pair, Shape, scaled


def dcgan28(shape: Shape, *, rng: Rng, width: float = 1, **sizes: int) -> Pair:
    """A pair for 28x28. G: 100 -> 128 x 7 x 7 -> 64 x 14 x 14 -> C x 28 x 28; D in reverse.

    Other sizes, for conditional pairs: `inputs` is the size of G's input (default 100), `planes`
    the number of additional input channels of D (0), and `logits` the number of D's outputs (1).
    With less noise, also set the pair's `z_size`.

    Raises InputError for images of another size."""
    return _dcgan(28, (128, 64), shape, rng, width, **sizes)


def dcgan28_slim(shape: Shape, *, rng: Rng, width: float = 1) -> Pair:
    """dcgan28 with half the channels, about a quarter of the computation, and higher learning rates
    for short runs."""
    return dcgan28(shape, rng=rng, width=width / 2)._replace(lr_d=5e-4, lr_g=1e-3)


def dcgan32(shape: Shape, *, rng: Rng, width: float = 1, **sizes: int) -> Pair:
    """A pair for 32x32. G: 100 -> 256 x 4 x 4 -> 128 x 8 x 8 -> 64 x 16 x 16 -> C x 32 x 32; D in
    reverse. `sizes` are those of `dcgan28`.

    Raises InputError for images of another size."""
    return _dcgan(32, (256, 128, 64), shape, rng, width, **sizes)


def _dcgan(
    size: int,
    channels: tuple[int, ...],
    shape: Shape,
    rng: Rng,
    width: float,
    *,
    inputs: int = 100,
    planes: int = 0,
    logits: int = 1,
) -> Pair:
    """A pair for images of `size` x `size`. `channels` are those of G's feature maps, from the
    smallest map to the largest; D has them in reverse order."""
    widths = tuple(scaled(c, width) for c in channels)
    if shape[1:] != (size, size):
        raise InputError(
            f"model 'dcgan{size}' makes images of {size}x{size}, the data has {shape[1]}x"
            f"{shape[2]}; choose a model of that size, or an mlp-* model, which takes any"
        )
    start = size >> len(widths)
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
    pair = Pair(nn.Sequential(*G), nn.Sequential(*D))
    for network in (pair.G, pair.D):
        init.dcgan_(network, rng=rng)
    return pair
