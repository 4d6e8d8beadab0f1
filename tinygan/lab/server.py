"""The local way to reach the engine: an HTTP server on 127.0.0.1.

    GET  /TOKEN/            the page; its files have addresses below it
    GET  /TOKEN/config.json tells the page which way it is: {"engine": "local", "edit": false}
    POST /TOKEN/engine      a message to the session of the page that the header Lab-Page names;
                            the reply is what `Session.answer` returns
    DELETE /TOKEN/engine    ends the session of a page, also while it computes

Only a program that knows the random token is answered. A web page of another origin, or one whose
host name was made to point here, is refused even if it knows the token. A refused request gets one
line of text. Only files that were listed when the server started are read, and no part of an
address becomes part of a path.
"""

import contextlib
import http
import http.server
import io
import json
import os
import re
import secrets
import socket
import socketserver
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError, first_line
from .pages import SESSIONS, Ended, Engine, Pages

HOST = "127.0.0.1"
STATIC = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
POLICY = {  # Content-Security-Policy of the page; an export writes it into the page
    "default-src": "'self'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "img-src": "'self' data:",
    "base-uri": "'none'",
    "form-action": "'none'",
}
BODY = 256 << 10  # bytes that a message may have
SECONDS = 30.0  # for a whole request to arrive, counted from the last reply
LINGER = 1.0  # seconds in which the rest of a refused request is read and thrown away
PAGE = re.compile(r"[0-9a-zA-Z-]{8,64}")


def files() -> dict[str, Path]:
    """The files of the page by name."""
    return {path.name: path for path in STATIC.iterdir() if path.suffix in TYPES}


def policy(rules: Mapping[str, str]) -> str:
    """The text of a Content-Security-Policy."""
    return "; ".join(f"{name} {value}" for name, value in rules.items())


