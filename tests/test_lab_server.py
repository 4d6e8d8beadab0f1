"""The lab's server: what it answers, and that it refuses anything else in one line."""

import builtins
import http.client
import json
import re
import socket
import struct
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygan.lab import pages, server
from tinygan.lab.server import LabServer
from tinygan.lab.session import Session

PAGE = "page-0001"


class Stub:
    """An engine that notes its messages."""

    def __init__(self):
        self.messages = []

    def answer(self, message):
        self.messages.append(message)
        return b"reply to " + message


class Lab:
    """A server in a thread, whose engines are Stubs."""

    def __init__(self, make=Stub):
        self.engines = []
        self.server = LabServer(0, lambda: self.engines.append(make()) or self.engines[-1])
        self.thread = threading.Thread(target=self.server.serve_forever, args=[0.02])
        self.thread.start()
        self.host, self.token = self.server.hosts[0], self.server.token

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)

    def request(self, method="POST", name="engine", body=b'{"op": "x"}', headers=None, page=PAGE):
        """The status, headers and body of a request that a page sends, with other `headers`."""
        usual = {"Content-Type": "application/json", "Lab-Page": page} if method != "GET" else {}
        connection = self.connect()
        body = body if method == "POST" else None
        connection.request(method, f"/{self.token}/{name}", body, {**usual, **(headers or {})})
        reply = connection.getresponse()
        found = reply.status, reply.headers, reply.read()
        connection.close()
        return found

    def raw(self, data, end=False):
        """All bytes of the reply to bytes; `end` says that no more will come."""
        with socket.create_connection(("127.0.0.1", self.server.port), 20) as connection:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(1 << 16), b""))


@pytest.fixture
def lab():
    one = Lab()
    yield one
    one.close()


def test_the_page_and_its_files_are_sent(lab):
    status, headers, body = lab.request("GET", "")
    assert status == 200 and body == (server.STATIC / "index.html").read_bytes()
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Content-Security-Policy"].startswith("default-src 'self'; script-src 'self' ")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    for path in server.STATIC.iterdir():
        status, headers, body = lab.request("GET", f"{path.name}?a=/../b")
        assert (status, body) == (200, path.read_bytes())
        assert headers["Content-Type"] == server.TYPES[path.suffix]
    assert lab.request("HEAD", "main.js")[::2] == (200, b"")
    assert json.loads(lab.request("GET", "config.json")[2]) == {"engine": "local", "edit": False}


def test_messages_reach_the_session_of_their_page(lab):
    same = {"Origin": f"http://{lab.host}", "Content-Type": "application/json; charset=utf-8"}
    assert lab.request(body=b"1", headers=same)[::2] == (200, b"reply to 1")
    local = {"Host": lab.server.hosts[1], "Origin": f"http://{lab.server.hosts[1]}"}
    assert lab.request(body=b"2", headers=local)[::2] == (200, b"reply to 2")
    assert lab.request(body=b"3", page="page-0002")[::2] == (200, b"reply to 3")
    assert [engine.messages for engine in lab.engines] == [[b"1", b"2"], [b"3"]]


def test_a_connection_carries_several_requests(lab):
    connection = lab.connect()
    headers = {"Content-Type": "application/json", "Lab-Page": PAGE}
    for body in (b"1", b"2"):
        connection.request("POST", f"/{lab.token}/engine", body, headers)
        assert connection.getresponse().read() == b"reply to " + body
    connection.close()


def test_a_body_of_the_largest_size_is_read(lab):
    body = b"x" * server.BODY
    assert lab.request(body=body)[::2] == (200, b"reply to " + body)


def post(*changes, target="/TOKEN/engine", method="POST", version="HTTP/1.1", body=b"{}"):
    """The bytes of a good request but for changed headers: "Name: value", or "Name" for none."""
    lines = {
        "Host": "Host: HOST",
        "Content-Type": "Content-Type: application/json",
        "Lab-Page": f"Lab-Page: {PAGE}",
        "Content-Length": f"Content-Length: {len(body)}",
    }
    for i, change in enumerate(changes):
        name, colon, _ = change.partition(":")
        lines[f"{name} {i}" if name in map(str.strip, changes[:i]) else name] = change
        if not colon:
            del lines[name]
    head = [f"{method} {target} {version}", *lines.values(), "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def get(target, *changes, method="GET"):
    return post("Content-Length", *changes, target=target, method=method, body=b"")


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
    "POST beside the engine": (post(target="/TOKEN/./engine"), 405, "POST: expected the address"),
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


def good(lab, *changes):
    request = post(*changes, body=b"12345678")
    return request.replace(b"TOKEN", lab.token.encode()).replace(b"HOST", lab.host.encode())


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


def test_a_body_in_pieces_is_put_together(lab):
    with socket.create_connection(("127.0.0.1", lab.server.port), 20) as connection:
        for piece in (good(lab)[:-5], good(lab)[-5:-2], good(lab)[-2:]):
            connection.sendall(piece)
            time.sleep(0.02)
        assert b"200 OK" in connection.recv(1 << 16)
    assert lab.engines[0].messages == [b"12345678"]


def test_a_ninth_page_ends_the_session_that_was_used_least_recently(lab):
    names = [f"page-{i:04}" for i in range(pages.SESSIONS)]
    for name in (*names, names[0], "page-more"):
        assert lab.request(page=name)[0] == 200
    status, _, body = lab.request(page=names[1])
    assert status == 410 and body.endswith(b"(there are at most 8): reload it\n")
    assert lab.request(page=names[0])[0] == 200 and len(lab.engines) == 9


def test_messages_of_one_page_are_answered_one_after_the_other():
    class Slow(Stub):
        inside = 0

        def answer(self, message):
            self.inside += 1
            time.sleep(0.02)
            alone = self.inside == 1
            self.inside -= 1
            return str(alone).encode()

    lab = Lab(Slow)
    replies = []
    ask = lambda: replies.append(lab.request()[2])  # noqa: E731
    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lab.close()
    assert replies == [b"True"] * 6 and len(lab.engines) == 1


def test_ending_a_session_ends_a_loop_without_end():
    class Loop(Stub):
        def answer(self, message):
            self.messages.append(message)
            while True:
                pass

    lab = Lab(Loop)
    replies = []
    thread = threading.Thread(target=lambda: replies.append(lab.request()))
    thread.start()
    while not (lab.engines and lab.engines[0].messages):
        time.sleep(0.01)
    assert lab.request("DELETE", headers={})[::2] == (200, b"")
    thread.join(20)
    assert replies[0][0] == lab.request()[0] == 410
    assert lab.request("DELETE", headers={})[0] == 200  # there is nothing more to end
    lab.close()


def test_a_bug_of_the_engine_is_reported_here_and_there(capfd):
    class Wrong(Stub):
        def answer(self, message):
            raise RuntimeError("first\nsecond")

    lab = Lab(Wrong)
    assert lab.request()[::2] == (500, b"the engine stopped: first\n")
    lab.close()
    printed, start = "", time.monotonic()
    while "RuntimeError: first" not in printed and time.monotonic() < start + 20:
        printed += capfd.readouterr().err
    assert "RuntimeError: first" in printed


def test_a_page_that_is_closed_before_its_reply_leaves_no_traceback(lab, capfd):
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", lab.server.port), 20) as connection:
            linger = struct.pack("ii", 1, 0)  # close with a reset
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            connection.sendall(good(lab))
    assert lab.request()[0] == 200
    assert capfd.readouterr().err == ""


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
