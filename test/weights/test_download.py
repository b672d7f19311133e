"""Fetching from servers that break off, change their mind and lie."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from file_server import FileServer, file_server
from published_weights import (
    COMMIT,
    CONFIG,
    OTHER_COMMIT,
    ROOT,
    TENSORS,
    hub_network,
    plain_network,
    publish,
    serve,
)

from motion_seg_ros.errors import InputError, MissingDependencyError, OutputError
from motion_seg_ros.weights import download
from motion_seg_ros.weights.cache import SHIPPED, resolve, verify
from motion_seg_ros.weights.download import fetch
from motion_seg_ros.weights.record import FileRecord, read_records

pytest.importorskip("huggingface_hub", reason="huggingface_hub: not installed")
pytest.importorskip("pooch", reason="pooch: not installed")

SHA256 = hashlib.sha256(TENSORS).hexdigest()
CHANGED = TENSORS[:-4] + b"gone"  # also a whole .safetensors file
PAGE = b"<html>Log in to this network</html>"
PATHS = [f"{ROOT}/{COMMIT}/config.json", f"{ROOT}/{COMMIT}/model.safetensors"]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("MOTION_SEG_CACHE", str(folder))
    return folder


@pytest.fixture
def server(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Publishes "net" on the hub, and "single" at a plain address."""
    with file_server() as running:
        serve(running)
        networks = {"net": hub_network(), "single": plain_network(running)}
        publish(networks, running, monkeypatch)
        yield running


def left(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if each.name != ".lock")


def test_files_of_the_hub_come_whole_with_the_commit_and_digests_that_it_states(
    server: FileServer, cache: Path
) -> None:
    server.stated[PATHS[1]] = server.stated[f"{ROOT}/main/model.safetensors"] = SHA256
    assert fetch("net") == resolve("net") == cache / "net"
    assert left(cache / "net") == ["config.json", "fetched.json", "model.safetensors"]
    assert read_records(cache / "net") == {
        "config.json": FileRecord(hashlib.sha256(CONFIG).hexdigest(), True, COMMIT),
        "model.safetensors": FileRecord(SHA256, True, COMMIT),
    }
    assert {each.proof for each in verify("net")} == {"the publisher's digest"}


def test_a_file_at_a_plain_address_is_recorded_at_its_first_fetch(
    server: FileServer, cache: Path
) -> None:
    assert fetch("single") == resolve("single") == cache / "single" / "model.safetensors"
    assert read_records(cache / "single") == {"model.safetensors": FileRecord(SHA256, False)}
    (checked,) = verify("single")
    assert checked.proof == "the first fetch"


def test_shipped_weights_need_no_fetching() -> None:
    for name, each in SHIPPED.items():
        assert fetch(name) == each.path


def test_an_unknown_name() -> None:
    with pytest.raises(InputError, match=r"weights bootstapir2: expected a name, .* names are boo"):
        fetch("bootstapir2")


def test_nothing_is_fetched_twice(server: FileServer) -> None:
    for _ in range(2):
        fetch("net")
        fetch("single")
        files = [path for path, _ in server.asked if path.endswith((".json", ".safetensors"))]
        assert files == [*PATHS, "/model.safetensors"]


@pytest.mark.parametrize("name", ["net", "single"])
@pytest.mark.parametrize("damaged", [TENSORS[:-1], CHANGED])
def test_a_file_that_was_damaged_since_is_fetched_again(
    server: FileServer, cache: Path, name: str, damaged: bytes
) -> None:
    fetch(name)
    path = cache / name / "model.safetensors"
    path.write_bytes(damaged)
    fetch(name)
    assert path.read_bytes() == TENSORS
    verify(name)


def test_a_file_that_its_publisher_has_changed_is_refused(server: FileServer, cache: Path) -> None:
    path = fetch("single")
    path.unlink()
    server.files["/model.safetensors"] = CHANGED
    with pytest.raises(
        InputError,
        match=r"found .* changed it; .* to accept a changed file, remove .*/single/fetched\.json$",
    ):
        fetch("single")
    assert left(cache / "single") == ["fetched.json"]
    (cache / "single" / "fetched.json").unlink()
    assert fetch("single").read_bytes() == CHANGED


def test_the_commit_of_the_first_fetch_is_the_one_of_the_next(
    server: FileServer, cache: Path
) -> None:
    fetch("net")
    (cache / "net" / "model.safetensors").unlink()
    server.files[f"{ROOT}/main/model.safetensors"] = CHANGED
    server.commits[f"{ROOT}/main/model.safetensors"] = OTHER_COMMIT
    server.asked.clear()
    fetch("net")
    assert [path for path, _ in server.asked if path.startswith(ROOT)] == [PATHS[1]]
    assert (cache / "net" / "model.safetensors").read_bytes() == TENSORS


