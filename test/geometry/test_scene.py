"""Which tracks of a window take part in fits, and how much each of them counts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from rigid_scenes import FOCAL_PX, SIZE, RigidWindow, travel

from motion_seg_ros.geometry.directions import Directions
from motion_seg_ros.geometry.scene import FITTED_TRACKS, MIN_TRACKS, REFERENCE_SIDE_PX, Scene
from motion_seg_ros.types import BoolArray


def scene_of(window: RigidWindow, **given: object) -> Scene | None:
    values = {
        "measured": None,
        "belief": lambda ids: np.ones(len(ids)),
        "directions": Directions(),
        **given,
    }
    return Scene.of(window.tracks, window.camera, 30, **values)  # type: ignore[arg-type]


def only(window: RigidWindow, visible: BoolArray) -> RigidWindow:
    tracks = dataclasses.replace(window.tracks, visible=window.tracks.visible & visible)
    return dataclasses.replace(window, tracks=tracks)


def test_positions_are_directions_of_the_visible_tracks() -> None:
    window = travel().at()
    scene = scene_of(window)
    assert scene is not None
    visible = window.tracks.visible
    np.testing.assert_array_equal(scene.now, np.flatnonzero(visible[-1]))
    np.testing.assert_array_equal(scene.ids, window.tracks.ids[scene.now])
    np.testing.assert_array_equal(scene.seen.weight > 0, visible[scene.frames][:, scene.now])
    centre = np.array([[(SIZE[1] - 1) / 2], [(SIZE[0] - 1) / 2]])
    expected = (window.tracks.xy_px[-1, scene.now].T - centre) / FOCAL_PX
    np.testing.assert_allclose(scene.seen.newest, expected, atol=1e-6)
    np.testing.assert_array_equal(scene.indices, scene.frames + 15)  # frame 15 of 0 to 15 is 30
    assert scene.pixel == pytest.approx(SIZE[1] / REFERENCE_SIDE_PX / FOCAL_PX)


def test_a_frame_that_shares_too_few_tracks_is_left_out() -> None:
    window = travel().at()
    both = np.flatnonzero(window.tracks.visible[-1] & window.tracks.visible[3])
    kept = np.ones(window.tracks.visible.shape, bool)
    kept[3, both[MIN_TRACKS - 1 :]] = False
    scene = scene_of(only(window, kept))
    assert scene is not None
    assert 3 not in scene.frames
    kept[3, both[MIN_TRACKS - 1]] = True
    scene = scene_of(only(window, kept))
    assert scene is not None
    assert 3 in scene.frames


def test_without_such_a_frame_there_is_no_scene() -> None:
    window = travel().at()
    kept = np.zeros(window.tracks.visible.shape, bool)
    kept[:, np.flatnonzero(window.tracks.visible[-1])[: MIN_TRACKS - 1]] = True
    assert scene_of(only(window, kept)) is None


def test_a_dense_corner_does_not_outvote_the_rest() -> None:
    """Half of the tracks in a sixty-fourth of the image: those that fit are spread, and all of a
    part of the image together stand for its area."""
    window = travel(static=2000).at()
    xy = window.tracks.xy_px.copy()
    shown = np.flatnonzero(window.tracks.visible.sum(axis=0) > 0)
    corner = shown[::2]
    rng = np.random.default_rng(0)
    xy[:, corner] = rng.uniform((280, 150), (360, 195), (len(corner), 2))
    crowded = dataclasses.replace(window, tracks=dataclasses.replace(window.tracks, xy_px=xy))
    scene = scene_of(crowded)
    assert scene is not None
    assert len(scene.some) == FITTED_TRACKS
    inside = np.isin(scene.now[scene.some], corner)
    assert inside.mean() < 0.15
    area = scene.area[scene.some]
    assert area[inside].sum() / area.sum() < 0.06


def test_the_longest_tracks_of_a_place_are_chosen() -> None:
    window = travel(static=4000).at()
    scene = scene_of(window)
    assert scene is not None
    length = (scene.seen.weight > 0).sum(axis=0)
    chosen = np.zeros(len(length), bool)
    chosen[scene.some] = True
    assert length[chosen].mean() > length[~chosen].mean() + 2


def test_tracks_near_the_border_are_believed_most() -> None:
    scene = scene_of(travel(static=2000).at())
    assert scene is not None
    x, y = scene.seen.newest * FOCAL_PX + np.array([[SIZE[1] / 2], [SIZE[0] / 2]])
    border = (np.minimum(x, SIZE[1] - x) < 20) | (np.minimum(y, SIZE[0] - y) < 12)
    middle = (abs(x - SIZE[1] / 2) < 80) & (abs(y - SIZE[0] / 2) < 45)
    assert scene.area[border].mean() > 1.5 * scene.area[middle].mean()


def test_what_is_believed_and_measured_follows_the_tracks() -> None:
    window = travel().at()
    count = len(window.tracks)
    measured = np.arange(count, dtype=np.float32), np.arange(count, dtype=np.float32) + 0.5
    scene = scene_of(window, measured=measured, belief=lambda ids: ids / 1000)
    assert scene is not None
    assert scene.measured is not None
    np.testing.assert_array_equal(scene.measured[0], scene.now)
    np.testing.assert_array_equal(scene.measured[1], scene.now + 0.5)
    np.testing.assert_allclose(scene.prior, scene.area * scene.ids / 1000)
    assert scene.fitted.newest.shape == (2, len(scene.some))
    np.testing.assert_array_equal(scene.fitted.weight, scene.seen.weight[:, scene.some])
