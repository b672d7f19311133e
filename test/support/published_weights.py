"""Small networks that a local server publishes, in place of the catalogue's."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest
from file_server import FileServer

from motion_seg_ros.cli import weights as command
from motion_seg_ros.weights import cache, download
from motion_seg_ros.weights.catalogue import (
    APACHE,
    NON_COMMERCIAL,
    HubRepository,
    PublishedFile,
    PublishedWeights,
)

CONFIG = json.dumps({"model_type": "dinov2"}).encode()
_HEADER = json.dumps({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}).encode()
TENSORS = len(_HEADER).to_bytes(8, "little") + _HEADER + b"data"
COMMIT, OTHER_COMMIT = "1" * 40, "2" * 40
ROOT = "/us/net/resolve"


def hub_network(revision: str | None = None) -> PublishedWeights:
    """Return "net": a folder of the hub."""
    names = ("config.json", "model.safetensors")
    files = tuple(PublishedFile(each, f"https://hub/{each}") for each in names)
    repository = HubRepository("us/net", revision)
    return PublishedWeights(
        "a test", "us", "nowhere", files, 1, APACHE, "dinov2", repository=repository
    )


def plain_network(server: FileServer, sha256: str | None = None) -> PublishedWeights:
    """Return "single": a file at a plain address."""
    file = PublishedFile("model.safetensors", f"{server.address}/model.safetensors", sha256)
    return PublishedWeights("depth: a test", "us", "https://us", (file,), None, NON_COMMERCIAL)


def serve(server: FileServer, commit: str = COMMIT, revision: str = "main") -> None:
    """Put the files of both networks on the server, those of the hub under a revision too."""
    server.files["/model.safetensors"] = TENSORS
    for name, content in (("config.json", CONFIG), ("model.safetensors", TENSORS)):
        for each in (revision, commit):
            server.files[f"{ROOT}/{each}/{name}"] = content
            server.commits[f"{ROOT}/{each}/{name}"] = commit


def publish(
    networks: dict[str, PublishedWeights], server: FileServer, patch: pytest.MonkeyPatch
) -> None:
    """Replace the catalogue, and the address of the hub."""
    for module in (cache, download, command):
        patch.setattr(module, "PUBLISHED", MappingProxyType(networks))
    patch.setenv(download.ENDPOINT_VARIABLE, f"{server.address}/")
    for variable in download.OFFLINE_VARIABLES:
        patch.delenv(variable, raising=False)
