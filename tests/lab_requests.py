"""A server of the lab in a thread, and requests to it, for test_lab_server.py and
test_lab_refused.py."""

import http.client
import socket
import threading

import pytest

from tinygan.lab.server import LabServer

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


def good(lab, *changes):
    request = post(*changes, body=b"12345678")
    return request.replace(b"TOKEN", lab.token.encode()).replace(b"HOST", lab.host.encode())
