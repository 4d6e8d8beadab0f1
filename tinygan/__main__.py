"""The command `tinygan`, which is also `python -m tinygan`.

Loading NumPy and the commands takes a tenth of a second. So that Ctrl-C in this time prints one
line, this module imports nothing else before it listens.
"""

import os
import signal
import sys
from typing import NoReturn


def main() -> int:
    """Run the command line and return its exit status."""
    listens = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if listens:  # a job in the background ignores Ctrl-C
        signal.signal(signal.SIGINT, _stop)
    from .commands.parser import main

    try:
        if listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        status = main()
        if listens:  # until Python has ended
            signal.signal(signal.SIGINT, _stop)
        return status
    except KeyboardInterrupt:  # the second: `main` was about to report the first
        _stop()


def _stop(*signal: object) -> NoReturn:
    """End the process at once. An exception would pass through modules that are half loaded."""
    try:
        os.write(2, b"tinygan: stopped\n")
    finally:
        os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
