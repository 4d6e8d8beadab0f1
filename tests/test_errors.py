"""Tables of mistakes. Each raises one error at once, which names the argument, what was expected
and what came. `...` in a message stands for any text. (Of samples: test_metrics.py.)"""

import re
from functools import partial

import numpy as np
import pytest

from tinygan import (
    Tensor,
    checks,
    conv2d,
    conv_transpose2d,
    data,
    doctor,
    gan,
    grad,
    local_ranks,
    losses,
    models,
    nn,
    ops,
    optim,
    parallel,
    plots,
    storage,
    training,
)
from tinygan.backend.inputs import SINGLE_PROCESS
from tinygan.backend.philox import Philox
from tinygan.data import Minibatches
from tinygan.data.colored import colored
from tinygan.data.mixtures import grid as mixture_grid
from tinygan.data.mixtures import ring
from tinygan.experiments import classical, results
from tinygan.experiments.toy_game import extra_g_steps, toy_game
from tinygan.gan import theory
from tinygan.gan.single_player import train_d, train_g
from tinygan.gan.variants import conditional, packing
from tinygan.gan.variants.cyclegan import ImageBuffer, Players, play_cyclegan
from tinygan.gan.variants.pix2pix import concat_channels, play_pix2pix
from tinygan.gan.variants.semi_supervised import (
    mutual_information,
    play_semi_supervised,
    real_logit,
)
from tinygan.gan.variants.text_to_image import (
    CaptionEmbedding,
    ConditioningAugmentation,
    ProjectionDiscriminator,
    play_text_to_image,
)
from tinygan.metrics import frechet, kmeans, memorization, modes, pixels, precision_recall
from tinygan.models import cgan, latent, stackgan, vae
from tinygan.models.improved_gan import improved_gan, unit_noise
from tinygan.models.mlp import perceptron
from tinygan.models.sgan import noise_and_labels, sgan_mlp
from tinygan.nn import init
from tinygan.nn.reparametrize import data_dependent_init
from tinygan.training import Config

RNG = np.random.default_rng(0)
NAN, INF = float("nan"), float("inf")
BYTES = np.zeros((4, 1, 2, 2), np.uint8)
SHAPE = (1, 28, 28)
ORIGIN, DIGITS, CAPTIONS = np.zeros(3), np.arange(4), np.arange(160)


def rand(*shape, dtype=np.float32):
    return Tensor(RNG.standard_normal(shape).astype(dtype))


X, DOUBLE = rand(2, 3), rand(2, 3, dtype=np.float64)
IMAGES, KERNEL = rand(2, 3, 4, 4), rand(5, 3, 2, 2)


def net(inputs=3, outputs=2):
    return nn.Linear(inputs, outputs, rng=RNG)


def sgd(network):
    return optim.SGD(network.parameters(), 0.1)


NET = net()
P = NET.parameters()
step, load = sgd(net()).step, sgd(net()).load_state_dict

CHECKS = [
    (lambda: checks.between(0, 1, x=-1), "x: expected a number in [0, 1), got -1"),
    (lambda: checks.between(0, 1, x=1), "x: expected a number in [0, 1), got 1"),
    (lambda: checks.between(0, 1, "(]", x=0), "x: expected a number in (0, 1], got 0"),
    (lambda: checks.between(0, 1, "(]", x=1 + 1e-10), "x: expected ...got 1.0000000001"),
    (lambda: checks.between(0, INF, x=INF), "x: expected a number in [0, inf), got inf"),
    (lambda: checks.between(-INF, INF, "()", x=NAN), "x: expected ...(-inf, inf), got nan"),
    (lambda: checks.between(0, INF, x="1"), "x: expected a number in [0, inf), got '1'"),
    (lambda: checks.between(0, INF, x=None), "x: expected a number in [0, inf), got None"),
    (lambda: checks.sizes(x=0), "x: expected an int >= 1, got 0"),
    (lambda: checks.sizes(x=-1), "x: expected an int >= 1, got -1"),
    (lambda: checks.sizes(x=1.0), "x: expected an int >= 1, got 1.0"),
    (lambda: checks.sizes(x=True), "x: expected an int >= 1, got True"),
    (lambda: checks.sizes(x="1"), "x: expected an int >= 1, got '1'"),
    (lambda: checks.sizes(x=None), "x: expected an int >= 1, got None"),
    (lambda: checks.sizes(x=10**30), "x: expected less than 2**31, got 10000"),
    (lambda: checks.pair("x", (1, 2, 3), 0), "x: expected an int >= 0 or a pair ...got (1, 2, 3)"),
    (lambda: checks.pair("x", (2, -1), 0), "x: expected an int >= 0 or a pair ...got (2, -1)"),
    (lambda: checks.pair("x", 2.0, 0), "x: expected an int >= 0 or a pair of them, got 2.0"),
    (lambda: checks.pair("x", True, 0), "x: expected an int >= 0 or a pair of them, got True"),
    (lambda: checks.pair("x", 10**30, 0), "x: expected less than 2**31, got 10000"),
    (lambda: checks.image_shape((28, 28)), "shape: expected three sizes ... got (28, 28)"),
    (lambda: checks.image_shape(None), "shape: expected three sizes (C, H, W), got None"),
    (lambda: checks.image_shape((1, 0, 28)), "shape[1]: expected an int >= 1, got 0"),
    (lambda: checks.image_shape((1, 2, 2.5)), "shape[2]: expected an int >= 1, got 2.5"),
]
TENSORS = [
    (lambda: Tensor(X), "takes an array, got a Tensor"),
    (lambda: Tensor([[1], [1, 2]]), "inhomogeneous"),
    (lambda: Tensor("x"), "expected an array of a known backend, got str"),
    (lambda: Tensor([1, "a"]), "takes real numbers or bools, got <U"),
    (lambda: Tensor(np.array([None])), "real numbers or bools, got object"),
    (lambda: Tensor(np.ones(2) * 1j), "real numbers or bools, got complex128"),
    (lambda: X.astype(complex), "real numbers or bools, got complex128"),
    (lambda: setattr(X, "data", np.full((2, 3), "a")), "real numbers or bools, got <U1"),
    (lambda: setattr(X, "data", np.ones(2)), "data: expected ...(2, 3)"),
    (lambda: rand(2, 3) == X, "no == or !=; compare its .data, or use `is`"),
    (lambda: rand(2, 3) != X, "no == or !="),
    (lambda: X == 1.0, "no == or !="),
    (lambda: X.data == X, "no == or !="),
    (lambda: X.to(None), 'backend: expected a name such as "numpy"..., got None'),
    (lambda: NET.to(None), "backend: expected a name...got None"),
    (lambda: bool(X), "no truth value"),
    (lambda: np.asarray(X), "not become an array silently"),
    (lambda: len(Tensor(1.0)), "shape () has no length"),
    (lambda: ops.add(X, [1.0]), "expected a tensor, an array or a number, got a list"),
    (lambda: X + "x", "expected an array of a known backend, got str"),
]
OPS = [
    (lambda: X @ X, "matmul: inner sizes differ in (2, 3) @ (2, 3)"),
    (lambda: rand(2) @ rand(3), "matmul: inner sizes differ"),
    (lambda: X @ 2.0, "matmul: expected two arrays"),
    (lambda: X.reshape(4, 2), "reshape: (2, 3) does not fit into (4, 2)"),
    (lambda: X.reshape(-1, -1), "reshape: ... does not fit into (-1, -1)"),
    (lambda: X.reshape(4, -1), "reshape: ... into (4, -1)"),
    (lambda: rand(0).reshape(0, -1), "reshape: ... into (0, -1)"),
    (lambda: X.reshape(-2, -3), "reshape: ... into (-2, -3)"),
    (lambda: X.reshape(None), "reshape: expected sizes, got None"),
    (lambda: X.transpose(0, 0), "transpose: axes (0, 0) ... shape (2, 3)"),
    (lambda: X.transpose((0,)), "transpose: axes (0,)"),
    (lambda: IMAGES.transpose(1, 2), "shape (2, 3, 4, 4); to exchange two, use ops.swapaxes"),
    (lambda: ops.transpose(X, "x"), "transpose: expected axes, got 'x'"),
    (lambda: X.transpose(1.0, 0), "transpose: expected axes, got (1.0, 0)"),
    (lambda: ops.swapaxes(X, None, 1), "swapaxes: axis: expected an int for 2 axes, got None"),
    (lambda: ops.sum_to(X, (3, 2)), "sum_to: (3, 2) does not broadcast to (2, 3)"),
    (lambda: ops.sum_to(X, (1, 2, 3)), "sum_to: (1, 2, 3)"),
    (lambda: X.sum(2), "axis: 2 is out of bounds for shape (2, 3)"),
    (lambda: X.mean((0, -3)), "axis: -3 is out of bounds"),
    (lambda: X.max((0, -2)), "axis: (0, -2) names an axis twice"),
    (lambda: ops.softmax(X, 5), "axis: 5 is out of bounds"),
    (lambda: ops.log_softmax(X, "x"), "axis: expected None, an int or a tuple of them, got 'x'"),
    (lambda: X.sum(1.0), "axis: expected None, an int ...got 1.0"),
    (lambda: X.max([0]), "axis: expected None, an int ...got [0]"),
    (lambda: rand(0, 2).mean(), "mean: expected ...one element...(0, 2)"),
    (lambda: rand(0, 2).max(), "max: expected ...one element...(0, 2)"),
    (lambda: ops.logsumexp(rand(0)), "logsumexp: expected ...one element"),
    (lambda: ops.concatenate([]), "concatenate: tensors: expected at least one, got none"),
    (lambda: ops.concatenate(None), "concatenate: tensors: expected a list, got None"),
    (lambda: ops.concatenate([X, 1.0]), "concatenate: tensors[1]: expected a ...got float"),
    (lambda: ops.concatenate([rand()]), "concatenate: axis: ... 0 axes, got 0"),
    (lambda: ops.concatenate([X], 2), "axis: expected an int for 2 axes, got 2"),
    (lambda: ops.concatenate([X], 0.0), "axis: ...got 0.0"),
    (lambda: ops.stack([]), "stack: tensors: expected at least one, got none"),
    (lambda: ops.stack(None), "stack: tensors: expected a list, got None"),
    (lambda: ops.stack([rand(), 1.0]), "stack: tensors[1]: expected a ...got float"),
    (lambda: ops.stack([X, rand(3)]), "stack: ...(2, 3), (3,)"),
    (lambda: ops.stack([X], 3), "stack: axis: expected an int for 3 axes, got 3"),
    (lambda: ops.stack([X], 1.0), "stack: axis: ...got 1.0"),
    (lambda: ops.where(X, X, 0.0), "where: condition: ... bools, got float32"),
    (lambda: ops.where("a", X, 0.0), "where: condition: ...got <U1"),
    (lambda: ops.clip(X), "clip: expected low, high or both, got neither"),
    (lambda: ops.clip(X, 2, 1), "clip: expected low <= high, got low=2, high=1"),
    (lambda: ops.clip(X, low="x"), "low: expected a number in [-inf, inf], got 'x'"),
    (lambda: ops.clip(X, high=NAN), "high: expected a number in [-inf, inf], got nan"),
    (lambda: ops.leaky_relu(X, NAN), "negative_slope: ...(-inf, inf), got nan"),
    (lambda: ops.pad(X, None), "pad: expected 2 pairs of widths >= 0, got None"),
    (lambda: ops.pad(X, [(1, 1)]), "pad: expected 2 pairs of widths >= 0, got [(1, 1)]"),
    (lambda: ops.pad(X, [(0, 0), (-1, 0)]), "pad: expected ...(-1, 0)"),
    (lambda: ops.pad(X, [(1, 1)] * 2, "edge"), "pad: mode must be ...got 'edge'"),
    (lambda: ops.pad(X, [(2, 0), (0, 0)], "reflect"), "pad: widths (2, 0) exceed axis 0"),
]
GRAD = [
    (lambda: grad(X.sum(), X), "grad: xs: expected a list of tensors, got Tensor"),
    (lambda: grad(X.sum(), NET), "grad: xs: expected a list of tensors, got Linear"),
    (lambda: grad(X.sum(), [X, X.data]), "grad: xs[1]: expected a Tensor, got ndarray"),
    (lambda: grad(X.sum(), [X, Tensor([1, 2])]), "xs[1] must be floating point, got int64"),
    (lambda: grad(1.0, [X]), "grad: y must be a Tensor, got float"),
    (lambda: grad(X, [X]), "one number, got shape (2, 3)"),
]
CONV = [
    (lambda: conv2d(IMAGES, rand(3, 5, 2, 2)), "have 3 channels...expects 5"),
    (lambda: conv2d(X, KERNEL), "conv2d: expected images (N, C, H, W), got ...(2, 3)"),
    (lambda: conv2d(IMAGES, 2.0), "conv2d: expected a weight of 4 axes, got 2.0"),
    (lambda: conv2d(IMAGES, X), "conv2d: expected a weight of 4 axes, got ...(2, 3)"),
    (lambda: conv2d(IMAGES, rand(1, 3, 5, 2)), "kernel (5, 2) is larger than ...(4, 4)"),
    (lambda: conv2d(IMAGES, KERNEL, 0), "stride: expected an int >= 1 ...got 0"),
    (lambda: conv2d(IMAGES, KERNEL, 1, -1), "padding: expected an int >= 0 ...got -1"),
    (lambda: conv_transpose2d(IMAGES, KERNEL), "conv_transpose2d: ... 3 channels... expects 5"),
    (lambda: conv_transpose2d(rand(1, 5, 2, 2), KERNEL, 2, 0, 2), "output_padding: ...got (2, 2)"),
    (lambda: conv_transpose2d(rand(1, 5, 1, 1), KERNEL, 1, 1), "nothing is left of the image (1,"),
]


