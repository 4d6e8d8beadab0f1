"""The engine of the lab: settings, runs, pictures, and the function that answers the page."""

import json
import math
import re
import struct
import subprocess
import sys
import tracemalloc
from dataclasses import asdict, replace
from urllib.parse import urlencode

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tinygan.errors import InputError
from tinygan.gan import theory
from tinygan.lab import density, exhibits, players, samples
from tinygan.lab.picture import Camera, equilibrium
from tinygan.lab.run import CURVES, Run
from tinygan.lab.session import OPS, ROUNDS, Session
from tinygan.lab.settings import (
    FORM,
    IN_PLANE,
    LONGEST,
    POINTS,
    Settings,
    is_live,
    read_points,
    read_query,
    write_query,
)
from tinygan.lab.source import load, text
from tinygan.tensor import Tensor

ALGORITHM = "tinygan.gan.algorithm"
TINY = "m=8&g_width=4&g_depth=1&d_width=4&d_depth=1"
DRAWN = "points=AAAAAP__"  # (0, 0), (0, 255), (255, ...): see `read_points`


def answer(session, request):
    """The head and the arrays of the reply to a request in bytes."""
    reply = session.answer(request)
    (n,) = struct.unpack("<I", reply[:4])
    assert n % 4 == 0
    head, offset, arrays = json.loads(reply[4 : 4 + n]), 4 + n, {}
    for name, shape in head["arrays"]:
        arrays[name] = np.frombuffer(reply, "<f4", math.prod(shape), offset).reshape(shape)
        offset += arrays[name].nbytes
    assert offset == len(reply)
    return head, arrays


def ask(session, op, **fields):
    """The head and the arrays of a reply that is no error."""
    head, arrays = answer(session, json.dumps({"op": op, **fields}).encode())
    assert "error" not in head, head["error"]
    return head, arrays


def refusal(session, request):
    """The one line of a refused request. The session must be as it was."""
    before = [(run, run.round) for run in session.runs], session.settings, session.changes
    head, arrays = answer(session, request)
    assert set(head) == {"error", "arrays"} and arrays == {}
    assert ([(run, run.round) for run in session.runs], session.settings, session.changes) == before
    message = head["error"]["message"]
    assert message and "\n" not in message and len(message) < 400
    return message


@pytest.fixture
def session():
    made = Session(allow_edit=True)
    ask(made, "start", query=TINY)
    return made


# Settings.


def test_the_default_settings_are_the_empty_query():
    assert read_query("") == Settings() and write_query(Settings()) == ""


@pytest.mark.parametrize("name", FORM)
def test_each_setting_is_written_and_read(name):
    """All choices of a list; the ends of a range."""
    field = FORM[name]
    ends = field.choices if field.kind == "choice" else (field.low, field.high)
    for value in ends:
        query = urlencode({name: value}) + ("&" + DRAWN if value == "drawn" else "")
        settings = read_query(query)
        assert getattr(settings, name) == value
        assert read_query(write_query(settings)) == settings
        assert write_query(read_query("?" + write_query(settings))) == write_query(settings)


def test_some_data_have_defaults_of_their_own():
    digits = read_query("data=digits")
    assert digits.g_width == 128 and write_query(digits) == "data=digits"
    narrow = read_query("data=digits&g_width=32")
    assert write_query(narrow) == "data=digits&g_width=32"


