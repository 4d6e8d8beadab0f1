"""Carry a case to a device: its tensors, and what its function closes over."""

import types

import numpy as np
from cases import Point

from tinygan import backend as backends
from tinygan import nn


def carried(value, backend):
    """`value` with every NumPy array in it moved; functions of the tests are made anew around what
    they close over, modules are moved in place."""
    if isinstance(value, np.ndarray):
        return backends.move(value, backend)
    if isinstance(value, nn.Module):
        return value.to(backend)
    if isinstance(value, list):
        return [carried(item, backend) for item in value]
    if isinstance(value, tuple):
        items = [carried(item, backend) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if not isinstance(value, types.FunctionType) or not value.__closure__:
        return value
    if value.__module__.startswith("tinygan"):
        return value
    cells = (types.CellType(carried(cell.cell_contents, backend)) for cell in value.__closure__)
    return types.FunctionType(
        value.__code__, value.__globals__, value.__name__, value.__defaults__, tuple(cells)
    )


def carry(point: Point, backend: str, dtype: type = np.float64):
    """The function of a point and its tensors, on another backend."""
    return carried(point.function, backend), [x.to(backend) for x in point.tensors(dtype)]
