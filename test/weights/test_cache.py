"""Weights by name: the table, the cache folder, fetching and proving."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from file_server import FileServer, file_server

from motion_seg_ros.errors import InputError
from motion_seg_ros.weights import cache as weights
from motion_seg_ros.weights.cache import (
    SHIPPED,
    cache_folder,
    fetch,
    find_weights,
    published_name,
    require,
    resolve,
    verify,
)
from motion_seg_ros.weights.catalogue import (
    APACHE,
    PUBLISHED,
    PublishedFile,
    PublishedWeights,
)

CONFIG = json.dumps({"model_type": "dinov2"}).encode()
HEADER = json.dumps({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}).encode()
TENSORS = len(HEADER).to_bytes(8, "little") + HEADER + b"data"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("MOTION_SEG_CACHE", str(folder))
    for variable in (*weights.OFFLINE_VARIABLES, "HF_ENDPOINT"):
        monkeypatch.delenv(variable, raising=False)
    return folder


@pytest.fixture
def server(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Publishes "net", a folder, and "single", a file."""
    with file_server() as running:
        running.files = {"/config.json": CONFIG, "/model.safetensors": TENSORS}

        def publish(names: tuple[str, ...], model_type: str | None) -> PublishedWeights:
            files = tuple(PublishedFile(each, f"{running.address}/{each}") for each in names)
            return PublishedWeights("a test", "us", "nowhere", files, 1, APACHE, model_type)

        table = {
            "net": publish(("config.json", "model.safetensors"), "dinov2"),
            "single": publish(("model.safetensors",), None),
        }
        monkeypatch.setattr(weights, "PUBLISHED", MappingProxyType(table))
        yield running


def no_network(patch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a connection")

    patch.setattr(socket.socket, "connect", refuse)
    patch.setattr(socket, "getaddrinfo", refuse)


def test_the_table_is_in_order() -> None:
    assert not PUBLISHED.keys() & SHIPPED.keys()
    for name, each in PUBLISHED.items():
        assert re.fullmatch(r"[a-z0-9_.]+", name)
        assert each.page.startswith("https://")
        for file in each.files:
            assert file.url.startswith("https://")
            assert file.url.endswith("/" + file.name)
            assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert (each.model_type is not None) == (each.files[0].name == "config.json")
        assert each.purpose.split(":")[0] in ("tracking", "depth", "features", "masks", "labelling")
    non_commercial = {n for n, each in PUBLISHED.items() if "no comm" in each.licence.allows}
    assert non_commercial == {"depth_anything_v2_base", "depth_anything_v2_large"}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MOTION_SEG_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"MOTION_SEG_CACHE": "~/a"}, "/home/me/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/motion_seg_ros"),
        ({"MOTION_SEG_CACHE": "", "XDG_CACHE_HOME": ""}, "/home/me/.cache/motion_seg_ros"),
        ({}, "/home/me/.cache/motion_seg_ros"),
    ],
)
def test_where_the_cache_is(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MOTION_SEG_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **variables}.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(expected)


def test_shipped_weights_are_there_and_right() -> None:
    for name, each in SHIPPED.items():
        assert resolve(name) == each.path == fetch(name)
        (checked,) = verify(name)
        assert checked.sha256 == each.sha256
        assert checked.proof == "the digest in this package"
        assert find_weights(name) == each


def test_a_path_stands_for_itself(tmp_path: Path) -> None:
    assert resolve(str(tmp_path)) == tmp_path
    path = tmp_path / "model.safetensors"
    path.write_bytes(TENSORS)
    assert find_weights(str(path)) == weights.Weights(path, None)
    for given in (path, tmp_path):
        (checked,) = verify(str(given))
        assert checked.path == path
        assert checked.sha256 == hashlib.sha256(TENSORS).hexdigest()
        assert checked.proof == "the format alone"


def test_neither_a_name_nor_a_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found none of them; names are track_transformer_lite, m"):
        resolve(str(tmp_path / "no"))
    with pytest.raises(InputError, match=r"weights bootstapir2: expected a name, .* names are boo"):
        fetch("bootstapir2")
    with pytest.raises(InputError, match=r"expected a folder with \.safetensors files"):
        verify(str(tmp_path))


def test_what_is_not_fetched_is_not_found_and_the_command_is_named(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_network(monkeypatch)
    for name in PUBLISHED:
        command = f"get them with: motion_seg weights fetch {re.escape(name)}$"
        with pytest.raises(InputError, match=command):
            resolve(name)
        with pytest.raises(InputError, match=command):
            verify(name)
    assert not cache.exists()


def test_fetched_weights_are_found_and_proved(server: FileServer, cache: Path) -> None:
    server.stated["/model.safetensors"] = hashlib.sha256(TENSORS).hexdigest()
    assert fetch("net") == resolve("net") == cache / "net"
    assert [each.proof for each in verify("net")] == [
        "what was downloaded",
        "the publisher's digest",
    ]
    assert fetch("single") == resolve("single") == cache / "single" / "model.safetensors"
    asked = len(server.asked)
    fetch("net")
    assert len(server.asked) == asked  # nothing is fetched twice


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content[:-1], rf"expected {len(TENSORS)} bytes, found {len(TENSORS) - 1}"),
        (lambda content: content[:-1] + b"!", "expected SHA-256 .* damaged or another file"),
    ],
)
def test_what_was_damaged_since_is_found_and_fetched_again(
    server: FileServer, cache: Path, change: Any, words: str
) -> None:
    path = fetch("net") / "model.safetensors"
    path.write_bytes(change(TENSORS))
    with pytest.raises(InputError, match=words):
        verify("net")
    fetch("net")
    assert path.read_bytes() == TENSORS
    assert len(verify("net")) == 2


