"""Build the site of tinygan, in English and Korean: the book, the examples, the reference and the
lab. It needs no network.

    pip install 'tinygan[docs]'
    python examples/site/build.py -o site         then open site/index.html
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from cells import IN_BOTH, ROOT
from pages import build

from tinygan.errors import InputError
from tinygan.lab.export import export
from tinygan.language import LANGUAGES

HERE = Path(__file__).resolve().parent
FIRST = '<!DOCTYPE html><meta http-equiv="refresh" content="0; url=en/index.html">'


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument(
        "-o", default="site", metavar="DIR", help="a new or empty folder (default: site)"
    )
    target = Path(parser.parse_args().o).resolve()
    try:
        from sphinx.cmd.build import build_main
    except ImportError:
        parser.error("Sphinx is not installed; pip install 'tinygan[docs]'")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        parser.error(f"-o: expected a new or empty folder, got {target}")
    with tempfile.TemporaryDirectory() as folder:
        sources = {language: Path(folder, language, "source") for language in LANGUAGES}
        for language, source in sources.items():
            for picture in build(source, language):
                for where in (source, source.parent / "extra"):
                    (where / picture).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / picture, where / picture)
        names = ({p.relative_to(s) for p in s.rglob("*.md")} for s in sources.values())
        in_both = sorted(path.with_suffix("").as_posix() for path in set.intersection(*names))
        for language, source in sources.items():
            (source / IN_BOTH).write_text("\n".join(in_both), encoding="utf-8")
            settings = [f"language={language}", f"html_extra_path={source.parent / 'extra'}"]
            options = [part for each in settings for part in ("-D", each)]
            command = ["-q", "-W", "--keep-going", "-j", "auto", "-c", str(HERE), *options]
            if status := build_main([*command, str(source), str(target / language)]):
                return int(status)
    export(target / "lab")
    (target / "index.html").write_text(FIRST, encoding="utf-8")
    print(f"{target / 'index.html'}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as problem:
        sys.exit(f"build.py: {problem}")
