"""A layer as a function of its input and of its parameters, so that both can vary."""

import numpy as np
from cases import Point, smooth

from tinygan import nn


def functional(module):
    """(function, parameters): the module as a function of an input and of all its parameters.

    Every attribute is visited, because SpectralNorm and WeightNorm keep their layer in a private
    one.
    """
    homes, parameters = [], module.parameters()
    numbers = {parameter: i for i, parameter in enumerate(parameters)}

    def visit(owner):
        for name, value in vars(owner).items():
            if isinstance(value, nn.Parameter):
                homes.append((owner, name, numbers[value]))
            elif isinstance(value, nn.Module):
                visit(value)
            elif isinstance(value, list):
                for item in value:
                    visit(item)

    visit(module)

    def function(x, *values):
        dtype = (values or (x,))[0].dtype
        for owner, name, i in homes:
            setattr(owner, name, values[i])
        module.astype(dtype)  # the buffers
        return module(x)

    return function, [p.data.astype(np.float64) for p in parameters]


def point(layer, x, value, seed=None):
    """The layer at x. With a seed, each call restarts the generator of its noise."""
    function, parameters = functional(layer)

    def deterministic(x, *values):
        if seed is not None:
            layer.rng = np.random.default_rng(seed)
        return function(x, *values)

    return Point(deterministic, (x, *parameters), value, layer)


def randomized(layer, rng):
    """The layer with random scales and shifts: at 1 and 0 a wrong rule may look right."""
    for parameter in layer.parameters():
        parameter.data = smooth(rng, parameter.shape)
    return layer
