"""What tracks say against colour."""

from __future__ import annotations

import numpy as np
import pytest
from disc_images import DISC, SIZE, texture

from motion_seg_ros.camera import Camera
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.geometry.motion import Mode, Motion, WindowGeometry
from motion_seg_ros.masks.fusion.evidence import Evidence
from motion_seg_ros.masks.fusion.image_evidence import ImageEvidence
from motion_seg_ros.masks.fusion.posterior import (
    STATIC_FLOW_LIMIT,
    MotionPosterior,
    prior_log_odds,
)
from motion_seg_ros.types import Frame, TrackLabels, Tracks
from motion_seg_ros.window import SlidingWindow

FULL = (240, 320)


def still(count: int) -> WindowGeometry:
    none = np.zeros(0)
    spread = np.r_[np.full(count - 1, 1e-4), np.nan]
    linear, shift = np.tile(np.eye(3), (count, 1, 1)), np.zeros((count, 3))
    flat = Motion(linear, shift, np.zeros((count, 2, 6)), spread, np.zeros((count, 0, 2)), none)
    camera = Camera.guessed(FULL)
    return WindowGeometry(camera, Mode.HOMOGRAPHY, None, flat, None, none, none, none, none, none)


def tracks_of_disc(frames: int) -> Tracks:
    y, x = np.nonzero(DISC)
    xy = (np.stack((x, y), axis=1)[::9] * 2 + 0.5).astype(np.float32)
    shape = (frames, len(xy))
    return Tracks(
        np.arange(len(xy)),
        np.broadcast_to(xy, (*shape, 2)).copy(),
        np.ones(shape, bool),
        np.ones(shape, np.float32),
        np.zeros(len(xy), np.int64),
    )


def after(then: float) -> Evidence:
    """The evidence of a red disc whose tracks moved for five frames, and were then labelled with
    the probability `then`."""
    image = texture(0)
    image[DISC] = image[DISC] // 4 + np.array([0, 0, 180], np.uint8)
    full = image.repeat(2, axis=0).repeat(2, axis=1)
    window, flow = SlidingWindow(16, 10.0, 0.0), DenseFlow(max(SIZE))
    posterior = MotionPosterior()
    for index in range(7):
        view = window.push(Frame(full, index * 10**7))
        tracks = tracks_of_disc(index + 1)
        said = np.full(len(tracks), 0.999 if index < 6 else then, np.float32)
        seen = ImageEvidence.of(view, flow)
        found = posterior.update(seen, tracks, TrackLabels(said), still(index + 1))
    assert found is not None
    return found


def carried(found: Evidence) -> float:
    """What colour adds to the log-odds of the disc."""
    fresh = (
        prior_log_odds(SIZE)
        + found.tracks
        + found.photometry
        + np.maximum(found.flow, -STATIC_FLOW_LIMIT)
    )
    return float(np.mean((found.total - fresh)[DISC]))


def test_colour_does_not_outlive_what_tracks_deny() -> None:
    found = after(then=0.02)
    assert np.mean(found.colour[DISC]) > 1
    assert carried(found) < 0.1
    assert np.mean(found.belief[DISC]) < 0


@pytest.mark.parametrize("then", [0.45, 0.999])
def test_it_counts_where_tracks_do_not_deny(then: float) -> None:
    assert carried(after(then)) > 1
