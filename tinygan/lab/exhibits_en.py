"""The words of the museum."""

WORDS: dict[str, tuple[str, str, str]] = {}