def without_an_output():
    layer = net()
    layer.weight.data[1] = 0
    return layer


Pool = partial(nn.MinibatchDiscrimination, rng=RNG)
Conv2d = partial(nn.Conv2d, rng=RNG)
embedding = nn.Embedding(3, 1, rng=RNG)
WEIGHT_NORM = nn.WeightNorm(Conv2d(3, 2, 1))

LAYERS = [
    (lambda: nn.Linear(2, 3, rng=0), "rng: expected a numpy.random.Generator, ...got 0"),
    (lambda: nn.Dropout(0.5, rng=None), "rng: ...got None"),
    (lambda: nn.GaussianNoise(0.5, rng=1), "rng: ...got 1"),
    (lambda: nn.Embedding(2, 2, rng=1), "rng: ...got 1"),
    (lambda: nn.SpectralNorm(NET, rng=1), "rng: ...got 1"),
    (lambda: nn.MinibatchDiscrimination(2, 3, 4, rng=1), "rng: ...got 1"),
    (lambda: nn.Linear(0, 3, rng=RNG), "in_features: expected an int >= 1, got 0"),
    (lambda: nn.Linear(2, 3.0, rng=RNG), "out_features: expected an int...got 3.0"),
    (lambda: nn.Maxout(2, 3, True, rng=RNG), "pieces: expected an int >= 1, got True"),
    (lambda: Pool(2, 3, 0), "kernel_dims: expected an int >= 1, got 0"),
    (lambda: nn.Unflatten("x", (2, 2)), "dim: expected an int, got 'x'"),
    (lambda: Conv2d(0, 1, 1), "in_channels: ...got 0"),
    (lambda: Conv2d(1, 1, 0), "kernel_size: ...got 0"),
    (lambda: Conv2d(1, 1, 1, 0), "stride: ...got 0"),
    (lambda: Conv2d(1, 1, 1, 1, -1), "padding: ...got -1"),
    (lambda: nn.ConvTranspose2d(1, 1, True, rng=RNG), "kernel_size: ...got True"),
    (lambda: nn.ConvTranspose2d(1, 1, 1, 2, 0, 2, rng=RNG), "output_padding: ...got (2, 2)"),
    (lambda: nn.Embedding(0, 1, rng=RNG), "num_embeddings: ...got 0"),
    (lambda: nn.Dropout(1.0, rng=RNG), "p: expected a number in [0, 1), got 1.0"),
    (lambda: nn.GaussianNoise(-1, rng=RNG), "std: expected a number in [0, inf), got -1"),
    (lambda: nn.LeakyReLU(INF), "negative_slope: ... in (-inf, inf), got inf"),
    (lambda: nn.BatchNorm1d(-1), "num_features: ...got -1"),
    (lambda: nn.BatchNorm1d(1, -1), "eps: expected a number in [0, inf), got -1"),
    (lambda: nn.BatchNorm1d(1, momentum=2), "momentum: expected a number in [0, 1], got 2"),
    (lambda: nn.InstanceNorm2d(1, "x"), "eps: ...got 'x'"),
    (lambda: nn.LayerNorm(2.5), "normalized_shape: ...got 2.5"),
    (lambda: nn.LayerNorm((2, 0)), "normalized_shape: ...got 0"),
    (lambda: nn.Unflatten(1, 6), "unflattened_size: expected ...got 6"),
    (lambda: nn.Unflatten(1, (0, 2)), "unflattened_size: ...got 0"),
    (lambda: nn.Upsample(scale_factor=1.5), "scale_factor: ...got 1.5"),
    (lambda: nn.Upsample(scale_factor=2, mode="cubic"), "mode: expected ...got 'cubic'"),
    (lambda: nn.PixelShuffle(0), "upscale_factor: ...got 0"),
    (lambda: nn.ReflectionPad2d((1, 2)), "padding: expected ...four...got (1, 2)"),
    (lambda: nn.ReflectionPad2d(-1), "padding: expected ...got -1"),
    (lambda: nn.SpectralNorm(NET, 0, rng=RNG), "n_power_iterations: ...got 0"),
    (lambda: nn.SpectralNorm(nn.Tanh(), rng=RNG), "SpectralNorm: ...a weight, got Tanh()"),
    (lambda: nn.WeightNorm(embedding), "WeightNorm: expected a layer with a weight, got Embed"),
    (lambda: nn.WeightNorm(nn.WeightNorm(NET)), "WeightNorm: ...a weight, got WeightNorm(Linear"),
    (lambda: nn.WeightNorm(without_an_output()), "an output of Linear(...) is 0 or NaN"),
    (lambda: nn.Sequential(NET, 3), "Sequential: layer 1 must be a Module, got 3"),
    (lambda: nn.Residual(NET, 3), "Residual: layer 1 must be a Module, got 3"),
]
INPUTS = [
    (lambda: NET(rand(2, 4)), "Linear: expected 3 elements along axis -1...(2, 4)"),
    (lambda: NET(1.0), "Linear: expected 3 ...shape ()"),
    (lambda: NET(DOUBLE), "Linear: the input is float64...float32"),
    (lambda: nn.Maxout(3, 1, 2, rng=RNG)(rand(2, 4)), "Maxout: expected 3 elements"),
    (lambda: Pool(3, 1, 2)(rand(2, 4)), "MinibatchDiscrimination: expected 3 elements...(2, 4)"),
    (lambda: Pool(3, 1, 2)(rand(3)), "MinibatchDiscrimination: expected (N, 3), got shape (3,)"),
    (lambda: Pool(3, 1, 2)(DOUBLE), "MinibatchDiscrimination: the input is float64"),
    (lambda: Conv2d(3, 1, 1)(X), "Conv2d: expected (N, C, H, W), got"),
    (lambda: Conv2d(2, 1, 1)(IMAGES), "Conv2d: expected 2 elements"),
    (lambda: embedding(X), "Embedding: expected integer ...float32"),
    (lambda: embedding(np.array([0, 3])), "Embedding: expected indices in 0..2, got 0..3"),
    (lambda: embedding(np.array([-1, 2])), "Embedding: expected indices in 0..2, got -1..2"),
    (lambda: nn.BatchNorm1d(3)(IMAGES), "BatchNorm1d: expected (N, C)...got"),
    (lambda: nn.BatchNorm2d(3)(X), "BatchNorm2d: expected (N, C, H, W), got"),
    (lambda: nn.BatchNorm1d(3)(rand(1, 3)), "no variance, got shape (1, 3)"),
    (lambda: nn.BatchNorm2d(3)(rand(0, 3, 2, 2)), "no variance, got shape (0, 3, 2, 2)"),
    (lambda: nn.InstanceNorm2d(3)(X), "InstanceNorm2d: expected"),
    (lambda: nn.InstanceNorm2d(3)(rand(2, 3, 1, 1)), "no variance, got (2, 3, 1, 1)"),
    (lambda: nn.LayerNorm((2, 2))(X), "ends in (2, 2), got (2, 3)"),
    (lambda: nn.LayerNorm(3)(DOUBLE), "LayerNorm: the input is float64 but ... float32"),
    (lambda: nn.LayerNorm(1)(rand(2, 1)), "LayerNorm: one value has no variance"),
    (lambda: nn.LayerNorm(3)(rand(0, 3)), "LayerNorm: expected at least one ...got shape (0, 3)"),
    (lambda: nn.Flatten()(rand(2)), "Flatten: expected at least 2 axes, got ...(2,)"),
    (lambda: nn.Unflatten(1, (2, 2))(X), "Unflatten: expected 4 elements along axis 1"),
    (lambda: nn.Unflatten(2, (2, 2))(X), "Unflatten: ...along axis 2..."),
    (lambda: nn.PixelShuffle(2)(IMAGES), "PixelShuffle: ...divisible by 4..."),
    (lambda: nn.Upsample(scale_factor=2)(X), "Upsample: expected (N, C, H, W), got"),
    (lambda: nn.Residual(NET)(X), "Residual: its layers give (2, 2) for (2, 3)"),
    (lambda: nn.ReflectionPad2d(4)(IMAGES), "widths (4, 4) exceed axis 2"),
    (lambda: nn.WeightNorm(net())(rand(2, 4)), "Linear: expected 3 elements...(2, 4)"),
    (lambda: nn.WeightNorm(net())(DOUBLE), "Linear: the input is float64...float32"),
    (lambda: data_dependent_init(None, X), "network: expected a Module, got NoneType"),
    (lambda: data_dependent_init(nn.WeightNorm(net()), X[:1]), "an output of Linear(...(1, 2)"),
    (lambda: data_dependent_init(WEIGHT_NORM, 0 * IMAGES), "Conv2d(... does not vary ...(2, 2, 4"),
]


