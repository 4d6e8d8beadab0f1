"""The language of texts for readers, English or Korean: of exercises, of the book's figures, and of
the doctor."""

import os
from typing import NamedTuple

from .errors import choose

LANGUAGES = ("en", "ko")


class Text(NamedTuple):
    """A text in both languages; `text.of("ko")` is the Korean one."""

    en: str
    ko: str

    def of(self, language: str) -> str:
        """Return the text in a language of LANGUAGES."""
        return self.ko if language == "ko" else self.en

    def format(self, **values: object) -> "Text":
        """Fill in the {names} of both templates. If a value is itself a Text, each template gets it
        in its own language."""

        def filled(language: str) -> str:
            own = {k: v.of(language) if isinstance(v, Text) else v for k, v in values.items()}
            return self.of(language).format(**own)

        return Text(*map(filled, LANGUAGES))


def language(asked: str | None = None) -> str:
    """Return "en" or "ko": the language that is asked for, or else that of the locale, which is the
    first of LC_ALL, LC_MESSAGES and LANG that is set.

    Raises InputError for another language."""
    if asked is not None:
        return choose("--lang", asked, LANGUAGES)
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "ko" if next(filter(None, names), "").lower().startswith("ko") else "en"
