"""Every mistake is answered at once, by a message that names the argument, what came and what was
expected: a table of mistakes."""

import numpy as np
import pytest

from tinygan import Tensor, conv2d, conv_transpose2d, gan, losses, nn, ops, optim, play
from tinygan.nn import init
from tinygan.nn.reparametrize import data_dependent_init

RNG = np.random.default_rng(0)
X = Tensor(np.ones((2, 3), np.float32))
IMAGES = Tensor(np.ones((2, 3, 4, 4), np.float32))
KERNEL = Tensor(np.ones((5, 3, 2, 2), np.float32))
NET = nn.Linear(3, 2, rng=RNG)
P = NET.parameters()


def zeros(*shape, dtype=np.float32):
    return Tensor(np.zeros(shape, dtype))


def zeroed(layer):
    """The layer with an output that does not see its inputs."""
    layer.weight.data[1] = 0
    return layer


# name: (the mistake, what the message says)
TENSORS = {
    "a tensor of a tensor": (lambda: Tensor(X), "takes an array, got a Tensor"),
    "a tensor of a ragged list": (lambda: Tensor([[1], [1, 2]]), "inhomogeneous|ragged"),
    "a tensor of a string": (lambda: Tensor("x"), "expected an array of a known backend, got str"),
    "a tensor of strings": (lambda: Tensor([["a"], ["b"]]), "takes real numbers or bools, got <U1"),
    "a tensor of numbers and strings": (lambda: Tensor([1, "a"]), "real numbers or bools, got <U"),
    "a tensor of objects": (lambda: Tensor(np.array([None])), "real numbers or .*got object"),
    "a tensor of complex numbers": (lambda: Tensor(np.ones(2) * 1j), "real .*got complex128"),
    "a tensor of one complex number": (lambda: Tensor(np.complex64(1)), "real .*got complex64"),
    "astype of complex numbers": (lambda: X.astype(complex), "real numbers or .*got complex128"),
    "data of strings": (lambda: setattr(X, "data", np.full((2, 3), "a")), "real .*got <U1"),
    "equality of tensors": (
        lambda: zeros(2, 3) == X,
        "no == or !=; compare its .data, or use `is`",
    ),
    "inequality of tensors": (lambda: zeros(2, 3) != X, "no == or !="),
    "equality to itself": (lambda: X == X, "no == or !="),
    "equality to a number": (lambda: X == 1.0, "no == or !="),
    "equality from an array": (lambda: X.data == X, "no == or !="),
    "to no backend": (lambda: X.to(None), 'backend: expected a name, as "numpy".*, got None'),
    "a network to no backend": (lambda: NET.to(None), "backend: expected a name.*got None"),
    "truth of a tensor": (lambda: bool(X), "no truth value"),
    "a tensor as an array": (lambda: np.asarray(X), "not become an array silently"),
    "length of a number": (lambda: len(Tensor(1.0)), r"shape \(\) has no length"),
    "a list as an operand": (
        lambda: ops.add(X, [1.0]),
        "expected a tensor, an array or a number, got a l",
    ),
    "a string as an operand": (lambda: X + "x", "expected an array of a known backend, got str"),
    "data of another shape": (lambda: setattr(X, "data", np.ones(2)), r"data: expected .*\(2, 3\)"),
}
OPS = {
    "matmul of sizes": (lambda: X @ X, r"matmul: inner sizes differ in \(2, 3\) @ \(2, 3\)"),
    "matmul of vectors": (lambda: zeros(2) @ zeros(3), r"matmul: inner sizes differ"),
    "matmul of a number": (lambda: X @ 2.0, "matmul: expected two arrays"),
    "reshape": (lambda: X.reshape(4, 2), r"reshape: \(2, 3\) does not fit into \(4, 2\)"),
    "reshape, -1 twice": (lambda: X.reshape(-1, -1), r"reshape: .* does not fit into \(-1, -1\)"),
    "reshape, -1 of a rest": (lambda: X.reshape(4, -1), r"reshape: .* into \(4, -1\)"),
    "reshape, -1 beside 0": (lambda: zeros(0).reshape(0, -1), r"reshape: .* into \(0, -1\)"),
    "reshape, below -1": (lambda: X.reshape(-2, -3), r"reshape: .* into \(-2, -3\)"),
    "transpose": (lambda: X.transpose(0, 0), r"transpose: axes \(0, 0\) .* shape \(2, 3\)"),
    "transpose, too few": (lambda: X.transpose((0,)), r"transpose: axes \(0,\)"),
    "transpose, out of bounds": (lambda: X.transpose(0, 2), r"transpose: axes \(0, 2\)"),
    "sum_to": (lambda: ops.sum_to(X, (3, 2)), r"sum_to: \(3, 2\) does not broadcast to \(2, 3\)"),
    "sum_to more axes": (lambda: ops.sum_to(X, (1, 2, 3)), r"sum_to: \(1, 2, 3\)"),
    "axis": (lambda: X.sum(2), r"axis: 2 is out of bounds for shape \(2, 3\)"),
    "axis, negative": (lambda: X.mean((0, -3)), "axis: -3 is out of bounds"),
    "axis twice": (lambda: X.max((0, -2)), r"axis: \(0, -2\) names an axis twice"),
    "axis of logsumexp": (lambda: ops.logsumexp(X, 5), "axis: 5 is out of bounds"),
    "axis of softmax": (lambda: ops.softmax(X, 5), "axis: 5 is out of bounds"),
    "mean of nothing": (lambda: zeros(0, 2).mean(), r"mean: expected .*one element.*\(0, 2\)"),
    "max of nothing": (lambda: zeros(0, 2).max(), r"max: expected .*one element.*\(0, 2\)"),
    "logsumexp of nothing": (lambda: ops.logsumexp(zeros(0)), "logsumexp: expected .*one element"),
    "concatenate nothing": (
        lambda: ops.concatenate([]),
        "concatenate: tensors: expected at least one, got none",
    ),
    "concatenate numbers": (
        lambda: ops.concatenate([X, 1.0]),
        r"concatenate: tensors\[1\]: expected a .*1.0",
    ),
    "concatenate 0-d": (lambda: ops.concatenate([zeros()]), "concatenate: axis: .* 0 axes, got 0"),
    "concatenate, axis": (
        lambda: ops.concatenate([X], 2),
        "axis: expected an int for 2 axes, got 2",
    ),
    "concatenate, axis a float": (lambda: ops.concatenate([X], 0.0), "axis: .*got 0.0"),
    "concatenate None": (lambda: ops.concatenate(None), "tensors: expected a list, got None"),
    "concatenate strings": (lambda: ops.concatenate([X, "a"]), r"tensors\[1\]: .*got 'a'"),
    "stack None": (lambda: ops.stack(None), "stack: tensors: expected a list, got None"),
    "stack, axis a float": (lambda: ops.stack([X], 1.0), "stack: axis: .*got 1.0"),
    "where of numbers": (lambda: ops.where(X, X, 0.0), "where: condition: .* bools, got float32"),
    "where of a string": (lambda: ops.where("a", X, 0.0), "where: condition: .*got <U1"),
    "where of None": (lambda: ops.where(None, X, 0.0), "where: condition: .*got object"),
    "stack nothing": (lambda: ops.stack([]), "stack: tensors: expected at least one, got none"),
    "stack shapes": (lambda: ops.stack([X, zeros(3)]), r"stack: .*\(2, 3\), \(3,\)"),
    "stack numbers": (lambda: ops.stack([zeros(), 1.0]), r"stack: tensors\[1\]: expected a .*1.0"),
    "stack, axis": (lambda: ops.stack([X], 3), "stack: axis: expected an int for 3 axes, got 3"),
    "clip without limits": (lambda: ops.clip(X), "clip: expected low, high or both, got neither"),
    "clip, limits": (lambda: ops.clip(X, 2, 1), "clip: expected low <= high, got low=2, high=1"),
    "leaky_relu": (lambda: ops.leaky_relu(X, np.nan), "negative_slope: .*finite number, got nan"),
    "pad, axes": (lambda: ops.pad(X, [(1, 1)]), r"pad: expected 2 pairs of widths >= 0, got"),
    "pad, negative": (lambda: ops.pad(X, [(0, 0), (-1, 0)]), r"pad: expected .*\(-1, 0\)"),
    "pad, mode": (lambda: ops.pad(X, [(1, 1)] * 2, "edge"), "pad: mode must be .*got 'edge'"),
    "pad, no widths": (lambda: ops.pad(X, None), "pad: expected 2 pairs of widths >= 0, got None"),
    "clip, low": (lambda: ops.clip(X, low="x"), "clip: low: expected a number, got 'x'"),
    "clip, high": (lambda: ops.clip(X, high=np.nan), "clip: high: expected a number, got nan"),
    "leaky_relu, None": (lambda: ops.leaky_relu(X, None), "negative_slope: .*got None"),
    "axis, a string": (
        lambda: ops.log_softmax(X, "x"),
        "axis: expected None, an int or a tuple of them, got 'x'",
    ),
    "axis, a float": (lambda: X.sum(1.0), "axis: expected None, an int .*got 1.0"),
    "axis, a list": (lambda: X.max([0]), r"axis: expected None, an int .*got \[0\]"),
    "reshape, None": (lambda: X.reshape(None), "reshape: expected sizes, got None"),
    "transpose, a string": (lambda: ops.transpose(X, "x"), "transpose: expected axes, got 'x'"),
    "transpose, floats": (lambda: X.transpose(1.0, 0), r"transpose: expected axes, got \(1.0, 0\)"),
    "swapaxes, None": (
        lambda: ops.swapaxes(X, None, 1),
        "swapaxes: axis: expected an int for 2 axes, got None",
    ),
    "pad, too far": (
        lambda: ops.pad(X, [(2, 0), (0, 0)], "reflect"),
        r"pad: widths \(2, 0\) reach",
    ),
}
CONV = {
    "channels": (
        lambda: conv2d(IMAGES, KERNEL.transpose(1, 0, 2, 3)),
        "have 3 channels.*expects 5",
    ),
    "images": (
        lambda: conv2d(X, KERNEL),
        r"conv2d: expected images \(N, C, H, W\), got .*\(2, 3\)",
    ),
    "a number": (lambda: conv2d(IMAGES, 2.0), "conv2d: expected a weight of 4 axes, got 2.0"),
    "weight": (lambda: conv2d(IMAGES, X), r"conv2d: expected a weight of 4 axes, got .*\(2, 3\)"),
    "kernel": (
        lambda: conv2d(IMAGES, zeros(1, 3, 5, 2)),
        r"kernel \(5, 2\) is larger than .*\(4, 4\)",
    ),
    "stride": (lambda: conv2d(IMAGES, KERNEL, 0), "stride: expected an int >= 1 .*got 0"),
    "stride, float": (lambda: conv2d(IMAGES, KERNEL, 2.0), "stride: expected an int.*got 2.0"),
    "stride, too large": (
        lambda: conv2d(IMAGES, KERNEL, 10**30),
        r"stride: expected less than 2\*\*31, got 10",
    ),
    "stride, three": (lambda: conv2d(IMAGES, KERNEL, (1, 2, 3)), r"stride: .*got \(1, 2, 3\)"),
    "padding": (lambda: conv2d(IMAGES, KERNEL, 1, -1), "padding: expected an int >= 0 .*got -1"),
    "transposed, channels": (
        lambda: conv_transpose2d(IMAGES, KERNEL),
        "conv_transpose2d: .* 3 channels.* expects 5",
    ),
    "output_padding": (
        lambda: conv_transpose2d(zeros(1, 5, 2, 2), KERNEL, 2, 0, 2),
        r"output_padding: expected less than the stride \(2, 2\), got \(2, 2\)",
    ),
    "nothing left": (
        lambda: conv_transpose2d(zeros(1, 5, 1, 1), KERNEL, 1, 1),
        r"conv_transpose2d: nothing is left of the image \(1, 1\)",
    ),
}
LAYERS = {
    "rng": (lambda: nn.Linear(2, 3, rng=0), "rng: expected a numpy.random.Generator.*got 0"),
    "rng of Dropout": (lambda: nn.Dropout(0.5, rng=None), "rng: .*got None"),
    "rng of GaussianNoise": (lambda: nn.GaussianNoise(0.5, rng=1), "rng: .*got 1"),
    "rng of Embedding": (lambda: nn.Embedding(2, 2, rng=1), "rng: .*got 1"),
    "rng of SpectralNorm": (lambda: nn.SpectralNorm(NET, rng=1), "rng: .*got 1"),
    "in_features": (lambda: nn.Linear(0, 3, rng=RNG), "in_features: expected an int >= 1, got 0"),
    "out_features": (lambda: nn.Linear(2, 3.0, rng=RNG), "out_features: expected an int.*got 3.0"),
    "pieces": (lambda: nn.Maxout(2, 3, True, rng=RNG), "pieces: expected an int >= 1, got True"),
    "in_features, too large": (
        lambda: nn.Linear(10**30, 1, rng=RNG),
        r"in_features: expected less than 2\*\*31, got 10",
    ),
    "stride of Conv2d, too large": (
        lambda: nn.Conv2d(1, 1, 1, stride=10**30, rng=RNG),
        r"stride: expected less than 2\*\*31, got 10",
    ),
    "dim": (lambda: nn.Unflatten("x", (2, 2)), "dim: expected an int, got 'x'"),
    "kernel_dims": (
        lambda: nn.MinibatchDiscrimination(2, 3, 0, rng=RNG),
        "kernel_dims: expected an int >= 1, got 0",
    ),
    "rng of MinibatchDiscrimination": (
        lambda: nn.MinibatchDiscrimination(2, 3, 4, rng=1),
        "rng: .*got 1",
    ),
    "in_channels": (lambda: nn.Conv2d(0, 1, 1, rng=RNG), "in_channels: .*got 0"),
    "kernel_size": (lambda: nn.Conv2d(1, 1, 0, rng=RNG), "kernel_size: .*got 0"),
    "kernel_size, bool": (lambda: nn.Conv2d(1, 1, True, rng=RNG), "kernel_size: .*got True"),
    "kernel_size, negative": (lambda: nn.Conv2d(1, 1, (2, -1), rng=RNG), r"kernel_size: .*-1\)"),
    "kernel_size of a transpose": (
        lambda: nn.ConvTranspose2d(1, 1, True, rng=RNG),
        "kernel_size: .*got True",
    ),
    "padding of Conv2d, bool": (lambda: nn.Conv2d(1, 1, 1, 1, True, rng=RNG), "padding: .*True"),
    "stride of Conv2d": (lambda: nn.Conv2d(1, 1, 1, 0, rng=RNG), "stride: .*got 0"),
    "padding of Conv2d": (lambda: nn.Conv2d(1, 1, 1, 1, -1, rng=RNG), "padding: .*got -1"),
    "output_padding": (
        lambda: nn.ConvTranspose2d(1, 1, 1, 2, 0, 2, rng=RNG),
        r"output_padding: expected less than the stride \(2, 2\), got \(2, 2\)",
    ),
    "num_embeddings": (lambda: nn.Embedding(0, 1, rng=RNG), "num_embeddings: .*got 0"),
    "p": (lambda: nn.Dropout(1.0, rng=RNG), r"p: expected a number in \[0, 1\), got 1.0"),
    "std": (lambda: nn.GaussianNoise(-1, rng=RNG), r"std: expected a number in \[0, inf\), got -1"),
    "slope": (lambda: nn.LeakyReLU(np.inf), r"negative_slope: .* in \(-inf, inf\), got inf"),
    "slope, NaN": (lambda: nn.LeakyReLU(float("nan")), "negative_slope: .*got nan"),
    "num_features": (lambda: nn.BatchNorm1d(-1), "num_features: .*got -1"),
    "eps": (lambda: nn.BatchNorm1d(1, -1), r"eps: expected a number in \[0, inf\), got -1"),
    "momentum": (
        lambda: nn.BatchNorm1d(1, momentum=2),
        r"momentum: expected a number in \[0, 1\], got 2",
    ),
    "momentum above 1": (lambda: nn.BatchNorm1d(1, momentum=1 + 1e-10), "momentum: .*got 1.0000"),
    "eps of InstanceNorm2d": (lambda: nn.InstanceNorm2d(1, "x"), "eps: .*got 'x'"),
    "normalized_shape": (lambda: nn.LayerNorm(2.5), "normalized_shape: .*got 2.5"),
    "normalized_shape, 0": (lambda: nn.LayerNorm((2, 0)), "normalized_shape: .*got 0"),
    "unflattened_size": (lambda: nn.Unflatten(1, 6), "unflattened_size: expected .*got 6"),
    "unflattened_size, 0": (lambda: nn.Unflatten(1, (0, 2)), "unflattened_size: .*got 0"),
    "scale_factor": (lambda: nn.Upsample(scale_factor=1.5), "scale_factor: .*got 1.5"),
    "mode": (lambda: nn.Upsample(scale_factor=2, mode="cubic"), "mode: expected .*got 'cubic'"),
    "upscale_factor": (lambda: nn.PixelShuffle(0), "upscale_factor: .*got 0"),
    "padding": (lambda: nn.ReflectionPad2d((1, 2)), r"padding: expected .*four.*got \(1, 2\)"),
    "padding, float": (lambda: nn.ReflectionPad2d(1.5), "padding: expected .*got 1.5"),
    "padding, negative": (lambda: nn.ReflectionPad2d(-1), "padding: expected .*got -1"),
    "padding, bool": (lambda: nn.ReflectionPad2d(True), "padding: expected .*got True"),
    "iterations": (lambda: nn.SpectralNorm(NET, 0, rng=RNG), "n_power_iterations: .*got 0"),
    "spectral layer": (
        lambda: nn.SpectralNorm(nn.Tanh(), rng=RNG),
        r"SpectralNorm: expected a layer with a weight, got Tanh\(\)",
    ),
    "weight norm's layer": (
        lambda: nn.WeightNorm(nn.Embedding(2, 2, rng=RNG)),
        r"WeightNorm: expected a layer with a weight, got Embedding\(",
    ),
    "weight norm of a norm": (
        lambda: nn.WeightNorm(nn.WeightNorm(NET)),
        r"WeightNorm: expected a layer with a weight, got WeightNorm\(Linear",
    ),
    "weight norm of nothing": (
        lambda: nn.WeightNorm(zeroed(nn.Linear(3, 2, rng=RNG))),
        r"WeightNorm: the weight of an output of Linear\(.*\) is 0 or NaN",
    ),
    "sequential": (lambda: nn.Sequential(NET, 3), "Sequential: layer 1 must be a Module, got 3"),
    "residual": (lambda: nn.Residual(NET, 3), "Residual: layer 1 must be a Module, got 3"),
}
INPUTS = {
    "Linear": (lambda: NET(zeros(2, 4)), r"Linear: expected 3 elements along axis -1.*\(2, 4\)"),
    "Linear of a number": (lambda: NET(1.0), r"Linear: expected 3 .*shape \(\)"),
    "dtype": (lambda: NET(zeros(2, 3, dtype=np.float64)), "Linear: the input is float64.*float32"),
    "Maxout": (lambda: nn.Maxout(3, 1, 2, rng=RNG)(zeros(2, 4)), "Maxout: expected 3 elements"),
    "MinibatchDiscrimination": (
        lambda: nn.MinibatchDiscrimination(3, 1, 2, rng=RNG)(zeros(2, 4)),
        r"MinibatchDiscrimination: expected 3 elements along axis -1.*\(2, 4\)",
    ),
    "MinibatchDiscrimination, one example": (
        lambda: nn.MinibatchDiscrimination(3, 1, 2, rng=RNG)(zeros(3)),
        r"MinibatchDiscrimination: expected \(N, 3\), got shape \(3,\)",
    ),
    "MinibatchDiscrimination, dtype": (
        lambda: nn.MinibatchDiscrimination(3, 1, 2, rng=RNG)(zeros(2, 3, dtype=np.float64)),
        "MinibatchDiscrimination: the input is float64",
    ),
    "Conv2d": (lambda: nn.Conv2d(3, 1, 1, rng=RNG)(X), r"Conv2d: expected \(N, C, H, W\), got"),
    "Conv2d, channels": (
        lambda: nn.Conv2d(2, 1, 1, rng=RNG)(IMAGES),
        "Conv2d: expected 2 elements",
    ),
    "Embedding": (lambda: nn.Embedding(3, 1, rng=RNG)(X), "Embedding: expected integer .*float32"),
    "Embedding, high": (
        lambda: nn.Embedding(3, 1, rng=RNG)(np.array([0, 3])),
        r"Embedding: expected indices in 0\.\.2, got 0\.\.3",
    ),
    "Embedding, low": (
        lambda: nn.Embedding(3, 1, rng=RNG)(np.array([-1, 2])),
        r"Embedding: expected indices in 0\.\.2, got -1\.\.2",
    ),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3)(IMAGES), r"BatchNorm1d: expected \(N, C\).*got"),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(3)(X), r"BatchNorm2d: expected \(N, C, H, W\), got"),
    "one example": (lambda: nn.BatchNorm1d(3)(zeros(1, 3)), r"no variance, got shape \(1, 3\)"),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(3)(X), "InstanceNorm2d: expected"),
    "one pixel": (
        lambda: nn.InstanceNorm2d(3)(zeros(2, 3, 1, 1)),
        r"no variance, got \(2, 3, 1, 1\)",
    ),
    "LayerNorm": (lambda: nn.LayerNorm((2, 2))(X), r"ends in \(2, 2\), got \(2, 3\)"),
    "LayerNorm, dtype": (
        lambda: nn.LayerNorm(3)(zeros(2, 3, dtype=np.float64)),
        "LayerNorm: the input is float64 but the weights are float32",
    ),
    "one feature": (lambda: nn.LayerNorm(1)(zeros(2, 1)), "LayerNorm: one value has no variance"),
    "LayerNorm, empty": (
        lambda: nn.LayerNorm(3)(zeros(0, 3)),
        r"LayerNorm: expected at least one example, got shape \(0, 3\)",
    ),
    "Flatten": (lambda: nn.Flatten()(zeros(2)), r"Flatten: expected at least 2 axes, got .*\(2,\)"),
    "Unflatten": (
        lambda: nn.Unflatten(1, (2, 2))(X),
        "Unflatten: expected 4 elements along axis 1",
    ),
    "Unflatten, dim": (lambda: nn.Unflatten(2, (2, 2))(X), "Unflatten: .*along axis 2.*"),
    "PixelShuffle": (lambda: nn.PixelShuffle(2)(IMAGES), "PixelShuffle: .*divisible by 4.*"),
    "Upsample": (lambda: nn.Upsample(scale_factor=2)(X), r"Upsample: expected \(N, C, H, W\), got"),
    "Residual": (lambda: nn.Residual(NET)(X), r"Residual: its layers give \(2, 2\) for \(2, 3\)"),
    "ReflectionPad2d": (lambda: nn.ReflectionPad2d(4)(IMAGES), r"widths \(4, 4\) reach beyond"),
    "WeightNorm": (
        lambda: nn.WeightNorm(nn.Linear(3, 2, rng=RNG))(zeros(2, 4)),
        r"Linear: expected 3 elements along axis -1.*\(2, 4\)",
    ),
    "WeightNorm, dtype": (
        lambda: nn.WeightNorm(nn.Linear(3, 2, rng=RNG))(zeros(2, 3, dtype=np.float64)),
        "Linear: the input is float64.*float32",
    ),
    "one example for the start": (
        lambda: data_dependent_init(nn.WeightNorm(nn.Linear(3, 2, rng=RNG)), X[:1]),
        r"data_dependent_init: an output of Linear\(.* does not vary .*shape \(1, 2\)",
    ),
    "no network for the start": (
        lambda: data_dependent_init(None, X),
        "network: expected a Module, got NoneType",
    ),
    "equal examples for the start": (
        lambda: data_dependent_init(nn.WeightNorm(nn.Conv2d(3, 2, 1, rng=RNG)), 0.1 * IMAGES),
        r"data_dependent_init: an output of Conv2d\(.* does not vary .*shape \(2, 2, 4, 4\)",
    ),
    "fans": (lambda: init.xavier_normal_(P[1], rng=RNG), r"fans need at least 2 axes.*\(2,\)"),
    "orthogonal": (
        lambda: init.orthogonal_(P[1], rng=RNG),
        r"parameter: .*2 axes, got shape \(2,\)",
    ),
}
LOSSES = {
    "bce": (lambda: losses.bce_with_logits(X, zeros(2)), r"logits \(2, 3\) and targets \(2,\)"),
    "mse": (lambda: losses.mse(X, zeros(2, 1)), r"mse: predictions \(2, 3\) and targets \(2, 1\)"),
    "mse of a number": (lambda: losses.mse(0.0, X), r"mse: predictions \(\) and targets \(2, 3\)"),
    "l1": (lambda: losses.l1(X, zeros(3)), r"l1: predictions \(2, 3\) and targets \(3,\)"),
    "bools": (
        lambda: losses.bce_with_logits(X.data > 0, zeros(2, 3)),
        "bce_with_logits: logits: expected numbers, got bool",
    ),
    "a number for logits": (
        lambda: losses.cross_entropy(0, np.array([0, 1])),
        r"cross_entropy: expected logits \(N, K\), got 0",
    ),
    "reduction": (
        lambda: losses.mse(X, X, "max"),
        "reduction: expected 'mean', 'sum' or 'none', got",
    ),
    "labels": (lambda: losses.cross_entropy(X, zeros(2)), "cross_entropy: labels must be integers"),
    "one label": (lambda: losses.cross_entropy(X, 1), "labels must be integers, got 1"),
    "too few labels": (
        lambda: losses.cross_entropy(X, np.array([1])),
        r"expected logits \(N, K\) and labels \(N,\), got \(2, 3\) and \(1,\)",
    ),
    "high label": (
        lambda: losses.cross_entropy(X, np.array([0, 3])),
        r"cross_entropy: expected labels in 0\.\.2, got 0\.\.3",
    ),
    "low label": (
        lambda: losses.cross_entropy(X, np.array([-1, 2])),
        r"cross_entropy: expected labels in 0\.\.2, got -1\.\.2",
    ),
}
OPTIMIZERS = {
    "none": (lambda: optim.SGD([], 0.1), "parameters: expected at least one, got none"),
    "twice": (lambda: optim.SGD([*P, P[0]], 0.1), "parameters: one of them is there twice"),
    "dtypes": (
        lambda: optim.SGD([nn.Parameter(np.ones(1)), nn.Parameter(np.ones(1, np.float32))], 0.1),
        "parameters: expected one backend and dtype, got .*float32.*float64",
    ),
    "lr": (lambda: optim.Adam(P, -1.0), r"lr: expected a number in \[0, inf\), got -1.0"),
    "lr is no number": (lambda: optim.Adam(P, float("nan")), "lr: .*got nan"),
    "lr is infinite": (lambda: optim.Adam(P, float("inf")), "lr: .*got inf"),
    "lr is a string": (lambda: optim.SGD(P, "0.1"), "lr: .*got '0.1'"),
    "eps of Adam": (lambda: optim.Adam(P, eps=0), r"eps: expected a number in \(0, inf\), got 0"),
    "eps of RMSprop": (lambda: optim.RMSprop(P, eps=-1), r"eps: .*\(0, inf\), got -1"),
    "one beta": (lambda: optim.Adam(P, betas=0.5), "betas: expected two numbers .*got 0.5"),
    "three betas": (lambda: optim.Adam(P, betas=(0.5,) * 3), "betas: expected two numbers"),
    "no steps": (lambda: optim.linear(0.1, 0.0, 0), r"steps: .*\(0, inf\), got 0"),
    "end of a line": (lambda: optim.linear(0.1, -1.0, 9), "end: .*got -1.0"),
    "start of a decay": (lambda: optim.exponential_decay(np.nan, 2), "start: .*got nan"),
    "a rate that grows": (lambda: optim.exponential_decay(1, 0.9), r"rate: .*\[1, inf\), got 0.9"),
    "least of a decay": (lambda: optim.exponential_decay(1, 2, -1), "minimum: .*got -1"),
    "steps of a cosine": (lambda: optim.cosine_decay(0.1, -5), "steps: .*got -5"),
    "start of a cosine": (lambda: optim.cosine_decay(np.inf, 5), "start: .*got inf"),
    "a network for parameters": (lambda: optim.Adam(NET), "parameters: .* list of .*got Linear"),
    "one parameter": (lambda: optim.Adam(P[0]), "parameters: .*list of tensors, got Parameter"),
    "arrays for parameters": (
        lambda: optim.Adam([p.data for p in P]),
        r"parameters\[0\]: expected a Tensor, got ndarray",
    ),
    "one gradient": (lambda: optim.SGD(P, 0.1).step(X), "grads: .*list of tensors, got Tensor"),
    "no gradients": (lambda: optim.SGD(P, 0.1).step(None), "grads: .*got NoneType"),
    "arrays for gradients": (
        lambda: optim.SGD(P, 0.1).step([p.data for p in P]),
        r"grads\[0\]: expected a Tensor, got ndarray",
    ),
    "clipping one tensor": (lambda: optim.clip_grad_value(X, 1), "grads: .*got Tensor"),
    "clipping nothing": (lambda: optim.clip_grad_norm([], 1.0), "grads: .*at least one, got none"),
    "no state": (lambda: optim.Adam(P).load_state_dict(None), "arrays by name, got NoneType"),
    "momentum": (lambda: optim.SGD(P, 0.1, 1.0), r"momentum: expected .*\[0, 1\), got 1.0"),
    "alpha": (lambda: optim.RMSprop(P, 0.1, -0.5), r"alpha: expected .*\[0, 1\), got -0.5"),
    "beta 1": (lambda: optim.Adam(P, betas=(1.0, 0.9)), r"betas\[0\]: .*got 1.0"),
    "beta 2": (lambda: optim.Adam(P, betas=(0.9, -1)), r"betas\[1\]: .*got -1"),
    "weight_decay": (lambda: optim.Adam(P, weight_decay=-1), r"weight_decay: .*\[0, inf\), got -1"),
    "decay": (lambda: optim.EMA(NET, 1.0), r"decay: expected a number in \[0, 1\), got 1.0"),
    "max_norm": (lambda: optim.clip_grad_norm([X], 0), r"max_norm: .*\(0, inf\], got 0"),
    "limit": (lambda: optim.clip_grad_value([X], -1), r"limit: .*\(0, inf\], got -1"),
    "too few gradients": (lambda: optim.SGD(P, 0.1).step([X]), "grads: expected 2, got 1"),
    "shape of a gradient": (
        lambda: optim.SGD(P, 0.1).step([zeros(2, 3), zeros(1)]),
        r"grads\[1\]: expected \(2,\) of float32, got \(1,\) of float32",
    ),
    "dtype of a gradient": (
        lambda: optim.SGD(P, 0.1).step([zeros(2, 3, dtype=np.float64), zeros(2)]),
        r"grads\[0\]: expected \(2, 3\) of float32, got \(2, 3\) of float64",
    ),
    "state of another kind": (
        lambda: optim.Adam(P).load_state_dict(optim.SGD(P, 0.1).state_dict()),
        r"load_state_dict: expected \['m', 't', 'v'\], got \['t', 'v'\]",
    ),
    "state of another size": (
        lambda: optim.SGD(P, 0.1).load_state_dict(optim.SGD(P[:1], 0.1).state_dict()),
        r"load_state_dict: 'v' has shape \(6,\), expected \(8,\)",
    ),
    "no formula": (lambda: optim.Optimizer(P, 0.1).step(P), r"Optimizer defines no update\(\)"),
}
GAMES = {
    "epsilon": (
        lambda: gan.one_sided_smoothing(gan.minimax, 2),
        r"epsilon: expected a number in \[0, 1\], got 2",
    ),
    "fake": (lambda: gan.label_smoothing(gan.minimax, 0.1, 2), r"fake: .*\[0, 1\], got 2"),
    "width": (lambda: gan.label_noise(gan.minimax, -1, rng=RNG), "width: .*got -1"),
    "width, NaN": (lambda: gan.label_noise(gan.minimax, np.nan, rng=RNG), "width: .*got nan"),
    "epsilon, a string": (lambda: gan.one_sided_smoothing(gan.minimax, "1"), "epsilon: .*got '1'"),
    "rng of noise": (lambda: gan.label_noise(gan.minimax, rng=0), "rng: .*got 0"),
    "rng of flips": (lambda: gan.label_flips(gan.minimax, rng=None), "rng: .*got None"),
    "flips": (lambda: gan.label_flips(gan.minimax, 1.5, rng=RNG), "p: .*got 1.5"),
    "m": (lambda: next(play(gan.minimax, *[None] * 6, m=0)), "m: expected an int >= 1, got 0"),
    "m, bool": (lambda: next(play(gan.minimax, *[None] * 6, m=True)), "m: .*got True"),
    "k": (lambda: next(play(gan.minimax, *[None] * 6, k=1.5)), "k: expected an int.*got 1.5"),
    "m at once": (
        lambda: next(gan.play_simultaneously(gan.minimax, *[None] * 6, m=-1)),
        "m: expected an int >= 1, got -1",
    ),
    "images of two shapes": (
        lambda: gan.wgan_gp(rng=RNG)(NET, X, zeros(1, 3)),
        r"wgan_gp: real \(2, 3\) and fake \(1, 3\) must have one shape",
    ),
}
TABLE = {
    f"{group}: {name}": mistake
    for group, table in {
        "Tensor": TENSORS,
        "ops": OPS,
        "conv": CONV,
        "nn": LAYERS,
        "forward": INPUTS,
        "losses": LOSSES,
        "optim": OPTIMIZERS,
        "gan": GAMES,
    }.items()
    for name, mistake in table.items()
}


@pytest.mark.parametrize("name", TABLE)
def test_the_message_says_what_is_wrong(name):
    mistake, message = TABLE[name]
    with pytest.raises((ValueError, TypeError), match=message):
        mistake()
