"""Commands while their modules are loaded: Ctrl-C, and too little memory."""

import os
import subprocess
import sys

import pytest

from tinygan.commands.parser import main

SMALL = """
import resource, sys
from tinygan.commands.parser import main
from tinygan.training import loop

draw = loop.draw

def limited(*args):
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[2]), resource.RLIM_INFINITY))
    draw(*args)

loop.draw = limited
words = "train --model mlp-small --batch 4 --steps 2 --quiet --ranks 1 --out".split()
sys.exit(main([*words, sys.argv[1]]))
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
@pytest.mark.parametrize("left", [100_000, 1_000_000, 4_000_000, 12_000_000])
def test_too_little_memory_to_load_a_module_is_one_line_and_the_run_is_saved(tmp_path, left):
    run = tmp_path / "run"
    child = [sys.executable, "-c", SMALL, str(run), str(left)]
    done = subprocess.run(child, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and done.stderr.startswith("tinygan: out of memory")
    assert done.stderr.count("\n") == 1 and (run / "checkpoint.safetensors").is_file()
    assert main(["train", "--resume", str(run), "--quiet"]) == 0 and (run / "curves.png").is_file()
