"""The parts that examples share: options, missing data, Ctrl-C, and saved results."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from tinygan import InputError, Tensor, data, gan
from tinygan.experiments import example as module
from tinygan.experiments.example import Example
from tinygan.experiments.findings import Finding, number, table
from tinygan.experiments.reproduce import EXPERIMENTS, Experiment
from tinygan.experiments.results import Result, SeedResults
from tinygan.experiments.training_curve import TrainingCurve


@pytest.fixture
def example(tmp_path, monkeypatch):
    """example("--seed", "3", steps=10) is an Example with these options, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def make(*options, steps=10, full=70, **others):
        monkeypatch.setattr(sys, "argv", ["toy.py", *options])
        return Example("toy", "A toy.", steps=steps, full=full, **others)

    return make


@pytest.fixture
def stops(capsys):
    """stops(f) calls f, checks that it ends the program with status 2 and one line, and returns
    this line."""

    def call(function):
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            function()
        err = capsys.readouterr().err
        assert stopped.value.code == 2 and err.startswith("toy.py: ") and err.count("\n") == 1
        return err

    return call


def test_options_and_their_defaults(example, monkeypatch):
    run = example()
    assert (run.seed, run.steps, run.full, run.width, run.backend) == (0, 10, False, 1.0, "numpy")
    run = example("--full", "--seed", "3", "--width", "0.5")
    assert (run.seed, run.steps, run.full, run.width) == (3, 70, True, 0.5)
    assert run.rng.random() == np.random.default_rng(3).random()
    assert example("--full", "--steps", "4").steps == 4
    assert run.many(5000) == 2500 and run.many(90) == 100 and example().many(5000) == 5000
    shell = SimpleNamespace(kernel=True)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert example("-f", "kernel.json").steps == 10  # a notebook has the defaults


def test_help_shows_the_defaults(example, capsys):
    def shown(**options):
        with pytest.raises(SystemExit):
            example("--help", **options)
        return " ".join(capsys.readouterr().out.split())

    text = shown()
    assert "number of rounds (default: 10, with --full 70)" in text
    assert "run the long protocol, on mnist" in text
    assert "as in tinygan train (default: digits, with --full mnist)" in text
    own = shown(data=None)
    assert "run the long protocol --steps" in own and "--data" not in own


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seed", "x"], "--seed: expected a whole number from 0 to 9007199254740992, got 'x'"),
        (["--seed", "-1"], "--seed: expected a whole number from 0 to 9007199254740992, got '-1'"),
        (["--steps", "1.5"], "--steps: expected a whole number from 1 to"),
        (["--width", "wide"], "--width: expected a number, got 'wide'"),
    ],
)
def test_a_number_that_is_none_is_refused_in_plain_words(example, stops, options, message):
    assert message in stops(lambda: example(*options))


def test_an_example_that_generates_its_data_refuses_others(example, stops):
    said = stops(lambda: example("--data", "digits", data=None))
    assert "--data: this example generates its own data; got 'digits'" in said


def test_missing_data(example, stops, monkeypatch, capsys):
    def load(name, split="train", **options):
        if name == "mnist":
            raise InputError("mnist: no network")
        return data.load(name, split)

    monkeypatch.setattr(module, "load", load)
    run = example("--full")
    assert [len(each.images) for each in run.load_labeled()] == [10_000, 2000]
    err = capsys.readouterr().err
    assert err == "mnist: no network\nthe embedded digits are used instead\n"
    for options, split in ((["--data", "mnist"], "train"), (["--full"], "test")):
        stops(lambda options=options, split=split: example(*options).load(split))


