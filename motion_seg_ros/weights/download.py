"""Fetching of published weights: the one place that uses the network.

Files of the Hugging Face Hub come with huggingface_hub, others with pooch; both are imported when
they are needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from motion_seg_ros.errors import InputError, MissingDependencyError, MotionSegError, OutputError
from motion_seg_ros.weights.cache import (
    CACHE_VARIABLE,
    SHIPPED,
    cache_folder,
    check_file,
    check_names,
    known_digest,
)
from motion_seg_ros.weights.catalogue import (
    PUBLISHED,
    HubRepository,
    PublishedFile,
    PublishedWeights,
)
from motion_seg_ros.weights.formats import check_format
from motion_seg_ros.weights.record import (
    CHUNK_BYTES,
    RECORD,
    FileRecord,
    read_records,
    sha256_of,
    write_records,
)

LOCK = ".lock"  # held by the process that downloads into the folder
INCOMING = ".incoming"  # files that are not complete or not checked yet
OFFLINE_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
ENDPOINT_VARIABLE = "HF_ENDPOINT"  # address of a mirror of the hub
YES = {"1", "on", "yes", "true"}
SHA256_DIGITS, SHA1_DIGITS = 64, 40


@dataclass(frozen=True)
class _Arrival:
    """A downloaded file, with the facts that the hub states about it.

    Attributes:
        path: the file.
        etag: SHA-256, or the SHA-1 of a git blob; None: nothing is stated.
        revision: commit; None: not from the hub.
    """

    path: Path
    etag: str | None = None
    revision: str | None = None


def fetch(name: str) -> Path:
    """Download weights in PUBLISHED to the cache folder; files that are there and right stay.

    Only one process at a time does so: others wait and find the files of the first.

    Returns:
        The path that `resolve` gives from now on.

    Raises:
        InputError: unknown name; the environment forbids the network; or the files cannot be had,
            or are not those that were published.
        OutputError: the files cannot be written.
        MissingDependencyError: the library that downloads is not installed.
    """
    check_names([name])
    if name in SHIPPED:
        return SHIPPED[name].path
    folder = cache_folder() / name
    if not all(_is_right(name, file) for file in PUBLISHED[name].files):
        _refuse_offline(name, folder)
        with _locked(folder):
            for file in PUBLISHED[name].files:
                if not _is_right(name, file):
                    _fetch_file(name, file, folder)
    return PUBLISHED[name].place(folder)


def _is_right(name: str, file: PublishedFile) -> bool:
    try:
        check_file(name, file)
    except InputError:
        return False
    return True


def _refuse_offline(name: str, folder: Path) -> None:
    for variable in OFFLINE_VARIABLES:
        value = os.environ.get(variable, "")
        if value.lower() in YES:
            addresses = " ".join(file.url for file in PUBLISHED[name].files)
            raise InputError(
                f"weights fetch {name}: expected leave to use the network, found "
                f"{variable}={value}; unset it, or put these files into {folder}: {addresses}"
            )


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Create a folder and admit one process at a time; the lock ends with its process."""
    with _errors_in_one_line(str(folder)):
        from filelock import FileLock, Timeout

        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            print(f"{folder}: waiting for another process that fetches it", file=sys.stderr)
            lock.acquire()
    try:
        yield
    finally:
        shutil.rmtree(folder / INCOMING, ignore_errors=True)
        lock.release()


def _fetch_file(name: str, file: PublishedFile, folder: Path) -> None:
    """Download a file, check it, and only then put it in its place."""
    published, records = PUBLISHED[name], read_records(folder)
    with _errors_in_one_line(file.url):
        shutil.rmtree(folder / INCOMING, ignore_errors=True)  # of a process that was killed
        (folder / INCOMING).mkdir()
        if published.repository is None:
            arrival = _from_address(file, folder / INCOMING)
        else:
            revision = _revision(published, published.repository, records)
            arrival = _from_hub(published.repository, file, revision, folder / INCOMING)
        check_format(arrival.path, published.model_type)
        record = _checked_record(name, file, arrival)
        arrival.path.replace(folder / file.name)
        write_records(folder, {**records, file.name: record})


def _revision(
    published: PublishedWeights, repository: HubRepository, records: dict[str, FileRecord]
) -> str:
    """Return the pinned commit, else the recorded one, else the branch."""
    recorded = (records[file.name].revision for file in published.files if file.name in records)
    return repository.revision or next((each for each in recorded if each), "main")


def _from_hub(
    repository: HubRepository, file: PublishedFile, revision: str, folder: Path
) -> _Arrival:
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    endpoint = os.environ.get(ENDPOINT_VARIABLE, "").rstrip("/") or None
    url = hf_hub_url(repository.name, file.name, revision=revision, endpoint=endpoint)
    stated = get_hf_file_metadata(url, endpoint=endpoint)
    path = hf_hub_download(
        repository.name,
        file.name,
        revision=stated.commit_hash or revision,
        local_dir=folder,
        endpoint=endpoint,
    )
    return _Arrival(Path(path), stated.etag, stated.commit_hash)


def _from_address(file: PublishedFile, folder: Path) -> _Arrival:
    import pooch

    pooch.get_logger().setLevel("WARNING")  # it logs the digest of each file
    downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), chunk_size=CHUNK_BYTES)
    path = pooch.retrieve(
        file.url, known_hash=None, fname=file.name, path=folder, downloader=downloader
    )
    return _Arrival(Path(path))


def _checked_record(name: str, file: PublishedFile, arrival: _Arrival) -> FileRecord:
    """Compare a downloaded file with the digest that the hub states and with the known one.

    Raises:
        InputError: it is another file.
    """
    found = sha256_of(arrival.path)
    etag = arrival.etag or ""
    computed = {SHA256_DIGITS: found, SHA1_DIGITS: _git_blob(arrival.path)}.get(len(etag))
    if computed not in (None, etag):
        raise InputError(
            f"{file.url}: expected digest {etag}, as its publisher states, found {computed}; it "
            "was thrown away: fetch it again"
        )
    known, proof = known_digest(name, file)
    if known not in (None, found):
        record = cache_folder() / name / RECORD
        accept = "" if file.sha256 else f"; to accept a changed file, remove {record}"
        raise InputError(
            f"{file.url}: expected SHA-256 {known} ({proof}), found {found}: it was damaged on the "
            f"way, or its publisher has changed it; it was thrown away: fetch it again{accept}"
        )
    return FileRecord(found, computed is not None or file.sha256 is not None, arrival.revision)


def _git_blob(path: Path) -> str:
    """Return the digest by which git, and the hub for small files, knows a file's content."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextlib.contextmanager
def _errors_in_one_line(subject: str) -> Iterator[None]:
    """Turn the errors of the libraries that download into this package's."""
    try:
        yield
    except MotionSegError:
        raise
    except ImportError as error:
        raise MissingDependencyError(
            f"weights fetch: expected the Python packages filelock, huggingface_hub and pooch, "
            f"found: {error}; install them with: pip install 'motion_seg_ros[full]'"
        ) from error
    except Exception as error:  # the libraries pass on those of requests or httpx
        words = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, OSError) and error.errno and not isinstance(error, ConnectionError):
            raise OutputError(
                f"{cache_folder()}: cannot write: {error.strerror or words}; make room, check "
                f"permissions or set {CACHE_VARIABLE} to another folder, then run the same command "
                "again"
            ) from error
        raise InputError(
            f"{subject}: cannot be fetched: {words}; check the address and the network, then run "
            "the same command again"
        ) from error
