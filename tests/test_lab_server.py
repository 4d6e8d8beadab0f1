"""The lab's server: the files that it sends, and the sessions of its pages."""

import json
import socket
import struct
import threading
import time

from lab_requests import PAGE, Lab, Stub, good

from tinygan.lab import pages, server


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
