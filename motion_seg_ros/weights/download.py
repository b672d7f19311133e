"""One file over HTTP: resumed where it stopped, checked, and there as a whole or not at all."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import shutil
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO

from tqdm import tqdm

from motion_seg_ros.errors import InputError, OutputError

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30.0
ATTEMPTS = 4  # in a row that bring nothing
PAUSE_S = 1.0  # before the second one; then twice as long each time
BROKEN = (
    urllib.error.URLError,
    http.client.HTTPException,
    ssl.SSLError,
    ConnectionError,
    TimeoutError,
)
# Hugging Face states size and digest where it redirects from; then another server sends the file.
LINKED_SIZE = "X-Linked-Size"
LINKED_DIGEST = "X-Linked-Etag"


@dataclass(frozen=True)
class Downloaded:
    """What has arrived.

    Attributes:
        size: in bytes.
        sha256: its digest in hexadecimal.
        stated: whether the publisher states that digest.
    """

    size: int
    sha256: str
    stated: bool


@dataclass
class _Stated:
    """What the publisher says of the file."""

    sha256: str | None
    size: int | None = None


class _Stopped(Exception):
    """The connection broke; what came is kept."""


def download(
    url: str, path: Path, *, sha256: str | None = None, pause_s: float = PAUSE_S
) -> Downloaded:
    """Fetch a file, with a progress bar.

    Until it is complete it is called `path`.partial; what is left of an earlier attempt is gone on
    with, if it is still the same file there.

    Args:
        url: where it is.
        path: where it is to be; its folder exists.
        sha256: expected digest in hexadecimal; None: the one that the server states, if any.
        pause_s: before the connection is tried again for the first time, in seconds.

    Raises:
        InputError: it cannot be had (what came is kept), or is not what the publisher states.
        OutputError: it cannot be written; what was written is kept.
    """
    partial = path.with_name(path.name + ".partial")
    stated = _Stated(sha256)
    fruitless = 0
    while True:
        before = _size(partial)
        try:
            _receive(url, partial, stated)
            break
        except (_Stopped, *BROKEN) as error:
            if _code(error) == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                partial.unlink()  # there is nothing after it: it is whole, or another file
            fruitless = 0 if _size(partial) > before else fruitless + 1
            if fruitless == ATTEMPTS or _refused(error):
                raise _unreachable(url, partial, error) from error
            time.sleep(pause_s * 2**fruitless)
        except OSError as error:
            raise _unwritable(partial, error) from error
    found = _check(path, partial, stated)
    partial.replace(path)
    _tag(partial).unlink(missing_ok=True)
    return found


def digest(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            total.update(chunk)
    return total.hexdigest()


class _NotingRedirects(urllib.request.HTTPRedirectHandler):
    """Notes what is stated of the file where the request is redirected from."""

    def __init__(self, stated: _Stated) -> None:
        self._stated = stated

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        _note(headers, self._stated)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _note(headers: http.client.HTTPMessage, stated: _Stated) -> None:
    if (size := headers.get(LINKED_SIZE, "")).isdecimal():
        stated.size = int(size)
    # Files that are not large have a digest of another kind there.
    if match := re.fullmatch(r'"?([0-9a-f]{64})"?', headers.get(LINKED_DIGEST, "")):
        stated.sha256 = stated.sha256 or match[1]


def _receive(url: str, partial: Path, stated: _Stated) -> None:
    """Bring `partial` up to its full size."""
    have = _size(partial)
    request = urllib.request.Request(url, headers={"User-Agent": "motion_seg"})
    tag = _tag(partial)
    if have and tag.is_file():
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", tag.read_text(encoding="utf-8"))
    opener = urllib.request.build_opener(_NotingRedirects(stated))
    with opener.open(request, timeout=TIMEOUT_S) as response:
        _note(response.headers, stated)
        resumed = response.status == HTTPStatus.PARTIAL_CONTENT
        start = have if resumed else 0
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else stated.size
        stated.size = stated.size or total
        _check_space(partial, (total or 0) - start)
        if not resumed:
            partial.unlink(missing_ok=True)
            tag.unlink(missing_ok=True)
            if etag := response.headers.get("ETag"):
                tag.write_text(etag, encoding="utf-8")
        with (
            partial.open("ab") as file,
            tqdm(
                desc=partial.stem,
                initial=start,
                total=total,
                unit="B",
                unit_scale=True,
                disable=None,
            ) as bar,
        ):
            while chunk := response.read(CHUNK_BYTES):
                file.write(chunk)
                bar.update(len(chunk))
            file.flush()
            os.fsync(file.fileno())
    if total is not None and _size(partial) < total:
        raise _Stopped(f"the connection broke after {_size(partial)} of {total} bytes")


def _check_space(partial: Path, missing: int) -> None:
    free = shutil.disk_usage(partial.parent).free
    if missing > free:
        raise OutputError(
            f"{partial.parent}: expected room for {missing / 1e6:.0f} MB more, found "
            f"{free / 1e6:.0f} MB; make room, or set MOTION_SEG_CACHE to another folder"
        )


def _check(path: Path, partial: Path, stated: _Stated) -> Downloaded:
    """What has arrived, if it is what was stated; else it goes."""
    found = Downloaded(_size(partial), digest(partial), stated.sha256 is not None)
    if stated.size not in (None, found.size):
        words = f"{stated.size} bytes, as its publisher states, found {found.size}"
    elif stated.sha256 not in (None, found.sha256):
        words = f"SHA-256 {stated.sha256}, as its publisher states, found {found.sha256}"
    else:
        return found
    partial.unlink()
    _tag(partial).unlink(missing_ok=True)
    raise InputError(f"{path.name}: expected {words}; it was thrown away: fetch it again")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _tag(partial: Path) -> Path:
    """Where the version of a file that is not complete is noted."""
    return partial.with_name(partial.name + ".etag")


def _code(error: Exception) -> int | None:
    """The HTTP status that an error stands for."""
    return error.code if isinstance(error, urllib.error.HTTPError) else None


def _refused(error: Exception) -> bool:
    """Whether asking again is of no use."""
    code = _code(error)
    wanted = (HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, HTTPStatus.TOO_MANY_REQUESTS)
    return code is not None and code < HTTPStatus.INTERNAL_SERVER_ERROR and code not in wanted


def _unreachable(url: str, partial: Path, error: Exception) -> InputError:
    if _refused(error):
        return InputError(f"{url}: the server refused it: {error}; check the name and the address")
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    kept = f"{_size(partial) / 1e6:.1f} MB are kept; " if partial.exists() else ""
    return InputError(
        f"{url}: cannot be fetched: {reason}; {kept}check the network and run the same command "
        "again, which goes on from there"
    )


def _unwritable(partial: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{partial}: cannot write: {error.strerror or error}; make room or set MOTION_SEG_CACHE to "
        "another folder, then run the same command again, which goes on from there"
    )