def filled(name, *numbers, weight=P[0], rng=RNG):
    return lambda: getattr(init, name)(weight, *numbers, rng=rng)


INITIALIZERS = [
    (filled("normal_", weight=None), "parameter: expected a Tensor, got None"),
    (filled("xavier_normal_", weight=X.data), "parameter: expected a Tensor, got ndarray"),
    (filled("xavier_normal_", weight=P[1]), "fans need at least 2 axes...(2,)"),
    (filled("orthogonal_", weight=P[1]), "parameter: ...2 axes, got shape (2,)"),
    (filled("kaiming_normal_", weight=rand(0, 3)), "parameter: fans need ...got shape (0, 3)"),
    (filled("uniform_", rng=None), "rng: expected a numpy.random.Gen...got None"),
    (filled("normal_", rng=None), "rng: ...got None"),
    (filled("orthogonal_", rng=0), "rng: ...got 0"),
    (lambda: init.constant_(P[0], NAN), "value: ...got nan"),
    (filled("uniform_", NAN), "a: expected ...(-inf, inf), got nan"),
    (filled("uniform_", 0, INF), "b: ...got inf"),
    (filled("uniform_", 2), "a, b: expected a <= b, got 2, 1.0"),
    (filled("normal_", INF), "mean: ...got inf"),
    (filled("normal_", 0, -1), "std: expected ...[0, inf), got -1"),
    (filled("xavier_uniform_", -1), "gain: expected ...[0, inf), got -1"),
    (filled("xavier_normal_", NAN), "gain: ...got nan"),
    (filled("orthogonal_", INF), "gain: ...got inf"),
    (filled("kaiming_uniform_", "x"), "a: expected a number ...got 'x'"),
    (filled("kaiming_normal_", NAN), "a: expected a number ...got nan"),
    (filled("dcgan_", weight=None), "network: expected a Module, got NoneType"),
    (filled("gan_2014_", 0.1, weight=None), "network: ...got NoneType"),
    (filled("gan_2014_", -1, weight=NET), "r: expected a number in [0, inf), got -1"),
]
LOSSES = [
    (lambda: losses.bce_with_logits(X, rand(2)), "logits (2, 3) and targets (2,)"),
    (lambda: losses.bce_with_logits(X.data > 0, X), "logits: expected numbers, got bool"),
    (lambda: losses.bce_with_logits(X, 0 * X + 7), "targets in [0, 1], got 7..7"),
    (lambda: losses.bce_with_logits(X, -0.1), "expected targets in [0, 1]"),
    (lambda: losses.bce_with_logits(X, 0 * X.data + NAN), "expected targets in [0, 1]"),
    (lambda: losses.bce_with_logits(X[0], rand(3, 1)), "(3,) and targets (3, 1)"),
    (lambda: losses.mse(X, rand(2, 1)), "mse: predictions (2, 3) and targets (2, 1)"),
    (lambda: losses.mse(0.0, X), "mse: predictions () and targets (2, 3)"),
    (lambda: losses.mse(X, X, "max"), "reduction: expected 'mean', 'sum' or 'none', got"),
    (lambda: losses.l1(X[0], rand(3, 1)), "(3,) and targets (3, 1)"),
    (lambda: losses.l1(X, rand(3)), "l1: predictions (2, 3) and targets (3,)"),
    (lambda: losses.cross_entropy(0, np.ones(2, int)), "expected logits (N, K), got 0"),
    (lambda: losses.cross_entropy(X, rand(2)), "cross_entropy: labels must be integers"),
    (lambda: losses.cross_entropy(X, 1), "labels must be integers, got 1"),
    (lambda: losses.cross_entropy(X, np.array([1])), "(N,), got (2, 3) and (1,)"),
    (lambda: losses.cross_entropy(X, np.array([0, 3])), "expected labels in 0..2, got 0..3"),
    (lambda: losses.cross_entropy(X, np.array([-1, 2])), "expected labels in 0..2, got -1..2"),
]
OPTIMIZERS = [
    (lambda: optim.SGD([], 0.1), "parameters: expected at least one, got none"),
    (lambda: optim.SGD([*P, P[0]], 0.1), "parameters: ...got one of them twice"),
    (lambda: optim.SGD([P[0], nn.Parameter(ORIGIN)], 0.1), "one backend and dtype, got ...float64"),
    (lambda: optim.Adam(NET), "parameters: ... list of ...got Linear"),
    (lambda: optim.Adam(P[0]), "parameters: ...list of tensors, got Parameter"),
    (lambda: optim.Adam([p.data for p in P]), "parameters[0]: expected a Tensor, got ndarray"),
    (lambda: optim.Adam(P, -1.0), "lr: expected a number in [0, inf), got -1.0"),
    (lambda: optim.Adam(P, eps=0), "eps: expected a number in (0, inf), got 0"),
    (lambda: optim.RMSprop(P, eps=-1), "eps: ...(0, inf), got -1"),
    (lambda: optim.Adam(P, betas=0.5), "betas: expected two numbers ...got 0.5"),
    (lambda: optim.Adam(P, betas=(0.5,) * 3), "betas: expected two numbers"),
    (lambda: optim.Adam(P, betas=(1.0, 0.9)), "betas[0]: ...got 1.0"),
    (lambda: optim.Adam(P, betas=(0.9, -1)), "betas[1]: ...got -1"),
    (lambda: optim.Adam(P, weight_decay=-1), "weight_decay: ...[0, inf), got -1"),
    (lambda: optim.SGD(P, 0.1, 1.0), "momentum: expected ...[0, 1), got 1.0"),
    (lambda: optim.RMSprop(P, 0.1, -0.5), "alpha: expected ...[0, 1), got -0.5"),
    (lambda: optim.linear(0.1, 0.0, 0), "steps: ...(0, inf), got 0"),
    (lambda: optim.linear(0.1, -1.0, 9), "end: ...got -1.0"),
    (lambda: optim.exponential_decay(NAN, 2), "start: ...got nan"),
    (lambda: optim.exponential_decay(1, 0.9), "rate: ...[1, inf), got 0.9"),
    (lambda: optim.exponential_decay(1, 2, -1), "minimum: ...got -1"),
    (lambda: optim.cosine_decay(INF, 5), "start: ...got inf"),
    (lambda: optim.cosine_decay(0.1, -5), "steps: ...got -5"),
    (lambda: step(X), "grads: ...list of tensors, got Tensor"),
    (lambda: step(None), "grads: ...got NoneType"),
    (lambda: step([X]), "grads: expected 2, got 1"),
    (lambda: step([p.data for p in P]), "grads[0]: expected a Tensor, got ndarray"),
    (lambda: step([X, rand(1)]), "grads[1]: expected (2,) of float32, got (1,) of float32"),
    (lambda: step([DOUBLE, X]), "grads[0]: expected (2, 3) of float32, got (2, 3) of float64"),
    (lambda: optim.clip_grad_value(X, 1), "grads: ...got Tensor"),
    (lambda: optim.clip_grad_norm([], 1.0), "grads: ...at least one, got none"),
    (lambda: optim.clip_grad_norm([X], 0), "max_norm: ...(0, inf], got 0"),
    (lambda: optim.clip_grad_value([X], -1), "limit: ...(0, inf], got -1"),
    (lambda: load(None), "arrays by name, got NoneType"),
    (
        lambda: load(optim.Adam(net().parameters()).state_dict()),
        "load_state_dict: 'm' is unexpected",
    ),
    (lambda: load(sgd(net(1)).state_dict()), "load_state_dict: 'v' has shape (4,), expected (8,)"),
    (lambda: load({**sgd(net()).state_dict(), "t": ORIGIN[0] - 1}), "expected a number of updates"),
    (lambda: optim.Optimizer(P, 0.1).step(P), "Optimizer defines no update()"),
    (lambda: optim.EMA(None), "module: expected a Module, got NoneType"),
    (lambda: optim.EMA(NET, 1.0), "decay: expected a number in [0, 1), got 1.0"),
    (lambda: parallel.DataParallel(None, SINGLE_PROCESS), "optimizer: expected an Optimizer, got "),
    (lambda: parallel.data_parallel(None, SINGLE_PROCESS), "optimizer: expected an Optimizer, got"),
    (lambda: parallel.SharedMemoryParallel(None, None), "optimizer: expected an Optimizer, got "),
    (lambda: local_ranks.ranks(0).__enter__(), "n: expected an int >= 1, got 0"),
    (lambda: local_ranks.ranks("2").__enter__(), "n: expected an int >= 1, got '2'"),
    (lambda: Philox(-1), "seed: expected an int >= 0, got -1"),
    (lambda: Philox(0, "a"), "stream: expected an int >= 0, got 'a'"),
]
GAMES = [
    (lambda: gan.one_sided_smoothing("minimax"), "game: ...got 'minimax'"),
    (lambda: gan.label_smoothing(None), "game: ...got None"),
    (lambda: gan.label_noise(None, rng=RNG), "game: ...got None"),
    (lambda: gan.label_flips("hinge", rng=RNG), "game: ...got 'hinge'"),
    (lambda: gan.one_sided_smoothing(gan.minimax, 2), "epsilon: expected ...[0, 1], got 2"),
    (lambda: gan.label_smoothing(gan.minimax, 0.1, 2), "fake: ...[0, 1], got 2"),
    (lambda: gan.label_noise(gan.minimax, -1, rng=RNG), "width: ...got -1"),
    (lambda: gan.label_noise(gan.minimax, rng=0), "rng: ...got 0"),
    (lambda: gan.label_flips(gan.minimax, rng=None), "rng: ...got None"),
    (lambda: gan.label_flips(gan.minimax, 1.5, rng=RNG), "p: ...got 1.5"),
    (lambda: gan.least_squares("a"), "a: expected a number in (-inf, inf), got 'a'"),
    (lambda: gan.least_squares(0, NAN), "b: ...got nan"),
    (lambda: gan.least_squares(c=INF), "c: ...got inf"),
    (lambda: gan.minimax.d_loss(None, X), "real: expected a Tensor, got NoneType"),
    (lambda: gan.hinge.g_loss(None), "fake: expected a Tensor, got None"),
    (lambda: gan.discriminate(None, X), "D: expected a Module, got NoneType"),
    (lambda: gan.discriminate(NET, X, None), "minibatches[1]: expected a Tensor, got NoneType"),
    (lambda: gan.r1("x"), "gamma: expected a number ...got 'x'"),
    (lambda: gan.r1()(NET, None, None), "x: expected a Tensor, got NoneType"),
    (lambda: gan.wgan_gp(-1, rng=RNG), "weight: expected ...[0, inf), got -1"),
    (lambda: gan.r1(-1), "gamma: expected a number in [0, inf), got -1"),
    (lambda: gan.r2(NAN), "gamma: expected a number in [0, inf), got nan"),
    (lambda: gan.r1_r2(INF), "gamma: expected a number in [0, inf), got inf"),
    (lambda: gan.r2()(NET, X, BYTES), "fake: expected a Tensor, got ndarray"),
    (lambda: gan.r1_r2()(NET, BYTES, X), "x: expected a Tensor, got ndarray"),
    (lambda: gan.r1_r2()(NET, X, BYTES), "fake: expected a Tensor, got ndarray"),
    (lambda: gan.wgan_gp(rng=0), "rng: expected ..., got 0"),
    (lambda: gan.wgan_gp(rng=RNG)(NET, BYTES, X), "x: expected a Tensor, got ndarray"),
    (lambda: gan.wgan_gp(rng=RNG)(NET, X, BYTES), "fake: expected a Tensor, got ndarray"),
    (lambda: gan.wgan_gp(rng=RNG)(NET, X, X[:1]), "real (2, 3) and fake (1, 3) must have one"),
]


