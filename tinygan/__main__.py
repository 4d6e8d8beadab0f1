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
        sys.unraisablehook = _unraisable
    try:
        from .commands.parser import main
    except ImportError as problem:
        from .errors import lacks_memory, to_stderr

        if not lacks_memory(problem):
            raise
        to_stderr("tinygan: out of memory")
        return 2
    status = 0
    try:
        if listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        status = main()
        return status
    except KeyboardInterrupt:  # the second: `main` was about to report the first
        _stop()
    finally:
        if listens:  # until Python has ended; a second Ctrl-C ends it without another line
            signal.signal(signal.SIGINT, signal.SIG_DFL if status == 130 else _stop)


def _stop(*signal: object) -> NoReturn:
    """End the process at once. An exception would pass through modules that are half loaded."""
    try:
        os.write(2, b"tinygan: stopped\n")
    finally:
        os._exit(130)


def _unraisable(problem: "sys.UnraisableHookArgs") -> None:
    """Stop after Ctrl-C in a callback, as of a weak reference: Python would go on."""
    if issubclass(problem.exc_type, KeyboardInterrupt):
        _stop()
    sys.__unraisablehook__(problem)


if __name__ == "__main__":
    sys.exit(main())