def test_what_comes_in_place_of_weights_is_thrown_away(server: FileServer, cache: Path) -> None:
    server.files["/model.safetensors"] = b"<html>Log in to this network</html>"
    with pytest.raises(InputError, match="expected a safetensors file, found something else"):
        fetch("net")
    with pytest.raises(InputError, match=r"found no such file; get them with"):
        resolve("net")
    server.files["/model.safetensors"] = TENSORS
    server.files["/config.json"] = b'{"model_type": "vit"}'
    (cache / "net" / "config.json").unlink()
    with pytest.raises(InputError, match="expected a network of the type dinov2, found vit"):
        fetch("net")


def test_files_may_be_put_there_by_hand(server: FileServer, cache: Path) -> None:
    (cache / "net").mkdir(parents=True)
    (cache / "net" / "config.json").write_bytes(CONFIG)
    (cache / "net" / "model.safetensors").write_bytes(TENSORS)
    assert resolve("net") == cache / "net"
    assert {each.proof for each in verify("net")} == {"the format alone"}


@pytest.mark.parametrize("variable", weights.OFFLINE_VARIABLES)
def test_offline_is_obeyed(
    server: FileServer, cache: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    fetch("single")
    monkeypatch.setenv(variable, "1")
    no_network(monkeypatch)
    assert fetch("single") == resolve("single")  # it is there already
    with pytest.raises(InputError, match=f"found {variable}=1; unset it, or put these files into"):
        fetch("net")
    assert not (cache / "net").exists()


def test_all_that_is_missing_is_named_with_one_command(server: FileServer, cache: Path) -> None:
    with pytest.raises(InputError) as error:
        require(["single", "net", "net", "/some/file", "mask_network_lite"])
    assert str(error.value) == (
        f"weights single, net: expected {cache}/single/model.safetensors, "
        f"{cache}/net/config.json, found no such files; get them with: "
        "motion_seg weights fetch single net"
    )
    fetch("single")
    with pytest.raises(InputError, match=r"found no such file; .* motion_seg weights fetch net$"):
        require(["net", "single"])
    fetch("net")
    require(["net", "single"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("causal_bootstapir", "causal_bootstapir"),
        ("/data/causal_bootstapir_checkpoint.pt", "causal_bootstapir"),
        ("bootstapir_checkpoint_v2.pt", "bootstapir"),
        ("/data/model.safetensors", None),
        ("/data/own.pt", None),
        ("mask_network_lite", None),
    ],
)
def test_published_weights_are_known_by_their_file_too(given: str, expected: str | None) -> None:
    assert published_name(given) == expected


def test_only_one_of_several_downloads_at_a_time(
    server: FileServer, cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    inside: list[str] = []
    entered, others_wait = threading.Event(), threading.Event()
    download = weights.download

    def slow(url: str, path: Path, **settings: Any) -> Any:
        inside.append(url)
        assert len(inside) == 1, "two at a time"
        entered.set()
        assert others_wait.wait(30)
        done = download(url, path, **settings)
        inside.remove(url)
        return done

    lock = weights.fcntl.flock

    def noted(file: Any, operation: int) -> None:
        if operation == fcntl.LOCK_EX:  # after it was found to be held
            others_wait.set()
        lock(file, operation)

    monkeypatch.setattr(weights, "download", slow)
    monkeypatch.setattr(weights.fcntl, "flock", noted)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(fetch, "net")
        assert entered.wait(30)
        second = pool.submit(fetch, "net")
        assert first.result(60) == second.result(60) == cache / "net"
    assert len(verify("net")) == 2
    assert sorted(path for path, _ in server.asked) == ["/config.json", "/model.safetensors"]
    assert f"{cache / 'net'}: waiting for another process" in capfd.readouterr().err


def test_processes_that_fetch_the_same_never_spoil_it(server: FileServer, cache: Path) -> None:
    code = f"""
from types import MappingProxyType
from motion_seg_ros.weights import cache as weights
from motion_seg_ros.weights.catalogue import APACHE, PublishedFile, PublishedWeights
names = ("config.json", "model.safetensors")
files = tuple(PublishedFile(name, "{server.address}/" + name) for name in names)
net = PublishedWeights("a test", "us", "nowhere", files, 1, APACHE, "dinov2")
weights.PUBLISHED = MappingProxyType({{"net": net}})
print(weights.fetch("net"))
"""
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for each in running:
        out, _ = each.communicate(timeout=120)
        assert (each.returncode, out) == (0, f"{cache / 'net'}\n")
    assert (cache / "net" / "model.safetensors").read_bytes() == TENSORS
    assert len(server.asked) == 2, "the files were fetched once"
    assert not list((cache / "net").glob("*.partial*"))


def test_a_mirror_of_hugging_face_is_used(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "PUBLISHED", PUBLISHED)
    monkeypatch.setenv("HF_ENDPOINT", f"{server.address}/mirror/")
    with pytest.raises(InputError, match="404"):
        fetch("dinov2_small")
    assert server.asked == [("/mirror/facebook/dinov2-small/resolve/main/config.json", None)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(server: FileServer, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(weights.OutputError, match="cannot write: Permission denied"):
        fetch("net")
