"""The command `tinygan lab`: watch the code of a GAN as it runs, in the browser."""

from __future__ import annotations

import argparse
import threading
import webbrowser
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from ..errors import InputError
from ..experiments.options import whole
from .shared import NEEDS_NONE, say

if TYPE_CHECKING:
    from ..lab.settings import Settings
    from .shared import Parsers

VIEW = ("language", "speed", "hide")  # in an address, but for the page alone
ROWS = 10  # of the table of losses


def add_parser(parsers: Parsers) -> None:
    """Add the command and its options."""
    parser = parsers.add_parser(
        "lab",
        help="watch the code train a GAN, in the browser",
        description="Open a page that shows the engine's source next to the game that it plays. "
        "The page is served on this computer only; Ctrl-C ends it. With --export, it is written as "
        "a static site that runs the engine in the browser. "
        + f"{NEEDS_NONE} The browser loads Pyodide from the web for such a site, unless --pyodide "
        "gives a copy.",
    )
    add = parser.add_argument
    port = "the port (default: a free one)"
    add("--port", type=whole(0, 65535), default=0, metavar="N", help=port)
    add("--no-browser", action="store_true", help="print the address and open no browser")
    edit = (
        "let the page run the code that is typed into it, with all rights of this process; open "
        "the address yourself then: others on this computer can see what opens in a browser"
    )
    add("--allow-edit", action="store_true", help=edit)
    state = "begin with these settings: what stands behind # in the address of a page"
    add("--state", default="", metavar="TEXT", help=state)
    rounds = "open no page: play N rounds here, and print the numbers that the page would show"
    add("--rounds", type=whole(1), metavar="N", help=rounds)
    add("--export", metavar="DIR", help="write a static site for any web host, and serve nothing")
    copy = "with --export: a copy of Pyodide to put into the site (default: a public CDN's)"
    add("--pyodide", metavar="DIR", help=copy)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, export it, or play without it; return the exit status.

    Raises InputError for options that do not go together."""
    if args.pyodide is not None and args.export is None:
        raise InputError("--pyodide: works only with --export")
    serves = args.export is None and args.rounds is None
    for option, given in (("--port", args.port), ("--allow-edit", args.allow_edit)):
        if given and not serves:
            raise InputError(f"{option}: does not work with --export or --rounds")
    if args.export is not None and (args.rounds is not None or args.state):
        raise InputError("--export: does not work with --rounds or --state")
    if args.export is not None:
        return _export(args)
    settings = _settings(args.state)
    if args.rounds is not None:
        return _play(settings, args.rounds)
    return _serve(args)


def _settings(text: str) -> Settings:
    """The settings that stand in an address. Raises InputError if they are not valid."""
    from ..lab.settings import read_query

    pairs = parse_qsl(text.removeprefix("#"), keep_blank_values=True)
    try:
        return read_query(urlencode([pair for pair in pairs if pair[0] not in VIEW]))
    except InputError as problem:
        raise InputError(f"--state: {problem}") from problem


def _export(args: argparse.Namespace) -> int:
    from ..lab.export import export

    say(f"{export(args.export, args.pyodide)}: a static site; open it through a web server")
    return 0


def _play(settings: Settings, rounds: int) -> int:
    import numpy as np

    from .. import gan
    from ..lab.picture import Camera
    from ..lab.run import Run
    from ..lab.source import load

    if settings.exhibit:
        raise InputError("--state: exhibit: works only on the page")
    run = Run(settings, load({}))
    game = gan.play(run.game, *run.players, m=settings.m, k=settings.k, penalty=run.penalty)
    with np.errstate(all="ignore"):  # a run may diverge: its losses say so
        for i, (d_loss, g_loss, *_) in zip(range(1, rounds + 1), game, strict=False):
            if i % -(-rounds // ROWS) == 0 or i == rounds:
                say(f"round {i}: loss of D {d_loss.item()!r}, loss of G {g_loss.item()!r}")
    found, _ = Camera(run).take()
    if found["of_modes"] is not None:
        share = f"{found['share']!r} of the samples lie near one"
        say(f"{found['modes']} of {found['of_modes']} modes; {share}")
    return 0


def _serve(args: argparse.Namespace) -> int:
    from ..lab.server import LabServer
    from ..lab.session import Session

    edit = args.allow_edit
    with LabServer(args.port, lambda: Session(allow_edit=edit), edit=edit) as server:
        address = server.address + (f"#{args.state.removeprefix('#')}" if args.state else "")
        say(f"{address}\nCtrl-C ends the lab.")
        if not (
            args.no_browser or edit
        ):  # in a thread: a browser in the terminal would block the server
            threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
        server.serve_forever()
    return 0
