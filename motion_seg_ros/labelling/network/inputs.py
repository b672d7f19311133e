"""What weights of a track transformer take beside the tracks, told without loading them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from motion_seg_ros.weights.formats import safetensors_metadata

MODEL_KEY = "track_transformer"  # of the metadata: the configuration as JSON


@dataclass(frozen=True)
class TakenInputs:
    """What a labeller looks at beside the tracks.

    Attributes:
        depth: of the frames.
        features: of the tracks.
    """

    depth: bool
    features: bool


def taken_inputs(path: Path) -> TakenInputs:
    """What the weights in a file were trained with, by the configuration that they carry; neither
    where they carry none, which is refused when they are loaded.

    Args:
        path: a file that motion_seg_ros.labelling.network.checkpoint.save_weights wrote.

    Raises:
        InputError: the file cannot be read, or is not a safetensors file.
    """
    try:
        values = json.loads(safetensors_metadata(path).get(MODEL_KEY, "{}"))
    except ValueError:
        values = {}
    if not isinstance(values, dict):
        values = {}
    return TakenInputs(bool(values.get("depth")), bool(values.get("feature_channels")))
