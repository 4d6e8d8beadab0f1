"""The doctor's report in English and Korean: the same diagnoses, numbers and options in both."""

import json
import re
from pathlib import Path

import pytest
from test_doctor import AT_ONCE, HEALTHY, SIGNS, SURE, probes

import tinygan.lab
from tinygan import InputError
from tinygan.commands import doctor
from tinygan.commands.parser import main
from tinygan.doctor import PATIENCE, Diagnosis, diagnose, words
from tinygan.doctor.advice import ADVICE
from tinygan.language import LANGUAGES, Text
from tinygan.training import RunFolder
from tinygan.training.health_monitor import health

HANGUL = re.compile("[가-힣]")
MUSEUM = Path(tinygan.lab.__file__).parent / "static" / "ko_code.js"
STILL = {"G": 0.0, "D": 0.0}
SMALL = {"norms": {"G.0.weight": 1e-4, "D.0.weight": 1.0}}
DEAD = {"norms": {"G.0.weight": 0.0, "D.0.weight": 0.0}, "moved": STILL}
TWO_LAYERS = {"dead": {"G.1 (ReLU)": 0.95, "D.2 (ReLU)": 0.99}}
SICK = {
    **{f"{n} {i}": probes(*[s] * PATIENCE) for n in SIGNS for i, s in enumerate(SIGNS[n])},
    **{f"{n} at once {i}": probes(s) for n in AT_ONCE for i, s in enumerate(AT_ONCE[n])},
    "vanished": probes(*[{}] * PATIENCE, *[SURE | SMALL] * PATIENCE),
    "no gradient": probes(*[DEAD] * PATIENCE),
    "alike": probes(*[{"spread": 0.1}] * 25),
    "shrunk": probes(*[{}] * 5, *[{"spread": 0.15}] * PATIENCE),
    "two layers": probes(*[TWO_LAYERS] * PATIENCE),
}


def numbers(text):
    """The numbers in a text, but not the tenth that English writes as a word."""
    return sorted(
        re.findall(
            r"-?\d*\.?\d+(?:e[+-]?\d+)?|nan(?![a-z])|inf(?![a-z])", text.replace("10분의 1", "")
        )
    )


@pytest.mark.parametrize("name", SICK)
def test_the_evidence_has_the_same_numbers_in_both_languages(name):
    english, korean = (diagnose(SICK[name], each) for each in LANGUAGES)
    assert english == diagnose(SICK[name]) and english
    for one, other in zip(english, korean, strict=True):
        assert one[:2] == other[:2] and numbers(one.seen) == numbers(other.seen)
        assert not HANGUL.search(one.seen) and HANGUL.search(other.seen)
        assert "{" not in other.seen and "Text(" not in one.seen + other.seen
        text = other.report({}, "ko")
        assert text.startswith(f"{one.step}라운드 뒤: {one.name}({words.KOREAN[one.name]}). ")
        assert other.seen in text and "\n  처방:\n" in text


def test_each_text_is_used_and_has_both_languages():
    texts = [t for t in {**vars(words), **vars(doctor)}.values() if isinstance(t, Text)]
    field = re.compile(r"\{.*?\}")
    for text in texts:
        fields = [set(field.findall(each)) - {"{korean}"} for each in text]
        assert fields[0] == fields[1] and HANGUL.search(text.ko) and not HANGUL.search(text.en)
    said = "".join(found.seen for each in SICK.values() for found in diagnose(each))
    for name in ("SATURATED", "SETTLED", "VANISHED", "ALIKE", "SHRUNK", "STAYED", "NO_GRADIENT"):
        part = max(field.split(getattr(words, name).en), key=len)
        assert part in said, name


@pytest.mark.parametrize("name", ADVICE)
def test_the_remedies_have_the_same_numbers_and_options_in_both_languages(name):
    for each in ADVICE[name]:
        english, korean = map(each.of, LANGUAGES)
        digits = re.compile(r"[\d.]*\d[\d.e-]*")
        assert str(each) == english and not HANGUL.search(english)
        assert digits.findall(english) == digits.findall(korean)
        assert re.findall(r"--[\w-]+(?: [\w-]+)?", korean) == [*each.options]
        assert re.search(r"[가-힣]니다( |:)", korean)


