"""Poses to start from, in worlds in closed form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from rigid_scenes import (
    RigidScene,
    RigidWindow,
    featureless,
    followed_mover,
    forward_drive,
    hand_held,
    planar,
    travel,
)

from motion_seg_ros.geometry.bundle import Poses
from motion_seg_ros.geometry.directions import Directions
from motion_seg_ros.geometry.scene import Scene
from motion_seg_ros.geometry.starts import Kept, from_depth, from_epipolar_geometry

Array = npt.NDArray[np.float64]

SCENES: dict[str, Callable[[], RigidScene]] = {
    "travel": travel,
    "hand held": hand_held,
    "drive": forward_drive,
    "drive, a car ahead": lambda: forward_drive(mover="ahead"),
    "drive, a car crosses": lambda: forward_drive(mover="crossing"),
}
WITH_DEPTH: dict[str, Callable[[], RigidScene]] = {
    **SCENES,
    "plane": planar,
    "a mover that is followed": followed_mover,
}


def scene_of(window: RigidWindow) -> Scene:
    scene = Scene.of(
        window.tracks,
        window.camera,
        window.window.newest_index,
        (window.inverse_depth.astype(np.float32), (0.02 * window.inverse_depth).astype(np.float32)),
        lambda ids: np.ones(len(ids)),
        Directions(),
    )
    assert scene is not None
    return scene


def spread(scene: Scene) -> Array:
    return np.full(len(scene.frames), scene.pixel)


def degrees(poses: Poses, window: RigidWindow, scene: Scene) -> tuple[Array, Array]:
    """(K,) errors of rotations and of directions of travel."""
    linear, translation = window.linear[scene.frames], window.translation[scene.frames]
    turned = np.trace(poses.rotation @ linear.transpose(0, 2, 1), axis1=1, axis2=2)
    cosine = (poses.translation * translation).sum(axis=1)
    cosine /= np.linalg.norm(poses.translation, axis=1) * np.linalg.norm(translation, axis=1)
    angles = (np.degrees(np.arccos(np.clip(each, -1, 1))) for each in ((turned - 1) / 2, cosine))
    return tuple(angles)


@pytest.mark.parametrize("name", SCENES)
def test_the_essential_matrix_gives_poses_and_depths(name: str) -> None:
    window = SCENES[name]().at()
    scene = scene_of(window)
    start = from_epipolar_geometry(scene.fitted, scene.pixel, spread(scene))
    assert start is not None
    poses, rho = start
    turn, direction = degrees(poses, window, scene)
    assert turn.max() < 0.2
    # Where the camera has come far enough: the frame before shows little parallax.
    assert direction[: len(direction) // 2].max() < 3
    static = ~window.moving[scene.now[scene.some]]
    truth = window.inverse_depth[scene.now[scene.some]]
    ratio = (rho / truth)[static & (truth > np.median(truth))]
    assert np.quantile(np.abs(ratio / np.median(ratio) - 1), 0.8) < 0.15


def test_too_few_points_have_no_essential_matrix() -> None:
    window = forward_drive().at()
    scene = scene_of(window)
    few = scene.fitted.of(np.arange(15))
    assert from_epipolar_geometry(few, scene.pixel, spread(scene)) is None


@pytest.mark.parametrize("name", WITH_DEPTH)
def test_depth_gives_poses_in_metres(name: str) -> None:
    """Half a metre in each frame of a street is far from the camera's standing still."""
    window = WITH_DEPTH[name]().at()
    scene = scene_of(window)
    assert scene.measured is not None
    measured = scene.measured[0][scene.some], scene.measured[1][scene.some]
    hidden = np.arange(len(scene.some)) % 4 == 0  # the sensor has holes
    measured[0][hidden] = np.nan
    poses, rho = from_depth(scene.fitted.weighted(scene.prior[scene.some]), measured, spread(scene))
    turn, _ = degrees(poses, window, scene)
    assert turn.max() < 0.1
    np.testing.assert_allclose(poses.translation, window.translation[scene.frames], atol=0.03)
    np.testing.assert_array_equal(rho[~hidden], measured[0][~hidden])
    static = hidden & ~window.moving[scene.now[scene.some]]
    truth = window.inverse_depth[scene.now[scene.some]]
    assert np.median(np.abs(rho[static] - truth[static])) < 0.01


@pytest.mark.parametrize("name", [*SCENES, "plane"])
def test_poses_are_carried_from_one_window_to_the_next(name: str) -> None:
    made = WITH_DEPTH[name]()
    before, now = made.at(-2), made.at(-1)
    kept_scene, scene = scene_of(before), scene_of(now)
    frames = kept_scene.frames
    kept = Kept(
        kept_scene.index,
        kept_scene.ids,
        kept_scene.seen.newest,
        before.inverse_depth[kept_scene.now],
        kept_scene.indices,
        Poses(before.linear[frames], before.translation[frames]),
    )
    start = kept.carried(scene, scene.fitted.weighted(scene.prior[scene.some]), spread(scene))
    assert start is not None
    poses, rho = start
    turn, _ = degrees(poses, now, scene)
    assert turn.max() < 0.1
    np.testing.assert_allclose(poses.translation, now.translation[scene.frames], atol=0.05)
    static = ~now.moving[scene.now[scene.some]]
    truth = now.inverse_depth[scene.now[scene.some]]
    assert np.median(np.abs(rho[static] - truth[static])) < 0.005


def test_nothing_is_carried_to_a_window_of_other_tracks() -> None:
    before, now = scene_of(travel().at(-2)), scene_of(travel().at(-1))
    frames = len(before.frames)
    still = Poses(np.tile(np.eye(3), (frames, 1, 1)), np.zeros((frames, 3)))
    count = len(before.ids)
    other = Kept(
        before.index,
        before.ids + 10_000,
        before.seen.newest,
        np.ones(count),
        before.indices,
        still,
    )
    assert other.carried(now, now.fitted, spread(now)) is None


def test_a_world_without_features_has_no_scene() -> None:
    window = featureless().at()
    believed = np.ones(len(window.tracks.ids))
    assert (
        Scene.of(window.tracks, window.camera, 15, None, lambda _: believed, Directions()) is None
    )
