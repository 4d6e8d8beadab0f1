"""The one exception that means: what you gave cannot be used, and the message says why.

The command line turns it into one line and exit status 2. Any other exception is a defect of
tinygan's own and keeps its traceback.
"""

__all__ = ["InputError"]


class InputError(ValueError):
    """Bad input from outside: a file, a name, an option, a checkpoint, a missing backend."""