def optimizers(G, D):
    return {"opt_g": sgd(G), "opt_d": sgd(D)}


def images(m):
    return rand(m, 1, 2, 2)


def two_players(*layers):
    """G and D (with these further layers) for images of 1x2x2, with an optimizer each."""
    G = nn.Sequential(net(3, 4), nn.Unflatten(1, (1, 2, 2)))
    D = nn.Sequential(nn.Sequential(nn.Flatten(), net(4, 2)), *layers)
    return {"G": G, "D": D, **optimizers(G, D)}


def plain():
    return {"game": gan.hinge, **two_players(), "data": images, "noise": lambda m: rand(m, 3)}


def semi_supervised():
    return {
        **two_players(net(2, 3)),
        "labeled": lambda m: (images(m), Tensor(np.zeros(m, int))),
        "unlabeled": images,
        "noise": lambda m: rand(m, 3),
        "m": 4,
    }


def pix2pix():
    G, D = Conv2d(1, 1, 1), Conv2d(2, 1, 1)
    pairs = lambda m: (images(m), images(m))  # noqa: E731
    return {"game": gan.hinge, "G": G, "D": D, "pairs": pairs, **optimizers(G, D)}


def cyclegan():
    nets = Players(*(Conv2d(1, 1, 1) for _ in range(4)))
    return {
        "game": gan.hinge,
        "players": nets,
        "xs": images,
        "ys": images,
        **optimizers(nn.Sequential(nets.G, nets.F), nn.Sequential(nets.D_y, nets.D_x)),
        "buffers": (ImageBuffer(rng=RNG), ImageBuffer(rng=RNG)),
    }


