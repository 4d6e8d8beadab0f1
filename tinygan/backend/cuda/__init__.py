"""Code for CuPy alone: kernels, matrix products that a CUDA graph can capture, and the capture.

`load` imports CuPy, and only when a GPU is requested. The other modules get the module cupy, or
another library that they call, as an argument, so their logic is tested without a GPU.
"""
