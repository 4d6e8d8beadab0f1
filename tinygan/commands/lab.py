"""The command `tinygan lab`: watch the code of a GAN as it runs, in the browser."""

from __future__ import annotations

import argparse
import threading
import webbrowser
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from .shared import Parsers


def add_parser(parsers: Parsers) -> None:
    """Add the command and its options."""
    parser = parsers.add_parser(
        "lab",
        help="watch the code train a GAN, in the browser",
        description="Open a page that shows the engine's source beside the game that it plays. "
        "The page is served on this computer only; Ctrl-C ends it. With --export, it is written as "
        "a static site that runs the engine in the browser.",
    )
    add = parser.add_argument
    add("--port", type=int, default=0, metavar="N", help="the port (default: a free one)")
    add("--no-browser", action="store_true", help="print the address and open no browser")
    edit = "let the page run the code that is typed into it, with all rights of this process"
    add("--allow-edit", action="store_true", help=edit)
    add("--export", metavar="DIR", help="write a static site for any web host, and serve nothing")
    copy = "with --export: a copy of Pyodide to put into the site (default: a public CDN's)"
    add("--pyodide", metavar="DIR", help=copy)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, or export it; return the exit status.

    Raises InputError for options that do not go together."""
    if args.pyodide is not None and args.export is None:
        raise InputError("--pyodide: works only with --export")
    if args.export is not None:
        return _export(args)
    return _serve(args)


def _export(args: argparse.Namespace) -> int:
    from ..lab.export import export

    print(f"{export(args.export, args.pyodide)}: a static site; open it through a web server")
    return 0


def _serve(args: argparse.Namespace) -> int:
    from ..lab.server import LabServer
    from ..lab.session import Session

    edit = args.allow_edit
    with LabServer(args.port, lambda: Session(allow_edit=edit), edit=edit) as server:
        print(f"{server.address}\nCtrl-C ends the lab.", flush=True)
        if not args.no_browser:  # in a thread: a browser in the terminal would block the server
            threading.Thread(target=webbrowser.open, args=[server.address], daemon=True).start()
        server.serve_forever()
    return 0