def caption():
    return CaptionEmbedding(5, 3, rng=RNG)


class ReadingGenerator(nn.Module):
    def __init__(self):
        super().__init__()
        self.read = ConditioningAugmentation(caption(), 3, rng=RNG)

    def forward(self, noise, words):
        return self.read(words, noise)


def text_to_image():
    G, D = ReadingGenerator(), ProjectionDiscriminator(net(3, 4), caption())
    return {
        "game": gan.hinge,
        "G": G,
        "D": D,
        "captioned": lambda m: (rand(m, 3), Tensor(np.zeros((m, 2), int))),
        "noise": lambda m: rand(m, 3),
        **optimizers(G, D),
    }


PLAYS = {  # each way to play, and the function that makes its arguments
    **dict.fromkeys([gan.play, gan.play_simultaneously, train_d, train_g], plain),
    play_semi_supervised: semi_supervised,
    play_pix2pix: pix2pix,
    play_cyclegan: cyclegan,
    play_text_to_image: text_to_image,
}


def played(play=gan.play, **changes):
    """A function that plays the first round with these arguments changed."""
    return lambda: next(play(**{**PLAYS[play](), **changes}))


BATCH_NORM = nn.Sequential(nn.Flatten(), net(4, 2), nn.BatchNorm1d(2), net(2, 1))
OTHER = sgd(net())

ROUNDS = [
    (played(game="minimax"), "game: expected a game, ... got 'minimax'"),
    (played(G=None), "G: expected a Module, got NoneType"),
    (played(D=lambda x: x), "D: expected a Module, got function"),
    (played(data=BYTES), "data: expected a function of m, got ndarray"),
    (played(noise=None), "noise: expected a function of m, got NoneType"),
    (played(opt_g=None), "opt_g: expected an optimizer, got NoneType"),
    (played(opt_d=OTHER), "opt_d: ...an optimizer of D.parameters(), got one of others"),
    (played(penalty="r1"), "penalty: expected None, ... got 'r1'"),
    (played(m=-1), "m: expected an int >= 1, got -1"),
    (played(k=0), "k: expected an int >= 1, got 0"),
    (played(data=lambda m: rand(m, 1, 3, 3)), "Linear: expected 4 ...got shape (64, 9)"),
    (played(data=lambda m: images(m).astype(float)), "Linear: the input is float64 but the wei"),
    (played(data=lambda m: images(0)), "mean: expected at least one element, got shape (0, 2)"),
    (played(noise=lambda m: rand(m, 2)), "Linear: expected 3 ...got shape (64, 2)"),
    (played(noise=lambda m: rand(m, 3, dtype=float)), "Linear: the input is float64"),
    (played(D=BATCH_NORM, opt_d=sgd(BATCH_NORM), m=1), "no variance, got shape (1, 2)"),
    (played(gan.play_simultaneously, game=None), "game: expected a game, ... got None"),
    (played(gan.play_simultaneously, m=-1), "m: expected an int >= 1, got -1"),
    (played(train_d, game=None), "game: expected a game, ...got None"),
    (played(train_d, data=None), "data: expected a function of m, got None"),
    (played(train_g, D=None), "D: expected a Module, got NoneType"),
    (played(train_g, opt_g=None), "opt_g: expected an optimizer, got None"),
    (played(play_semi_supervised, G=None), "G: expected a Module"),
    (played(play_semi_supervised, game=None), "game: expected a game, ...got None"),
    (played(play_semi_supervised, labeled=None), "labeled: expected a function of m, got NoneType"),
    (played(play_semi_supervised, unlabeled=BYTES), "unlabeled: expected a function of m, got nda"),
    (played(play_semi_supervised, opt_g=None), "opt_g: expected an optimizer, got NoneType"),
    (played(play_semi_supervised, opt_d=OTHER), "opt_d: ...of D.parameters(), got one of"),
    (lambda: real_logit(None), "logits: expected a Tensor, got NoneType"),
    (lambda: mutual_information(np.ones((2, 3))), "logits: expected a Tensor, got ndarray"),
    (played(play_pix2pix, pairs=None), "pairs: expected a function of m"),
    (played(play_pix2pix, distance="l1"), "distance: expected a loss, such as losses.l1, got 'l1'"),
    (played(play_pix2pix, D=None), "D: expected a Module, got NoneType"),
    (lambda: concat_channels(None, IMAGES), "y: expected a Tensor, got None"),
    (played(play_cyclegan, players=None), "players: expected Players(G, F, D_y, D_x), got None"),
    (played(play_cyclegan, players=cyclegan()["players"]._replace(F=None)), "F: expected a Module"),
    (played(play_cyclegan, opt_g=OTHER), "opt_g: ...G.parameters() and F.parameters(), got"),
    (played(play_cyclegan, ys=None), "ys: expected a function of m, got NoneType"),
    (played(play_cyclegan, buffers=None), "buffers: expected two, ...got None"),
    (lambda: ImageBuffer(rng=RNG)(None), "fakes: expected a Tensor, got NoneType"),
    (played(play_text_to_image, captioned=None), "captioned: expected a function of m, got NoneT"),
    (played(play_text_to_image, opt_d=None), "opt_d: expected an optimizer, got NoneType"),
    (lambda: caption()(None), "words: expected a Tensor, got NoneType"),
    (lambda: ReadingGenerator()(None, np.ones((1, 2), int)), "noise: expected a Tensor, got None"),
    (lambda: ConditioningAugmentation(None, 3, rng=RNG), "caption: ...CaptionEmbedding, got None"),
    (lambda: ProjectionDiscriminator(None, caption()), "net: expected a Module, got NoneType"),
]


def probe(**changes):
    given = {k: v for k, v in plain().items() if k in ("game", "G", "D")}
    return lambda: doctor.probe(**{**given, "x": images(4), "z": rand(4, 3), **changes})


def monitor(**changes):
    given = {k: v for k, v in plain().items() if k not in ("data", "noise")}
    options = {"minibatch": lambda step: (images(4), rand(4, 3)), "every": 1}
    return lambda: next(doctor.monitor(**{"rounds": iter([1]), **given, **options, **changes}))


DOCTOR = [
    (probe(game=None), "game: expected a game, ...got None"),
    (probe(G=None), "G: expected a Module, got NoneType"),
    (probe(D="D"), "D: expected a Module, got str"),
    (probe(x=BYTES), "x: expected a Tensor, got ndarray"),
    (probe(x=images(0)), "x: expected at least 2 examples, got shape (0, 1, 2, 2)"),
    (probe(z=rand(1, 3)), "z: expected ...got shape (1, 3)"),
    (lambda: doctor.UpdateSize(None, OTHER), "opt_g: expected an Optimizer, got NoneType"),
    (monitor(rounds=None), "rounds: expected an iterator, as of gan.play, got NoneType"),
    (monitor(game=None), "game: expected a game, ...got None"),
    (monitor(minibatch=None), "minibatch: expected a function of the step, got NoneType"),
    (monitor(every=0), "every: expected an int >= 1, got 0"),
    (monitor(opt_d=None), "opt_d: expected an Optimizer, got NoneType"),
    (lambda: doctor.Inspector(**{**two_players(), "G": None}), "G: expected a Module, got None"),
    (lambda: doctor.Inspector(**two_players()).wrap_game(None), "game: expected a game, ... None"),
]

LABELS, SQUARE = Tensor(np.array([0, 1])), (1, 2, 2)
ConditionalD, ACGAND = conditional.ConditionalDiscriminator, conditional.ACGANDiscriminator