def test_digits_to_train_on_and_to_test_on(example, stops, monkeypatch):
    digits = data.load("digits")
    learned, test = example().load_digits()
    np.testing.assert_array_equal(learned.images, digits.images)
    np.testing.assert_array_equal(test.images, data.load("digits", "test").images[::2])
    np.testing.assert_array_equal(test.labels, data.load("digits", "test").labels[::2])
    assert len(example("--width", "0.1").load_digits()[1].labels) == 200
    splits = []

    def load(name, split="train"):
        splits.append(split)
        return dataclasses.replace(digits, name=name)

    monkeypatch.setattr(module, "load", load)
    learned, test = example("--full").load_digits()
    assert len(learned.images) == len(test.images) == 10_000 and splits == ["train", "test"]
    assert len(example("--data", "mnist").load_digits()[1].images) == 1000
    for wrong, message in (
        ({"labels": None}, "got no labels"),
        ({"images": digits.images[:, :, :27]}, "about digits, 0 to 9, (1, 28, 28), got "),
        ({"images": digits.images[:60]}, "at least 1000 images, got 60"),
        ({"classes": tuple("abcdefghij")}, "about digits, 0 to 9, (1, 28, 28), got classes a, "),
        ({"labels": digits.labels - 10}, "at least 1000 labels, got 0"),
    ):
        monkeypatch.setattr(
            module, "load", lambda *_, wrong=wrong: dataclasses.replace(digits, **wrong)
        )
        assert message in stops(lambda: example().load_digits())


def test_a_folder_is_in_random_order_and_images_without_a_label_are_left_out(
    example, stops, monkeypatch
):
    labels = np.repeat([-1, 0, 1, 2], 500)  # sorted by class, as a folder is
    images = np.arange(2000, dtype=np.uint16).view(np.uint8).reshape(-1, 1, 1, 2)
    given = data.Dataset("folder:x", images, labels, ("a", "b", "c"))
    monkeypatch.setattr(module, "load", lambda *_: given)
    loaded = example().load()
    assert len(np.unique(loaded.labels[:50])) == 4
    at = loaded.images.view(np.uint16).ravel()
    np.testing.assert_array_equal(np.sort(at), np.arange(2000))
    np.testing.assert_array_equal(loaded.labels, labels[at])
    learned, test = example().load_labeled(2000)
    assert (len(learned.images), len(test.images)) == (1200, 300)  # a fifth, not 2000
    assert set(learned.labels) == set(test.labels) == {0, 1, 2}
    said = stops(lambda: example().load(sizes=(28, 32)))
    assert "images (C, 28, 28) or (C, 32, 32), got (1, 1, 2)" in said
    assert "images (1, 28, 28), got" in stops(lambda: example().load(shape=(1, 28, 28)))


def test_rounds_are_played_and_results_saved(example, capsys):
    run, one = example("--steps", "3"), Tensor(np.ones(1))
    rounds = iter([gan.Round(one, one, one, one)] * 5)
    assert [step for step, _ in run.play(lambda: rounds)] == [1, 2, 3] and len(list(rounds)) == 2
    run.save("pixels", np.zeros((30, 30), np.uint8), "black")
    run.save("figure", Figure(), "nothing")
    run.animate("moving", [np.zeros((30, 30), np.uint8)] * 2, caption="it moves")
    run.found("a share", np.float32(0.5), at_least=np.float32(0.4), compare={"noise": 0.25})
    run.found("a report", 7)
    run.end("It is half.", "That is enough.")
    *_, empty, one, two, gap, head, share, report = capsys.readouterr().out.splitlines()
    assert [empty, one, two, gap] == ["", "It is half.", "That is enough.", ""]
    assert head.split() == ["this", "run", "for", "comparison", "target", "met"]
    assert share.split() == ["a", "share", "0.5", "noise", "0.25", "at", "least", "0.4", "yes"]
    assert report.split() == ["a", "report", "7"]
    record = json.loads((run.out / "figures.json").read_text())
    assert record["pictures"] == {
        "pixels.png": "black", "figure.png": "nothing", "moving.gif": "it moves"}  # fmt: skip
    assert record["steps"] == 3 and record["sentences"] == ["It is half.", "That is enough."]
    assert Finding(**record["findings"][0]).met and Finding(**record["findings"][1]).met is None
    assert sorted(path.name for path in run.out.iterdir()) == [
        "figure.png", "figures.json", "moving.gif", "pixels.png"]  # fmt: skip


