"""The exercises of the book: solutions are right, usual mistakes are refused and named, and a file
that cannot be checked ends with one line."""

import re

import numpy as np
import pytest
from cells import BOOK
from wrong_answers import WRONG

from tinygan.commands.parser import main
from tinygan.errors import InputError
from tinygan.exercises import find, numbers
from tinygan.exercises.checking import check
from tinygan.exercises.process import check_file


def solution(number):
    return (BOOK / "solutions" / f"{number.replace('.', '_')}.py").read_text(encoding="utf-8")


def answer(exercise, text):
    names = {}
    exec(text, names)
    return names[exercise.function]


@pytest.mark.parametrize("number", numbers())
def test_the_solution_is_right(number):
    exercise = find(number)
    verdict = check(exercise, answer(exercise, solution(number)))
    assert verdict.right, verdict.report
    assert len(list(exercise.cases(np.random.default_rng(0)))) >= 3


@pytest.mark.parametrize("number", numbers())
def test_wrong_answers_are_refused_and_usual_ones_get_a_hint_of_their_own(number):
    """Each wrong answer is the solution with an edit, and words of the hint that it must get."""
    exercise, hints = find(number), set()
    assert len(WRONG[number]) >= 5
    for old, new, hint in WRONG[number]:
        assert old in solution(number), old
        verdict = check(exercise, answer(exercise, solution(number).replace(old, new)))
        assert not verdict.right, new
        assert hint in verdict.report, verdict.report
        hints.add(hint)
    assert len(hints - {""}) >= 3
    assert len(exercise.mistakes) >= 3


@pytest.mark.parametrize("number", numbers())
def test_the_texts_stand_in_both_languages(number):
    exercise = find(number)
    for text in (exercise.task, exercise.source, *(each.hint for each in exercise.mistakes)):
        assert text.en.isascii() and text.en != text.ko
        assert re.search("[가-힣]", text.ko)


def test_a_report_names_the_case_the_right_value_and_the_first_difference():
    exercise = find("4.2")
    report = check(exercise, lambda x, scale, g: (g * scale, g * 0)).report.splitlines()
    assert report[0] == "4.2 scale_back(x, scale, g): not yet right"
    assert report[1].startswith("for x = [[") and ", scale = [" in report[1]
    assert report[3].endswith("(the sum over all elements)")
    assert report[4].startswith(
        "the first difference: [1]: an array (1, 1), expected an array (1,)"
    )
    korean = check(exercise, lambda x, scale, g: (g * scale, g * 0), "ko").report
    assert "아직 맞지 않습니다" in korean and "처음으로 다른 곳" in korean


def test_a_report_shows_the_formula_of_a_graph_and_numbers_of_six_digits():
    report = check(find("3.1"), lambda loss, xs: [0.0] * len(xs)).report.splitlines()
    assert report[1] == "for loss = (x * y) = 1.317, xs = [x = 1.455, y = 0.9047]"
    assert report[2:4] == [
        "your result: [0, 0]",
        "expected: [0.90468, 1.45544] (finite differences)",
    ]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda g, shape: None, "the first difference: None, expected an array (1,)"),
        (lambda g, shape: "x", "the first difference: 'x', expected an array (1,)"),
        (lambda g, shape: (1, (2, 3)), "2 values, expected an array (1,)"),
        (lambda g, shape: 1 / 0, "it raised ZeroDivisionError: division by zero"),
        (lambda g, shape: g.__imul__(2), "it changed its argument 1"),
        (lambda g, shape: float("nan"), "a number, expected an array (1,)"),
    ],
)
def test_other_answers_are_refused(function, words):
    verdict = check(find("4.1"), function)
    assert not verdict.right and words in verdict.report, verdict.report


PROBLEMS = {
    "raise": ("x = 1\ny = 1 / 0\n", "ZeroDivisionError, line 2: division by zero"),
    "syntax": ("def f(:\n", "SyntaxError, line 1"),
    "lacks": ("x = 1\n", r"has no function sum_back\(g, shape\)"),
    "exits": ("raise SystemExit(0)\n", "SystemExit, line 1"),
    "killed": ("import os\nos.kill(os.getpid(), 9)\n", "ended with status -9 before the check did"),
    "endless": ("while True: pass\n", "was stopped after 5 s; does a loop never end"),
    "endless call": ("def sum_back(g, shape):\n    while True: pass\n", "was stopped after 5 s"),
    "bytes": ("\0", "null bytes"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_file_that_cannot_be_checked(name, tmp_path):
    text, message = PROBLEMS[name]
    (path := tmp_path / "answer.py").write_text(text)
    with pytest.raises(InputError, match=f"answer.py: .*{message}"):
        check_file("4.1", str(path), "en", seconds=5 if "endless" in name else 60)


def test_the_command(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    (path := tmp_path / "answer.py").write_text(solution("4.1"))
    assert main(["check", "4.1", str(path), "--lang", "en"]) == 0
    assert capfd.readouterr().out == "4.1 sum_back(g, shape): right, in 7 cases\n"
    assert main(["check", "4.1", str(path)]) == 0
    assert "맞았습니다" in capfd.readouterr().out
    path.write_text("print('mine')\ndef sum_back(g, shape):\n    return g\n")
    assert main(["check", "4.1", str(path), "--lang", "en"]) == 1
    out = capfd.readouterr().out
    assert out.startswith("mine\n") and "hint: the gradient at b has the shape of b" in out
    assert main(["check"]) == 0
    assert capfd.readouterr().out.count("\n") == len(numbers())
    assert main(["check", "4.2", "--lang", "en"]) == 0
    assert "tinygan check 4.2 FILE" in capfd.readouterr().out
    for wrong, message in (
        (["4.9"], "exercise '4.9' is unknown"),
        (["x"], "exercise 'x' is unknown"),
        (["4.1", str(tmp_path / "none.py")], "none.py"),
        (["4.1", str(tmp_path)], str(tmp_path)),
        (["4.1", "--lang", "fr"], "--lang 'fr' is unknown; expected one of en, ko"),
    ):
        assert main(["check", *wrong]) == 2
        assert message in capfd.readouterr().err
