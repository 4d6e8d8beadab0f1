"""Damage to the requests that the lab's server gets, and the fuzzer that makes it at random.

    python tests/lab_damage.py --requests 10000         about fifteen minutes

A find is a request after which the server printed something, took longer than 10 s or twice the
memory of the largest game, wrote a file, kept a connection, answered by a status that is none of
its own, or did not answer the next good request. `test_damage.py` sends a few hundred.
"""

import argparse
import contextlib
import json
import os
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from edits import VALUES, drawn, edited
from lab_requests import post

from tinygan.lab.session import OPS
from tinygan.lab.settings import FORM

SECONDS = 10.0
PAGES = [f"page-{i:04}" for i in range(12)]  # more than the server has sessions
LARGEST = "m=1024&g_width=256&d_width=256&penalty=wgan-gp"
STATUSES = {100, 200, 400, 403, 404, 405, 408, 410, 411, 413, 414, 415, 431, 501, 505}
METHODS = ("GET", "HEAD", "POST", "DELETE", "PUT", "OPTIONS", "get", "", "X" * 70_000)
TARGETS = (
    "/TOKEN/", "/TOKEN/engine", "/TOKEN/main.js", "/TOKEN/config.json", "/TOKEN/../server.py", "/",
    "/TOKEN", "/TOKEN//etc/passwd", "/x/engine", "*", "http://HOST/TOKEN/", "/" + "x" * 70_000,
)  # fmt: skip
NAMES = (
    "Host", "Origin", "Lab-Page", "Content-Type", "Content-Length", "Transfer-Encoding", "Expect",
    "Connection", "Cookie", "X" * 1000,
)  # fmt: skip
HEADERS = (
    "", "0", "-1", "+2", "2", "1e9", "9" * 4000, "262145", "HOST", "http://HOST", "null", "chunked",
    "100-continue", "close", "keep-alive", "application/json", "text/plain", "page-0001",
    "x" * 70_000, "\xff", "\0", "a\r\n b", "a\r\n\r\nGET /TOKEN/ HTTP/1.1",
)  # fmt: skip
VERSIONS = ("HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.x", "", "HTTP/" + "1" * 4000)
WAYS = ("whole", "whole", "pieces", "cut", "reset", "left")


def message(rng: random.Random) -> bytes:
    """A message to the engine, most often with a value that it does not expect."""
    op = rng.choice([*OPS, "engine"])
    fields = dict(OPS[op][1]) if op in OPS else {}
    for name in fields:
        if name == "query" and rng.random() < 0.8:
            some = rng.sample(sorted(FORM), rng.randrange(4))
            pairs = [(each, _setting(rng, each)) for each in some]
            fields[name] = urlencode(pairs, errors="ignore")
        elif rng.random() < 0.5:
            fields[name] = rng.choice(VALUES)
    return json.dumps({"op": op} | fields).encode()


def _setting(rng, name):
    """A value of a setting, at the ends of its range or anywhere."""
    field = FORM[name]
    ends = field.choices if hasattr(field, "choices") else (field.low, field.high)
    return rng.choice((*ends, *ends, *ends, rng.choice(VALUES)))


def request(rng: random.Random) -> bytes:
    """The bytes that are sent, with the words TOKEN and HOST."""
    body, changes, line = message(rng), [f"Lab-Page: {rng.choice(PAGES)}"], {}
    if rng.random() < 0.4:
        some = rng.sample(NAMES, rng.choice((1, 1, 2)))
        changes += [f"{name}: {rng.choice(HEADERS)}" for name in some]
        if rng.random() < 0.5:
            given = {"method": METHODS, "target": TARGETS, "version": VERSIONS}
            line = {name: rng.choice(given[name]) for name in rng.sample(sorted(given), 2)}
    data = post(*changes, body=body, **line)
    return edited(data, drawn(rng, "", data)) if rng.random() < 0.4 else data


