"""Other work on the machine: processes that each keep a core busy."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

# It also ends if the process that started it was killed.
LOOP = "import os\nwhile os.getppid() == {}: sum(range(100_000))"


@contextmanager
def busy(n: int) -> Iterator[None]:
    """Run n busy processes during the block."""
    command = [sys.executable, "-I", "-S", "-c", LOOP.format(os.getpid())]
    with ExitStack() as stack:
        for _ in range(n):
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield
