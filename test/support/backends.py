"""Back ends on the CPU, with small images, for tests that set only what they are about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from motion_seg_ros.depth.depth_anything import DepthAnythingDepth
from motion_seg_ros.features.dino import DinoFeatures
from motion_seg_ros.labelling.learned import TransformerLabeller
from motion_seg_ros.tracking.tapir.tracker import TapirTracker

CPU = {"device": "cpu", "dtype": "auto"}


def depth_on_cpu(weights: Path, **values: Any) -> DepthAnythingDepth:
    return DepthAnythingDepth(weights, **{**CPU, "short_side_px": 28, **values})


def dino_on_cpu(weights: Path, **values: Any) -> DinoFeatures:
    return DinoFeatures(weights, **{**CPU, "short_side_px": 28, "official": False, **values})


def transformer_on_cpu(weights: Path, **values: Any) -> TransformerLabeller:
    return TransformerLabeller(
        weights, **{**CPU, "interval": 3, "threshold": None, "late": False, **values}
    )


def tapir_on_cpu(weights: Path | None = None, **values: Any) -> TapirTracker:
    settings = {"points": 1024, "query_interval": 8, "causal": False, "resolution": 256}
    settings |= {"update_interval": 8, "tail": 4, "memory_budget_mb": 1024}
    return TapirTracker.load(weights, **{**CPU, **settings, **values})
