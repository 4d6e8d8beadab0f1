"""A layer as a function of its input and of its parameters, so that both can be moved."""

import numpy as np
from cases import Point, smooth

from tinygan import nn


def functional(module):
    """(function, parameters): the module as a function of an input and of all its parameters.

    SpectralNorm and WeightNorm keep a layer where attributes are not walked, so every attribute is
    looked at.
    """
    homes, parameters = [], module.parameters()
    numbers = {parameter: i for i, parameter in enumerate(parameters)}

    def look(owner):
        for name, value in vars(owner).items():
            if isinstance(value, nn.Parameter):
                homes.append((owner, name, numbers[value]))
            elif isinstance(value, nn.Module):
                look(value)
            elif isinstance(value, list):
                for item in value:
                    look(item)

    look(module)

    def function(x, *values):
        dtype = (values or (x,))[0].dtype
        for owner, name, i in homes:
            setattr(owner, name, values[i])
        module.astype(dtype)  # what is left: the buffers
        return module(x)

    return function, [p.data.astype(np.float64) for p in parameters]


def point(layer, x, value, seed=None):
    """The layer at x, with the generator of its noise started anew at each call."""
    function, parameters = functional(layer)

    def deterministic(x, *values):
        if seed is not None:
            layer.rng = np.random.default_rng(seed)
        return function(x, *values)

    return Point(deterministic, (x, *parameters), value, layer)


def randomized(layer, rng):
    """Scales and shifts start at 1 and 0: too special to prove anything."""
    for parameter in layer.parameters():
        parameter.data = smooth(rng, parameter.shape)
    return layer
