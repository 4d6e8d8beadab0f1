"""Run `tinygan` as on another system: without the calls that it lacks.

    echo train --steps 2 | python tests/other_system.py Windows     a command on each line

Where /proc lists the files that a process has open, "Windows" also refuses what Windows refuses: to
replace, rename or remove an open file, to open a folder, and names such as "a:b", "aux.txt" or
"a.". Everywhere, a request to the network fails, and so does text that is read or written in the
encoding of the system.
"""

import os
import re
import shlex
import signal
import sys
import warnings
from contextlib import suppress

LINUX = {os: "memfd_create posix_fallocate sched_getaffinity sched_setaffinity waitid"}
POSIX = {
    os: "fork forkpty register_at_fork killpg getpgid setsid getuid geteuid getgid getegid mkfifo"
    " mknod sysconf statvfs chown fchmod lchown nice O_DIRECTORY O_NOFOLLOW"
    " O_NONBLOCK O_NOCTTY O_CLOEXEC",
    signal: "SIGHUP SIGQUIT SIGUSR1 SIGPIPE SIGALRM alarm setitimer pthread_sigmask siginterrupt",
}
MISSING = {"macOS": (LINUX,), "Windows": (LINUX, POSIX)}
MODULES = {"macOS": (), "Windows": ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty")}
TEMPORARY = getattr(os, "O_TMPFILE", 0) & ~getattr(os, "O_DIRECTORY", 0)  # of a file without a name
NAMES = re.compile(r'(con|prn|aux|nul|com\d|lpt\d)(\..*)?|.*[<>:"|?*\\\x00-\x1f].*|.*[. ]', re.I)


def imitate(system):
    """Turn this process into one of "macOS" or "Windows", as far as it can be."""
    for part in MISSING[system]:
        for module, names in part.items():
            for name in names.split():
                if hasattr(module, name):
                    delattr(module, name)
    for name in MODULES[system]:
        sys.modules[name] = None
    warnings.filterwarnings("error", category=EncodingWarning, module="tinygan")
    sys.addaudithook(offline)
    if system == "Windows" and os.path.isdir("/proc/self/fd"):
        sys.addaudithook(refuse)


def offline(event, arguments):
    """Raise OSError for a request that would leave this computer."""
    asks = event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname")
    if asks and not re.search(r"'(127\.|localhost'|::1')", repr(arguments)):
        raise OSError(f"no network: {arguments}")


def refuse(event, arguments):
    """Raise PermissionError for a call that Windows would refuse."""
    if event == "open" and not isinstance(arguments[0], int):
        name, _, flags = arguments
        if flags & os.O_CREAT:
            check_name(name)
        elif not flags & TEMPORARY and os.path.isdir(name):
            raise PermissionError(13, "Windows opens no folder", str(name))
    elif event == "os.mkdir":
        check_name(arguments[0])
    elif event in ("os.rename", "os.remove"):
        names = arguments[:2] if event == "os.rename" else arguments[:1]
        for name in names:
            if os.path.realpath(name) in held():
                raise PermissionError(13, "the file is open, or a file in the folder", str(name))
        check_name(names[-1])


def check_name(path):
    for name in os.fspath(path).split(os.sep)[-2:]:
        if NAMES.fullmatch(name) or len(name) > 255:
            raise OSError(22, "Windows refuses this name", str(path))


def held():
    """The paths of the open and mapped files of this process, and of their folders."""
    found = set()
    for entry in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # that of the list itself
            found.add(os.readlink(f"/proc/self/fd/{entry}"))
    with open("/proc/self/maps", encoding="utf-8") as lines:
        found.update(line.rstrip("\n").split(None, 5)[-1] for line in lines)
    return found | {os.path.dirname(path) for path in found}


if __name__ == "__main__":
    imitate(sys.argv[1])
    from tinygan.__main__ import main

    for line in sys.stdin:
        sys.argv = ["tinygan", *shlex.split(line)]
        print(f"status {main()}", flush=True)
