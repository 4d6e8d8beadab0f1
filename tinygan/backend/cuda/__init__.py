"""What only CuPy needs: matrix products and kernels that a CUDA graph may hold, and the graph.

Nothing here is imported before a GPU is asked for. `load` imports CuPy; all others take the module
cupy, or the library that they call, so that their logic is tested where there is neither.
"""