def test_a_folder_has_the_files_of_one_run(example):
    """Also if the second run is stopped after its first picture."""
    pixels, own = np.zeros((30, 30), np.uint8), ["mine.png", "notes.txt", "reproduced-1.json"]
    run = example()
    for name in ("first", "second"):
        run.save(name, pixels, "black")
    run.animate("third", [pixels] * 2)
    run.found("a share", 1)
    run.end("It is.")
    for name in own:
        (run.out / name).write_text("kept")
    again = example("--seed", "1")
    assert len(list(run.out.iterdir())) == 4 + len(own)  # nothing is deleted before there is more
    again.save("second", pixels, "black again")
    assert {path.name for path in run.out.iterdir()} == {"second.png", "figures.json", *own}
    record = json.loads((run.out / "figures.json").read_text())
    assert (record["seed"], record["pictures"]) == (1, {"second.png": "black again"})
    assert "findings" not in record
    third = example("--seed", "2")
    third.save("first", pixels, "black")
    assert not (run.out / "second.png").exists()
    third.save("second", pixels, "black")
    assert (run.out / "first.png").exists()


def test_a_run_that_is_killed_leaves_no_picture_to_the_next(example, monkeypatch):
    """Neither a picture that it has just written, nor a part of one."""
    pixels, run = np.zeros((30, 30), np.uint8), example()

    def killed(path, picture):
        for name in (path.name, f".{path.name}.1.2.partial", ".figures.json.1.2.partial"):
            (run.out / name).write_text("by a killed process")
        raise KeyboardInterrupt

    for name in ("first", "**[a]"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(module, "save_png", killed)
            run.save(name, pixels, "black")
    again = example("--seed", "1")
    again.save("second", pixels, "black")
    assert {path.name for path in run.out.iterdir()} == {"second.png", "figures.json"}


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", '{"pictures": 3}', '{"pictures": ["../x.png"]}'),
        *('{"pictures": ["\\u0000.png"]}', "[" * 100_000),
    ],
    ids=range(7),
)
def test_a_record_of_something_else_deletes_no_picture(example, tmp_path, text):
    run = example()
    run.out.mkdir(parents=True)
    (run.out / "figures.json").write_text(text)
    for path in (run.out / "a.png", run.out.parent / "x.png"):
        path.write_text("kept")
    run.save("first", np.zeros((30, 30), np.uint8), "black")
    assert (run.out / "a.png").exists() and (run.out.parent / "x.png").exists()
    assert json.loads((run.out / "figures.json").read_text())["pictures"] == {"first.png": "black"}


def test_bars_have_names(example, capsys):
    run = example("--steps", "2")
    result = [Tensor(np.ones(1))]
    assert len(list(run.play(lambda: iter(result * 2), "3/15 usual loss"))) == 2
    assert len(list(run.counted(1))) == 1
    err = capsys.readouterr().err
    assert "toy 3/15 usual loss: 100%" in err and "toy: 100%" in err


