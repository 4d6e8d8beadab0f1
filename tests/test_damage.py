"""Files that were damaged or replaced, each read by a command, and damaged requests to the lab's
server: see `damage.py` and `lab_damage.py`."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import tinygan

FILES = os.environ.get("TINYGAN_FUZZ_FILES", "40")
REQUESTS = os.environ.get("TINYGAN_FUZZ_REQUESTS", "200")
SEED = "0" if os.environ.get("CI") else str(random.randrange(10**9))

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs fork and /proc")


@pytest.mark.parametrize(
    "command",
    [
        ["damage.py", "--replay"],
        ["damage.py", "--files", FILES, "--seed", SEED],
        ["lab_damage.py", "--requests", REQUESTS, "--seed", SEED],
    ],
    ids=["finds", "random", "requests"],
)
def test_damage_gives_one_line_in_time_and_changes_nothing(command):
    """TINYGAN_FUZZ_FILES and TINYGAN_FUZZ_REQUESTS are the numbers of random files and requests
    (default: 40 and 200)."""
    package = {"PYTHONPATH": str(Path(tinygan.__file__).parent.parent)}
    found = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(command[0])), *command[1:]],
        capture_output=True,
        text=True,
        env={**os.environ, **package},
    )
    assert found.returncode == 0, found.stdout + found.stderr
