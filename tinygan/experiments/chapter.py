"""The parts that the chapters of the book (examples/book/) share: the language, and the figure.

chapter = Chapter("ch04_broadcasting", __doc__)     --lang ko, or the locale, chooses Korean
chapter.save(figure, ko={"loss": "손실"})            write out/book/ch04_broadcasting.png
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..backend import process
from ..language import LANGUAGES, language
from ..storage import save_figure
from .options import Parser, check_folder, in_notebook, or_stop, report_ends, show

# Families with Hangul, of Linux, Windows and macOS.
FONTS = (
    "Noto Sans CJK KR",
    "Noto Sans CJK JP",
    "NanumGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
)


class Chapter:
    """A run of a chapter. The first line of its docstring `about` is shown by --help. Invalid
    options and missing data end the program with one line and status 2, Ctrl-C with status 130."""

    def __init__(self, name: str, about: str | None) -> None:
        parser = Parser(prog=f"{name}.py", description=(about or "").split("\n")[0])
        parser.add_argument("--lang", choices=LANGUAGES, help="of the figure's words")
        args = parser.parse_args([] if in_notebook() else None)
        process.tune()
        report_ends()
        self.name, self.language = name, language(args.lang)
        self.out = Path("out", "book")
        check_folder(self.out)

    def save(self, figure: Any, ko: Mapping[str, str]) -> None:
        """Write a matplotlib Figure to out/book/NAME.png, in Korean to NAME.ko.png with its words
        replaced by those in `ko`. If no installed font has Hangul, the words stay English, and a
        line says so."""
        from matplotlib.text import Text as Words

        end, family = ".png", _hangul() if self.language == "ko" else None
        if self.language == "ko" and family is None:
            print(f"no font with Hangul is installed, such as {FONTS[0]}: the figure is in English")
        elif self.language == "ko":
            end = ".ko.png"
            for words in figure.findobj(Words):
                words.set_fontfamily(family)
                words.set_text(ko.get(words.get_text(), words.get_text()))
        or_stop(lambda: self.out.mkdir(parents=True, exist_ok=True))
        path = self.out / f"{self.name}{end}"
        or_stop(save_figure, figure, path)
        print(path)
        show(path)


def _hangul() -> str | None:
    """The first family of FONTS that is installed; matplotlib's own list may be older."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    stems = tuple(name.replace(" ", "").lower()[:11] for name in FONTS)
    for path in findSystemFonts():
        if Path(path).name.lower().startswith(stems):
            fontManager.addfont(path)
    known = {font.name for font in fontManager.ttflist}
    return next((name for name in FONTS if name in known), None)