class LabServer(socketserver.ThreadingTCPServer):
    """The server of one lab. `address` is the address to open; `serve_forever` answers requests.

    `make` opens a session: each page that is open has its own. Port 0 takes a free port.

    Raises InputError if the port cannot be used.
    """

    daemon_threads = True  # Ctrl-C does not wait for a computation
    allow_reuse_address = os.name == "posix"  # elsewhere it would share a port that is in use
    request_queue_size = 32

    def __init__(self, port: int, make: Callable[[], Engine], *, edit: bool = False) -> None:
        self.token = secrets.token_urlsafe(24)
        self.files = files()
        self.config = json.dumps({"engine": "local", "edit": edit}).encode()
        self.pages = Pages(make)
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as problem:
            reason = getattr(problem, "strerror", None) or "expected in [0, 65535]"
            raise InputError(f"--port {port}: {reason}") from problem
        self.port = self.server_address[1]
        self.hosts = (f"{HOST}:{self.port}", f"localhost:{self.port}")
        self.address = f"http://{self.hosts[0]}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print a traceback, unless the page has gone: it was closed before its reply came."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Refused(Exception):
    """A request that is not answered: its HTTP status and one line for the person who sent it."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


class _Timed(io.RawIOBase):
    """The bytes that a socket receives until `deadline`; then a read raises TimeoutError."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.deadline = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.connection.settimeout(left)
        return self.connection.recv_into(buffer)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: LabServer
    protocol_version = default_request_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # with it, 15 pictures a second
    server_version, sys_version = "tinygan", ""

    def setup(self) -> None:
        super().setup()
        self.timed = _Timed(self.connection)
        self.rfile = io.BufferedReader(self.timed)

    def handle_one_request(self) -> None:
        self.timed.deadline = time.monotonic() + SECONDS
        super().handle_one_request()

    def parse_request(self) -> bool:
        """Read the head of a request, and refuse versions before 1.0."""
        if not super().parse_request():
            return False
        _, version = self.request_version.split("/")
        if not version.startswith("1."):
            self.send_error(505, f"Invalid HTTP version ({version})")
            return False
        return True

    def do_GET(self) -> None:
        self._answer(self._file)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self._answer(self._message)

    def do_DELETE(self) -> None:
        self._answer(self._end)

    def _answer(self, find: Callable[[str], tuple[str, bytes]]) -> None:
        try:
            kind, body = find(self._name())
        except _Refused as refused:
            self.send_error(refused.status, str(refused))
        except Exception as bug:
            self.send_error(500, f"the engine stopped: {first_line(bug)}")
            raise
        else:
            self._send(200, kind, body)

    def _name(self) -> str:
        """The name after the token. Raises _Refused if the request may not be answered."""
        if self._only("Host") not in self.server.hosts:
            raise _Refused(403, f"this server answers only at {' and '.join(self.server.hosts)}")
        origin = self._only("Origin")
        if origin is not None and origin != f"http://{self._only('Host')}":
            raise _Refused(403, "a page of another origin is not answered")
        parts = re.fullmatch(r"/([^/]*)/([^?]*)(\?.*)?", self.path, re.DOTALL)
        token, name = parts.group(1, 2) if parts else ("", "")
        if not secrets.compare_digest(token.encode("latin-1"), self.server.token.encode()):
            raise _Refused(403, "the token is missing: open the address that `tinygan lab` printed")
        return name

    def _only(self, header: str) -> str | None:
        """The value of a header; None if it is not sent. Raises _Refused if it is sent twice."""
        values = self.headers.get_all(header, [])
        if len(values) > 1:
            raise _Refused(400, f"{header}: expected once, got {len(values)} times")
        return values[0] if values else None

    def _file(self, name: str) -> tuple[str, bytes]:
        self._no_body()
        if name == "engine":
            raise _Refused(405, f"engine: expected POST, got {self.command}")
        if name == "config.json":
            return TYPES[".json"], self.server.config
        path = self.server.files.get(name or "index.html")
        if path is None:
            raise _Refused(404, "there is no such file")
        return TYPES[path.suffix], path.read_bytes()

    def _message(self, name: str) -> tuple[str, bytes]:
        page = self._page(name)
        if self.headers.get_content_type() != "application/json":
            raise _Refused(415, "Content-Type: expected application/json")
        try:
            return "application/octet-stream", self.server.pages.answer(page, self._body())
        except Ended:
            line = f"the session of this page has ended (there are at most {SESSIONS}): reload it"
            raise _Refused(410, line) from None

    def _end(self, name: str) -> tuple[str, bytes]:
        page = self._page(name)
        self._no_body()
        self.server.pages.end(page)
        return "text/plain; charset=utf-8", b""

    def _page(self, name: str) -> str:
        if name != "engine":
            raise _Refused(405, f"{self.command}: expected the address of the engine")
        page = self._only("Lab-Page") or ""
        if PAGE.fullmatch(page) is None:
            raise _Refused(400, "Lab-Page: expected 8 to 64 letters, digits or hyphens")
        return page

    def _no_body(self) -> None:
        if self._only("Content-Length") not in (None, "0") or self._only("Transfer-Encoding"):
            raise _Refused(400, f"{self.command}: expected no body")

    def _body(self) -> bytes:
        if self._only("Transfer-Encoding") is not None:
            raise _Refused(411, "Transfer-Encoding: expected a Content-Length instead")
        length = self._only("Content-Length")
        if length is None:
            raise _Refused(411, "Content-Length: expected, got none")
        if re.fullmatch(r"[0-9]+", length, re.ASCII) is None:
            raise _Refused(400, "Content-Length: expected a number of bytes")
        if len(length) > 9 or int(length) > BODY:
            raise _Refused(413, f"Content-Length: expected at most {BODY} bytes")
        try:
            body = self.rfile.read(int(length))
        except TimeoutError:
            raise _Refused(408, f"the body did not come within {SECONDS:g} seconds") from None
        if len(body) < int(length):
            raise _Refused(400, f"the body ended after {len(body)} of {length} bytes")
        return body

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.connection.settimeout(SECONDS)
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": policy({**POLICY, "frame-ancestors": "'none'"}),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        }.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse the request with one line and close the connection.

        What is left of the request is read for a moment: a connection that is closed with unread
        bytes is reset, and the line would be lost."""
        self.close_connection = True
        self.request_version = self.protocol_version  # a reply to HTTP/0.9 would have no head
        line = message or http.HTTPStatus(code).phrase
        self._send(code, "text/plain; charset=utf-8", f"{line}\n".encode())
        self.timed.deadline = time.monotonic() + LINGER
        with contextlib.suppress(OSError):  # the sender has gone, or sends without an end
            self.connection.shutdown(socket.SHUT_WR)
            while self.rfile.read1(BODY):
                pass

    def log_message(self, *parts: Any) -> None:
        """Print nothing: an address has the token in it."""