def test_a_pinned_commit_is_fetched(
    server: FileServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(server, OTHER_COMMIT)  # the newest one
    publish({"net": hub_network(COMMIT)}, server, monkeypatch)
    fetch("net")
    assert [path for path, _ in server.asked if path.startswith(ROOT)] == PATHS


@pytest.mark.parametrize("digest", ["sha256", "git"])
def test_a_digest_that_the_hub_states_is_checked(
    server: FileServer, cache: Path, digest: str
) -> None:
    other = hashlib.sha256(b"other").hexdigest()
    stated = other if digest == "sha256" else other[:40]
    server.stated[f"{ROOT}/main/config.json"] = server.stated[PATHS[0]] = stated
    with pytest.raises(InputError, match=f"expected digest {stated}, as its publisher states"):
        fetch("net")
    assert left(cache / "net") == []


def test_a_digest_in_the_catalogue_is_checked(
    server: FileServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish({"single": plain_network(server, SHA256)}, server, monkeypatch)
    server.files["/model.safetensors"] = CHANGED
    with pytest.raises(InputError, match=rf"expected SHA-256 {SHA256} \(the digest in this pack"):
        fetch("single")
    assert left(cache / "single") == []
    server.files["/model.safetensors"] = TENSORS
    fetch("single")
    assert [each.proof for each in verify("single")] == ["the digest in this package"]


def test_a_log_in_page_is_refused(server: FileServer, cache: Path) -> None:
    server.files["/model.safetensors"] = PAGE
    with pytest.raises(InputError, match="expected a safetensors file, found something else"):
        fetch("single")
    server.files.update(dict.fromkeys((f"{ROOT}/main/config.json", PATHS[0]), PAGE))
    server.commits.clear()  # it does not speak the hub's language either
    with pytest.raises(InputError, match="does not seem to be served by a Hugging Face Hub"):
        fetch("net")
    for name in ("net", "single"):
        assert left(cache / name) == []
        with pytest.raises(InputError, match="found no such file"):
            resolve(name)


def test_another_network_than_expected_is_refused(server: FileServer, cache: Path) -> None:
    for path in (f"{ROOT}/main/config.json", PATHS[0]):
        server.files[path] = b'{"model_type": "vit"}'
    with pytest.raises(InputError, match="expected a network of the type dinov2, found vit"):
        fetch("net")


def test_half_a_file_is_never_taken_for_a_whole_one(server: FileServer, cache: Path) -> None:
    server.cut_bytes = [len(TENSORS) - 1]
    with pytest.raises(InputError, match=r"single|model\.safetensors: cannot be fetched"):
        fetch("single")
    assert left(cache / "single") == []
    fetch("single")
    server.cut_bytes = [len(CONFIG) - 1]  # huggingface_hub goes on where it broke off
    fetch("net")
    assert (cache / "net" / "config.json").read_bytes() == CONFIG


def test_the_rest_of_a_killed_process_is_removed(server: FileServer, cache: Path) -> None:
    (cache / "single" / ".incoming").mkdir(parents=True)
    (cache / "single" / ".incoming" / "model.safetensors").write_bytes(TENSORS[:7])
    fetch("single")
    assert left(cache / "single") == ["fetched.json", "model.safetensors"]


@pytest.mark.parametrize("name", ["net", "single"])
def test_a_file_that_is_not_there(server: FileServer, cache: Path, name: str) -> None:
    server.files.clear()
    with pytest.raises(InputError, match=r"cannot be fetched: .*404.*; check the address and"):
        fetch(name)
    assert left(cache / name) == []


@pytest.mark.parametrize("name", ["net", "single"])
def test_nobody_there(cache: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with file_server() as gone:
        pass
    publish({"net": hub_network(), "single": plain_network(gone)}, gone, monkeypatch)
    with pytest.raises(InputError, match=r"cannot be fetched: .*refused.*; check the address and"):
        fetch(name)


@pytest.mark.parametrize("variable", download.OFFLINE_VARIABLES)
def test_offline_is_obeyed(
    server: FileServer, cache: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a connection")

    fetch("single")
    monkeypatch.setenv(variable, "1")
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert fetch("single") == resolve("single")  # it is there already
    with pytest.raises(InputError, match=f"found {variable}=1; unset it, or put these files into"):
        fetch("net")
    assert not (cache / "net").exists()


PROGRAM = """
import sys
import pytest
from file_server import FileServer
from published_weights import hub_network, plain_network, publish
from motion_seg_ros.weights.download import fetch

server = FileServer(sys.argv[1])
publish(
    {"net": hub_network(), "single": plain_network(server)}, server, pytest.MonkeyPatch()
)
print(fetch(sys.argv[2]))
"""


def process(server: FileServer, name: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, server.address, name],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_processes_that_fetch_the_same_never_spoil_it(server: FileServer, cache: Path) -> None:
    running = [process(server, "net") for _ in range(3)]
    for each in running:
        out, _ = each.communicate(timeout=120)
        assert (each.returncode, out) == (0, f"{cache / 'net'}\n")
    assert (cache / "net" / "model.safetensors").read_bytes() == TENSORS
    files = [path for path, _ in server.asked if path.startswith(ROOT)]
    assert files == PATHS, "the files were fetched once"
    assert left(cache / "net") == ["config.json", "fetched.json", "model.safetensors"]


def test_a_process_that_has_to_wait_says_so(server: FileServer, cache: Path) -> None:
    from filelock import FileLock

    (cache / "single").mkdir(parents=True)
    with FileLock(cache / "single" / ".lock"):
        waiting = process(server, "single")
        assert waiting.stderr is not None
        assert "waiting for another process that fetches it" in waiting.stderr.readline()
        assert server.asked == []
    out, _ = waiting.communicate(timeout=120)
    assert out == f"{cache / 'single' / 'model.safetensors'}\n"


def test_a_library_that_is_not_installed(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, library in (("net", "huggingface_hub"), ("single", "pooch")):
        monkeypatch.setitem(sys.modules, library, None)
        with pytest.raises(MissingDependencyError, match=r"pip install 'motion_seg_ros\[full\]'"):
            fetch(name)


def test_a_place_that_cannot_be_written(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MOTION_SEG_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="cannot write: Not a directory; make room, check perm"):
        fetch("net")


def test_a_full_disk(server: FileServer, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(TENSORS) // 2, before[1]))  # larger files: no
    try:
        for name in ("net", "single"):
            with pytest.raises(OutputError, match=r"cannot write: .*; make room"):
                fetch(name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    for name in ("net", "single"):
        fetch(name)
