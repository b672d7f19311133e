"""Inputs that weights of a track transformer take beside the tracks, read without PyTorch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from motion_seg_ros.labelling.network.config import MODEL_KEY
from motion_seg_ros.weights.formats import file_metadata


@dataclass(frozen=True)
class TakenInputs:
    """Inputs of a labeller beside the tracks.

    Attributes:
        depth: True if it takes depth of the frames.
        features: True if it takes features of the tracks.
    """

    depth: bool
    features: bool


def taken_inputs(path: Path) -> TakenInputs:
    """Return the inputs that the weights in a file were trained with.

    None if the file has no configuration; such a file is refused when it is loaded.

    Args:
        path: a file of motion_seg_ros.labelling.network.checkpoint.

    Raises:
        InputError: the file cannot be read, or is not of the kind that its suffix names.
    """
    try:
        values = json.loads(file_metadata(path).get(MODEL_KEY, "{}"))
    except ValueError:
        values = {}
    if not isinstance(values, dict):
        values = {}
    return TakenInputs(bool(values.get("depth")), bool(values.get("feature_channels")))