BAD_QUERIES = {
    "k=0": "k: expected an integer from 1 to 10, got '0'",
    "k=1.5": "k: expected an integer",
    "k=": "k: expected an integer",
    "m=1" + "0" * 1000: "m: expected an integer from 2 to 1024",
    "seed=-1": "seed: expected an integer from 0 to 2147483647, got '-1'",
    "rate_g=nan": "rate_g: expected a number from 1e-05 to 1, got 'nan'",
    "rate_d=inf": "rate_d: expected a number",
    "beta1=x": "beta1: expected a number from 0 to 0.999, got 'x'",
    "data=rings": "data 'rings' is unknown; .* did you mean 'ring'",
    "game=%00": "game '\\\\x00' is unknown",
    "color=red": "setting 'color' is unknown",
    "k": "k: expected an integer",
    "k=1&k=2": "k: expected one value, got several",
    "data=%ff": "query: .* invalid start byte",
    "data=drawn": "points: expected at least one",
    "data=drawn&points=AAAA": "points: expected at most 400 pairs, got 3 bytes",
    "points=AAAA%2B": "points: expected url-safe base64",
    "points=" + "AAAA" * 268: "points: expected at most 400 pairs, got 804 bytes",
    "a" * (LONGEST + 1): f"query: expected at most {LONGEST} characters",
    "penalty=r1&batchnorm=D": "penalty: expected none with BatchNorm",
    "noise=.1&game=relativistic-pairing": "smoothing, noise: expected 0 in the game",
    "exhibit=nothing": "exhibit 'nothing' is unknown",
}


@pytest.mark.parametrize("query", BAD_QUERIES)
def test_a_bad_query_is_refused_in_one_line(session, query):
    for op in ("start", "change"):
        message = refusal(session, json.dumps({"op": op, "query": query}).encode())
        assert re.search(BAD_QUERIES[query], message), message


@given(st.text(max_size=60))
@example("data=drawn&points=\ud800")
def test_any_text_is_a_query_or_refused(query):
    try:
        settings = read_query(query)
    except InputError as problem:
        assert "\n" not in str(problem)
    else:
        assert read_query(write_query(settings)) == settings


