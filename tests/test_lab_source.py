"""The code side of the lab: sources, changed copies, links, films, nodes and the museum."""

import ast
import json
import re
import sys

import numpy as np
import pytest

from tinygan import gan, optim
from tinygan.errors import InputError
from tinygan.gan import algorithm, games
from tinygan.lab import exhibits, exhibits_en, exhibits_ko, links, nodes, source
from tinygan.lab.film import film
from tinygan.lab.players import build, rules
from tinygan.lab.run import Run
from tinygan.lab.settings import read_query
from tinygan.nn import Sequential
from tinygan.tensor import Tensor

ALGORITHM, GAMES = "tinygan.gan.algorithm", "tinygan.gan.games"
RULES, PLAYERS = "tinygan.optim.rules", "tinygan.lab.players"
TINY = "m=8&g_width=4&g_depth=1&d_width=4&d_depth=1"
TEXT = source.text(ALGORITHM)


def changed(module, old, new):
    text = source.text(module)
    assert text.count(old) == 1
    return {module: text.replace(old, new)}


def losses(query, changes, rounds=3):
    """The bits of both losses in each round, until the run stops."""
    run = Run(read_query(query), source.load(changes))
    run.play(rounds)
    curves = run.take_curves()
    return list(zip(curves["d_loss"], curves["g_loss"], strict=True))


# Texts and changed modules


def test_the_text_is_that_of_the_file():
    with open(algorithm.__file__, encoding="utf-8") as file:
        assert file.read() == TEXT
    assert source.file_of(ALGORITHM) == "tinygan/gan/algorithm.py"
    assert source.file_of("tinygan.gan") == "tinygan/gan/__init__.py"


@pytest.mark.parametrize(
    "module", ["os", "tinygan.nowhere", "tinygan/gan/games", "numpy", "", "x" * 999]
)
def test_no_text_from_outside_the_package(module):
    with pytest.raises(InputError, match="expected a module of tinygan"):
        source.text(module)


def test_without_a_change_the_modules_themselves_run():
    code = source.load({})
    for module in source.MODULES:
        assert code[module] == vars(sys.modules[module])


def test_the_modules_stand_in_the_order_of_their_imports():
    for i, module in enumerate(source.MODULES):
        for node in ast.walk(ast.parse(source.text(module))):
            if isinstance(node, ast.ImportFrom):
                later = [m for m in source.MODULES[i:] if m.endswith(f".{node.module}")]
                assert not later, f"{module} imports from {later}"


def test_a_change_reaches_all_that_uses_it():
    code = source.load(changed(RULES, "1 - b1**t, 1 - b2**t", "1.0, 1.0"))
    assert code[RULES]["Adam"] is not optim.Adam
    assert code[PLAYERS]["OPTIMIZERS"]["adam"] is code[RULES]["Adam"]
    assert code[PLAYERS]["build"].__globals__ is code[PLAYERS]
    assert code[RULES]["SGD"] is optim.SGD  # it does not use the change
    assert code[ALGORITHM]["play"] is algorithm.play
    assert optim.OPTIMIZERS["adam"] is optim.Adam  # the module stays as it is


def test_objects_of_a_class_that_did_not_change_stay_objects_of_it():
    code = source.load(changed(GAMES, "softplus(-l),  # -log D(x)", "softplus(1 - l),"))
    minimax = code[PLAYERS]["GAMES"]["minimax"]
    assert minimax is not gan.minimax and isinstance(minimax, games.SeparableGame)
    games.check_game(minimax)


def test_a_changed_function_has_the_lines_of_the_text():
    code = source.load({ALGORITHM: "# one more line\n" + TEXT})
    for name in ("play", "update"):
        before, after = getattr(algorithm, name), code[ALGORITHM][name]
        assert after.__code__.co_filename == before.__code__.co_filename
        assert after.__code__.co_firstlineno == before.__code__.co_firstlineno + 1


def test_a_name_that_a_text_no_longer_defines_is_gone():
    code = source.load({ALGORITHM: TEXT.replace("def update(", "def updated(")})
    assert "update" not in code[ALGORITHM] and "updated" in code[ALGORITHM]


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("x = 1\ndef f(:\n", "SyntaxError: invalid syntax", 2),
        ("x = 1\ny = nothing\n", "NameError: name 'nothing' is not defined", 2),
        ("\n\nraise ValueError('one\\ntwo')", "ValueError: one", 3),
        ("x = '\0'", "null bytes", None),
        ("(" * 5000, "Error: ", 1),
        ("#" * (source.LONGEST + 1), "at most 100000 characters", None),
    ],
)
def test_an_error_names_the_module_and_the_line(text, message, line):
    with pytest.raises(source.SourceError, match=re.escape(message)) as raised:
        source.load({GAMES: text})
    assert raised.value.module == GAMES and "\n" not in str(raised.value)
    assert line is None or raised.value.line == line