def test_the_names_of_diagnoses_are_those_of_the_museum():
    museum = dict(re.findall(r'"diagnosis\.(.+?)": "(.+?)"', MUSEUM.read_text(encoding="utf-8")))
    assert words.KOREAN.keys() == ADVICE.keys()
    assert museum == {name: words.KOREAN[name] for name in museum} and len(museum) == len(SIGNS)


RECORDS = [
    (words.FIRST, {"where": "exp in D.3 (Softplus)"}),
    (words.FIRST_DRAWN, {"where": "{weight} of G.0 (Linear)"}),
    (words.UNNAMED, {}),
    (words.UNKNOWN, {"reason": "no memory"}),
    (words.REPLAY_DIFFERS, {}),
    (words.HOW_TO_FIND, {"run": "RUN"}),
]


def test_recorded_evidence_is_translated():
    assert {text for text, _ in RECORDS} == {*words.RECORDED}
    for text, values in RECORDS:
        filled = text.format(**values)
        assert [words.of_record(filled.en, each) for each in LANGUAGES] == [*filled]
    assert words.of_record("exp in D.1", "ko") == "exp in D.1"


@pytest.fixture
def run(tmp_path):
    """A run with a diagnosis of its probes and a recorded one."""
    run = str(tmp_path / "run")
    argv = ["train", "--model", "mlp-small", "--quiet", "--steps", "5", "--out", run]
    assert main(argv) == 0
    sick = HEALTHY._replace(step=5, spread=0.0)
    record = Diagnosis("not finite", 5, words.FIRST.format(where="exp in D.1 (Layer)").en)
    lines = [json.dumps(each._asdict()) for each in (sick, record)]
    (tmp_path / "run" / "health.jsonl").write_text("".join(f"{each}\n" for each in lines))
    return run


def test_the_command_speaks_korean_if_asked_or_by_the_locale(run, monkeypatch, capsys):
    def printed(*options):
        assert main(["doctor", run, *options]) == 0
        return capsys.readouterr().out

    monkeypatch.setenv("LC_ALL", "C")
    english, korean = printed(), printed("--lang", "ko")
    assert "1 probes" in english and not HANGUL.search(english)
    assert "점검 1번" in korean and "log.csv의 마지막 행: step 5" in korean
    assert "5라운드 뒤: mode collapse(모드 붕괴). 표본이 모두 같습니다." in korean
    assert "나왔습니다: exp in D.1 (Layer).\n" in korean
    for word in ("after round", "Remedies", "The last row", "The first number", "samples"):
        assert word in english and word not in korean
    assert printed("--json", "--lang", "ko") == printed("--json")
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    assert printed() == korean and printed("--lang", "en") == english
    assert main(["doctor", run, "--lang", "fr"]) == 2
    assert "--lang 'fr' is unknown" in capsys.readouterr().err


def test_a_healthy_run_and_a_run_without_probes_in_korean(run, capsys):
    path = Path(run, "health.jsonl")
    path.write_text(json.dumps(HEALTHY._replace(step=5)._asdict()) + "\n")
    assert "200라운드 전에는" in doctor.examined(run, "ko")[0]
    path.write_text(json.dumps(HEALTHY._replace(step=200)._asdict()) + "\n")
    assert doctor.examined(run, "ko")[0].endswith("\n\n문제를 찾지 못했습니다")
    path.unlink()
    assert "체크포인트를 1번 점검했습니다" in doctor.examined(run, "ko")[0]


def test_recorded_evidence_that_is_no_text_is_refused(run):
    path = Path(run, "health.jsonl")
    path.write_text(json.dumps(Diagnosis("not finite", 5, 7)._asdict()) + "\n")
    with pytest.raises(InputError, match=r"health\.jsonl: damaged"):
        health(RunFolder(run))
