"""process.tune: large blocks that are freed and asked for again cost no page faults."""

import os
import platform
import subprocess
import sys

import pytest

CODE = """
import resource
import numpy as np
from tinygan.backend import process

process.tune()

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

for _ in range(3):
    a = [np.ones(1 << 20) for _ in range(4)]
    del a
before = faults()
for _ in range(10):
    a = [np.ones(1 << 20) for _ in range(4)]
    del a
print(faults() - before)
"""


def faults(**environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    result = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(result.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_memory_that_was_freed_is_used_again():
    assert faults() < 100
    assert faults(MALLOC_MMAP_THRESHOLD_="131072") > 1000  # the environment has the last word
