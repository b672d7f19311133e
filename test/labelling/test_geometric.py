"""The geometric labeller on tracks of known making, and on tracked rendered scenes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.geometry.estimator import CameraMotionEstimator
from motion_seg_ros.lab.synthetic import scenes
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.labelling.geometric import GeometricLabeller
from motion_seg_ros.tracking.flow import FlowTracker
from motion_seg_ros.types import Frame, TrackLabels, Tracks
from motion_seg_ros.window import SlidingWindow, Window

FRAMES = 16
SIZE = (480, 854)
Array = npt.NDArray[np.float64]


def window(frames: int = FRAMES) -> Window:
    blank = np.zeros((*SIZE, 3), np.uint8)
    return Window(tuple(Frame(blank, index * 10**7) for index in range(frames)), 0)


def tracks_of(xy: Array, confidence: float = 0.9) -> Tracks:
    """Tracks from exact positions (T, N, 2), with tracking noise."""
    frames, count = xy.shape[:2]
    noisy = xy + np.random.default_rng(0).normal(0, 0.15, xy.shape)
    return Tracks(
        ids=np.arange(count),
        xy_px=noisy.astype(np.float32),
        visible=np.ones((frames, count), bool),
        confidence=np.full((frames, count), confidence, np.float32),
        query_frame=np.zeros(count, np.int64),
    )


def world(count: int = 1000, seed: int = 1) -> Array:
    """(N, 3) static points 4 to 40 m in front of the camera."""
    rng = np.random.default_rng(seed)
    depth = rng.uniform(4, 40, count)
    x, y = rng.uniform(-0.55, 0.55, count) * depth, rng.uniform(-0.3, 0.3, count) * depth
    return np.stack((x, y, depth), axis=1)


def project(
    points: Array,
    turn: float = 0.0,
    travel: tuple[float, float, float] = (0, 0, 0),
    focal_px: float = 700.0,
) -> Array:
    """(N, 2) pixels of points (N, 3) seen by a camera at `travel`, turned right by `turn` rad."""
    x, y, z = (points - np.array(travel)).T
    x, z = x * np.cos(turn) - z * np.sin(turn), x * np.sin(turn) + z * np.cos(turn)
    return np.stack((focal_px * x / z + SIZE[1] / 2, focal_px * y / z + SIZE[0] / 2), axis=1)


def labelled(tracks: Tracks) -> TrackLabels:
    frames = window(len(tracks.visible))
    geometry = CameraMotionEstimator().follow(frames, tracks)
    return GeometricLabeller(interval=1).label(frames, tracks, None, geometry)


def label(xy: Array) -> TrackLabels:
    return labelled(tracks_of(xy))


CAMERAS: dict[str, Callable[[Array, int], Array]] = {
    "still": lambda points, t: project(points),
    "pan": lambda points, t: project(points, turn=0.01 * t),
    "zoom": lambda points, t: project(points, focal_px=700.0 * 1.01**t),
    "sideways": lambda points, t: project(points, travel=(0.05 * t, 0, 0)),
    "forward": lambda points, t: project(points, travel=(0, 0, 0.1 * t)),
    "orbit": lambda points, t: project(points, turn=-0.005 * t, travel=(0.08 * t, 0, 0)),
}


def test_between_two_looks_a_track_keeps_its_label_and_new_ones_have_none() -> None:
    points = world()
    way = np.arange(FRAMES + 3)[:, None] * 0.05
    still = np.stack([project(points, travel=(float(x), 0, 0)) for x in way[:, 0]])
    labeller, estimator = GeometricLabeller(interval=3), CameraMotionEstimator()
    heard = []
    for newest in range(FRAMES - 1, FRAMES + 3):
        blank = np.zeros((*SIZE, 3), np.uint8)
        frames = tuple(Frame(blank, index * 10**7) for index in range(FRAMES))
        tracks = tracks_of(still[newest + 1 - FRAMES : newest + 1])
        if newest > FRAMES - 1:  # one track more
            tracks = tracks_of(
                np.concatenate(
                    [still[newest + 1 - FRAMES : newest + 1], still[:FRAMES, :1]], axis=1
                )
            )
        now = Window(frames, newest + 1 - FRAMES)
        heard.append(labeller.label(now, tracks, None, estimator.follow(now, tracks)))
    first, *kept, again = (each.moving_probability for each in heard)
    for each in kept:
        np.testing.assert_array_equal(each[:-1], first)
        assert np.isnan(each[-1])
    assert np.isfinite(again).all()
    assert (again[:-1] != first).any()


@pytest.mark.parametrize("camera", CAMERAS)
def test_a_static_world_does_not_move(camera: str) -> None:
    points = world()
    labels = label(np.stack([CAMERAS[camera](points, t) for t in range(FRAMES)]))
    assert labels.abstention is None
    assert np.mean(labels.moving_probability > 0.5) < 0.01


@pytest.mark.parametrize("camera", CAMERAS)
def test_a_mover_is_found(camera: str) -> None:
    """A body of a tenth of the points falls at 0.15 m a frame."""
    points = world()
    body = np.arange(100)
    points[body] = np.array([0.5, 0.0, 9.0]) + np.random.default_rng(2).normal(0, 0.5, (100, 3))
    positions = []
    for t in range(FRAMES):
        now = points.copy()
        now[body, 1] += 0.15 * (t - FRAMES / 2)
        positions.append(CAMERAS[camera](now, t))
    moving = label(np.stack(positions)).moving_probability > 0.5
    assert np.mean(moving[body]) > 0.9
    assert np.mean(moving[100:]) < 0.02


def test_long_gaps_find_what_is_slow() -> None:
    """0.4 px a frame is nothing over three frames, and 6 px over fifteen."""
    points = world()
    exact = np.stack([project(points) for _ in range(FRAMES)])
    # Any tenth of the points: of equally long tracks the first of each cell take part in the fits.
    slow = np.random.default_rng(5).permutation(len(points)) < 100
    exact[:, slow, 0] += 0.4 * np.arange(FRAMES)[:, None]
    moving = label(exact).moving_probability > 0.5
    assert np.mean(moving[slow]) > 0.9
    assert np.mean(moving[~slow]) < 0.02
    assert np.mean(label(exact[-4:]).moving_probability[slow] > 0.5) < 0.1


def test_a_track_seen_only_now_is_not_labelled() -> None:
    tracks = tracks_of(np.stack([project(world())] * FRAMES))
    visible = tracks.visible.copy()
    visible[:-1, 7] = False
    tracks = dataclasses.replace(tracks, visible=visible)
    labels = labelled(tracks)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(labels.moving_probability)), [7])


def no_consensus() -> Tracks:
    rng = np.random.default_rng(3)
    return tracks_of(rng.uniform(0, [SIZE[1], SIZE[0]], (FRAMES, 1000, 2)))


ABSTENTIONS: dict[str, tuple[Callable[[], Tracks], int, str]] = {
    "short": (lambda: tracks_of(np.stack([project(world())] * 2)), 2, "2 frames"),
    "few": (lambda: tracks_of(np.stack([project(world(20))] * FRAMES)), FRAMES, "20 of 20 tracks"),
    "none": (lambda: Tracks.empty(FRAMES), FRAMES, "0 of 0 tracks"),
    "flat": (
        lambda: tracks_of(np.stack([project(world())] * FRAMES), confidence=0.01),
        FRAMES,
        "too little texture",
    ),
    "chaos": (no_consensus, FRAMES, "no common camera motion"),
}


@pytest.mark.parametrize("case", ABSTENTIONS)
def test_abstains_with_the_reason(case: str) -> None:
    make, frames, reason = ABSTENTIONS[case]
    tracks = make()
    assert len(tracks.visible) == frames
    labels = labelled(tracks)
    assert labels.abstention is not None
    assert reason in labels.abstention
    assert len(labels.moving_probability) == len(tracks)
    assert np.isnan(labels.moving_probability).all()


def rendered(scene_of: Callable[..., object]) -> tuple[TrackLabels, Tracks, np.ndarray]:
    scene = scene_of(seed=5, size=(480, 360), frames=18)
    tracker, labeller = FlowTracker(flow=DenseFlow(427), seeds=1000), GeometricLabeller(interval=1)
    estimator = CameraMotionEstimator()
    sliding = SlidingWindow(16, 1.0, 0.0)
    for frame in Renderer(scene):
        now = sliding.push(Frame(frame.image_bgr, frame.stamp_ns))
        tracks = tracker.update(now)
        labels = labeller.label(now, tracks, None, estimator.follow(now, tracks))
    x, y = np.clip(np.rint(tracks.xy_px[-1]).astype(int), 0, [479, 359]).T
    return labels, tracks, frame.moving[y, x]


@pytest.mark.parametrize(
    "scene", [scenes.static_scene_still_camera, scenes.pan_only, scenes.zoom_only]
)
def test_nothing_moves_in_tracked_static_scenes(scene: Callable[..., object]) -> None:
    labels, tracks, _ = rendered(scene)
    alive = tracks.visible[-1]
    assert labels.abstention is None
    assert np.nanmean(labels.moving_probability[alive] > 0.5) < 0.005


@pytest.mark.parametrize("scene", [scenes.one_mover_still_camera, scenes.mover_under_parallax])
def test_movers_in_tracked_scenes(scene: Callable[..., object]) -> None:
    labels, tracks, truth = rendered(scene)
    known = tracks.visible[-1] & np.isfinite(labels.moving_probability)
    moving = labels.moving_probability > 0.5
    assert np.mean(moving[known & truth]) > 0.6
    assert np.mean(moving[known & ~truth]) < 0.1  # flow bleeds over the mover's outline
