"""The command `tinygan lab`: its process, its options and the rounds that it plays itself."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest

from tinygan import gan
from tinygan.commands.parser import main
from tinygan.lab import players
from tinygan.lab.settings import read_query

LAB = [sys.executable, "-m", "tinygan", "lab"]


@contextmanager
def process(*options, **environment):
    """A process of the lab and the address that it prints."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*LAB, *options], env={**os.environ, **environment}, **pipes) as lab:
        try:
            yield lab, lab.stdout.readline().strip()
        finally:
            lab.kill()


def post(address, message):
    """The bytes of a request from a page."""
    host, token = re.fullmatch(r"http://([^/]*)/([^/]*)/.*", address).groups()
    body = json.dumps(message)
    return (
        f"POST /{token}/engine HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Lab-Page: page-0001\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def connect(address):
    return socket.create_connection(("127.0.0.1", int(re.search(r":(\d+)/", address)[1])), 30)


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize("busy", [False, True])
def test_ctrl_c_ends_the_lab_at_once(busy):
    with process("--no-browser") as (lab, address):
        assert lab.stdout.readline() == "Ctrl-C ends the lab.\n"
        with connect(address) as page:
            if busy:
                page.sendall(post(address, {"op": "start", "query": "m=1024&g_width=256"}))
                page.recv(1)
                page.sendall(post(address, {"op": "play", "rounds": 1000}))
                time.sleep(0.5)
            start = time.monotonic()
            lab.send_signal(signal.SIGINT)
            assert lab.wait(20) == 130 and time.monotonic() - start < 5
        assert lab.stderr.read() == "tinygan: stopped\n" and lab.stdout.read() == ""


def test_a_port_that_is_in_use_is_refused_in_one_line(capsys):
    with process("--no-browser") as (_, address):
        port = re.search(r":(\d+)/", address)[1]
        assert main(["lab", "--no-browser", "--port", port]) == 2
    assert capsys.readouterr().err == f"tinygan: --port {port}: Address already in use\n"


def test_each_lab_has_a_token_of_its_own():
    with process("--no-browser") as (_, one), process("--no-browser") as (_, other):
        tokens = {address.split("/")[3] for address in (one, other)}
        assert len(tokens) == 2 and all(len(token) == 32 for token in tokens)


@pytest.mark.parametrize("options, allowed", [([], False), (["--allow-edit"], True)])
def test_code_from_the_page_runs_only_if_it_is_allowed(options, allowed):
    with process("--no-browser", *options) as (_, address):
        with urllib.request.urlopen(f"{address}config.json") as reply:
            assert json.load(reply) == {"engine": "local", "edit": allowed}
        edit = {"op": "edit", "module": "tinygan.gan.algorithm", "text": "raise ValueError('ran')"}
        with connect(address) as page:
            page.sendall(post(address, edit))
            reply = page.recv(1 << 16)
            while b'"error"' not in reply:
                reply += page.recv(1 << 16)
        assert (b"ran" in reply) == allowed and b"200 OK" in reply


@pytest.mark.skipif(os.name != "posix", reason="writes a shell script")
@pytest.mark.parametrize("edit", [False, True])
def test_a_browser_opens_the_address_unless_it_gives_rights(tmp_path, edit):
    script, url = tmp_path / "browser", tmp_path / "url"
    script.write_text(f'#!/bin/sh\nprintf %s "$1" > {url}.part && mv {url}.part {url}\n')
    script.chmod(0o755)
    options = ["--state", "game=hinge&seed=3", *(["--allow-edit"] if edit else [])]
    with process(*options, BROWSER=f"{script} %s") as (_, address):
        assert address.endswith("/#game=hinge&seed=3")
        deadline = time.monotonic() + (1 if edit else 20)
        while not url.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    assert url.exists() != edit and (edit or url.read_text() == address)


BAD = [
    ("--port 65536", "--port: expected a whole number from 0 to 65535, got '65536'"),
    ("--port -1", "--port: expected a whole number from 0 to 65535, got '-1'"),
    ("--rounds 2 --allow-edit", "--allow-edit: does not work with --export or --rounds"),
    ("--export site --port 3", "--port: does not work with --export or --rounds"),
    ("--export site --rounds 3", "--export: does not work with --rounds or --state"),
    ("--port x", "argument --port: expected a whole number from 0 to 65535, got 'x'; see"),
    ("--pyodide x", "--pyodide: works only with --export"),
    ("--rounds 0", "--rounds: expected a whole number from 1 to"),
    ("--state game=hing", "--state: game 'hing' is unknown"),
    ("--state nothing=1 --rounds 1", "--state: "),
    ("--state seed=x --rounds 1", "--state: seed: expected an integer from 0 to"),
    ("--export . --pyodide nowhere", "expected another folder than the one that you are in"),
    ("--export site --pyodide nowhere", "--pyodide nowhere: pyodide-lock.json: No such file"),
]


@pytest.mark.parametrize("options, line", BAD)
def test_a_wrong_command_prints_one_line(options, line, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["lab", "--no-browser", *options.split()]) == 2
    err = capsys.readouterr().err
    assert err.startswith("tinygan: ") and line in err and err.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_the_site_is_exported_by_one_command(tmp_path, capsys):
    assert main(["lab", "--export", str(tmp_path / "site")]) == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'site'}: a static site")
    assert (tmp_path / "site" / "index.html").is_file()


def test_rounds_in_the_terminal_are_those_of_the_loop(capsys):
    query = "game=hinge&k=2&m=16&seed=3"
    assert main(["lab", "--rounds", "25", "--state", f"#{query}&language=ko&speed=10&hide="]) == 0
    *rows, modes = capsys.readouterr().out.splitlines()
    settings = read_query(query)
    rounds = gan.play(
        players.rules(settings), *players.build(settings), m=16, k=2,
        penalty=players.penalty(settings),
    )  # fmt: skip
    losses = [next(rounds)[:2] for _ in range(25)]
    shown = [(i, *(float(loss.item()) for loss in losses[i - 1])) for i in (*range(3, 25, 3), 25)]
    assert rows == [f"round {i}: loss of D {d!r}, loss of G {g!r}" for i, d, g in shown]
    assert re.fullmatch(r"\d of 8 modes; \d\.\d+ of the samples lie near one", modes)


def test_a_run_that_diverges_prints_no_warning(capsys):
    assert main(["lab", "--rounds", "60", "--state", "rate_g=1&rate_d=1&optimizer=sgd&m=2"]) == 0
    captured = capsys.readouterr()
    assert captured.err == "" and "0 of 8 modes; 0.0 of the samples lie near one\n" in captured.out
