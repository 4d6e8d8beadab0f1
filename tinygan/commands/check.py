"""The command `tinygan check`: check the answer to an exercise of the book."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..language import Text, language
from .shared import NEEDS_NONE, add_language, say

if TYPE_CHECKING:
    from .shared import Parsers

HOW = Text(
    "Write the function in a file, and check it:\n  tinygan check {number} FILE",
    "함수를 파일에 쓰고 확인하세요:\n  tinygan check {number} 파일",
)


def add_parser(parsers: Parsers) -> None:
    """Add the command and its options."""
    parser = parsers.add_parser(
        "check",
        help="check the answer to an exercise of the book",
        description="Check the function in FILE, the answer to an exercise of the book (see "
        "examples/book/): the first wrong number, its right value, and a hint. The file is run in "
        "a process of its own. " + NEEDS_NONE,
        epilog="Exit status: 0 if the answer is right, 1 if it is not.",
    )
    parser.add_argument("number", metavar="EXERCISE", nargs="?", help="such as 4.1")
    parser.add_argument("file", metavar="FILE", nargs="?", help="a Python file with the function")
    add_language(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print a list of the exercises, one exercise or the report on an answer; return the exit
    status.

    Raises InputError if there is no such exercise, or if the file cannot be checked."""
    from ..exercises import find, numbers
    from ..exercises.process import check_file

    chosen = language(args.lang)
    if args.number is None:
        say("\n".join(f"{number}  {find(number).signature}" for number in numbers()))
        return 0
    exercise = find(args.number)
    if args.file is None:
        say(f"{exercise.number} {exercise.signature}\n\n{exercise.task.of(chosen)}\n")
        say(HOW.of(chosen).format(number=exercise.number))
        return 0
    sys.stdout.flush()  # before what the file prints
    verdict = check_file(args.number, args.file, chosen)
    say(verdict.report)
    return 0 if verdict.right else 1
