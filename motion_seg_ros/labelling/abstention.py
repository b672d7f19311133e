"""Conditions under which tracks do not suffice, whatever the labeller."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.types import Tracks
from motion_seg_ros.window import Window

# Set by hand.
MIN_FRAMES = 4  # of the learned labellers: shorter tracks show too little motion
MIN_TRACKS = 40
MIN_CONFIDENCE = 0.05  # of a track that counts


def abstention_reason(window: Window, tracks: Tracks, frames: int = MIN_FRAMES) -> str | None:
    """Return the reason why the tracks over `window` cannot be labelled; None if they may be.

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
