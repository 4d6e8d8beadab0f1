"""The folders in which files are found, and the messages of a failed download. There is no network:
a dictionary replaces pooch's downloader."""

import contextlib
import hashlib
import io
import logging

import pooch
import pytest

from tinygan.data.fetch import File, find_local, locate
from tinygan.errors import InputError

CONTENT = b"sixteen images"
FILE = File(
    ("images.gz", "images"),
    ("https://first.invalid/", "https://second.invalid/"),
    hashlib.sha256(CONTENT).hexdigest(),
)
URLS = [f"{url}images.gz" for url in FILE.urls]
LABELS = File(("labels.gz", "labels"), (), "")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.delenv("TINYGAN_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache" / "tinygan" / "set"


@pytest.fixture
def root(cache, tmp_path, monkeypatch):
    root = tmp_path / "data"
    (root / "set").mkdir(parents=True)
    monkeypatch.setenv("TINYGAN_DATA", str(root))
    return root


@pytest.fixture
def web(cache, monkeypatch):
    """The contents of the network's files by URL; `requests` lists the URLs of all requests."""

    class Web(dict):
        def __init__(self):
            super().__init__()
            self.requests = []

    web = Web()

    def download(self, url, output_file, pooch, check_only=False):
        web.requests.append(url)
        if url not in web:
            raise OSError("no network here")
        with open(output_file, "wb") as file:
            file.write(web[url])
            if web[url] == b"stops halfway":
                raise OSError("connection lost")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", download)
    return web


def test_the_folder_of_the_data_set_comes_first_and_may_have_another_name(root, web):
    (root / "other").mkdir()
    for path in (root / "images", root / "other" / "images.gz", root / "set" / "images.gz"):
        path.write_bytes(b"local")
        assert locate(["set", "other"], [FILE]) == [path]
    assert not web.requests


def test_the_files_of_a_pair_come_from_one_folder(root):
    (root / "set" / "images.gz").write_bytes(b"local")
    (root / "labels.gz").write_bytes(b"local")
    with pytest.raises(InputError, match=r"set: has images.gz, but not labels.gz"):
        find_local(["set"], [FILE.names, LABELS.names])


def test_a_missing_folder_in_the_variable_is_an_error(cache, tmp_path, monkeypatch, web):
    monkeypatch.setenv("TINYGAN_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"TINYGAN_DATA=.*nowhere: there is no such folder"):
        locate(["set"], [FILE])
    assert not web.requests


def test_an_empty_variable_counts_as_unset(cache, monkeypatch):
    monkeypatch.setenv("TINYGAN_DATA", "")
    assert find_local(["set"], [FILE.names]) is None


def test_a_download_is_stored_in_the_cache_and_not_repeated(web, cache):
    web[URLS[0]] = CONTENT
    assert locate(["set"], [FILE]) == [cache / "images.gz"]
    assert (cache / "images.gz").read_bytes() == CONTENT
    assert locate(["set"], [FILE]) == [cache / "images.gz"]
    assert web.requests == [URLS[0]]
    assert [path.name for path in cache.iterdir()] == ["images.gz"]


def test_the_second_address_is_tried_when_the_first_fails(web, cache):
    web[URLS[1]] = CONTENT
    assert locate(["set"], [FILE]) == [cache / "images.gz"]
    assert web.requests == URLS


def test_a_damaged_file_in_the_cache_is_downloaded_again(web, cache):
    cache.mkdir(parents=True)
    (cache / "images.gz").write_bytes(b"damaged")
    web[URLS[0]] = CONTENT
    assert locate(["set"], [FILE])[0].read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"another file", "the download has another SHA-256"), (b"stops halfway", "connection lost")],
)
def test_a_wrong_or_broken_download_leaves_nothing_behind(web, cache, content, reason):
    web.update(dict.fromkeys(URLS, content))
    with pytest.raises(InputError, match=rf"first\.invalid: .*{reason}"):
        locate(["set"], [FILE])
    assert list(cache.iterdir()) == []


def test_the_message_gives_the_innermost_cause(web, monkeypatch):
    def download(self, url, output_file, pooch, check_only=False):
        try:
            raise TimeoutError("timed out")
        except TimeoutError as cause:
            raise OSError("HTTPSConnectionPool: Max retries exceeded") from cause

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", download)
    with pytest.raises(InputError, match=r"\(first.invalid: TimeoutError: timed out; second"):
        locate(["set"], [FILE])


def test_without_a_network_the_error_names_the_files_and_the_folder_for_them(
    web, cache, monkeypatch, tmp_path
):
    with pytest.raises(InputError) as caught:
        locate(["set"], [FILE, LABELS])
    message = str(caught.value)
    assert "\n" not in message
    for part in ("images.gz, labels.gz", "$TINYGAN_DATA/set/", "it is not set", "--data digits"):
        assert part in message
    monkeypatch.setenv("TINYGAN_DATA", str(tmp_path))
    with pytest.raises(InputError, match=f"it is {tmp_path}"):
        locate(["set"], [FILE])


@pytest.mark.parametrize("content", [CONTENT, b"another file", None])
def test_a_download_prints_nothing_beside_its_error(web, cache, capfd, content):
    """pooch's logger has the stderr that it found when it was imported."""
    if content is not None:
        web.update(dict.fromkeys(URLS, content))
    shown = io.StringIO()
    handler, level = logging.StreamHandler(shown), pooch.get_logger().level
    pooch.get_logger().addHandler(handler)
    try:
        with contextlib.suppress(InputError):
            locate(["set"], [FILE])
    finally:
        pooch.get_logger().removeHandler(handler)
    assert shown.getvalue() == "" and capfd.readouterr() == ("", "")
    assert pooch.get_logger().level == level


def test_a_cache_that_cannot_be_written_is_an_input_error(web, cache):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"a file where the folder should be")
    web[URLS[0]] = CONTENT
    with pytest.raises(InputError, match="failed"):
        locate(["set"], [FILE])