def test_curves_and_snapshots_of_a_training(example, monkeypatch):
    drawn = {}
    monkeypatch.setattr(module.plots, "curves", lambda path, shown: drawn.update(shown, path=path))
    run = example("--steps", "2000")
    assert run.snapshots == [60, 200, 600, 2000] and example("--steps", "2").snapshots == [1, 2]
    for title, game in (("cross-entropy", gan.non_saturating), ("critic", gan.wasserstein)):
        curve = run.curve(game, title)
        for step in range(1, 2001):
            logits = Tensor(np.array([[-1.0], [1.0]]))
            curve.add(step, gan.Round(Tensor(np.ones(1)), Tensor(np.zeros(1)), logits, logits + 1))
    run.save_curves()
    assert drawn["path"] == run.out / "curves.png"
    kept, critic = drawn["cross-entropy"], drawn["critic"]
    np.testing.assert_array_equal(kept.log["step"], np.arange(4, 2001, 4))
    assert kept.probability and not critic.probability and critic.equilibrium == {}
    assert kept.equilibrium["d_loss"] == pytest.approx(np.log(4))
    d = (1 / (1 + np.exp([0, -2]))).mean()
    for curve, real, fake in ((kept, 0.5, d), (critic, 0, 1)):
        last = {name: values[-1] for name, values in curve.log.items()}
        assert last.pop("step") == 2000
        assert last == pytest.approx({"d_loss": 1, "g_loss": 0, "d_real": real, "d_fake": fake})
    for steps, every in ((1, 1), (999, 1), (1000, 2)):
        assert TrainingCurve(gan.minimax, steps).every == every
    known = [TrainingCurve(gan.minimax, 1, *penalty).curve() for penalty in ((), ("wgan-gp",))]
    assert known[0].equilibrium["d_real"] == 0.5 and known[1].equilibrium == {}
    assert [curve.penalized for curve in known] == [False, True]


def test_findings_over_seeds():
    first = Finding("error", 1.2, {"blur": 3.0, "noise": 9.0}, at_most=2.0)
    second = first._replace(value=3.0, compare={"blur": 5.0, "noise": 9.0}, at_most=2.5)
    assert (first.met, second.met, first._replace(value=np.nan).met) == (True, False, False)
    both = Finding("count", 5.0, at_least=5, at_most=5)
    assert both.met and not both._replace(value=6.0).met and not both._replace(value=4.0).met
    alone = Finding("only once", 12345.6)
    assert table([[first, both, alone]]) == [
        ("error", "1.2", "blur 3; noise 9", "at most 2", "yes"),
        ("count", "5", "", "at least 5, at most 5", "yes"),
        ("only once", "12,346", "", "", ""),
    ]
    assert table([[second]])[0][4] == "NO"
    assert table([[first], [first._replace(value=9.0)]])[0][4] == "1 of 2 runs, but NOT the mean"
    met = "runs, and the mean"
    assert table([[first, both, alone], [second, both]]) == [
        (
            "error",
            "2.1 ± 1.3",
            "blur 4 ± 1.4; noise 9",
            "at most 2.25 ± 0.35",
            f"1 of 2 {met}",
        ),
        ("count", "5", "", "at least 5, at most 5", f"2 of 2 {met}"),
        ("only once", "12,346", "", "", ""),
    ]
    rounded = [number(x) for x in (9999.4, 9999.5, 10_000, -12345.6)]
    assert rounded == ["9999", "10,000", "10,000", "-12,346"] and number(99.7, 2) == "100"


def test_an_interrupted_protocol_continues_seed_by_seed(example, monkeypatch):
    asked = []

    def toy(seed, echo, backend, epochs):
        asked.append((seed, backend, epochs))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return SeedResults([Result("a figure", seed)])

    experiment = Experiment(toy, "unchanged", "1", "no time", "none either", {"epochs": 3})
    monkeypatch.setitem(EXPERIMENTS, "toy", experiment)
    with pytest.raises(KeyboardInterrupt):
        example("--seed", "4").reproduced("toy", 2, epochs=7)
    run = example("--seed", "4")
    outcomes = run.reproduced("toy", 2, epochs=7)
    assert [outcome.findings[0].ours for outcome in outcomes] == [4, 5]
    assert asked == [(4, "numpy", 7), (5, "numpy", 7), (5, "numpy", 7)]
    run.end()
    (found,) = json.loads((run.out / "figures.json").read_text())["findings"]
    assert found["what"] == "hours for 2 seeds of toy, 7 epochs" and 0 <= found["value"] < 1