class Lab:
    """A process of `tinygan lab` in an empty folder."""

    def __init__(self, root: Path) -> None:
        self.root, self.err = root / "root", open(root / "err", "wb+")  # noqa: SIM115
        self.root.mkdir()
        own = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(self.root))
        own["MALLOC_ARENA_MAX"] = "1"  # else each thread keeps its own freed memory
        self.process = subprocess.Popen(
            [sys.executable, "-B", "-m", "tinygan", "lab", "--no-browser"],
            stdout=subprocess.PIPE, stderr=self.err, cwd=self.root, env={**os.environ, **own},
        )  # fmt: skip
        address = self.process.stdout.readline().decode()
        self.host, self.token = re.match("http://(.*)/(.*)/", address).groups()
        self.left: list[socket.socket] = []  # connections that are left open
        for page in PAGES[:8]:
            assert self.good(page, op="start", query=LARGEST) is None
        assert self.good(PAGES[0], op="film") is None
        self.memory, self.handles = self._peak(), self._open()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.err.close()

    def _peak(self):
        """The largest memory that the server has had, in KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0])

    def _open(self):
        """The number of the server's open files and connections."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def _whole(self, data):
        return data.replace(b"TOKEN", self.token.encode()).replace(b"HOST", self.host.encode())

    def good(self, page: str, **fields) -> str | None:
        """Send a good message; return the fault of its reply, or None."""
        data = post(f"Lab-Page: {page}", "Connection: close", body=json.dumps(fields).encode())
        reply = self.sent(self._whole(data), "whole", random.Random(0))
        if reply is None:
            return f"does not answer a good request within {SECONDS} s"
        return None if reply.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 410 ")) else repr(reply[:200])

    def sent(self, data: bytes, way: str, rng: random.Random) -> bytes | None:
        """The reply to bytes that are sent in this way; None if there is no end of it in time."""
        host, port = self.host.split(":")
        connection = socket.create_connection((host, int(port)), SECONDS)
        start = time.monotonic()
        end = rng.randrange(len(data) + 1) if way in WAYS[3:] else len(data)
        try:
            if way == "pieces":
                for cut in sorted(rng.sample(range(end), min(end, 3))):
                    connection.sendall(data[:cut])
                    data, end = data[cut:], end - cut
                    time.sleep(0.005)
            connection.sendall(data[:end])
            if way == "left":
                self.left.append(connection)
                return b""
            if way == "reset":
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                connection.close()
                return b""
            connection.shutdown(socket.SHUT_WR)
            reply = b""
            while piece := connection.recv(1 << 20):
                reply += piece
                if time.monotonic() - start > SECONDS:
                    return None
            return reply
        except TimeoutError:
            return None
        except OSError:  # refused before all was sent
            return b""
        finally:
            if way != "left":
                connection.close()

    def fault(self, seed: int) -> str | None:
        """The fault of the server after the request that the seed determines, or None."""
        rng = random.Random(seed)
        data, way = self._whole(request(rng)), rng.choice(WAYS)
        reply = self.sent(data, way, rng)
        if reply is None:
            return f"takes more than {SECONDS} s: {data[:300]!r}"
        statuses = {int(each) for each in re.findall(rb"HTTP/1\.1 (\d+) ", reply)}
        known = b"/" + self.token.encode() + b"/" in data
        if (
            not statuses <= STATUSES
            or (200 in statuses and not known)
            or bool(reply) > bool(statuses)
        ):
            return f"answers by {statuses}: {data[:300]!r}"
        if len(self.left) > 20:
            for connection in self.left:
                connection.close()
            self.left.clear()
        return self.state() if seed % 10 == 0 else None

    def state(self) -> str | None:
        """The fault of the server between two requests, or None."""
        if fault := self.good(PAGES[-1], op="exhibits"):
            return fault
        if os.path.getsize(self.err.name):
            return Path(self.err.name).read_text()[-2000:]
        if self._peak() > 2 * self.memory:
            return f"takes {self._peak()} KiB, the largest game {self.memory}"
        if found := sorted(map(str, self.root.rglob("*"))):
            return f"wrote {found}"
        return None

    def at_end(self) -> str | None:
        """The fault after all connections were closed, or None."""
        for connection in self.left:
            connection.close()
        with contextlib.suppress(StopIteration):
            next(None for _ in range(500) if self._open() <= self.handles or time.sleep(0.02))
        kept = self._open() - self.handles
        return self.state() or (f"keeps {kept} connections" if kept > 0 else None)


def run(given: argparse.Namespace, root: Path) -> int:
    """Send all requests, print each fault, and return the exit status: 1 if there is one."""
    lab, found = Lab(root), 0
    try:
        for seed in range(given.seed, given.seed + given.requests):
            if fault := lab.fault(seed):
                found += 1
                print(f"seed {seed}: {fault}", flush=True)
                if lab.process.poll() is not None or found > 20:
                    break
        if fault := lab.at_end():
            found += 1
            print(fault)
    finally:
        lab.close()
    print(f"{given.requests} requests, {found} finds, {lab.memory >> 10} MiB for the largest game")
    return int(found > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(run(parser.parse_args(), Path(folder)))
