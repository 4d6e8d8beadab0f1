"""The option `tinygan --completion SHELL`: a script that completes commands, options and values.

It is made from the parser by shtab. A value is completed as a file or a folder if its metavar says
so, or by the names that `shared.offer` has given it.
"""

import argparse
import importlib.util
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import InputError, choose
from .shared import say

COMPLETES = (
    "print a script for a shell, such as bash or zsh, that completes commands and their options: "
    """eval "$(tinygan --completion bash)" in ~/.bashrc; first: pip install 'tinygan[completion]'"""
)
FILES = "FILE", "CHECKPOINT"
FOLDERS = "RUN", "DIR"


class Completion(argparse.Action):
    """Print the script and exit."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Raise InputError if shtab is missing, or does not know the shell."""
        say(script(parser, str(values)))
        parser.exit()


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script that completes the commands of the parser in a shell.

    Raises InputError if shtab is missing, or does not know the shell."""
    if importlib.util.find_spec("shtab") is None:
        raise InputError("--completion: shtab is not installed; pip install 'tinygan[completion]'")
    import shtab

    choose("--completion", shell, shtab.SUPPORTED_SHELLS)
    for action in _actions(parser):
        if action.metavar in FILES:
            vars(action)["complete"] = shtab.FILE
        elif action.metavar in FOLDERS:
            vars(action)["complete"] = shtab.DIRECTORY
        elif names := getattr(action, "names", None):
            action.choices = tuple(names() if callable(names) else names)
    return str(shtab.complete(parser, shell)).rstrip()


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The options and arguments of the parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _actions(each)
