"""Objects that can stand in place of a regular file, for tests of files that are read."""

import os
import socket
from pathlib import Path

KINDS = ("folder", "pipe", "socket", "device")


def make(path, kind):
    """Make a folder, a pipe, a socket or a link to a device at `path`; any other kind is the target
    of a link."""
    match kind:
        case "folder":
            Path(path).mkdir()
        case "pipe":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as listener:
                here = os.getcwd()
                os.chdir(Path(path).parent)  # the name of a socket is short
                listener.bind(Path(path).name)
                os.chdir(here)
        case "device":
            Path(path).symlink_to("/dev/zero")
        case target:
            Path(path).symlink_to(target)
