"""Image and flow alone, found beside the caller or by it."""

from __future__ import annotations

import numpy as np
import pytest
from disc_images import SIZE, texture

from motion_seg_ros.camera import Camera
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.masks.fusion.densifier import Densifier
from motion_seg_ros.masks.fusion.image_evidence import LARGEST_GAP, ImageEvidence, longest_gap
from motion_seg_ros.types import Frame, TrackLabels, Tracks
from motion_seg_ros.window import SlidingWindow, Window

PAN_PX = 5


def panned(count: int) -> list[Window]:
    """Windows of a camera that pans by PAN_PX working pixels in each frame."""
    wide, window = texture(4, (SIZE[0], SIZE[1] + PAN_PX * count)), SlidingWindow(16, 10.0, 0.0)
    return [
        window.push(
            Frame(np.ascontiguousarray(wide[:, PAN_PX * each : PAN_PX * each + SIZE[1]]), each)
        )
        for each in range(count)
    ]


def test_flows_of_the_gaps_that_the_window_spans() -> None:
    flow, found = DenseFlow(max(SIZE)), []
    for window in panned(6):
        found.append(ImageEvidence.of(window, flow))
    gaps = [[gap for gap, _ in each.flows] for each in found]
    assert gaps == [[], [1], [1, 2], [1, 3], [1, 3], [1, 3]]
    fixed = ImageEvidence.of(panned(6)[-1], DenseFlow(max(SIZE)), 2)
    assert [gap for gap, _ in fixed.flows] == [1, 2]
    for gap, motion in found[-1].flows:
        inner = motion[20:-20, 40:-40]
        assert np.median(inner[..., 0]) == pytest.approx(PAN_PX * gap, abs=0.3)
        assert np.median(inner[..., 1]) == pytest.approx(0, abs=0.3)
    assert np.median(found[-1].matched) > 0.9
    assert not found[0].matched.any(), "nothing came before"


def test_the_longest_gap_grows_as_motion_slows() -> None:
    flow = np.zeros((60, 80, 2), np.float32)
    assert longest_gap(flow) == LARGEST_GAP
    for pace, gap in ((0.5, LARGEST_GAP), (3.5, 4), (7.9, 2), (8.1, 1), (40, 1)):
        flow[..., 0] = pace
        flow[:4, :4] = 100  # a fast mover, less than a fiftieth of the image
        assert longest_gap(flow) == gap


def test_a_failed_frame_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its masks were begun, and are never asked for."""
    flow = DenseFlow(max(SIZE))
    densifier = Densifier(flow=flow, predictor=None)
    windows = panned(6)
    nothing = Tracks.empty(1), TrackLabels(np.zeros(0, np.float32))
    unknown = WindowGeometry.unknown(Camera.guessed(SIZE), 0, "nothing seen")
    densifier.begin(windows[0])
    densifier.segment(windows[0], *nothing, unknown)
    densifier.begin(windows[1])
    densifier.reset()
    seen = []
    of = ImageEvidence.of
    monkeypatch.setattr(ImageEvidence, "of", lambda *each: seen.append(each[0]) or of(*each))
    for window in windows[2:]:
        densifier.begin(window)
        assert densifier.segment(window, *nothing, unknown).id_map.shape == SIZE
    assert [each.newest_index for each in seen] == [2, 3, 4, 5]
