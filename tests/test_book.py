"""The book: each chapter runs and makes its figure, in both languages; a text and its translation
have the same formulas, code and links; terms are written one way; lengths are kept."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from cells import APPENDIX, BOOK, CHAPTERS, code, english, korean
from PIL import Image

from tinygan.exercises import of_chapter

WORDS, LINES = 900, 120  # of a chapter, at most
# Terms of the Korean text: what must not be written, and what is written instead.
TERMS = {
    "구분자": "판별자", "감별자": "판별자", "식별자": "판별자",
    "발생자": "생성자", "그래디언트": "기울기", "그라디언트": "기울기",
    "경사도": "기울기", "미니 배치": "미니배치", "자동미분": "자동 미분",
    "컨볼루션": "합성곱", "콘볼루션": "합성곱", "컨벌루션": "합성곱",
    "전치합성곱": "전치 합성곱", "배치정규화": "배치 정규화", "모드붕괴": "모드 붕괴",
    "모드 축소": "모드 붕괴", "잠재벡터": "잠재 벡터", "로스": "손실",
    "비용 함수": "손실", "균형점": "평형", "기울기소실": "기울기 소실",
}  # fmt: skip
KEPT = re.compile(r"\$\$.+?\$\$|\$[^$\n]+?\$|`[^`]+`|\]\([^)]+\)", re.DOTALL)


def kept(text):
    """What a translation must keep: formulas, code, and the targets of links. Words within a
    formula's text may be translated."""
    found = (re.sub(r"\s+", " ", each) for each in KEPT.findall(text))
    return Counter(re.sub(r"\\text\{[^}]*\}", "", each) for each in found)


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_text_and_its_translation_have_the_same_formulas_code_and_links(name):
    texts, translated = english(name), korean(name)
    assert len(texts) == len(translated)
    for text, other in zip(texts, translated, strict=True):
        assert kept(text) == kept(other)
        assert text.count("\n## ") == other.count("\n## ")
        assert re.search("[가-힣]", other)


def test_the_appendix_has_the_same_formulas_in_both_languages():
    text = (BOOK / f"{APPENDIX}.md").read_text(encoding="utf-8")
    (translated,) = korean(APPENDIX)
    assert kept(text) == kept(translated)
    assert text.count("\n## ") == translated.count("\n## ") >= 12


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_is_read_in_a_quarter_of_an_hour(name):
    lines = [line for cell in code(name) for line in cell.split("\n") if line.strip()]
    assert len(lines) <= LINES
    words = KEPT.sub(" x ", " ".join(english(name))).split()
    assert len(words) <= WORDS


@pytest.mark.parametrize("name", CHAPTERS)
def test_terms_are_written_one_way(name):
    text = (BOOK / "ko" / f"{name}.md").read_text(encoding="utf-8")
    text += "".join(code(name))
    assert [f"{wrong}: {right}" for wrong, right in TERMS.items() if wrong in text] == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_links_exist_and_both_exercises_stand_at_the_end(name):
    texts = english(name)
    for target in re.findall(r"\]\(([^)#:]+)\)", "\n".join(texts)):
        assert (BOOK / target).exists(), target
    for each in of_chapter(int(name[2:4])):
        for last in (texts[-1], korean(name)[-1]):
            assert f"**{each.number}**" in last and f"tinygan check {each.number} FILE" in last


@pytest.mark.parametrize("name", CHAPTERS)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_chapter_runs_and_makes_its_figure(name, language, tmp_path):
    command = [sys.executable, "-W", "error", BOOK / f"{name}.py", "--lang", language]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (picture,) = Path(tmp_path, "out/book").glob("*.png")
    with Image.open(picture) as opened:
        assert min(opened.size) > 200
    if language == "ko" and picture.name.endswith(".ko.png"):
        assert "missing" not in done.stderr  # a letter that the font lacks
