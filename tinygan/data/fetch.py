"""Find the files of a data set in $TINYGAN_DATA or in the user's cache, or download them.

    $TINYGAN_DATA/mnist/train-images-idx3-ubyte.gz      a folder for each data set,
    $TINYGAN_DATA/train-images-idx3-ubyte.gz            or all files in one folder

The SHA-256 of files in $TINYGAN_DATA is not checked, so readers check their content. A download is
used only if it has the expected SHA-256.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ..errors import InputError
from ..files import opened

LIMIT = 1 << 30  # bytes of a download
TIMEOUT = 5, 30  # seconds: to connect, and between two parts of a download


class File(NamedTuple):
    """A published file."""

    names: tuple[str, ...]  # the names that it may have; a download has the first
    urls: tuple[str, ...]  # of the folders that have the file, tried in this order
    sha256: str  # of the download


def locate(folders: Sequence[str], files: Sequence[File]) -> list[Path]:
    """The paths of the files: in $TINYGAN_DATA, else in the cache, to which they are downloaded.

    `folders` are the names that the data set's folder may have in $TINYGAN_DATA; the first is also
    its name in the cache.

    Raises InputError if a file is missing and cannot be downloaded. The message says which files to
    put into which folder.
    """
    found = find_local(folders, [file.names for file in files])
    return found or [_download(folders[0], file, files) for file in files]


def find_local(folders: Sequence[str], files: Sequence[tuple[str, ...]]) -> list[Path] | None:
    """The paths of the files in $TINYGAN_DATA; None if it is not set or has none of them. A file is
    given by the names that it may have.

    All files come from one folder, so that images and labels belong to the same data set.

    Raises InputError if a folder has only some of them, or if $TINYGAN_DATA is not a folder.
    """
    given = os.environ.get("TINYGAN_DATA")
    if not given:
        return None
    root = Path(os.path.expanduser(given))
    if not os.path.isdir(root):
        raise InputError(
            f"TINYGAN_DATA={given}: there is no such folder; set it to the folder that holds your "
            "data sets, or unset it"
        )
    for folder in [*(root / name for name in folders), root]:
        paths = [
            [folder / name for name in names if os.path.exists(folder / name)] for names in files
        ]
        if all(paths):
            return [found[0] for found in paths]
        if any(paths):
            present = next(found[0].name for found in paths if found)
            missing = (names[0] for names, found in zip(files, paths, strict=True) if not found)
            raise InputError(
                f"{folder}: has {present}, but not {', '.join(missing)}; expected all files of a "
                "data set in one folder"
            )
    return None


def _download(folder: str, file: File, needed: Sequence[File]) -> Path:
    import pooch

    cache = Path(pooch.os_cache("tinygan")) / folder
    failures = []
    for url in file.urls:
        result = _retrieve(url + file.names[0], file, cache)
        if isinstance(result, Path):
            return result
        failures.append(f"{urlsplit(url).hostname}: {result}")
    names = ", ".join(each.names[0] for each in needed)
    now = os.environ.get("TINYGAN_DATA") or "not set"
    raise InputError(
        f"{folder}: {names} not found, and the download to {cache} failed ({'; '.join(failures)}). "
        f"Without a network, put {names} into $TINYGAN_DATA/{folder}/, where TINYGAN_DATA names a "
        f"folder of your data sets (it is {now}); or use the embedded sample, --data digits"
    )


def _retrieve(url: str, file: File, cache: Path) -> Path | str:
    """The path of the file in the cache, or the reason why it cannot be downloaded. The SHA-256 of
    a cached file is checked too.

    pooch downloads to a temporary file and renames it, so an interrupted download leaves no partial
    file with this name.
    """
    import pooch

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")  # of a failure, only the reason is printed
    try:
        with suppress(FileNotFoundError):  # pooch reads a file that is there to its end
            opened(cache / file.names[0], LIMIT).close()
        path = pooch.retrieve(
            url,
            known_hash=f"sha256:{file.sha256}",
            fname=file.names[0],
            path=cache,
            downloader=pooch.HTTPDownloader(
                progressbar=bool(sys.stderr and sys.stderr.isatty()), timeout=TIMEOUT
            ),
        )
    except InputError:
        raise
    except Exception as problem:  # errors of network, TLS and disk share no base class
        return _reason(problem)
    finally:
        logger.setLevel(level)
    return Path(path)


def _reason(problem: BaseException) -> str:
    """The innermost cause of an error, in one line."""
    if isinstance(problem, ValueError) and "does not match the known hash" in str(problem):
        return "the download has another SHA-256 than the expected one"
    while deeper := problem.__cause__ or problem.__context__:
        problem = deeper
    line = " ".join(str(problem).split())
    return f"{type(problem).__name__}: {line[:120]}{'...' if len(line) > 120 else ''}"
