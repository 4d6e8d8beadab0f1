"""Files that were damaged or replaced, each read by a command: see `damage.py`."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import tinygan

FUZZER = Path(__file__).with_name("damage.py")
FILES = os.environ.get("TINYGAN_FUZZ_FILES", "40")
SEED = 0 if os.environ.get("CI") else random.randrange(10**9)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs fork and /proc")


@pytest.mark.parametrize(
    "options",
    [["--replay"], ["--files", FILES, "--seed", str(SEED)]],
    ids=["finds", "random"],
)
def test_a_damaged_file_gives_one_line_in_time_and_changes_nothing(options):
    """TINYGAN_FUZZ_FILES is the number of random files (default: 40)."""
    package = {"PYTHONPATH": str(Path(tinygan.__file__).parent.parent)}
    found = subprocess.run(
        [sys.executable, str(FUZZER), *options],
        capture_output=True,
        text=True,
        env={**os.environ, **package},
    )
    assert found.returncode == 0, found.stdout + found.stderr
