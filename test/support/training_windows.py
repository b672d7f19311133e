"""Windows of tracks with known truth, for the tests of training."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from track_windows import TrackWindow

from motion_seg_ros.camera import Camera
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.labelling.camera_residuals import camera_residuals

FRAMES = 16


def pan_sample(
    seed: int, *, tracks: int = 60, moving_share: float = 0.3, size: tuple[int, int] = (240, 427)
) -> TrackSample:
    """The camera pans; a share of the tracks moves against the rest by 2 px per frame."""
    chance = np.random.default_rng(seed)
    height, width = size
    start = chance.uniform([0, 0], [width, height], (tracks, 2))
    moving = np.arange(tracks) < round(moving_share * tracks)
    velocity = chance.normal(0, 3, 2) + np.where(moving[:, None], [2.0, 0.0], [0.0, 0.0])
    xy = start + velocity * np.arange(FRAMES)[:, None, None] + chance.normal(0, 0.1, (tracks, 2))
    visible = np.arange(FRAMES)[:, None] >= chance.integers(0, 8, tracks)
    return TrackSample(
        xy_px=xy.astype(np.float32),
        visible=visible,
        confidence=np.where(visible, 0.9, 0).astype(np.float32),
        size=size,
        moving=moving,
        labelled=chance.random(tracks) < 0.9,
        matrix=Camera.guessed(size).matrix,
        tags=("pan",),
    )


def without_truth(samples: Iterable[TrackSample]) -> list[TrackWindow]:
    """What a network is given of samples, in the form that `collate` takes."""
    names = ("xy_px", "visible", "confidence", "size", "depth")
    return [
        TrackWindow(
            **{name: getattr(each, name) for name in names},
            geometry=camera_residuals(each.tracks(), each.size),
        )
        for each in samples
    ]