@pytest.mark.parametrize(
    ("wait", "expected"),
    [
        ("print('ready', flush=True); time.sleep(60)", rb"stopped\n"),
        (
            "for i in run.counted(9): print('ready', flush=True) or time.sleep(60)",
            rb"(\r.*)*\rtoy:.*0/9.*\nstopped\n",
        ),
        (
            "import os, weakref\nclass Freed: pass\n"
            "freed = Freed(); seen = weakref.ref(freed, lambda _: os.kill(os.getpid(), 2))\n"
            "print('ready', flush=True); del freed; time.sleep(60)",
            rb"stopped\n",
        ),
        (
            "import atexit, os; atexit.register(os.kill, os.getpid(), 2)\n"
            "print('ready', flush=True); time.sleep(60)",
            rb"stopped\n",
        ),
    ],
    ids=["no bar", "a bar", "in a callback", "twice"],
)
def test_ctrl_c_ends_it_with_one_line(tmp_path, wait, expected):
    """A progress bar ends its line first, and does not come back."""
    script = tmp_path / "toy.py"
    script.write_text(
        "import time\nfrom tinygan.experiments.example import Example\n"
        f"run = Example('toy', 'A toy.', steps=1, full=1, data=None)\n{wait}\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"ready\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode in (130, -signal.SIGINT) and re.fullmatch(expected, err)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(
    ("output", "status", "said"),
    [
        (">/dev/full", 2, "toy.py: No space left on device\n"),
        (">&-", 0, None),
        ("2>/dev/full", 0, ""),
        ("2>&-", 0, ""),
        ("2>/dev/full x", 2, ""),
    ],
)
def test_an_output_that_cannot_be_written_is_no_traceback(tmp_path, output, status, said):
    script = tmp_path / "toy.py"
    script.write_text(
        "from tinygan.experiments.example import Example\n"
        "run = Example('toy', 'A toy.', steps=1, full=1, data=None)\n"
        "for i in run.counted(2): pass\n"
        "run.found('a figure', 1)\nrun.end('It is.')\n"
    )
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} {script} {output}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == status and "Traceback" not in done.stderr
    assert said is None or done.stderr.endswith(said)
    assert "toy:" not in done.stdout  # no bar where figures are


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_pipe_is_no_traceback(tmp_path, unbuffered):
    script = tmp_path / "toy.py"
    script.write_text(
        "import sys\nfrom tinygan.experiments.example import Example\n"
        "run = Example('toy', 'A toy.', steps=1, full=1, data=None)\n"
        "print('ready', flush=True)\nsys.stdin.readline()\n"
        "run.found('a figure', 1)\nrun.end('It is.')\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYTHONUNBUFFERED": unbuffered,
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"ready\n"
    process.stdout.close()
    process.stdin.write(b"\n")
    process.stdin.close()
    assert process.stderr.read() == b"" and process.wait(30) == 0
    process.stderr.close()
    assert (tmp_path / "out" / "toy" / "figures.json").exists() != bool(unbuffered)


def test_a_folder_that_cannot_be_created_is_one_line(example, stops, tmp_path, monkeypatch):
    (tmp_path / "out").write_text("a file")
    assert stops(example) == "toy.py: cannot write out/toy: out is not a folder\n"
    (tmp_path / "out").unlink()
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert f"cannot write out/toy: the folder {tmp_path} cannot be written to" in stops(example)


def test_a_run_that_is_refused_leaves_no_folder(example, stops, tmp_path):
    stops(lambda: example("--data", "minst").load())
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_disk_names_the_file(example, stops):
    run = example()
    run.save("first", np.zeros((30, 30), np.uint8), "black")
    (run.out / "second.png").mkdir()
    said = stops(lambda: run.save("second", np.zeros((30, 30), np.uint8), "black"))
    assert said == "toy.py: out/toy/second.png: Is a directory\n"
