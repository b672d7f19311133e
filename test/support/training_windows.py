"""Windows of tracks with known truth, for the tests of training."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from rigid_scenes import RigidScene
from track_windows import TrackWindow

from motion_seg_ros.camera import Camera
from motion_seg_ros.geometry.estimator import CameraMotionEstimator
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.labelling.geometry_channels import geometry_channels, implied_depth
from motion_seg_ros.labelling.track_depth import relative_depth
from motion_seg_ros.types import Tracks

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


def rigid_sample(scene: RigidScene) -> TrackSample:
    """The last window of a scene, with the true intrinsics and the depth of a perfect sensor, which
    sees movers in the newest frame only."""
    window = scene.at(size=FRAMES)
    directions = window.camera.normalised(window.tracks.xy_px[-1])
    rotated = np.c_[directions, np.ones(len(directions))] @ window.linear.transpose(0, 2, 1)
    ratio = rotated[..., 2] + window.inverse_depth * window.translation[:, None, 2]
    depth = window.inverse_depth / ratio
    depth[:-1, window.moving] = np.nan
    return TrackSample(
        xy_px=window.tracks.xy_px,
        visible=window.tracks.visible,
        confidence=window.tracks.confidence,
        size=window.camera.size,
        moving=window.moving,
        labelled=np.ones(len(window.moving), bool),
        matrix=window.camera.matrix,
        depth=depth.astype(np.float32),
        tags=("rigid",),
    )


def without_truth(
    samples: Iterable[TrackSample], *, calibrated: bool = False, sensed: bool = False
) -> list[TrackWindow]:
    """What a network is given of samples in the stream, in the form that `collate` takes.

    Args:
        samples: the windows.
        calibrated: whether the intrinsics are known; else they are guessed.
        sensed: whether there is a depth sensor.
    """
    return [_without_truth(each, calibrated, sensed) for each in samples]


def _without_truth(sample: TrackSample, calibrated: bool, sensed: bool) -> TrackWindow:
    camera = Camera(sample.size, sample.matrix) if calibrated else Camera.guessed(sample.size)
    estimator, frames = CameraMotionEstimator(), len(sample.visible)
    # In the stream, every third frame; of the window's tracks those that have begun are known.
    for end in (frames - 6, frames - 3, frames):
        tracks = Tracks(
            np.arange(len(sample)),
            sample.xy_px[:end],
            sample.visible[:end],
            sample.confidence[:end],
            sample.visible[:end].argmax(axis=0),
        )
        measured = None
        if sensed and sample.depth is not None:
            measured = sample.depth[end - 1], 0.01 + 0.02 * sample.depth[end - 1]
        geometry = estimator.update(tracks, camera, end - 1, measured)
    if sensed and sample.depth is not None:
        depth = relative_depth(np.where(sample.visible, sample.depth, np.float32(np.nan)))
    else:
        depth = implied_depth(geometry, tracks)
    return TrackWindow(
        sample.xy_px,
        sample.visible,
        sample.confidence,
        sample.size,
        geometry_channels(geometry, tracks),
        depth,
    )
