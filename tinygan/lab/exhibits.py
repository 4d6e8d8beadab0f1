"""The museum: famous mistakes, each as a changed line of the source.

    EXHIBITS["sign"]       its title, changes, settings, question and answer, as the page gets them
    texts("sign")          the changed texts by module, for `source.load`
"""

from typing import Any

from .source import text

EXHIBITS: dict[str, dict[str, Any]] = {}


def texts(name: str) -> dict[str, str]:
    """The texts of the modules that an exhibit changes."""
    changed: dict[str, str] = {}
    for change in EXHIBITS[name]["changes"]:
        module = change["module"]
        changed[module] = changed.get(module, text(module)).replace(change["old"], change["new"])
    return changed
