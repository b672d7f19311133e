"""Weights by name: the cache folder, and the checks of its files."""

from __future__ import annotations

import hashlib
import re
import socket
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from published_weights import CONFIG, TENSORS, hub_network

from motion_seg_ros.errors import InputError
from motion_seg_ros.weights import cache as weights
from motion_seg_ros.weights.cache import (
    SHIPPED,
    cache_folder,
    published_name,
    require,
    resolve,
    verify,
)
from motion_seg_ros.weights.catalogue import PUBLISHED
from motion_seg_ros.weights.record import FileRecord, write_records


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("MOTION_SEG_CACHE", str(folder))
    return folder


@pytest.fixture
def net(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of "net", which was fetched."""
    monkeypatch.setattr(weights, "PUBLISHED", MappingProxyType({"net": hub_network()}))
    folder = cache / "net"
    folder.mkdir(parents=True)
    contents = {"config.json": CONFIG, "model.safetensors": TENSORS}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    write_records(
        folder,
        {
            name: FileRecord(hashlib.sha256(content).hexdigest(), name == "config.json")
            for name, content in contents.items()
        },
    )
    return folder


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
        assert resolve(name) == each.path
        (checked,) = verify(name)
        assert checked.sha256 == each.sha256
        assert checked.proof == "the digest in this package"


def test_shipped_weights_that_were_changed_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, shipped = next(iter(SHIPPED.items()))
    path = tmp_path / "changed.safetensors"
    path.write_bytes(TENSORS)
    monkeypatch.setattr(weights, "SHIPPED", {name: weights.Weights(path, shipped.sha256)})
    for use in (resolve, verify):
        with pytest.raises(InputError, match=f"changed.*expected SHA-256 {shipped.sha256}"):
            use(name)


def test_a_path_stands_for_itself(tmp_path: Path) -> None:
    assert resolve(str(tmp_path)) == tmp_path
    path = tmp_path / "model.safetensors"
    path.write_bytes(TENSORS)
    assert resolve(str(path)) == path
    for given in (path, tmp_path):
        (checked,) = verify(str(given))
        assert checked.path == path
        assert checked.sha256 == hashlib.sha256(TENSORS).hexdigest()
        assert checked.proof == "the format alone"


def test_neither_a_name_nor_a_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found none of them; names are track_transformer_lite, m"):
        resolve(str(tmp_path / "no"))
    with pytest.raises(InputError, match=r"expected a folder with \.safetensors files"):
        verify(str(tmp_path))


def test_weights_that_are_not_fetched_are_refused_with_the_command(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in PUBLISHED:
        command = f"get them with: motion_seg weights fetch {re.escape(name)}$"
        for use in (resolve, verify):
            with pytest.raises(InputError, match=command):
                use(name)
    assert not cache.exists()


def test_fetched_weights_are_found_and_proved(net: Path) -> None:
    assert resolve("net") == net
    assert [each.proof for each in verify("net")] == ["the publisher's digest", "the first fetch"]


@pytest.mark.parametrize("use", [resolve, verify])
def test_a_file_that_was_changed_since_is_refused(net: Path, use: Any) -> None:
    (net / "model.safetensors").write_bytes(TENSORS[:-1] + b"!")
    with pytest.raises(InputError, match=r"expected SHA-256 .* damaged or another file"):
        use("net")


def test_files_may_be_put_there_by_hand(net: Path) -> None:
    (net / "fetched.json").unlink()
    assert resolve("net") == net
    assert {each.proof for each in verify("net")} == {"the format alone"}


def test_all_that_is_missing_is_named_with_one_command(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = MappingProxyType({"one": hub_network(), "net": hub_network()})
    monkeypatch.setattr(weights, "PUBLISHED", table)
    with pytest.raises(InputError) as error:
        require(["one", "net", "net", "/some/file", "mask_network_lite"])
    assert str(error.value) == (
        f"weights one, net: expected {cache}/one/config.json, {cache}/net/config.json, found no "
        "such files; get them with: motion_seg weights fetch one net"
    )
    (cache / "one").mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (cache / "one" / name).touch()
    with pytest.raises(InputError, match=r"found no such file; .* motion_seg weights fetch net$"):
        require(["net", "one"])
    require(["one"])


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