def test_only_some_modules_can_change():
    with pytest.raises(InputError, match=r"module .* is unknown; expected one of"):
        source.load({"tinygan.storage": ""})


def test_a_text_can_import_more_and_can_be_empty():
    code = source.load({ALGORITHM: TEXT.replace("import checks\n", "import checks, losses\n")})
    assert code[ALGORITHM]["losses"] is sys.modules["tinygan.losses"]
    code = source.load({ALGORITHM: ""})
    assert (
        "play" not in code[ALGORITHM] and links.Reader({ALGORITHM: ""}, code).text(ALGORITHM) == ""
    )


def test_an_exception_of_a_round_names_its_line():
    run = Run(
        read_query(TINY),
        source.load(changed(ALGORITHM, "        g_loss = g_step()", "        1 / 0")),
    )
    run.play(1)
    assert str(run.stopped) == "ZeroDivisionError: division by zero"
    assert run.stopped.module == ALGORITHM
    assert TEXT.splitlines()[run.stopped.line - 1].strip() == "g_loss = g_step()"


def test_the_changed_lines():
    lines = TEXT.splitlines()
    lines[9] += "  # changed"
    lines[20:20] = ["# new", "# new"]
    assert source.changed_lines(ALGORITHM, "\n".join(lines)) == [10, 21, 22]
    assert source.changed_lines(ALGORITHM, TEXT) == []


# Links


@pytest.fixture(scope="module")
def reader():
    settings = read_query(TINY)
    live = {"game": rules(settings), **build(settings)._asdict()}
    return links.Reader(live=live | {"opt": live["opt_d"]})


@pytest.mark.parametrize(
    ("name", "module", "line"),
    [
        ("game", GAMES, "non_saturating = replace("),
        ("game.d_loss", GAMES, "    def d_loss("),
        ("game.g_loss", GAMES, "    def g_loss("),
        ("opt_g", RULES, "class Adam("),
        ("opt_g.step", "tinygan.optim.optimizer", "    def step("),
        ("grad", "tinygan.autograd", "def grad("),
        ("update", ALGORITHM, "def update("),
        ("discriminate", ALGORITHM, "def discriminate("),
        ("no_grad", "tinygan.tensor", "def no_grad("),
        ("Round", ALGORITHM, "class Round("),
        ("D.mixes_examples", "tinygan.nn.module", "    def mixes_examples("),
        ("checks", "tinygan.checks", '"""'),
        ("noise", PLAYERS, "    return lambda m:"),
    ],
)
def test_a_name_leads_to_its_definition(reader, name, module, line):
    found, number = reader.definition(ALGORITHM, name)
    lines = source.text(found).splitlines()
    above = lines[number - 1] if lines[number - 1].lstrip()[:1] != "@" else lines[number]
    assert found == module and above.startswith(line)


@pytest.mark.parametrize("name", ["Iterator", "nothing", "m", "game.nothing", "accumulate", "Any"])
def test_no_definition_outside_the_package(reader, name):
    assert reader.definition(ALGORITHM, name) is None


def test_a_table_and_a_rule_are_found_where_they_are_bound():
    reader = links.Reader()
    for module, name, start in (
        (PLAYERS, "GAMES", "GAMES: "),
        (PLAYERS, "OPTIMIZERS", "OPTIMIZERS: "),
        (RULES, "Adam", "class Adam("),
        ("tinygan.gan", "minimax", "minimax = "),
    ):
        found, line = reader.definition(module, name)
        assert source.text(found).splitlines()[line - 1].startswith(start)


