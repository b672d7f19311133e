"""When nothing can be told from tracks, whatever the labeller."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.types import Tracks
from motion_seg_ros.window import Window

MIN_TRACKS = 40
MIN_CONFIDENCE = 0.05  # of a track that says something about the camera


def abstention_reason(window: Window, tracks: Tracks, frames: int) -> str | None:
    """Why the tracks over `window` tell nothing; None when they may.

    Args:
        window: the frames.
        tracks: over them.
        frames: fewest that the labeller needs.
    """
    if len(window) < frames:
        return f"{len(window)} frames seen, {frames} are needed"
    trusted = np.count_nonzero(tracks.visible[-1] & (tracks.confidence[-1] > MIN_CONFIDENCE))
    if trusted < MIN_TRACKS:
        return (
            f"too little texture: {trusted} of {len(tracks)} tracks are trusted, {MIN_TRACKS} are "
            "needed"
        )
    return None