def test_drawn_points_are_pairs_of_bytes():
    assert read_points("AAD_fw==") == read_points("AAD_fw") == bytes([0, 0, 255, 127])
    assert len(read_points("A" * 4 * (2 * POINTS // 3) + "AAA")) == 2 * POINTS
    x = samples.sampler(read_query("data=drawn&points=AAD_fw"))(500, rng=np.random.default_rng(0))
    left = x[x[:, 0] < 0]
    assert np.allclose(left.mean(axis=0), -2, atol=0.01) and 200 < len(left) < 300
    assert np.allclose(x[x[:, 0] > 0].mean(axis=0), [2, -2 + 4 * 127 / 255], atol=0.01)


def test_the_form_says_what_is_live():
    """And `is_live` agrees, but for data that leave the plane."""
    for name, field in FORM.items():
        value = field.choices[1] if field.kind == "choice" else field.high
        assert is_live(Settings(), replace(Settings(), **{name: value})) is field.live
    assert not is_live(Settings(), read_query("data=line"))
    assert not is_live(Settings(), replace(Settings(), exhibit="x"))


# Requests.

ODD = {
    b"": "request: expected JSON; Expecting value",
    b"\xff": "request: expected JSON; .* can't decode",
    b"null": "request: expected an object, got None",
    b"[]": "request: expected an object",
    b"[" * 100_000: "request: expected JSON; ",
    b'{"op":' * 50_000: "request: expected JSON; ",
    b"1" * 10_000: "request: expected JSON; ",
    b"{}": "op: expected one of start, change, .*, got None",
    b'{"op": []}': "op: expected one of",
    b'{"op": "answer"}': "op: expected one of",
    b'{"op": "__init__"}': "op: expected one of",
    b'{"op": "play", "rounds": 0}': f"rounds: expected 1 to {ROUNDS}, got 0",
    b'{"op": "play", "rounds": 1001}': f"rounds: expected 1 to {ROUNDS}, got 1001",
    b'{"op": "play", "rounds": 1' + b"0" * 4000 + b"}": f"rounds: expected 1 to {ROUNDS}",
    b'{"op": "play", "rounds": true}': "rounds: expected an integer, got True",
    b'{"op": "play", "rounds": 5.0}': "rounds: expected an integer, got 5.0",
    b'{"op": "play", "rounds": NaN}': "rounds: expected an integer, got nan",
    b'{"op": "play", "rounds": 1e999}': "rounds: expected an integer, got inf",
    b'{"op": "play", "rounds": null}': "rounds: expected an integer, got None",
    b'{"op": "play", "rounds": {"a": [1]}}': "rounds: expected an integer",
    b'{"op": "play", "self": 1}': "play: the field 'self' is unknown",
    b'{"op": "film", "rounds": 1}': "film: the field 'rounds' is unknown",
    b'{"op": "start", "query": 1}': "query: expected text, got 1",
    b'{"op": "start", "query": {}}': "query: expected text",
    b'{"op": "source", "module": "os"}': "module: expected a module of tinygan, got 'os'",
    b'{"op": "source", "module": "tinygan.nothing"}': "module: expected a module of tinygan",
    b'{"op": "source", "module": null}': "module: expected text, got None",
    b'{"op": "node", "name": "w"}': "node 'w' is unknown",
    b'{"op": "node"}': "node '' is unknown",
    b'{"op": "exhibit", "name": "x"}': "exhibit 'x' is unknown",
    b'{"op": "edit", "module": "os", "text": "1"}': "module 'os' is unknown",
    b'{"op": "edit", "text": 1}': "text: expected text, got 1",
}


@pytest.mark.parametrize("request_", ODD, ids=lambda r: r[:40].decode("latin1"))
def test_an_odd_request_is_refused_in_one_line(session, request_):
    message = refusal(session, request_)
    assert re.match(ODD[request_], message), message


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda x: (
            st.lists(x) | st.dictionaries(st.sampled_from(["rounds", "query", "name", "text"]), x)
        ),
    )
)
def test_any_json_gets_a_reply(value):
    """As a whole request, and as each field of each operation but those that run it as code."""
    for op in set(OPS) - {"edit"}:
        for field in OPS[op][1]:
            answer(SHARED, json.dumps({"op": op, field: value}).encode())
    answer(SHARED, json.dumps(value).encode())


SHARED = Session()


# Replies.


def test_the_reply_to_start(session):
    head, arrays = ask(session, "start", query="seed=3&k=2&" + TINY)
    assert head["query"] == "k=2&m=8&g_width=4&g_depth=1&d_width=4&d_depth=1&seed=3"
    assert head["settings"] == asdict(session.settings) and head["exhibit"] is None
    assert [each["name"] for each in head["form"]] == list(FORM)
    k = next(each for each in head["form"] if each["name"] == "k")
    assert k == {
        "name": "k", "group": "game", "kind": "integer", "low": 1, "high": 10, "live": True,
        "log": False, "value": 2,
    }  # fmt: skip
    (run,) = head["runs"]
    assert run["curves"] == {name: [] for name in CURVES} and run["d_loss"] is None
    assert run["round"] == 0 and run["stopped"] is None and run["diagnoses"] == []
    assert run["kind"] == "plane" and run["bounds"] == [-2, 2, -2, 2]
    assert run["lines"] == pytest.approx({"d_loss": math.log(4), "g_loss": math.log(2), "d": 0.5})
    assert (run["modes"], run["of_modes"], run["share"]) == (0, 8, 0.0)
    assert {name: a.shape for name, a in arrays.items()} == {
        "0/real": (200, 2), "0/fake": (200, 2), "0/arrows": (200, 2), "0/heat": (40, 40),
        "0/bent": (21, 21, 2),
    }  # fmt: skip


def test_the_reply_to_play_has_a_value_for_each_round(session):
    for rounds in (3, 1):
        head, _ = ask(session, "play", rounds=rounds)
        curves = head["runs"][0]["curves"]
        assert [len(curve) for curve in curves.values()] == [rounds] * len(CURVES)
    run = head["runs"][0]
    assert run["round"] == 4 and run["d_loss"] == curves["d_loss"][-1]
    assert curves["jsd"][0] == pytest.approx(math.log(2) - curves["d_loss"][0] / 2, abs=1e-6)
    assert 0 < curves["d_real"][0] < 1 and 0 < curves["d_fake"][0] < 1


@pytest.mark.parametrize("data", FORM["data"].choices)
def test_each_data_set_plays(session, data):
    head, arrays = ask(session, "start", query=f"data={data}&{TINY}&{DRAWN}")
    head, arrays = ask(session, "play", rounds=2)
    shapes = {name.removeprefix("0/"): a.shape for name, a in arrays.items()}
    kind, bounds = head["runs"][0]["kind"], head["runs"][0]["bounds"]
    assert all(np.isfinite(a).all() for a in arrays.values())
    if data == "line":
        names = ("x", "p_data", "p_g", "d", "d_star")
        assert kind == "line" and shapes == dict.fromkeys(names, (201,)) | {"map": (41, 2)}
        assert bounds[0] < arrays["0/x"][0] < arrays["0/x"][-1] < bounds[1]
    elif data == "digits":
        assert kind == "digits" and shapes == {"fake": (64, 28, 28), "real": (16, 28, 28)}
        assert all(a.min() >= 0 and a.max() <= 1 for a in arrays.values())
        assert arrays["0/real"].max() == 1 and arrays["0/real"].min() == 0
    else:
        assert kind == "plane" and data in IN_PLANE
        share = (abs(arrays["0/real"]) < bounds[1]).mean()
        assert share > 0.4 if data == "drawn" else share == 1
    assert (head["runs"][0]["modes"] is None) == (data not in ("ring", "grid"))


def test_a_picture_of_the_plane_is_what_its_names_say():
    run = Run(read_query(TINY + "&game=least-squares"), load({}))
    run.play(20)
    _, arrays = Camera(run).take()
    G, D = run.players.G, run.players.D
    at = lambda x, y: D(Tensor(np.array([[x, y]], np.float32))).item()  # noqa: E731
    for row, column in ((0, 0), (0, 39), (39, 0), (7, 21)):
        x, y = (-2 + 4 * (i + 0.5) / 40 for i in (column, row))
        assert arrays["heat"][row, column] == pytest.approx(np.clip(at(x, y), 0, 1), abs=1e-5)
    bent = G(Tensor(np.array([[-2, -2], [2, -2]], np.float32))).numpy()
    assert np.allclose(arrays["bent"][0, [0, -1]], bent, atol=1e-6)
    x, y = arrays["fake"][5].astype(float)
    slope = [(at(x + 1e-2, y) - at(x - 1e-2, y)), (at(x, y + 1e-2) - at(x, y - 1e-2))]
    assert np.allclose(arrays["arrows"][5], (1 - at(x, y)) * np.array(slope) / 2e-2, rtol=0.05)


# Games.

PLAIN = """
import sys
from tinygan import gan
from tinygan.lab import players
from tinygan.lab.settings import read_query

settings = read_query(sys.argv[1])
rounds = gan.play(
    players.rules(settings),
    *players.build(settings),
    m=settings.m,
    k=settings.k,
    penalty=players.penalty(settings),
)
for _ in range(int(sys.argv[2])):
    result = next(rounds)
    print(result.d_loss.item(), result.g_loss.item())
"""


def plain_losses(query, rounds):
    """The losses [(d_loss, g_loss), ...] of `gan.play` in a fresh process."""
    command = [sys.executable, "-c", PLAIN, query, str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [tuple(map(float, line.split())) for line in done.stdout.splitlines()]


def watched_losses(session, query, rounds):
    """The same in the lab, with pictures, films, nodes, sources and changes to the same settings
    on the way."""
    losses = []
    ask(session, "start", query=query)
    while len(losses) < rounds:
        for op in ("film", "play"):
            curves = ask(session, op)[0]["runs"][0]["curves"]
            losses += zip(curves["d_loss"], curves["g_loss"], strict=True)
        for name in ("logits", "d_grad", "g_grad"):
            ask(session, "node", name=name)
        ask(session, "source", module=ALGORITHM)
        curves = ask(session, "play", rounds=8)[0]["runs"][0]["curves"]
        losses += zip(curves["d_loss"], curves["g_loss"], strict=True)
        ask(session, "change", query=query)
    return losses


@pytest.mark.parametrize(
    ("query", "rounds"),
    [
        ("", 300),  # with the probes after round 50, 100, ...
        ("data=line&k=2&game=hinge", 60),
        ("data=digits&m=8", 60),
        ("batchnorm=D&optimizer=rmsprop", 60),
        ("optimizer=sgd&beta1=.9&smoothing=.1", 60),
        ("game=relativistic-average&penalty=r1%2Br2&data=grid", 60),
    ],
)
def test_watching_a_game_does_not_change_it(session, query, rounds):
    assert watched_losses(session, query, rounds) == plain_losses(query, rounds)


def test_a_live_change_goes_on_with_the_game(session):
    """Weights, the optimizer's state, and the sources of data and noise stay."""
    other = Session()
    ask(other, "start", query=TINY)
    for each in (session, other):
        ask(each, "play", rounds=20)
    before = [p.data.copy() for p in session.runs[0].players.G.parameters()]
    head, _ = ask(session, "change", query=f"rate_g=0.5&beta1=.7&game=hinge&{TINY}")
    assert head["restarted"] is False and head["runs"][0]["round"] == 20
    run = session.runs[0]
    assert (run.players.opt_g.lr, run.players.opt_g.betas, run.players.opt_g.t) == (
        0.5,
        (0.7, 0.999),
        20,
    )
    after = [p.data for p in run.players.G.parameters()]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    ask(session, "change", query=TINY)
    losses = [ask(each, "play", rounds=5)[0]["runs"][0]["curves"] for each in (session, other)]
    assert losses[0] == losses[1]


def test_data_in_the_plane_can_change_while_the_game_goes_on(session):
    ask(session, "play", rounds=3)
    head, arrays = ask(session, "change", query=f"data=drawn&points=AAD_fw&{TINY}")
    assert head["restarted"] is False and head["runs"][0]["round"] == 3
    assert arrays["0/real"].min() < -1.8
    x = session.runs[0].players.data(50).numpy()
    assert (
        np.minimum(abs(x + 2).max(axis=1), abs(x - [2, -2 + 4 * 127 / 255]).max(axis=1)).max() < 0.3
    )


@pytest.mark.parametrize("change", ["g_width=5", "seed=2", "optimizer=sgd", "data=line"])
def test_any_other_change_starts_anew(session, change):
    ask(session, "play", rounds=3)
    query = TINY.replace("g_width=4", "g_width=5") if "width" in change else f"{TINY}&{change}"
    head, _ = ask(session, "change", query=query)
    assert head["restarted"] is True and head["runs"][0]["round"] == 0


def test_the_seed_decides(session):
    def losses(query):
        ask(session, "start", query=query)
        return ask(session, "play", rounds=3)[0]["runs"][0]["curves"]["d_loss"]

    assert losses(TINY) == losses(TINY) != losses(f"{TINY}&seed=2")


@pytest.mark.parametrize("data", FORM["data"].choices)
def test_a_run_that_is_not_finite_stops_with_one_line(session, data):
    """And a change starts it anew."""
    query = f"{TINY}&data={data}&{DRAWN}&game=least-squares&optimizer=sgd&rate_d=1&rate_g=1"
    ask(session, "start", query=query)
    head, _ = ask(session, "play", rounds=ROUNDS)
    (run,) = head["runs"]
    assert re.fullmatch(r"[dg]_loss is (nan|-?inf) after round \d+", run["stopped"])
    assert len(run["curves"]["d_loss"]) == run["round"] < ROUNDS
    again, _ = ask(session, "play", rounds=10)
    assert again["runs"][0]["round"] == run["round"] and again["runs"][0]["stopped"]
    assert ask(session, "film")[0]["events"] == []
    head, _ = ask(session, "change", query=TINY)
    assert head["restarted"] is True and head["runs"][0]["stopped"] is None
    assert ask(session, "play", rounds=3)[0]["runs"][0]["round"] == 3


def test_the_doctor_looks_at_the_game(session):
    ask(session, "start", query="rate_d=1&rate_g=1&" + TINY)
    head, _ = ask(session, "play", rounds=400)
    found = head["runs"][0]["diagnoses"]
    assert found and len({each["name"] for each in found}) == len(found)
    assert all(each["round"] % 50 == 0 for each in found)
    assert all([*each["seen"]] == ["en", "ko"] and "니다" in each["seen"]["ko"] for each in found)


def test_the_default_game_learns_all_modes():
    run = Run(Settings(), load({}))
    run.play(1000)
    head, _ = Camera(run).take()
    assert head["modes"] == 8 and head["share"] > 0.5 and head["diagnoses"] == []


def test_memory_is_steady(session):
    """A play, a film and a node leave nothing behind but a bounded number of probes."""

    def rounds():
        for _ in range(5):
            ask(session, "play", rounds=20)
            ask(session, "film")
            ask(session, "node", name="g_grad")

    ask(session, "start", query=TINY)
    rounds()
    tracemalloc.start()
    try:
        rounds()
        before = tracemalloc.get_traced_memory()[0]
        rounds()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after - before < 100_000


# The line.


def test_masses_of_the_line():
    """G's masses against those of many samples; the data's against its density."""
    G = players.build(read_query("data=line")).G
    z = np.random.default_rng(0).uniform(-1, 1, (200_000, 1)).astype(np.float32)
    x = G(Tensor(z)).numpy()[:, 0]
    edges = [-math.inf, *density.EDGES, math.inf]
    masses = density.fake_masses(G)
    assert masses.sum() == pytest.approx(1) and (masses >= 0).all()
    assert abs(masses - np.histogram(x, edges)[0] / len(x)).max() < 3e-3
    data = density.data_masses()
    normal = np.mean([theory.normal_density(density.CENTERS, m, 0.35) for m in (-1, 1)], axis=0)
    assert data.sum() == pytest.approx(1)
    assert np.allclose(density.density(data), normal, atol=1e-3)


def test_masses_outside_of_the_picture_count():
    G = players.build(read_query("data=line")).G
    G[-1].bias.data[...] = 100
    assert density.fake_masses(G)[-1] == pytest.approx(1)
    assert density.exact_jsd(G) == pytest.approx(math.log(2), abs=1e-6)
    G[-1].weight.data[...] = 0  # all samples at one point
    G[-1].bias.data[...] = 0
    assert density.fake_masses(G).max() == pytest.approx(1)


def test_the_best_d_is_that_of_the_labels():
    """D's loss at D*, by a numerical search, with smoothing and noise."""
    p, q = np.array([0.3]), np.array([0.1])
    for settings in (Settings(), Settings(smoothing=0.2), Settings(smoothing=0.2, noise=0.5)):
        best = density.best_probability(settings, p, q)[0]
        u, real = settings.noise / 2, 1 - settings.smoothing
        label = [(1 - u) * real, u * real]  # the average label of a real example, and of a fake
        d = np.linspace(0.001, 0.999, 9_981)
        loss = -sum(
            w * (t * np.log(d) + (1 - t) * np.log(1 - d))
            for w, t in zip((0.3, 0.1), label, strict=True)
        )
        assert best == pytest.approx(d[loss.argmin()], abs=2e-4)


def test_the_line_is_learned_and_d_is_near_the_best():
    run = Run(read_query("data=line"), load({}))
    before = density.exact_jsd(run.players.G)
    run.play(400)
    curves = run.take_curves()
    assert curves["jsd"][-1] == density.exact_jsd(run.players.G) < before / 2
    _, arrays = Camera(run).take()
    shown = arrays["p_data"] > 0.1
    assert abs(arrays["d"] - arrays["d_star"])[shown].mean() < 0.1


def test_the_equilibrium():
    assert equilibrium(read_query("game=minimax"))["g_loss"] == pytest.approx(-math.log(2))
    assert equilibrium(read_query("game=least-squares")) == {
        "d_loss": 0.25,
        "g_loss": 0.125,
        "d": 0.5,
    }
    pairing = equilibrium(read_query("game=relativistic-pairing"))
    assert pairing == {
        "d_loss": pytest.approx(math.log(2)),
        "g_loss": pytest.approx(math.log(2)),
        "d": None,
    }
    nothing = dict.fromkeys(("d_loss", "g_loss", "d"))
    for query in ("game=hinge", "smoothing=.1", "noise=.1", "penalty=wgan-gp"):
        assert equilibrium(read_query(query)) == nothing


# Source, film, nodes, edits and exhibits.


def test_a_film_has_pictures_after_each_event_that_moved_weights(session):
    head, arrays = ask(session, "film")
    moved = [i for i, event in enumerate(head["events"]) if event["moved"]]
    assert [head["events"][i]["moved"] for i in moved] == [["D"], ["G"]]
    assert head["runs"][0]["round"] == 1 and len(head["runs"][0]["curves"]["d_loss"]) == 1
    first, second = moved
    names = {f"event/{i}/{name}" for i in moved for name in ("fake", "arrows", "heat", "bent")}
    assert names == {name for name in arrays if name.startswith("event/")}
    for name in ("fake", "arrows", "heat", "bent"):
        assert np.array_equal(arrays[f"event/{second}/{name}"], arrays[f"0/{name}"])
    assert np.array_equal(arrays[f"event/{first}/heat"], arrays["0/heat"])
    assert not np.array_equal(arrays[f"event/{first}/fake"], arrays["0/fake"])


def test_the_source_is_that_of_the_last_run(session):
    head, _ = ask(session, "source", module=ALGORITHM)
    assert head["text"] == text(ALGORITHM) and head["changed"] == []
    changed = head["text"].replace("for _ in range(k):", "for _ in range(k + 1):")
    ask(session, "edit", module=ALGORITHM, text=changed)
    head, _ = ask(session, "source", module=ALGORITHM)
    assert head["text"] == changed and len(head["changed"]) == 1


def test_an_edit_runs(session):
    """Also after other settings; `null` brings the file's text back."""
    steps = lambda: sum(e["moved"] == ["D"] for e in ask(session, "film")[0]["events"])  # noqa: E731
    changed = text(ALGORITHM).replace("for _ in range(k):", "for _ in range(k + 1):")
    assert steps() == 1
    head, _ = ask(session, "edit", module=ALGORITHM, text=changed)
    assert head["runs"][0]["round"] == 0 and steps() == 2
    ask(session, "start", query="seed=5&" + TINY)
    assert steps() == 2
    ask(session, "edit", module=ALGORITHM, text=None)
    assert steps() == 1


def test_an_edit_is_refused_unless_it_is_allowed():
    assert "edit: this lab does not run code" in refusal(
        SHARED, json.dumps({"op": "edit", "module": ALGORITHM, "text": "1 / 0"}).encode()
    )


EDITS = {
    "def play(:": ("SyntaxError", 1),
    "x = 1\n1 / 0\n": ("ZeroDivisionError: division by zero", 2),
    "\x00": ("", None),
}


@pytest.mark.parametrize("source", EDITS)
def test_a_wrong_edit_gets_a_line_and_changes_nothing(session, source):
    request = json.dumps({"op": "edit", "module": ALGORITHM, "text": source}).encode()
    refusal(session, request)
    error = answer(session, request)[0]["error"]
    message, line = EDITS[source]
    assert error["module"] == ALGORITHM and message in error["message"]
    assert error["line"] == line or line is None
    assert ask(session, "play")[0]["runs"][0]["round"] == 1


def test_code_that_fails_while_it_runs_stops_the_run(session):
    line = "        g_loss = g_step()\n"
    for bad, reason in (
        ("        raise ValueError('two\\nlines')\n", "ValueError: two"),
        ("        return\n", "the loop has ended"),
        ("        g_loss = None\n", "AttributeError: 'NoneType'"),
    ):
        source = text(ALGORITHM).replace(line, bad)
        ask(session, "edit", module=ALGORITHM, text=source)
        for op in ("play", "film"):
            run = ask(session, op)[0]["runs"][0]
            assert reason in run["stopped"] and "\n" not in run["stopped"]
        if "raise" in bad:
            assert run["at"] == [ALGORITHM, source[: source.index(bad)].count("\n") + 1]


@pytest.fixture
def twice(monkeypatch):
    """An exhibit: two steps of D for each that was asked for."""
    change = exhibits.Change(ALGORITHM, "in range(k):", "in range(2 * k):")
    query = f"seed=2&{TINY}"
    monkeypatch.setitem(exhibits.MISTAKES, "twice", exhibits.Mistake((change,), query))
    monkeypatch.setitem(exhibits.described(), "twice", {"name": "twice", "query": query})
    return exhibits.described()["twice"]


def test_an_exhibit_runs_beside_the_right_program(session, twice):
    ask(session, "start", query=twice["query"])
    alone = ask(session, "play", rounds=5)[0]["runs"][0]
    head, arrays = ask(session, "exhibit", name="twice")
    assert head["exhibit"] == twice and head["settings"]["seed"] == 2
    assert head["query"] == f"{TINY}&seed=2&exhibit=twice" and len(head["runs"]) == 2
    assert np.array_equal(arrays["0/fake"], arrays["1/fake"])
    right, wrong = ask(session, "play", rounds=5)[0]["runs"]
    assert right == alone and wrong["curves"] != right["curves"]
    film, _ = ask(session, "film")
    assert [e["moved"] for e in film["events"] if e["moved"]] == [["D"], ["D"], ["G"]]
    assert [run["round"] for run in film["runs"]] == [6, 6]
    assert ask(session, "source", module=ALGORITHM)[0]["changed"] != []


def test_an_exhibit_is_left_and_found_by_its_address(session, twice):
    query = ask(session, "exhibit", name="twice")[0]["query"]
    head, _ = ask(session, "change", query=query.replace("m=8", "m=9"))
    assert head["restarted"] is False and len(head["runs"]) == 2
    head, _ = ask(session, "exhibit", name="")
    assert len(head["runs"]) == 1 and head["exhibit"] is None and head["settings"]["m"] == 9
    assert ask(session, "source", module=ALGORITHM)[0]["changed"] == []
    head, _ = ask(session, "start", query=query)
    assert len(head["runs"]) == 2 and head["exhibit"] == twice and head["query"] == query
    head, _ = ask(session, "change", query=TINY)
    assert head["restarted"] is True and len(head["runs"]) == 1


def test_the_list_of_exhibits(session, twice):
    assert twice in ask(session, "exhibits")[0]["exhibits"]


BLOCKED = """
import sys

BLOCKED = {"matplotlib", "PIL", "safetensors", "tqdm", "pooch"}

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocker())
from tinygan.lab.session import Session
for op in (b'{"op": "start", "query": "data=digits&m=8"}', b'{"op": "film"}'):
    assert b"error" not in Session().answer(op)
others = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
print(sorted(others & {"numpy", "tinygan", "scipy", "cupy", "mpi4py", *BLOCKED}))
"""


def test_the_engine_needs_numpy_alone():
    done = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True)
    assert done.stderr == "" and done.stdout == "['numpy', 'tinygan']\n"
