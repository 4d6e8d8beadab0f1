"""The lab as a static site: the same page, with the engine in Pyodide instead of a server.

    export("site/lab")                       Pyodide comes from a public CDN
    export("site/lab", pyodide="pyodide")    the site has its own copy, and asks for nothing else

All addresses in the site are relative, so it works in any folder of any web host.
"""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError
from ..files import read
from ..storage import PARTIAL, flush_folder
from .server import POLICY, files, policy

PACKAGE = Path(__file__).parent.parent
DATA = ("data/files/digits-[il]*.gz", "lab/*.json")  # what the engine reads beside its modules
CDN = "https://cdn.jsdelivr.net/pyodide/v314.0.3/full/"
ARCHIVE, CONFIG, RUNTIME = "tinygan.zip", "config.json", "pyodide/"
PARTS = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
LIMIT = 1 << 28  # bytes of a file of Pyodide, or of config.json
LOCK = "pyodide-lock.json"
HEAD = '<meta charset="utf-8">'


def export(folder: str | Path, pyodide: str | Path | None = None) -> Path:
    """Write the site to `folder` and return its path. `pyodide` is a folder with a copy of Pyodide.

    A folder that is there is replaced if it is empty or an earlier export without other files. On
    an error, it does not change.

    Raises InputError if the folder has anything else in it, or if the copy of Pyodide lacks a file.
    """
    target = Path(folder).resolve()
    _check(target)
    parts = files()
    if pyodide is not None:
        parts |= {RUNTIME + path.name: path for path in _runtime(Path(pyodide))}
    whole = {name: bytes(read(path, LIMIT)) for name, path in parts.items()}
    source = CDN if pyodide is None else f"./{RUNTIME}"
    whole["index.html"] = _page(whole["index.html"].decode(), pyodide is None).encode()
    whole[ARCHIVE] = archive()
    whole[CONFIG] = json.dumps(
        {
            "engine": "pyodide",
            "pyodide": source,
            "package": f"./{ARCHIVE}",
            "edit": True,
            "files": sorted([*whole, CONFIG]),
        },
        indent=1,
    ).encode()
    _replace(target, whole)
    return target


def archive() -> bytes:
    """The package as a zip file: all modules and the data that they read. The same files give the
    same bytes."""
    paths = [*PACKAGE.rglob("*.py"), *(path for part in DATA for path in PACKAGE.glob(part))]
    names = {path.relative_to(PACKAGE.parent).as_posix(): path for path in paths}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as whole:
        for name in sorted(names):
            entry = zipfile.ZipInfo(name)  # dated 1980
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # the same on every system
            whole.writestr(entry, names[name].read_bytes())
    return file.getvalue()


def _page(text: str, from_cdn: bool) -> str:
    """The page with its Content-Security-Policy, which a server would send in a header."""
    rules = dict(POLICY)
    if from_cdn:
        rules["script-src"] += f" {CDN}"
        rules["connect-src"] = f"'self' {CDN}"
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy(rules)}">'
    return text.replace(HEAD, f"{HEAD}\n    {meta}", 1)


def _check(target: Path) -> None:
    """Check that `target` may be replaced. Raises InputError if not."""
    option = f"--export {target}"
    if target == Path.cwd():
        raise InputError(f"{option}: expected another folder than the one that you are in")
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError(f"{option}: expected a folder, got a file")
    others = sorted(set(_files(target)) - _exported(target))
    if others:
        raise InputError(f"{option}: the folder has a file that is no part of a lab: {others[0]}")


def _files(folder: Path) -> Iterator[str]:
    """The names of all files below a folder, and of links, which are not followed."""
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix()


def _exported(folder: Path) -> set[str]:
    """The names of the files that an earlier export has written."""
    try:
        names = json.loads(read(folder / CONFIG, LIMIT))["files"]
        return set(names) if isinstance(names, list) else set()
    except (OSError, ValueError, RecursionError, TypeError, KeyError):
        return set()


def _runtime(folder: Path) -> list[Path]:
    """The files of Pyodide that the page needs. Raises InputError if one is missing."""
    option = f"--pyodide {folder}"
    lock = folder / LOCK
    try:
        numpy = json.loads(read(lock, LIMIT))["packages"]["numpy"]["file_name"]
    except OSError as problem:
        raise InputError(f"{option}: {LOCK}: {problem.strerror}") from problem
    except InputError:
        raise
    except (ValueError, RecursionError, TypeError, KeyError) as problem:
        raise InputError(f"{option}: {LOCK} does not name a file of NumPy") from problem
    paths = [lock, *(folder / name for name in (*PARTS, Path(str(numpy)).name))]
    missing = [path.name for path in paths if not os.path.isfile(path)]
    if missing:
        raise InputError(
            f"{option}: there is no {missing[0]}; expected {', '.join(PARTS)} and the file of "
            f"NumPy that {LOCK} names"
        )
    return paths


def _replace(target: Path, whole: dict[str, bytes]) -> None:
    """Write the files to a folder beside `target`, and give it that name when it is complete."""
    new, old = (target.with_name(f".{target.name}.{os.getpid()}.{n}{PARTIAL}") for n in "01")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        for name, contents in whole.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents)
        if target.exists():
            target.rename(old)
        new.rename(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    flush_folder(target.parent)
