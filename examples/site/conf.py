"""The configuration of Sphinx: MyST pages, the theme furo, and formulas as MathML.

`build.py` writes the pages and calls Sphinx with this folder's configuration; `language` is en or
ko. MathML needs no script and no network.
"""

from pathlib import Path
from typing import Any

from cells import IN_BOTH
from latex2mathml.converter import convert

project = "tinygan"
extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = "tinygan"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
exclude_patterns: list[str] = []
OTHERS = {"en": ("ko", "한국어"), "ko": ("en", "English")}


def _inline(translator: Any, node: Any) -> None:
    translator.body.append(convert(node.astext()))
    raise _skip()


def _block(translator: Any, node: Any) -> None:
    translator.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise _skip()


def _skip() -> Exception:
    from docutils.nodes import SkipNode

    return SkipNode()


def _links_above(app: Any, name: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Put links to the lab and to the same page in the other language above a page."""
    code, title = OTHERS[app.config.language]
    up = "../" * (name.count("/") + 1)
    in_both = (Path(app.srcdir) / IN_BOTH).read_text(encoding="utf-8").split("\n")
    lab, other = f"{up}lab/index.html", f"{up}{code}/{name if name in in_both else 'index'}.html"
    context["theme_announcement"] = f'<a href="{lab}">lab</a> · <a href="{other}">{title}</a>'


def setup(app: Any) -> None:
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("html-page-context", _links_above)


html_math_renderer = "mathml"