CONDITIONAL = [
    (lambda: conditional.one_hot(None, 3), "labels: expected a Tensor, got NoneType"),
    (lambda: conditional.one_hot(LABELS, 0), "classes: expected an int >= 1, got 0"),
    (lambda: conditional.concat_label(None, X), "x: expected a Tensor, got None"),
    (lambda: conditional.concat_label(rand(3, 2), X), "x, y: expected ...got (3, 2) and (2, 3)"),
    (lambda: conditional.split_label(None, 1), "rows: expected a Tensor, got NoneType"),
    (lambda: conditional.split_label(X, 0), "k: expected an int >= 1, got 0"),
    (lambda: conditional.labeled_data(None, 3), "data: expected Minibatches with labels, got None"),
    (lambda: conditional.labeled_data(None, -1), "classes: ...got -1"),
    (lambda: conditional.labeled_noise(None, 3, rng=RNG), "noise: expected a function of m, got N"),
    (lambda: conditional.ConditionalGenerator(None, 3), "net: expected a Module, got NoneType"),
    (lambda: ConditionalD(None, SQUARE), "net: expected a Module, got None"),
    (lambda: ConditionalD(NET, None), "shape: expected three sizes (C, H, W), got None"),
    (lambda: ACGAND(NET, 4), "shape: expected ...got 4"),
    (lambda: ConditionalD(NET, SQUARE)(None), "rows: expected a Tensor, got NoneType"),
    (lambda: ACGAND(NET, SQUARE)(rand(2, 4)), "rows: expected (N, more than 4), got (2, 4)"),
    (lambda: conditional.auxiliary_classifier("hinge"), "game: ...SeparableGame, ...got 'hinge'"),
    (lambda: packing.Packed(None, 2), "net: expected a Module, got NoneType"),
    (lambda: packing.Packed(NET, 2)(None), "z: expected a Tensor, got None"),
    (lambda: packing.Packed(NET, 2)(X), "z: expected (N, a multiple of 2), got (2, 3)"),
]

ROWS, CLASSES = RNG.random((20, 3)), np.arange(20) % 3
BAYES = classical.naive_bayes(ROWS, CLASSES, 3, 0.1)


def bayes(x=ROWS, labels=CLASSES, classes=3):
    return lambda: classical.naive_bayes(x, labels, classes, 0.1)


def regression(x=ROWS, labels=CLASSES, classes=3, **options):
    return lambda: classical.logistic_regression(x, labels, classes, **options)


def mixtures(labels, **options):
    return lambda: classical.mixtures(ROWS, labels, 0.1, rng=RNG, **options)


SOFTMAX = classical.Softmax(np.ones((2, 3)), np.ones(2))
CLASSICAL = [
    (bayes(None), "x: expected an array, got NoneType"),
    (bayes(ROWS[0]), "x: expected numbers of shape (N, ...)...(3,)"),
    (bayes(ROWS[:0]), "x: expected at least 1 samples, got shape (0, 3)"),
    (bayes(NAN * ROWS), "x: expected finite numbers, got NaN"),
    (bayes(ROWS.astype(str)), "x: expected numbers of shape"),
    (bayes(labels=None), "labels: expected a NumPy array, got NoneType"),
    (bayes(labels=1.0 * CLASSES), "labels: ...(20,), got float64 (20,)"),
    (bayes(labels=CLASSES[1:]), "labels: expected integers (20,), got int64"),
    (bayes(labels=CLASSES - 1), "labels: expected 0..2, got labels[0] = -1"),
    (bayes(classes=2), "labels: expected 0..1, got labels[...] = 2"),
    (bayes(classes=0), "classes: expected an int >= 1, got 0"),
    (lambda: classical.normals(ROWS, None, 0.1), "shares: expected an array, got None"),
    (lambda: classical.normals(ROWS, ROWS[:3], 0.1), "shares: expected 20 rows, ...got 3"),
    (lambda: BAYES.classify(ROWS[:, :2]), "x: expected 3 numbers per row, as in means, got 2"),
    (lambda: BAYES.posterior(None), "x: expected an array, got NoneType"),
    (lambda: classical.em(ROWS, None, 0.1, rng=RNG), "k: ...1 to 20...got None"),
    (lambda: classical.em(ROWS, 2, 0.1, rng=None), "rng: expected ...got None"),
    (mixtures(None), "labels: expected a NumPy array, got NoneType"),
    (mixtures(CLASSES - 1), "labels: expected numbers >= 0, got labels[0] = -1"),
    (mixtures(CLASSES, maximum=0), "maximum: expected an int >= 1, got 0"),
    (lambda: classical.windows(None, CLASSES), "x: expected an array, got NoneType"),
    (lambda: classical.windows(ROWS, CLASSES, None), "sigmas: expected positive numbers, got None"),
    (lambda: classical.left_out(ROWS, ["x"]), "sigmas: ...got ['x']"),
    (lambda: classical.left_out(None, [1.0]), "x: expected an array, got None"),
    (regression(None), "x: expected an array, got NoneType"),
    (regression(labels=CLASSES[1:]), "labels: expected integers (20,)"),
    (regression(classes=0), "classes: expected an int >= 1, got 0"),
    (regression(lr=NAN), "lr: expected a number in [0, inf), got nan"),
    (lambda: SOFTMAX.logits(ROWS[:, :2]), "x: expected 3 numbers per row, as in weight, got 2"),
    (lambda: classical.log_sum(None), "a: expected a NumPy array, got NoneType"),
    (lambda: classical.log_sum(ROWS[0]), "a: ...got (3,)"),
]


def build(name="mlp-small", shape=SHAPE, **options):
    return lambda: models.build(name, shape, **{"rng": RNG, **options})


def noise(m, rng=RNG):
    return lambda: build()().noise(rng)(m)


def walk(start=ORIGIN, end=ORIGIN, steps=3, prior="normal"):
    return lambda: latent.interpolate(start, end, steps, prior)


def sampled(**options):
    return lambda: models.pixels(**{"G": build()().G, "z": rand(2, 100), **options})


def drawn(how="draw", **options):
    """A function that draws with a Sampler of a new generator, without a run."""
    sampler = object.__new__(training.Sampler)
    sampler.pair = build()()
    least = {"draw": {"n": 2}, "walk": {"rows": 1, "steps": 2}}[how]
    return lambda: getattr(sampler, how)(**{**least, **options})


MODELS = [
    (build("x"), "model 'x' is unknown; expected one of mlp-small"),
    (build(None), "model None is unknown"),
    (build(shape=(28, 28)), "shape: expected three sizes ... got (28, 28)"),
    (build("dcgan28", (1, 32, 32)), "model 'dcgan28' makes images of 28x28, the data has 32x32"),
    (build("dcgan", (3, 50, 50)), "model 'dcgan' makes images of 8, 10, ...has 50x50; choose"),
    (build("dcgan", (3, 64, 32)), "...square, the data has 64x32"),
    (build(rng=3), "rng: expected a numpy.random.Generator, ...got 3"),
    (build(width=0), "width: expected a number in (0, inf), got 0"),
    (noise(0), "m: expected an int >= 1, got 0"),
    (noise(1, None), "rng: expected a numpy.random.Generator, ...got None"),
    (walk(steps=1), "steps: expected at least 2, got 1"),
    (walk(end=np.ones(4)), "start, end: ...one size, (size,), got (3,) and (4,)"),
    (walk([1.0], [2.0]), "start: expected a NumPy array, got list"),
    (walk(prior="x"), "prior: expected 'normal' or 'uniform', got 'x'"),
    (sampled(G="G"), "G: expected a Module, got str"),
    (sampled(z=[1]), "z: expected a Tensor, got list"),
    (sampled(z=rand(0, 100)), "z: expected (N, ...) with N >= 1, got shape (0, 100)"),
    (sampled(low=1), "low: expected a number in (-inf, 1), got 1"),
    (sampled(batch=0), "batch: expected an int >= 1, got 0"),
    (drawn(n=None), "n: expected an int >= 1, got None"),
    (drawn(batch=0), "batch: expected an int >= 1, got 0"),
    (drawn(seed=-1), "seed: ...got -1"),
    (drawn("walk", rows=None), "rows: expected an int >= 1, got None"),
    (drawn("walk", batch=0), "batch: ...got 0"),
    (lambda: perceptron(2, "x", 1, rng=RNG), "units: ...got 'x'"),
    (lambda: perceptron(2, 3, 1, rng=RNG, width=0), "width: ...got 0"),
    (lambda: vae.mean_loss(None, rand(2, 4)), "vae: expected a VAE, got NoneType"),
    (lambda: vae.mean_loss(vae.VAE(2, 3, 4, rng=RNG), rand(0, 4)), "x: ...N >= 1, got ...(0, 4)"),
    (lambda: cgan.cgan_mlp(None, 3, rng=RNG), "shape: ...got None"),
    (lambda: cgan.cgan28(SHAPE, None, rng=RNG), "classes: ...got None"),
    (lambda: cgan.acgan28(None, 3, rng=RNG), "shape: ...got None"),
    (lambda: cgan.labeled_samples(None, 1, SHAPE, 10, rng=RNG), "pair: expected a Pair, got None"),
    (lambda: cgan.labeled_players(None, None, 10, RNG), "pair: expected a Pair, got NoneType"),
    (lambda: cgan.Branches(None, NET, NET, 1), "first: expected a Module, got NoneType"),
    (lambda: cgan.Branches(NET, NET, NET, 0), "k: ...got 0"),
    (lambda: improved_gan(None, rng=RNG), "images: expected a NumPy array, got NoneType"),
    (lambda: improved_gan(BYTES, rng=RNG), "images: ...(N, 1, 28, 28) ...got uint8 (4, 1, 2, 2)"),
    (lambda: unit_noise(None, RNG), "G: expected a Module, got NoneType"),
    (lambda: unit_noise(NET, None), "rng: expected ...got None"),
    (lambda: sgan_mlp(None, 3, rng=RNG), "shape: ...got None"),
    (lambda: sgan_mlp(SHAPE, 0, rng=RNG), "classes: ...got 0"),
    (lambda: sgan_mlp(SHAPE, 3, labels=-1, rng=RNG), "labels: ...got -1"),
    (lambda: noise_and_labels(None, 3), "noise: expected a function of m, got NoneType"),
    (lambda: noise_and_labels(rand, 0), "classes: ...got 0"),
    (lambda: stackgan.discriminator(15, 3, rng=RNG), "size '15' is unknown; ...one of 14, 28"),
    (lambda: stackgan.StageI(0, rng=RNG), "words: ...got 0"),
]


