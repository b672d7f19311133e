"""Tiny networks of the SAM 2 family and a segmenter over them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from motion_seg_ros.masks.sam2.segmenter import Sam2Segmenter

if TYPE_CHECKING:
    from motion_seg_ros.masks.sam2.network import Sam2Network

KINDS = ("sam2", "edgetam")
installed = all(importlib.util.find_spec(each) for each in ("torch", "transformers"))
collect_ignore_glob = [] if installed else ["test_*.py"]


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "edgetam":
        try:
            import timm  # noqa: F401
        except (ImportError, RuntimeError) as error:  # the latter where torchvision does not fit
            pytest.skip(f"timm, which EdgeTAM's backbone needs, cannot be imported: {error}")
    return str(request.param)


@pytest.fixture(scope="module")
def folder(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import tiny_sam2

    model = tiny_sam2.sam2_model() if kind == "sam2" else tiny_sam2.edgetam_model()
    return tiny_sam2.saved(model, tmp_path_factory.mktemp(kind))


@pytest.fixture(scope="module")
def network(folder: Path) -> Sam2Network:
    from sam2_networks import make_network

    return make_network(folder)


@pytest.fixture
def segmenter(network: Sam2Network) -> Iterator[Sam2Segmenter]:
    segmenter = Sam2Segmenter(network, kept=8)
    yield segmenter
    segmenter.reset()


@pytest.fixture(scope="module")
def sam2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import tiny_sam2

    return tiny_sam2.saved(tiny_sam2.sam2_model(), tmp_path_factory.mktemp("sam2_only"))
