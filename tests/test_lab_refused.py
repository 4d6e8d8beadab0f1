"""The lab's server refuses in one line whatever does not come from its own page."""

import builtins
import json
import re
import socket
import struct
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_requests import Lab, get, good, post

from tinygan.lab import server
from tinygan.lab.session import Session

REFUSED = {
    # another origin, another host name, no token
    "no token": (post(target="/engine"), 403, "the token is missing"),
    "wrong token": (post(target="/TOKEn/engine"), 403, "the token is missing"),
    "more than the token": (post(target="/TOKENx/engine"), 403, "the token is missing"),
    "a part of the token": (post(target="/T/engine"), 403, "the token is missing"),
    "letters of no ASCII": (post(target="/\xe9\xff/engine"), 403, "the token is missing"),
    "the root": (get("/"), 403, "the token is missing"),
    "a token without a slash": (get("/TOKEN"), 403, "the token is missing"),
    "a target without a slash": (get("TOKEN/"), 403, "the token is missing"),
    "a token in the query": (get("/?/TOKEN/"), 403, "the token is missing"),
    "an absolute target": (get("http://HOST/TOKEN/"), 403, "the token is missing"),
    "an asterisk": (get("*"), 403, "the token is missing"),
    "no host": (post("Host"), 403, "answers only at 127.0.0.1:"),
    "another host": (post("Host: evil.example:80"), 403, "answers only at 127.0.0.1:"),
    "a host that begins well": (post("Host: HOST.evil.example"), 403, "answers only at"),
    "no port": (post("Host: 127.0.0.1"), 403, "answers only at"),
    "another host, a file": (get("/TOKEN/main.js", "Host: evil.example"), 403, "answers only at"),
    "another origin": (post("Origin: http://evil.example"), 403, "another origin"),
    "another port": (post("Origin: http://127.0.0.1:1"), 403, "another origin"),
    "another scheme": (post("Origin: https://HOST"), 403, "another origin"),
    "no origin of its own": (post("Origin: null"), 403, "another origin"),
    "an origin, a file": (get("/TOKEN/main.js", "Origin: http://a.example"), 403, "another origin"),
    "host twice": (post("Host: HOST\r\nHost: HOST"), 400, "Host: expected once, got 2 times"),
    # files
    "no such file": (get("/TOKEN/nothing.js"), 404, "no such file"),
    "a file of the package": (get("/TOKEN/../server.py"), 404, "no such file"),
    "a file of the system": (get("/TOKEN/../../../../../../etc/passwd"), 404, "no such file"),
    "an absolute path": (get("/TOKEN//etc/passwd"), 404, "no such file"),
    "an encoded path": (get("/TOKEN/..%2fserver.py"), 404, "no such file"),
    "an encoded name": (get("/TOKEN/%6dain.js"), 404, "no such file"),
    "a backslash": (get("/TOKEN/..\\server.py"), 404, "no such file"),
    "a zero byte": (get("/TOKEN/main.js\0"), 404, "no such file"),
    "a folder": (get("/TOKEN/main.js/"), 404, "no such file"),
    "a file and a body": (get("/TOKEN/", "Content-Length: 5"), 400, "GET: expected no body"),
    "a file and chunks": (get("/TOKEN/", "Transfer-Encoding: chunked"), 400, "expected no body"),
    # methods
    "GET of the engine": (get("/TOKEN/engine"), 405, "engine: expected POST, got GET"),
    "POST of a file": (post(target="/TOKEN/main.js"), 405, "POST: expected the address of the"),
    "POST of the page": (post(target="/TOKEN/"), 405, "POST: expected the address of the engine"),
    "POST to another address": (post(target="/TOKEN/./engine"), 405, "POST: expected the address"),
    "DELETE of a file": (post(target="/TOKEN/main.js", method="DELETE"), 405, "DELETE: expected"),
    "PUT": (post(method="PUT"), 501, "Unsupported method ('PUT')"),
    "OPTIONS": (post(method="OPTIONS"), 501, "Unsupported method ('OPTIONS')"),
    "CONNECT": (post(method="CONNECT", target="HOST"), 501, "Unsupported method ('CONNECT')"),
    "a method of no one": (post(method="post"), 501, "Unsupported method ('post')"),
    # messages
    "a simple type": (post("Content-Type: text/plain"), 415, "expected application/json"),
    "a form": (post("Content-Type: application/x-www-form-urlencoded"), 415, "application/json"),
    "no type": (post("Content-Type"), 415, "expected application/json"),
    "no page": (post("Lab-Page"), 400, "Lab-Page: expected 8 to 64 letters"),
    "a bad page": (post("Lab-Page: ../../../"), 400, "Lab-Page: expected 8 to 64 letters"),
    "a long page": (post(f"Lab-Page: {'x' * 65}"), 400, "Lab-Page: expected 8 to 64 letters"),
    "no length": (post("Content-Length"), 411, "Content-Length: expected, got none"),
    "chunks": (post("Transfer-Encoding: chunked"), 411, "Transfer-Encoding: expected a"),
    "a negative length": (post("Content-Length: -1"), 400, "expected a number of bytes"),
    "a length with a sign": (post("Content-Length: +2"), 400, "expected a number of bytes"),
    "a length in words": (post("Content-Length: two"), 400, "expected a number of bytes"),
    "a length in Arabic": (post("Content-Length: \xb2"), 400, "expected a number of bytes"),
    "two lengths": (post("Content-Length: 2\r\nContent-Length: 3"), 400, "got 2 times"),
    "a long body": (post(body=b"x" * ((256 << 10) + 1)), 413, "at most 262144 bytes"),
    "a huge length": (post("Content-Length: " + "9" * 4000), 413, "at most 262144 bytes"),
    # no HTTP
    "a long line": (get("/" + "x" * 70_000), 414, "URI Too Long"),
    "a long header": (post("Cookie: " + "x" * 70_000), 431, "Line too long"),
    "many headers": (post(*(f"X-{i}: 1" for i in range(120))), 431, "Too many headers"),
    "another version": (post(version="HTTP/2.0"), 505, "Invalid HTTP version (2.0)"),
    "a version without heads": (post(version="HTTP/0.9"), 505, "version (0.9)"),
    "a long header without heads": (
        post("Cookie: " + "x" * 70_000, version="HTTP/0.9"),
        431,
        "Line too long",
    ),
    "no version": (post(version="HTTP/x"), 400, "Bad request version ('HTTP/x')"),
    "no request": (b"hello\r\n\r\n", 400, "Bad request syntax ('hello')"),
    "bytes": (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n", 400, "Bad request"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_request_is_refused_in_one_line(lab, name, monkeypatch):
    request, status, line = REFUSED[name]
    for file in (builtins, "open"), (Path, "open"), (Path, "read_bytes"):
        monkeypatch.setattr(*file, lambda *_, **__: pytest.fail("a file was opened"))
    request = request.replace(b"TOKEN", lab.token.encode()).replace(b"HOST", lab.host.encode())
    reply = lab.raw(request)  # to its end: the connection is closed
    head, _, body = reply.partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.1 (\d+)", head)[1].decode() == str(status)
    assert b"Content-Type: text/plain; charset=utf-8\r\n" in head and b"nosniff" in head
    assert line in body.decode() and body.count(b"\n") == 1 and body.endswith(b"\n")
    assert lab.engines == [] and lab.token not in body.decode()


def test_a_wrong_request_does_not_wait_for_its_whole_body(lab):
    head = post("Content-Length: 999999").replace(b"TOKEN", lab.token.encode())
    start = time.monotonic()
    assert b"answers only at" in lab.raw(head.replace(b"HOST", b"other"))
    assert b"at most 262144 bytes" in lab.raw(head.replace(b"HOST", lab.host.encode()))
    assert time.monotonic() - start < server.SECONDS / 2


def test_a_body_that_ends_early_is_refused(lab):
    reply = lab.raw(good(lab)[:-3], end=True)
    assert b" 400 " in reply and b"the body ended after 5 of 8 bytes\n" in reply
    assert lab.engines == [] or lab.engines[0].messages == []


def test_a_request_that_comes_slowly_is_refused(lab, monkeypatch):
    monkeypatch.setattr(server, "SECONDS", 0.3)
    assert b"the body did not come within 0.3 seconds\n" in lab.raw(good(lab)[:-3])
    with socket.create_connection(("127.0.0.1", lab.server.port), 20) as connection:
        start = time.monotonic()
        connection.settimeout(0.05)
        reply = None
        for byte in good(lab):  # a byte at a time, none of them late
            try:
                connection.sendall(bytes([byte]))
                reply = connection.recv(1 << 16)
                break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert not reply and time.monotonic() - start < 10
    assert all(engine.messages == [] for engine in lab.engines)


@pytest.fixture(scope="module")
def shared_lab():
    one = Lab()
    yield one
    one.close()


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_get_one_reply_or_none(shared_lab, noise, place):
    """Random bytes, alone and within a good request. Then the next page is answered."""
    message = good(shared_lab)
    for data in (noise, message[:place] + noise + message[place:]):
        reply = shared_lab.raw(data, end=True)
        assert re.match(rb"(HTTP/1\.1 (200|4\d\d|501|505) .*)?\Z", reply, re.DOTALL)
    assert shared_lab.request(page="page-last")[0] == 200


ODD = [
    b"", b"\xff", b"[" * 200_000, b'{"a":' * 40_000, b"NaN", b"1" * 200_000, b"[]", b"null",
    b'{"op": 1}', b'{"op": "answer"}', b'{"op": "__init__"}', b'{"op": "play", "rounds": 1e999}',
    b'{"op": "play", "rounds": 1001}', b'{"op": "play", "self": 1}', b'{"op": "start", "query": 1}',
    b'{"op": "start", "query": "seed=\\ud800"}', b'{"op": "\\u0000"}', b'{"op": "play"}' * 2,
]  # fmt: skip


def test_odd_messages_get_an_error_of_one_line():
    lab = Lab(Session)
    for message in ODD:
        status, _, body = lab.request(body=message)
        (n,) = struct.unpack("<I", body[:4])
        header = json.loads(body[4 : 4 + n])
        assert status == 200 and len(body) == 4 + n, message[:40]
        assert header["error"]["message"] and "\n" not in header["error"]["message"], message[:40]
        assert len(header["error"]["message"]) < 300, message[:40]
    lab.close()
