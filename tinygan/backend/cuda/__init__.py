"""Code for CuPy alone: kernels, matrix products that a CUDA graph can capture, and the graph.

`load` imports CuPy, and only when a GPU is requested. The other modules take the module cupy, or
the library that they call, as an argument, so their logic is tested without a GPU.
"""