def toy(**changes):
    return lambda: toy_game(**{"mixture": ring(), "seed": 0, **changes})


A, B = RNG.standard_normal((2, 30, 3))
EVEN, ODD = np.full(4, 0.25), np.array([0.1, 0.2, 0.3, 0.4])
coverage = precision_recall.precision_recall

EXPERIMENTS = [
    (toy(mixture="ring"), "mixture: expected a Mixture, ...got 'ring'"),
    (toy(remedies=None), "remedies: expected some of ...got None"),
    (toy(remedies="dropout"), "remedies: ...got 'dropout'"),
    (toy(width=NAN), "width: expected ...got nan"),
    (lambda: toy()().samples(0), "n: expected an int >= 1, got 0"),
    (lambda: toy()().slope(None), "game: expected a game, ...got None"),
    (lambda: next(extra_g_steps(gan.hinge, None)), "toy: expected a ToyGame, got NoneType"),
    (lambda: next(extra_g_steps(gan.hinge, toy()(), 0)), "times: ...got 0"),
    (lambda: ring(0), "k: expected an int >= 1, got 0"),
    (lambda: ring(radius=NAN), "radius: expected ...got nan"),
    (lambda: ring(sd="x"), "sd: expected ...got 'x'"),
    (lambda: mixture_grid(0), "side: expected an int >= 1, got 0"),
    (lambda: mixture_grid(spacing=INF), "spacing: ...got inf"),
    (lambda: ring().sample(0, rng=RNG), "n: ...got 0"),
    (lambda: ring().sample(1, rng=None), "rng: ...got None"),
    (lambda: frechet.kid(A, B, rng=None, size=5), "rng: expected ...got None"),
    (lambda: frechet.kid(A, B, rng=RNG, size="x"), "size: ...got 'x'"),
    (lambda: frechet.kid(A, B, rng=RNG, size=5, subsets=2.5), "subsets: ...got 2.5"),
    (lambda: frechet.gaussian_distance(None, *[np.eye(2)] * 3), "m1: expected an array, got None"),
    (lambda: kmeans.kmeans(A, 3, rng=None), "rng: expected ...got None"),
    (lambda: kmeans.kmeans(A, None, rng=RNG), "k: expected 1 to 30...got None"),
    (lambda: kmeans.kmeans(A, 3, rng=RNG, steps=1.5), "steps: ...got 1.5"),
    (lambda: precision_recall.radii(A, 1.5), "k: expected an int >= 1, got 1.5"),
    (lambda: coverage(A, B, None), "k: expected ...got None"),
    (lambda: coverage(A, B, real_radii="x"), "real_radii: expected an array, got str"),
    (lambda: precision_recall.expected_coverage(None, 9), "m >= 1, got k = 5, n = None, m = 9"),
    (lambda: memorization.compare(None, A[0]), "near: expected an array, got NoneType"),
    (lambda: memorization.compare(A[:, :2], A[:0, :2]), "held: ...(N, 2), got shape (0, 2)"),
    (lambda: memorization.compare(A[0], A[0]), "near: expected distances (N, 2), got shape"),
    (lambda: memorization.nearest_distances(A, A[:1]), "training: expected at least 2 images"),
    (lambda: modes.modes(A[:, :2], None), "mixture: expected a Mixture, such as ring... got None"),
    (lambda: modes.modes(A[:, :2], ring(), -1), "within: ...got -1"),
    (lambda: modes.modes(A[:, :2], ring(), INF), "within: ...got inf"),
    (lambda: modes.noise_bound(0, ring()), "n: ...got 0"),
    (lambda: modes.noise_bound(9, ring(), -1), "within: ...got -1"),
    (lambda: modes.noise_bound(9, ring(), level=1), "level: ...got 1"),
    (lambda: modes.noise_bound(9, None), "mixture: expected a Mixture, such as ring... got None"),
    (lambda: modes.uniform_noise(9, ring(), rng=None), "rng: ..."),
    (lambda: modes.uniform_noise(9, None, rng=RNG), "mixture: expected a Mixture, ... got None"),
    (lambda: modes.uniform_noise(0, ring(), rng=RNG), "n: ...got 0"),
    (lambda: modes.uniform_noise(9, ring(), None, rng=RNG), "within: ...got None"),
    (lambda: pixels.psnr(A, B, "x"), "peak: expected ...got 'x'"),
    (lambda: pixels.overlap(None, 2), "kernel_size: expected ...got None"),
    (lambda: pixels.overlap(3, 1.5), "stride: expected ...got 1.5"),
    (lambda: pixels.stroke_width(None), "images: expected an array, got None"),
    (lambda: pixels.checkerboard(None), "images: expected an array, got None"),
    (lambda: results.quantile_t("x", 3), "level, freedom: ...got 'x', 3"),
    (lambda: results.quantile_t(0.5, NAN), "freedom: ...got 0.5, nan"),
    (lambda: theory.divergence("x", EVEN, ODD), "divergence 'x' is unknown; expected one of kl, r"),
    (lambda: theory.divergence("kl", "x", ODD), "p: expected numbers, got 'x'"),
    (lambda: theory.divergence("kl", EVEN, ODD, 0), "dx: expected a number in (0, inf), got 0"),
    (lambda: theory.divergence("js", EVEN, -ODD), "q: expected finite numbers >= 0"),
    (lambda: theory.value(EVEN, NAN * EVEN, ODD), "p: expected finite numbers >= 0"),
    (lambda: theory.criterion(EVEN, ODD[1:]), "one shape, got (4,) and (3,)"),
    (lambda: theory.criterion(EVEN, ODD, NAN), "dx: ...got nan"),
    (lambda: theory.value("D", EVEN, ODD), "D: expected numbers, got 'D'"),
    (lambda: theory.value(2 * EVEN + 1, EVEN, ODD), "D: expected probabilities"),
    (lambda: theory.least_squares_optimum(EVEN, ODD, None, 1), "a: expected a number ...got None"),
    (lambda: theory.least_squares_criterion(EVEN, ODD, 0, 1, INF), "c: ...got inf"),
    (lambda: theory.normal_density(EVEN, 0, 0), "sd: ...got 0"),
    (lambda: theory.normal_density(EVEN, NAN), "mean: ...got nan"),
    (lambda: theory.best_logit_slope("hinge", EVEN), "game: ...SeparableGame, ...got 'hinge'"),
    (lambda: next(theory.tabular_game([0.0, 1.0])), "p: expected numbers above 0"),
    (lambda: next(theory.bilinear_game("play", 0.1)), "play: expected a function, ...got 'play'"),
]


def minibatches(images=BYTES, **options):
    return lambda: Minibatches(images, **{"rng": RNG, **options})


def resumed(state):
    return lambda: minibatches()().load_state_dict(state)


def in_color(digits=BYTES, labels=DIGITS, which=CAPTIONS):
    return lambda: colored(digits, labels, which, rng=RNG)


