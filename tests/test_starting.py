"""Commands while their modules are loaded: Ctrl-C, and too little memory."""

import os
import subprocess
import sys
from pathlib import Path

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
    done = subprocess.run(child, capture_output=True, text=True, timeout=600)
    assert done.returncode == 2 and done.stderr.startswith("tinygan: out of memory")
    assert done.stderr.count("\n") == 1 and (run / "checkpoint.safetensors").is_file()
    assert main(["train", "--resume", str(run), "--quiet"]) == 0 and (run / "curves.png").is_file()


CTRL_C = """
import os, runpy, signal, sys

class CtrlC:
    def find_spec(name, path=None, target=None):
        if name == at:
            os.kill(os.getpid(), signal.SIGINT)

at = sys.argv.pop()
sys.meta_path.insert(0, CtrlC)
sys.argv = ["tinygan", "info"]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
"""
WAYS = {
    "python -m tinygan": "runpy.run_module('tinygan', run_name='__main__')",
    "tinygan": "from tinygan.__main__ import main; sys.exit(main())",
}
LOADED = [
    *("tinygan.commands.parser", "tinygan.errors", "numpy", "numpy.random"),
    *("tinygan.backend.cpu", "tinygan.nn", "tinygan.commands.evaluate", "tinygan.training"),
]


@pytest.mark.parametrize("module", LOADED)
@pytest.mark.parametrize("way", WAYS)
def test_ctrl_c_while_a_module_is_loaded_is_one_line(way, module):
    child = [sys.executable, "-c", CTRL_C + WAYS[way], module]
    done = subprocess.run(child, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "tinygan: stopped\n")


AT_EXIT = """
import atexit, os, signal, sys
from tinygan.__main__ import main

signal.signal(signal.SIGINT, signal.default_int_handler)
atexit.register(os.kill, os.getpid(), signal.SIGINT)
sys.argv = ["tinygan", "--version"]
sys.exit(main())
"""


def test_ctrl_c_while_python_ends_is_one_line():
    done = subprocess.run(
        [sys.executable, "-c", AT_EXIT], capture_output=True, text=True, timeout=600
    )
    assert (done.returncode, done.stderr) == (130, "tinygan: stopped\n")


IN_A_CALLBACK = """
import os, signal, sys, weakref
from tinygan import __main__
from tinygan.commands import info

class Freed:
    pass

def run(args):
    freed = Freed()
    seen = weakref.ref(freed, lambda _: os.kill(os.getpid(), signal.SIGINT))
    del freed
    print("it goes on")

signal.signal(signal.SIGINT, signal.default_int_handler)
info.run = run
sys.argv = ["tinygan", "info"]
sys.exit(__main__.main())
"""


def test_ctrl_c_in_a_callback_ends_the_command():
    done = subprocess.run(
        [sys.executable, "-c", IN_A_CALLBACK], capture_output=True, text=True, timeout=600
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "tinygan: stopped\n")


NO_ROOM = """
import sys
from tinygan.__main__ import main

class NoRoom:
    def find_spec(name, path=None, target=None):
        if name == "numpy":
            raise ImportError("\\nRead this\\nnumpy.so: failed to map segment from shared object")

sys.meta_path.insert(0, NoRoom)
sys.argv = ["tinygan", "info"]
sys.exit(main())
"""


def test_too_little_memory_to_load_numpy_is_one_line():
    done = subprocess.run(
        [sys.executable, "-c", NO_ROOM], capture_output=True, text=True, timeout=600
    )
    assert (done.returncode, done.stderr) == (2, "tinygan: out of memory\n")


TWICE = """
import os, signal, sys
from tinygan import __main__
from tinygan.commands import parser

def interrupted(*args, **options):
    os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
parser.commands = parser.stop = interrupted  # the second arrives while the first is reported
sys.exit(__main__.main())
"""


def test_two_ctrl_c_are_one_line():
    done = subprocess.run(
        [sys.executable, "-c", TWICE], capture_output=True, text=True, timeout=600
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "tinygan: stopped\n")


def test_the_command_is_installed_with_this_entry_and_imports_no_numpy_before_it_listens():
    pyproject = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert '\ntinygan = "tinygan.__main__:main"\n' in pyproject
    loaded = "import sys, tinygan.__main__; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True)
    assert done.stdout == "False\n"
