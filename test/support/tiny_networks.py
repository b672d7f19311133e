"""The published networks in sizes that take milliseconds, with random weights, in folders as they
are published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from motion_seg_ros.lab.benchmark.random_networks import PATCH_PX, TOY_PATCHES, random_network

PATCH = PATCH_PX
GRID = TOY_PATCHES  # patches along a side of the images that position codes are for


def transformers_library() -> Any:
    """transformers and torch, or a skipped test."""
    pytest.importorskip("torch", reason="torch: not installed")
    return pytest.importorskip("transformers", reason="transformers: not installed")


def write_dinov2(folder: Path, *, seed: int = 0) -> Path:
    """A Dinov2Model; all its parameters matter, as those of a trained one do."""
    model = _spread(random_network("dinov2_small", toy=True), seed)
    model.save_pretrained(folder)
    return folder


def write_depth_anything(folder: Path, *, kind: str = "relative", seed: int = 0) -> Path:
    """A DepthAnythingForDepthEstimation of the kind "relative" or "metric"."""
    library = transformers_library()
    config = random_network("depth_anything_v2_small", toy=True).config
    config.depth_estimation_type = kind
    config.max_depth = 20 if kind == "metric" else 1
    model = _spread(library.DepthAnythingForDepthEstimation(config), seed)
    for each in model.head.conv3.parameters():  # else it would say 0 of most pixels
        each.data.abs_()
    model.save_pretrained(folder)
    return folder


def _spread(model: Any, seed: int) -> Any:
    import torch

    random = torch.Generator().manual_seed(seed)
    for each in model.parameters():
        each.data.normal_(0, 0.3, generator=random)
    return model
