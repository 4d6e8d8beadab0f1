"""What only CuPy needs: matrix products and kernels that a CUDA graph may hold, and the graph.

Nothing here is imported before a GPU is asked for; each function takes the module cupy, or the
library that it calls, so that its logic is tested where there is neither.
"""
