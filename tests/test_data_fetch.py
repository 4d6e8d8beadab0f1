"""Where files are looked for, and what a download that fails says. No network: pooch's own
downloader is replaced by a dictionary."""

from __future__ import annotations

import hashlib

import pooch
import pytest

from tinygan.data.fetch import File, locate, own
from tinygan.errors import InputError

CONTENT = b"sixteen images"
FILE = File(
    ("images.gz", "images"),
    ("https://first.invalid/images.gz", "https://second.invalid/images.gz"),
    hashlib.sha256(CONTENT).hexdigest(),
)
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
    """What the network has, by address; and the addresses that were asked for."""

    class Web(dict):
        def __init__(self):
            super().__init__()
            self.asked = []

    web = Web()

    def download(self, url, output_file, pooch, check_only=False):
        web.asked.append(url)
        if url not in web:
            raise OSError("no network here")
        with open(output_file, "wb") as file:
            file.write(web[url])
            if web[url] == b"stops halfway":
                raise OSError("connection lost")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", download)
    return web


def test_a_file_is_found_in_the_folder_of_its_data_set(root, web):
    (root / "set" / "images.gz").write_bytes(b"own")
    assert locate(["set"], [FILE]) == [root / "set" / "images.gz"]
    assert not web.asked


def test_a_file_is_found_right_in_the_folder_of_all_data(root, web):
    (root / "images").write_bytes(b"own")
    assert locate(["set"], [FILE]) == [root / "images"]


def test_the_folder_of_the_data_set_comes_first_and_may_have_another_name(root):
    (root / "other").mkdir()
    for folder in (root / "other", root):
        (folder / "images.gz").write_bytes(b"own")
    assert own(["set", "other"], [FILE.names]) == [root / "other" / "images.gz"]


def test_the_files_of_a_pair_come_from_one_folder(root):
    (root / "set" / "images.gz").write_bytes(b"own")
    (root / "labels.gz").write_bytes(b"own")
    with pytest.raises(InputError, match=r"set: has images.gz, but not labels.gz"):
        own(["set"], [FILE.names, LABELS.names])


def test_a_missing_folder_in_the_variable_is_an_error(cache, tmp_path, monkeypatch, web):
    monkeypatch.setenv("TINYGAN_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"TINYGAN_DATA=.*nowhere: there is no such folder"):
        locate(["set"], [FILE])
    assert not web.asked


def test_an_empty_variable_counts_as_unset(cache, monkeypatch):
    monkeypatch.setenv("TINYGAN_DATA", "")
    assert own(["set"], [FILE.names]) is None


def test_a_download_lands_whole_in_the_cache_and_is_not_repeated(web, cache):
    web[FILE.urls[0]] = CONTENT
    assert locate(["set"], [FILE]) == [cache / "images.gz"]
    assert (cache / "images.gz").read_bytes() == CONTENT
    assert locate(["set"], [FILE]) == [cache / "images.gz"]
    assert web.asked == [FILE.urls[0]]
    assert [path.name for path in cache.iterdir()] == ["images.gz"]


def test_the_second_address_is_tried_when_the_first_fails(web, cache):
    web[FILE.urls[1]] = CONTENT
    assert locate(["set"], [FILE]) == [cache / "images.gz"]
    assert web.asked == list(FILE.urls)


def test_a_damaged_file_in_the_cache_is_downloaded_again(web, cache):
    cache.mkdir(parents=True)
    (cache / "images.gz").write_bytes(b"damaged")
    web[FILE.urls[0]] = CONTENT
    assert locate(["set"], [FILE])[0].read_bytes() == CONTENT


@pytest.mark.parametrize("what", [b"another file", b"stops halfway"])
def test_a_wrong_or_broken_download_leaves_nothing_behind(web, cache, what):
    web.update(dict.fromkeys(FILE.urls, what))
    with pytest.raises(InputError):
        locate(["set"], [FILE])
    assert list(cache.iterdir()) == []


def test_a_wrong_download_is_called_wrong(web):
    web.update(dict.fromkeys(FILE.urls, b"another file"))
    with pytest.raises(InputError, match=r"first\.invalid: what came has another SHA-256"):
        locate(["set"], [FILE])


def test_the_cause_of_a_failure_is_told_without_what_is_wrapped_around_it(web, monkeypatch):
    def download(self, url, output_file, pooch, check_only=False):
        try:
            raise TimeoutError("timed out")
        except TimeoutError as cause:
            raise OSError("HTTPSConnectionPool: Max retries exceeded") from cause

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", download)
    with pytest.raises(InputError, match=r"\(first.invalid: TimeoutError: timed out; second"):
        locate(["set"], [FILE])


def test_offline_one_message_says_what_to_put_where(web, cache, monkeypatch, tmp_path):
    with pytest.raises(InputError) as caught:
        locate(["set"], [FILE, LABELS])
    message = str(caught.value)
    assert "\n" not in message
    for part in ("images.gz, labels.gz", "$TINYGAN_DATA/set/", "it is not set", "--data digits"):
        assert part in message
    monkeypatch.setenv("TINYGAN_DATA", str(tmp_path))
    with pytest.raises(InputError, match=f"it is {tmp_path}"):
        locate(["set"], [FILE])


def test_a_cache_that_cannot_be_written_is_an_input_error(web, cache):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"a file where the folder should be")
    web[FILE.urls[0]] = CONTENT
    with pytest.raises(InputError, match="failed"):
        locate(["set"], [FILE])