SPOILT = np.where(np.arange(16) == 10, NAN, 0.5).reshape(4, 1, 2, 2)
DATA = [
    (minibatches([[1]]), "images: expected a NumPy array, got list"),
    (minibatches(BYTES[:0]), "images: ...N >= 1, got uint8 (0, 1, 2, 2)"),
    (minibatches(BYTES * 1.0), "images: expected uint8 ...got float64"),
    (
        minibatches(SPOILT),
        "images: expected uint8 ...got float64 (4, 1, 2, 2); images[2, 0, 1, 0] is nan",
    ),
    (minibatches(BYTES[0]), "images: expected uint8 (N, C, H, W)...(1, 2, 2)"),
    (minibatches(rng=0), "rng: expected a numpy.random.Generator, ...got 0"),
    (minibatches(low=2), "low, high: expected low < high, got 2, 1.0"),
    (minibatches(low=NAN), "low: expected a number ...got nan"),
    (minibatches(high=INF), "high: expected a number ...got inf"),
    (minibatches(labels=[1] * 4), "labels: expected a NumPy array, got list"),
    (minibatches(labels=np.ones(3, int)), "labels: ...(4,)...int64 (3,)"),
    (minibatches(backend="tpu"), "backend 'tpu' is unknown; expected one of"),
    (lambda: minibatches()().at(None), "which: expected a NumPy array, got NoneType"),
    (resumed(None), "expected seed, epoch and position, got None"),
    (resumed({"seed": 1}), "expected seed, epoch and position, got {'seed': 1}"),
    (resumed({"seed": 1, "epoch": 0, "position": 0.5}), "position: expected an int >= 0, got 0.5"),
    (resumed({"seed": 1, "epoch": -1, "position": 0}), "epoch: expected an int >= 0, got -1"),
    (lambda: data.load("mnst"), "data 'mnst' is unknown...did you mean 'mnist'"),
    (lambda: data.load(None), "data: expected a name such as ...got None"),
    (lambda: data.load("digits", "val"), "split 'val' is unknown; expected one of train, test"),
    (lambda: data.load("digits", None), "split None is unknown"),
    (lambda: data.load("folder:/nowhere"), "folder:/nowhere: expected folder:PATH, ...exists"),
    (lambda: data.load("folder:\0"), "expected folder:PATH"),
    (lambda: data.load("folder:.", size=0), "size 0: expected 1 to 1024 pixels"),
    (
        lambda: data.load("folder:.", mode="x"),
        "mode 'x' ...expected one of gray, color",
    ),
    (lambda: data.Dataset("x", BYTES, None, None).labeled(), "x: has no labels"),
    (lambda: dict(*data.load("digits")), "a Dataset is not iterated: use its .images and .labels"),
    (lambda: list(Minibatches(BYTES, rng=RNG)), "called, not iterated: data(64) returns the next"),
    (in_color(None), "digits: expected a NumPy array, got NoneType"),
    (in_color(labels=None), "labels: expected a NumPy array, got NoneType"),
    (in_color(which=[1]), "which: expected a NumPy array, got list"),
]
OPTIONS = [
    (lambda: Config(steps=0), "--steps: expected a whole number from 1 to 9007199254740992, got 0"),
    (lambda: Config(steps=10**400), "--steps: expected a whole number from 1 to ...got 1000...000"),
    (lambda: Config(steps="3"), "--steps: expected int, got '3'"),
    (lambda: Config(steps=True), "--steps: expected int, got True"),
    (lambda: Config(lr_d=NAN), "--lr-d: expected a finite number of at least 0, got nan"),
    (lambda: Config(lr_d=10**400), "--lr-d: expected float, got an int"),
    (lambda: Config(lr_g=-1), "--lr-g: ...got -1"),
    (lambda: Config(model=None), "--model: expected str, got None"),
    (lambda: Config(game="minmax"), "--game 'minmax' is unknown...did you mean 'minimax'"),
    (lambda: Config(batch=10**9), "--batch: expected a whole number from 1 to 65536, got 10"),
    (lambda: Config(seed=-1), "--seed: expected a whole number from 0 to ...got -1"),
    (lambda: Config(backend=3), "--backend: expected str, got 3"),
    (lambda: Config(ema=1.0), "--ema: expected in [0, 1), got 1.0"),
    (lambda: Config(label_flips=1.1), "--label-flips: expected in [0, 1], got 1.1"),
    (lambda: Config.from_dict(None), "config: expected a dict, got None"),
    (lambda: Config.from_dict({"x": 1, 2: 3}), "config: unknown options ['2', 'x']"),
    (lambda: training.train({"steps": 1}), "config: expected a Config, got dict"),
    (lambda: training.Session(None), "config: expected a Config, got None"),
    (lambda: Config(backend="tpu"), "backend 'tpu' is unknown; expected one of"),
    (lambda: training.resume(None), "a run folder: expected a path, got None"),
    (lambda: training.verify(3), "a run folder: expected a path, got 3"),
    (lambda: training.Sampler(None), "a run folder: expected a path, got None"),
    (lambda: training.RunFolder(""), "a run folder: expected a path, got ''"),
    (lambda: storage.save("x", {"a": np.array([None])}, {}), "float64, got object for 'a'"),
    (lambda: storage.save("x", {"a": np.ones(2, complex)}, {}), "float64, got complex128 for 'a'"),
    (lambda: storage.save("x", {}, {"a": object()}), "meta: ...JSON can hold; Object of type"),
]
PIXELS = BYTES[0, 0]
PICTURES = [
    (lambda: plots.grid([1]), "images: expected a NumPy array, got list"),
    (lambda: plots.grid(np.full((1, 1, 2, 2), "a")), "images: expected ... numbers, got <U1"),
    (lambda: plots.grid(PIXELS), "images: expected (N, 1 or 3, H, W)...got (2, 2)"),
    (lambda: plots.grid(np.ones((1, 2, 3, 3))), "images: ...got (1, 2, 3, 3)"),
    (lambda: plots.grid(BYTES, 0), "columns: expected an int >= 1, got 0"),
    (lambda: plots.save_png("x", np.ones((3, 3))), "pixels: expected uint8 ...got float64 (3, 3)"),
    (lambda: plots.save_png("x", None), "pixels: expected a NumPy array, got NoneType"),
    (lambda: plots.save_png("x", PIXELS[:0]), "pixels: expected uint8 ...got uint8 (0, 2)"),
    (lambda: plots.save_gif("x", []), "frames: expected at least one"),
    (lambda: plots.save_gif("x", [PIXELS, PIXELS[:1]]), "frames[1]: expected (2, 2), got (1, 2)"),
    (lambda: plots.save_gif("x", None), "frames: expected a list of arrays, got NoneType"),
    (lambda: plots.save_gif("x", [PIXELS], 0), "milliseconds: expected an int >= 1, got 0"),
    (lambda: plots.grid(BYTES, title=5), "title: expected a str, got 5"),
    (lambda: plots.grid(BYTES, row_labels=["a"] * 9), "row_labels: expected ...got 9"),
    (lambda: plots.grid(BYTES, column_labels=["a"] * 9), "column_labels: expected ...got 9"),
    (lambda: plots.rows({}), "images: expected a dict that is not empty, got dict"),
    (lambda: plots.rows({"a": BYTES}, 9), "images['a']: expected 9 k images, got "),
    (lambda: plots.curves("x", {}), "trainings: expected a dict that is not empty, got {}"),
    (lambda: plots.curves("x", {"": plots.Curve(None)}), "log: expected a dict, got NoneType"),
    (lambda: plots.curves("x", {"": plots.Curve({})}), "log: expected a column 'step', got []"),
    (lambda: plots.bars("x", None, {"a": "A"}), "rows: expected a dict ...got None"),
    (lambda: plots.bars("x", {}, {"a": "A"}), "rows: expected a dict ...{}"),
]
MISTAKES = [
    *(*CHECKS, *TENSORS, *OPS, *GRAD, *CONV, *LAYERS, *INPUTS, *INITIALIZERS, *LOSSES, *OPTIMIZERS),
    *(*GAMES, *ROUNDS, *DOCTOR, *CONDITIONAL, *CLASSICAL, *MODELS, *EXPERIMENTS, *DATA),
    *(*OPTIONS, *PICTURES),
]


@pytest.mark.parametrize("mistake, message", MISTAKES, ids=[message for _, message in MISTAKES])
def test_a_mistake_raises_one_clear_error(tmp_path, monkeypatch, mistake, message):
    monkeypatch.chdir(tmp_path)
    expected = ".*".join(map(re.escape, message.split("...")))
    with pytest.raises((ValueError, TypeError), match=expected) as caught:
        mistake()
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []  # nothing was written


@pytest.mark.parametrize("play", PLAYS)
def test_rounds_without_a_mistake_are_played(play):
    """Each round of the tables is wrong in one thing only."""
    numbers = [loss for loss in played(play)() if isinstance(loss, Tensor)]
    assert numbers and all(np.isfinite(loss.data).all() for loss in numbers)


def test_a_game_of_both_logits_and_a_monitor_without_a_mistake():
    assert played(game=gan.Game(d_loss=gan.hinge.d_loss, g_loss=gan.hinge.g_loss))()
    assert monitor()().step == 1


@pytest.mark.parametrize("m", [0, -1, 1.5, None])
def test_a_minibatch_that_is_refused_does_not_move_on(m):
    x = minibatches()()
    before = x.state_dict()
    with pytest.raises(ValueError, match=f"m: expected an int >= 1, got {m}"):
        x(m)
    assert x.state_dict() == before