def test_every_link_covers_a_name_and_leads_into_the_package(reader):
    modules = [ALGORITHM, GAMES, RULES, PLAYERS, "tinygan.optim.optimizer", "tinygan.tensor"]
    for module in modules:
        page = reader.page(module)
        assert page["text"] == page["original"] == source.text(module) and page["changed"] == []
        assert page["links"] == sorted(page["links"]) and page["links"]
        for line, start, end, target in page["links"]:
            assert page["text"].splitlines()[line - 1][start:end].isidentifier()
            other, number = target.split(":")
            assert 1 <= int(number) <= len(source.text(other).splitlines())
    assert reader.page(ALGORITHM)["focus"] == [
        TEXT[: TEXT.index("def play(")].count("\n") + 1,
        TEXT[: TEXT.index("\n\n\ndef play_simultaneously(")].count("\n") + 1,
    ]


def test_a_variable_of_a_function_is_no_link_but_the_attributes_of_its_class_are():
    page = links.Reader().page(GAMES)
    lines = page["text"].splitlines()
    names = {lines[line - 1][start:end] for line, start, end, _ in page["links"]}
    assert {"d_loss", "shape", "softplus", "minimax"} <= names
    assert not names & {"real", "fake", "a", "b", "l", "logits", "self"}


def test_a_link_goes_to_the_line_in_the_changed_text():
    changes = {ALGORITHM: "# one more line\n" + TEXT}
    reader = links.Reader(changes, source.load(changes))
    before, after = (r.definition(ALGORITHM, "update") for r in (links.Reader(), reader))
    assert after == (ALGORITHM, before[1] + 1)
    assert reader.page(ALGORITHM)["changed"] == [1]


def test_a_link_after_letters_of_several_bytes():
    changes = {ALGORITHM: TEXT.replace("return loss.detach()", "return '가나', loss.detach()")}
    page = links.Reader(changes, source.load(changes)).page(ALGORITHM)
    (line,) = page["changed"]
    (link,) = [each for each in page["links"] if each[0] == line]
    assert page["text"].splitlines()[line - 1][link[1] : link[2]] == "detach"


# The film


def filmed(query, changes=None, skip=0, moved=lambda event: None):
    """The events of one round, and the text that was filmed."""
    run = Run(read_query(query), source.load(changes or {}))
    run.play(skip)
    players = {"G": run.players.G.parameters(), "D": run.players.D.parameters()}
    text = (changes or {}).get(ALGORITHM, TEXT)
    _, events = film(run.rounds, players, source=text, moved=moved)
    return events, text.splitlines()


def codes(events, lines, functions=("play", "d_step", "g_step", "update")):
    """The code of each event, without comments."""
    chosen = [event for event in events if event["function"] in functions]
    return [lines[event["line"] - 1].partition("  #")[0].strip() for event in chosen]


D_STEP = [
    "d_loss, real_logits, fake_logits = d_step()",
    "z = noise(m)",
    "x = data(m)",
    "with no_grad():",
    "fake = G(z)",
    "real_logits, fake_logits = discriminate(D, x, fake)",
    "real_logits, fake_logits = discriminate(D, x, fake)",
    "loss = game.d_loss(real_logits, fake_logits)",
    "if penalty is not None:",
    "d_loss = update(opt_d, loss)",
    "opt.step(grad(loss, opt.parameters))",
    "return loss.detach()",
    "d_loss = update(opt_d, loss)",
    "return d_loss, real_logits.detach(), fake_logits.detach()",
    "d_loss, real_logits, fake_logits = d_step()",
    "for _ in range(k):",
]
G_STEP = [
    "g_loss = g_step()",
    "z = noise(m)",
    "real_logits = D(data(m)) if game.g_uses_real else None",
    "loss = game.g_loss(D(G(z)), real_logits)",
    "return update(opt_g, loss)",
    "opt.step(grad(loss, opt.parameters))",
    "return loss.detach()",
    "return update(opt_g, loss)",
    "g_loss = g_step()",
    "yield Round(d_loss, g_loss, real_logits, fake_logits)",
]
BEFORE = [
    "checks.sizes(m=m, k=k)",
    'check_players(game, {"G": G}, {"D": D}, opt_g, opt_d, penalty, data=data, noise=noise)',
    "def d_step() -> tuple[Tensor, Tensor, Tensor]:",
    "def g_step() -> Tensor:",
]


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("skip", [0, 1, 5])
def test_the_film_has_the_lines_of_algorithm_1_in_their_order(k, skip):
    events, lines = filmed(f"{TINY}&k={k}", skip=skip)
    expected = ["while True:", "for _ in range(k):", *D_STEP * k, *G_STEP]
    assert codes(events, lines) == [*([] if skip else BEFORE), *expected]
    assert {event["module"] for event in events} == {ALGORITHM}


