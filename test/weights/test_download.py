"""Downloads from a server that breaks off, changes its mind and lies."""

from __future__ import annotations

import hashlib
import resource
import shutil
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from file_server import FileServer, file_server

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.weights.download import ATTEMPTS, Downloaded, download

BODY = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(BODY).hexdigest()
OTHER_SHA256 = hashlib.sha256(b"other").hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        running.files["/file.pt"] = BODY
        yield running


def fetch(server: FileServer, folder: Path, *, sha256: str | None = None) -> Downloaded:
    return download(f"{server.address}/file.pt", folder / "file.pt", sha256=sha256, pause_s=0)


def left(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_file_comes_whole(server: FileServer, tmp_path: Path) -> None:
    assert fetch(server, tmp_path) == Downloaded(len(BODY), SHA256, False)
    assert (tmp_path / "file.pt").read_bytes() == BODY
    assert left(tmp_path) == ["file.pt"]


def test_a_broken_connection_goes_on_where_it_stopped(server: FileServer, tmp_path: Path) -> None:
    server.cut_bytes = [1_000_000, 1_500_000]
    fetch(server, tmp_path)
    assert (tmp_path / "file.pt").read_bytes() == BODY
    assert [ranges for _, ranges in server.asked] == [None, "bytes=1000000-", "bytes=2500000-"]


def test_so_does_the_next_run(server: FileServer, tmp_path: Path) -> None:
    server.cut_bytes = [1_000_000] + [0] * ATTEMPTS
    with pytest.raises(InputError, match=r"1\.0 MB are kept; .* run the same command again"):
        fetch(server, tmp_path)
    assert left(tmp_path) == ["file.pt.partial", "file.pt.partial.etag"]
    server.asked.clear()
    fetch(server, tmp_path)
    assert (tmp_path / "file.pt").read_bytes() == BODY
    assert server.asked == [("/file.pt", "bytes=1000000-")]
    assert left(tmp_path) == ["file.pt"]


def test_a_file_that_has_changed_meanwhile_is_begun_anew(
    server: FileServer, tmp_path: Path
) -> None:
    server.cut_bytes = [1_000_000] + [0] * ATTEMPTS
    with pytest.raises(InputError):
        fetch(server, tmp_path)
    server.files["/file.pt"] = changed = BODY[::-1]
    fetch(server, tmp_path)
    assert (tmp_path / "file.pt").read_bytes() == changed


@pytest.mark.parametrize("beyond", [0, 10])
def test_a_partial_file_that_is_long_enough_does_no_harm(
    server: FileServer, tmp_path: Path, beyond: int
) -> None:
    server.cut_bytes = [1_000_000] + [0] * ATTEMPTS
    with pytest.raises(InputError):
        fetch(server, tmp_path)
    (tmp_path / "file.pt.partial").write_bytes(BODY + bytes(beyond))
    fetch(server, tmp_path)
    assert (tmp_path / "file.pt").read_bytes() == BODY


def test_a_busy_server_is_asked_again(server: FileServer, tmp_path: Path) -> None:
    server.status = [503, 429]
    fetch(server, tmp_path)
    assert len(server.asked) == 3


def test_what_is_not_there_is_not_asked_for_again(server: FileServer, tmp_path: Path) -> None:
    del server.files["/file.pt"]
    with pytest.raises(InputError, match=r"/file.pt: the server refused it: HTTP Error 404"):
        fetch(server, tmp_path)
    assert len(server.asked) == 1
    assert left(tmp_path) == []


def test_nobody_there(tmp_path: Path) -> None:
    with file_server() as gone:
        pass
    with pytest.raises(InputError, match=r"cannot be fetched: .*refused; check the network"):
        fetch(gone, tmp_path)


@pytest.mark.parametrize("stated_by", ["us", "the server"])
def test_a_stated_digest_is_checked(server: FileServer, tmp_path: Path, stated_by: str) -> None:
    def fetch_stated(sha256: str) -> Downloaded:
        if stated_by == "us":
            return fetch(server, tmp_path, sha256=sha256)
        server.stated["/file.pt"] = sha256
        return fetch(server, tmp_path)

    assert fetch_stated(SHA256).stated
    (tmp_path / "file.pt").unlink()
    with pytest.raises(InputError, match=f"expected SHA-256 {OTHER_SHA256}.* found {SHA256}"):
        fetch_stated(OTHER_SHA256)
    assert left(tmp_path) == []


def test_no_room_is_said_before_anything_comes(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", ["total", "used", "free"])
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 10**6))
    with pytest.raises(OutputError, match="expected room for 3 MB more, found 1 MB; make room"):
        fetch(server, tmp_path)
    assert left(tmp_path) == []


def test_a_full_disk_keeps_what_was_written(server: FileServer, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))  # larger files: no
    try:
        with pytest.raises(OutputError, match=r"cannot write: .*; make room or set MOTION_SEG_CA"):
            fetch(server, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    kept = (tmp_path / "file.pt.partial").read_bytes()
    assert 1_000_000 < len(kept) <= 2_000_000
    assert BODY.startswith(kept)
    fetch(server, tmp_path)
    assert server.asked[-1][1] == f"bytes={len(kept)}-"
    assert (tmp_path / "file.pt").read_bytes() == BODY
