"""The CuPy backend: import CuPy, or explain why it does not work."""

import importlib.util
from typing import Any

import numpy as np

from ...errors import BackendUnavailable, first_line
from .blas import Blas, load_cublas
from .graph import Capturer, held
from .kernels import Kernels
from .reduce import reducer


def fields() -> dict[str, Any]:
    """The fields of a `backend.Backend` for CuPy.

    Raises BackendUnavailable if CuPy does not work."""
    cupy = _imported()

    def at(device: int) -> Any:
        count = cupy.cuda.runtime.getDeviceCount()
        if device >= count:
            raise BackendUnavailable(
                f"backend 'cupy:{device}': expected a device below {count}, the number of GPUs"
            )
        return cupy.cuda.Device(device)

    def from_host(array: np.ndarray, device: int) -> Any:
        with at(device):
            return cupy.array(array)

    return dict(
        name="cupy",
        xp=cupy,
        array_type=cupy.ndarray,
        from_host=from_host,
        to_host=cupy.asnumpy,
        kernels=Kernels(cupy).table,
        **_capture_fields(cupy),
        synchronize=lambda: cupy.cuda.get_current_stream().synchronize(),
        use=lambda device: at(device).use(),
        device=lambda: _device_name(cupy),
        held=lambda: held(cupy),
        free=lambda: int(cupy.cuda.runtime.memGetInfo()[0]),
        reducer=lambda MPI, world: reducer(cupy, MPI, world),
        release=lambda: cupy.get_default_memory_pool().free_all_blocks(),
    )


def _imported() -> Any:
    """The module cupy, after a test of one sum on the device.

    Raises BackendUnavailable, with the reason and a remedy, if it does not work."""
    install = "pip install 'tinygan[cuda13]' (CUDA 13) or 'tinygan[cuda12]' (CUDA 12)"
    if importlib.util.find_spec("cupy") is None:
        raise BackendUnavailable(f"backend 'cupy': CuPy is not installed; {install}")
    try:
        import cupy
    except Exception as problem:  # a broken wheel fails in many ways, all of them at import
        raise BackendUnavailable(
            f"backend 'cupy': CuPy does not import ({first_line(problem)}); {install}"
        ) from problem
    if not cupy.cuda.is_available():
        try:
            cupy.cuda.runtime.getDeviceCount()
            reason = "no device is visible"
        except cupy.cuda.runtime.CUDARuntimeError as problem:
            reason = first_line(problem)
        raise BackendUnavailable(
            f"backend 'cupy': CuPy {cupy.__version__} is installed but CUDA is not usable: {reason}"
            " (needs an NVIDIA GPU, and a driver >= 525 for CUDA 12 or >= 580 for CUDA 13)"
        )
    try:
        if int((cupy.arange(3) + 1).sum()) != 6:
            raise RuntimeError("a sum on the GPU is wrong")
    except Exception as problem:  # most often the compiler or the toolkit is missing
        raise BackendUnavailable(
            f"backend 'cupy': a first kernel fails ({first_line(problem)}); {install}"
        ) from problem
    return cupy


def _device_name(cupy: Any) -> str:
    runtime = cupy.cuda.runtime
    name = runtime.getDeviceProperties(runtime.getDevice())["name"].decode()
    return f"{name}, CuPy {cupy.__version__}"


def _capture_fields(cupy: Any) -> dict[str, Any]:
    """The fields `matmul` and `capturer`. Without cuBLAS, `matmul` is CuPy's own, which cannot be
    captured, so `capturer` raises RuntimeError with the reason."""
    try:
        library = load_cublas()
    except RuntimeError as problem:
        reason = f"no CUDA graphs: {first_line(problem)}"

        def refuse() -> Any:
            raise RuntimeError(reason)

        return {"matmul": cupy.matmul, "capturer": refuse}
    return {"matmul": Blas(cupy, library).matmul, "capturer": lambda: Capturer(cupy)}
