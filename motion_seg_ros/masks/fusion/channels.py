"""Input channels of the mask network, made of the evidence about a frame, and the weights that take
them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.masks.fusion.evidence import Evidence, half_size, scaled
from motion_seg_ros.types import FloatArray

# Set by hand:
RESIDUAL_SCALE_PX = 0.3  # asinh is linear below and logarithmic above
LIMIT = 8.0  # of log-odds and logarithms
CHANNELS = (  # of log-odds and other maps, with their typical sizes, set by hand
    ("belief", 4),
    ("total", 6),
    ("photometry", 2),
    ("tracks", 4),
    ("colour", 2),
    ("log_disagreement", 3),
    ("trust", 0.5),
    ("depth_certainty", 3),
)
COMPRESSED = (("behind_camera", 1), ("behind_ground", 1), ("nearness", 1))  # by asinh
RESIDUAL = (("x", 2), ("y", 2))  # of the flow to the last frame
NAMES, SCALES = zip(*CHANNELS, *COMPRESSED, *RESIDUAL, strict=True)
MASK_CHANNELS = len(NAMES)
BELIEF = NAMES.index("belief")
RESIDUAL_X = NAMES.index("x")
CELL = 8  # the network takes images whose sides are multiples of it: it halves them three times

MODEL_KEY = "mask_network"  # in the metadata of weights; its value is MODEL_VERSION
MODEL_VERSION = "4"
CHANNELS_KEY = "channels"  # there too: names of the input channels, separated by commas


def mask_channels(evidence: Evidence) -> FloatArray:
    """Return (MASK_CHANNELS, ceil(h / 2), ceil(w / 2)) float32: the means of maps (h, w) over
    squares of 2 x 2 pixels, and what comes at that size, in the order of SCALES."""
    half = half_size(evidence.belief.shape)
    maps = [np.clip(getattr(evidence, name), -LIMIT, LIMIT) for name, _ in CHANNELS]
    maps = [each if each.shape == half else scaled(each, half) for each in maps]
    maps += [np.arcsinh(getattr(evidence, name)) for name, _ in COMPRESSED]
    maps += cv2.split(np.arcsinh(evidence.residual_px / np.float32(RESIDUAL_SCALE_PX)))
    return np.asarray(np.stack(maps), np.float32)


def whole_cells(channels: FloatArray) -> FloatArray:
    """Extend channels (C, h, w) by their last rows and columns until both sides are multiples of
    CELL, and at least two: one alone is convolved wrongly by OpenCV 5.0.0."""
    missing = [max(-side % CELL, 2 * CELL - side) for side in channels.shape[1:]]
    if not any(missing):
        return channels
    return np.pad(channels, ((0, 0), *((0, each) for each in missing)), mode="edge")


def check_metadata(metadata: Mapping[str, str], path: Path) -> None:
    """Refuse weights that are not of this network.

    Args:
        metadata: of the weights in `path`.
        path: for the message.

    Raises:
        InputError: they are of another version, or of something else.
    """
    if metadata.get(MODEL_KEY) != MODEL_VERSION:
        raise InputError(
            f"{path}: expected weights of mask network {MODEL_VERSION}, found "
            f"{metadata.get(MODEL_KEY, 'none')} in its metadata; name a file made by `motion_seg "
            "train-masks`"
        )
