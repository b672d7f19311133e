"""Tracks of optical flow in the place of BootsTAPIR, whose package is not everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.tracking.flow import FlowTracker
from motion_seg_ros.types import RawTracks, Tracks
from motion_seg_ros.window import Window

SURE = 5.0  # logits


class FlowAsTapir:
    """Implements motion_seg_ros.tracking.base.Tracker: says with its tracks what a network sure of
    them would have said."""

    def __init__(self, points: int) -> None:
        self._tracker = FlowTracker(flow=DenseFlow(427), seeds=points)

    def update(self, window: Window) -> Tracks:
        tracks = self._tracker.update(window)
        logits = np.where(tracks.visible, -SURE, SURE).astype(np.float32)
        raw = RawTracks(np.nan_to_num(tracks.xy_px), logits, logits)
        return Tracks(
            tracks.ids, tracks.xy_px, tracks.visible, tracks.confidence, tracks.query_frame, raw
        )

    def reset(self) -> None:
        self._tracker.reset()


def load(weights: Path, *, points: int, **_: object) -> FlowAsTapir:
    """In the place of TapirTracker.load."""
    assert weights.exists()
    return FlowAsTapir(points)