def test_the_film_names_what_was_made_and_who_moved():
    events, _ = filmed(TINY, skip=1)
    made = {}
    for event in events:
        for each in event["made"]:
            made.setdefault((event["function"], each["name"]), each)
    shapes = {key: (each["shape"], each["graph"]) for key, each in made.items()}
    assert shapes["d_step", "z"] == ([8, 2], [])
    assert shapes["d_step", "x"] == ([8, 2], [])
    assert shapes["d_step", "fake"] == ([8, 2], [])  # no_grad: a value only
    assert shapes["discriminate", "logits"] == ([16, 1], ["D"])
    assert shapes["d_step", "real_logits"] == shapes["d_step", "fake_logits"] == ([8, 1], ["D"])
    assert shapes["d_step", "loss"] == ([], ["D"])
    assert shapes["d_step", "d_loss"] == shapes["play", "d_loss"] == ([], [])
    assert shapes["g_step", "loss"] == ([], ["G", "D"])
    assert shapes["play", "g_loss"] == ([], [])
    assert made["play", "d_loss"]["value"] == made["d_step", "loss"]["value"] > 0
    moved = [(event["function"], event["moved"]) for event in events if event["moved"]]
    assert moved == [("update", ["D"]), ("update", ["G"])]
    json.dumps(events, allow_nan=False)


def test_all_events_of_a_call_have_its_number():
    events, _ = filmed(f"{TINY}&k=2")
    functions = {}
    for event in events:
        functions.setdefault(event["call"], set()).add(event["function"])
    assert all(len(names) == 1 for names in functions.values())
    names = [next(iter(functions[number])) for number in sorted(functions)]
    steps = ["d_step", "discriminate", "update"]
    assert names == ["play", *steps, *steps, "g_step", "update"]


def test_the_film_shows_a_graph_that_was_not_cut():
    old = "        with no_grad():  # G is fixed while D learns\n            fake = G(z)"
    events, _ = filmed(TINY, changed(ALGORITHM, old, "        fake = G(z)"))
    (fake,) = [
        m for e in events if e["function"] == "d_step" for m in e["made"] if m["name"] == "fake"
    ]
    assert fake["graph"] == ["G"]


def test_a_film_does_not_change_the_run():
    right = losses(TINY, {}, 4)
    run = Run(read_query(TINY), source.load({}))
    players = {"G": run.players.G.parameters(), "D": run.players.D.parameters()}
    for _ in range(4):
        run.play_one(lambda rounds: film(rounds, players, source=TEXT)[0])
    curves = run.take_curves()
    assert list(zip(curves["d_loss"], curves["g_loss"], strict=True)) == right


def test_the_pictures_are_taken_where_weights_moved():
    taken = []
    events, _ = filmed(TINY, moved=taken.append)
    assert taken == [i for i, event in enumerate(events) if event["moved"]] and len(taken) == 2


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("skip", [0, 1])
def test_the_trace_functions_come_back(fails, skip):
    seen = []

    def trace(frame, event, argument):
        seen.append(event)
        return None

    changes = changed(ALGORITHM, "        g_loss = g_step()", "        1 / (_ - fail)")
    code = source.load(changes if fails else {})
    code[ALGORITHM]["fail"] = 1 if skip else 0
    run = Run(read_query(TINY), code)
    run.play(skip and not fails)
    players = {"G": run.players.G.parameters(), "D": run.players.D.parameters()}
    before, own = sys.gettrace(), run.rounds.gi_frame.f_trace  # own: coverage may have set it
    sys.settrace(trace)
    try:
        if fails:
            code[ALGORITHM]["fail"] = 0
            with pytest.raises(ZeroDivisionError):
                film(run.rounds, players, source=TEXT)
        else:
            film(run.rounds, players, source=TEXT)
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)
    assert fails or run.rounds.gi_frame.f_trace is own


def test_a_film_takes_a_generator_that_can_go_on():
    with pytest.raises(TypeError, match="rounds: expected a generator that can go on"):
        film(iter([]), {}, source="")


# The nodes of the overview


