"""Both backends on rendered scenes, against the exact motion of their surfaces."""

from __future__ import annotations

import numpy as np
import pytest
from exact_motion import exact_track

from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scenes import mover_under_parallax, pan_only
from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.tracking.base import Tracker
from motion_seg_ros.tracking.flow import FlowTracker, step_confidence
from motion_seg_ros.tracking.lk import LucasKanadeTracker
from motion_seg_ros.types import Frame, Tracks
from motion_seg_ros.window import SlidingWindow

BACKENDS = [FlowTracker, LucasKanadeTracker]


def run(tracker: Tracker, images: list[np.ndarray], window: SlidingWindow) -> Tracks:
    tracks = None
    for index, image in enumerate(images):
        tracks = tracker.update(window.push(Frame(image, index * 66_000_000)))
    assert tracks is not None
    return tracks


@pytest.mark.parametrize("backend", BACKENDS)
def test_tracks_stay_on_their_surfaces(
    backend: type[FlowTracker] | type[LucasKanadeTracker],
) -> None:
    scene = mover_under_parallax(seed=3, size=(640, 480), frames=8)
    images = [frame.image_bgr for frame in Renderer(scene)]
    tracks = run(backend(flow=DenseFlow(427), seeds=1000), images, SlidingWindow(8, 1.0, 0.0))
    old = tracks.visible.all(axis=0)
    assert np.count_nonzero(old) > 500
    truth = exact_track(GroundTruth(scene), tracks.xy_px[0, old].astype(np.float64), 0, 7)
    error = np.linalg.norm(tracks.xy_px[-1, old] - truth.xy_px, axis=1)
    error = error[truth.visible & (tracks.confidence[:, old].min(axis=0) > 0.2)]
    assert len(error) > 300
    assert np.median(error) < 0.75
    assert np.mean(error < 3) > 0.85


@pytest.mark.parametrize("backend", BACKENDS)
def test_half_a_thousand_tracks_at_vga(
    backend: type[FlowTracker] | type[LucasKanadeTracker],
) -> None:
    scene = pan_only(size=(640, 480), frames=4)
    images = [frame.image_bgr for frame in Renderer(scene)]
    tracks = run(backend(flow=DenseFlow(427), seeds=1000), images, SlidingWindow(16, 1.0, 0.0))
    alive = tracks.visible[-1]
    assert np.count_nonzero(alive) >= 500
    assert np.count_nonzero(tracks.visible.all(axis=0)) >= 500
    assert ((tracks.xy_px[-1, alive] >= 0) & (tracks.xy_px[-1, alive] <= [639, 479])).all()
    assert ((tracks.confidence >= 0) & (tracks.confidence <= 1)).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_cut_ends_all_tracks(backend: type[FlowTracker] | type[LucasKanadeTracker]) -> None:
    rng = np.random.default_rng(0)
    images = [
        np.kron(rng.integers(0, 255, (60, 80, 3), np.uint8), np.ones((4, 4, 1), np.uint8))
        for _ in range(2)
    ]
    tracks = run(backend(flow=DenseFlow(427), seeds=1000), images, SlidingWindow(16, 1.0, 0.0))
    survivors = tracks.visible.all(axis=0)
    assert np.mean(survivors[tracks.query_frame == 0]) < 0.2
    assert np.count_nonzero(tracks.visible[-1]) >= 500


def test_confidence_is_low_without_texture_and_where_the_way_back_misses() -> None:
    flat, textured, missed = step_confidence(np.float32([0, 0, 3]), np.float32([0, 9, 9]))
    assert flat == 0
    assert textured > 0.8
    assert missed < 0.2


@pytest.mark.parametrize("backend", BACKENDS)
def test_more_seeds_keep_more_tracks_alive(
    backend: type[FlowTracker] | type[LucasKanadeTracker],
) -> None:
    images = [frame.image_bgr for frame in Renderer(pan_only(frames=4))]
    alive = []
    for seeds in (150, 600):
        tracks = run(backend(flow=DenseFlow(427), seeds=seeds), images, SlidingWindow(16, 1.0, 0.0))
        alive.append(int(tracks.visible[-1].sum()))
    assert alive[0] >= 150
    assert alive[1] >= 600
    assert alive[0] < alive[1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_who_sees_every_third_window_has_the_same_tracks(
    backend: type[FlowTracker] | type[LucasKanadeTracker],
) -> None:
    images = [frame.image_bgr for frame in Renderer(pan_only(size=(160, 120), frames=10))]
    each, third = (backend(flow=DenseFlow(427), seeds=200) for _ in range(2))
    window = SlidingWindow(6, 1.0, 0.0)
    for index, image in enumerate(images):
        shown = window.push(Frame(image, index * 66_000_000))
        expected = each.update(shown)
        if index % 3 == 0:
            found = third.update(shown)
    for name in ("ids", "xy_px", "visible", "confidence", "query_frame"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
