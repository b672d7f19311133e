"""The published networks in sizes that take milliseconds, with random weights, in folders as they
are published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

PATCH = 14
GRID = 4  # patches along a side of the images that position codes are for
WIDTH = 24
HEADS = 3
LAYERS = 3


def transformers_library() -> Any:
    """transformers and torch, or a skipped test."""
    pytest.importorskip("torch", reason="torch: not installed")
    return pytest.importorskip("transformers", reason="transformers: not installed")


def write_dinov2(folder: Path, *, seed: int = 0) -> Path:
    """A Dinov2Model; all its parameters matter, as those of a trained one do."""
    library = transformers_library()
    config = library.Dinov2Config(
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        image_size=GRID * PATCH,
        patch_size=PATCH,
    )
    model = _with_random_weights(library.Dinov2Model(config), seed)
    model.save_pretrained(folder)
    return folder


def write_depth_anything(folder: Path, *, kind: str = "relative", seed: int = 0) -> Path:
    """A DepthAnythingForDepthEstimation of the kind "relative" or "metric"."""
    library = transformers_library()
    config = library.DepthAnythingConfig(
        backbone_config={
            "model_type": "dinov2",
            "hidden_size": WIDTH,
            "num_hidden_layers": 4,
            "num_attention_heads": HEADS,
            "image_size": GRID * PATCH,
            "patch_size": PATCH,
            "out_indices": [1, 2, 3, 4],
            "reshape_hidden_states": False,
        },
        reassemble_hidden_size=WIDTH,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=4,
        depth_estimation_type=kind,
        max_depth=20 if kind == "metric" else 1,
    )
    model = _with_random_weights(library.DepthAnythingForDepthEstimation(config), seed)
    for each in model.head.conv3.parameters():  # else it would say 0 of most pixels
        each.data.abs_()
    model.save_pretrained(folder)
    return folder


def _with_random_weights(model: Any, seed: int) -> Any:
    import torch

    random = torch.Generator().manual_seed(seed)
    for each in model.parameters():
        each.data.normal_(0, 0.3, generator=random)
    return model