@pytest.mark.parametrize(
    "query", [TINY, f"{TINY}&batchnorm=D", f"{TINY}&game=relativistic-average"]
)
def test_a_node_has_shapes_values_and_a_histogram(query):
    settings = read_query(query)
    players, game = build(settings), rules(settings)
    x, z = players.data(8), players.noise(8)
    before = losses(query, {})
    for name in nodes.NODES:
        entries = nodes.node(name, game, players.G, players.D, x, z)
        json.dumps(entries, allow_nan=False)
        for each in entries:
            assert sum(each["histogram"]["counts"]) == np.prod(each["shape"], dtype=int)
            assert len(each["values"]) == min(8, sum(each["histogram"]["counts"]))
    assert losses(query, {}) == before
    names = [name for name, _ in players.D.named_parameters()]
    for name in ("D", "d_grad"):
        entries = nodes.node(name, game, players.G, players.D, x, z)
        assert [each["name"] for each in entries] == names


def test_the_nodes_are_the_gradients_of_the_steps():
    settings = read_query(TINY)
    players, game = build(settings), rules(settings)
    x, z = players.data(8), players.noise(8)
    entries = nodes.node("d_grad", game, players.G, players.D, x, z)
    real, fake = players.D(x), players.D(players.G(z).detach())
    from tinygan.autograd import grad

    gradients = grad(game.d_loss(real, fake), players.D.parameters())
    for each, gradient in zip(entries, gradients, strict=True):
        assert each["mean"] == pytest.approx(float(gradient.data.mean()), abs=1e-7)


def test_numbers_that_are_not_finite():
    found = nodes.entry("a", np.array([np.nan, np.inf, 1.0], np.float32))
    assert found["values"] == [None, None, 1.0] and found["mean"] is None
    assert sum(found["histogram"]["counts"]) == 1
    assert nodes.entry("a", np.array(np.nan))["histogram"]["counts"] == [0] * 20


def test_another_node_is_refused():
    with pytest.raises(InputError, match="node 'w' is unknown"):
        nodes.node("w", gan.minimax, Sequential(), Sequential(), Tensor([1.0]), Tensor([1.0]))


# The museum

NAMES = list(exhibits.MISTAKES)
UNHARMED = {"no-grad-forgotten", "notes-4"}  # the same losses to the last bit


@pytest.mark.parametrize("name", NAMES)
def test_the_changed_text_stands_in_the_file_once(name):
    for module, old, new in exhibits.MISTAKES[name].changes:
        assert source.text(module).count(old) == 1 and new != old
    for each in exhibits.described()[name]["changes"]:
        lines = source.text(each["module"]).splitlines()
        assert each["old"].splitlines()[0] in lines[each["line"] - 1]


@pytest.mark.parametrize("name", NAMES)
def test_an_exhibit_differs_from_the_right_run_from_the_first_rounds_on(name):
    query = exhibits.MISTAKES[name].query
    tiny = "&".join([query, TINY] if "m=16" not in query else [query, TINY.replace("m=8&", "")])
    tiny = tiny.lstrip("&")
    right, wrong = losses(tiny, {}), losses(tiny, exhibits.texts(name))
    if name in UNHARMED:
        assert right == wrong
    else:
        assert right[:2] != wrong[:2] and len(wrong) == 3
    assert losses(tiny, {}) == right  # the right program is as before


def test_the_words_are_there_in_both_languages():
    assert list(exhibits_en.WORDS) == list(exhibits_ko.WORDS) == NAMES
    for name in NAMES:
        for words in (exhibits_en.WORDS[name], exhibits_ko.WORDS[name]):
            assert len(words) == 3 and all(each.strip() for each in words)
        assert all(re.search("[가-힣]", each) for each in exhibits_ko.WORDS[name])


def test_every_exhibit_is_measured_with_its_settings_over_five_seeds():
    measured = exhibits.measured()
    assert set(measured["exhibits"]) == set(NAMES)
    assert measured["machine"]["commit"] and measured["machine"]["date"]
    for name, found in measured["exhibits"].items():
        mistake = exhibits.MISTAKES[name]
        assert (found["query"], found["rounds"]) == (mistake.query, mistake.rounds)
        assert all(len(v) == 5 for run in ("right", "wrong") for v in found[run].values())


def test_the_page_gets_means_and_counts():
    runs = {"modes": [8, 7, 8], "share": [None] * 3, "diagnoses": [["a", "b"], [], ["a"]]}
    assert exhibits.summary(runs) == {
        "modes": pytest.approx(23 / 3),
        "share": None,
        "diagnoses": "a (2), b (1)",
    }
    json.dumps(exhibits.described(), allow_nan=False)
