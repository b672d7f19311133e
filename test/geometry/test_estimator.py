"""The camera's motion in rigid worlds whose making is known, in closed form and rendered."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import rigid_scenes
from rigid_scenes import RigidScene, RigidWindow

from motion_seg_ros.geometry.estimator import CameraMotionEstimator
from motion_seg_ros.geometry.motion import Mode, WindowGeometry
from motion_seg_ros.lab.synthetic import scenes
from motion_seg_ros.lab.synthetic.scene import Scene

Array = npt.NDArray[np.float64]

ROTATION_DEG, DIRECTION_DEG, RESIDUAL_PX = 0.1, 2.0, 1.0
PARALLAX_PX = 3.0  # median displacement of static tracks by the camera's travel
MISFIT = 3.0  # spreads


def geometry(part: RigidWindow) -> WindowGeometry:
    return CameraMotionEstimator().follow(part.window, part.tracks)


def live(scene: RigidScene, first: int = 7) -> tuple[RigidWindow, WindowGeometry]:
    """The last window of a scene that is followed from a frame on."""
    estimator = CameraMotionEstimator()
    for newest in range(first, scene.frames):
        part = scene.at(newest)
        found = estimator.follow(part.window, part.tracks)
    return part, found


def degrees(rotation: Array) -> Array:
    """Angles (T,) of rotations (T, 3, 3)."""
    sine = np.stack([rotation[:, i, j] - rotation[:, j, i] for i, j in ((2, 1), (0, 2), (1, 0))], 1)
    trace = np.trace(rotation, axis1=1, axis2=2)
    return np.asarray(np.degrees(np.arctan2(np.linalg.norm(sine, axis=1), trace - 1)))


def travelled(part: RigidWindow) -> npt.NDArray[np.bool_]:
    """(T,), whether static tracks are displaced by the camera's travel since then."""
    rho = np.median(part.inverse_depth[part.tracks.visible[-1] & ~part.moving])
    length = np.linalg.norm(part.translation, axis=1)
    return np.asarray(length * rho * part.camera.focal_px > PARALLAX_PX)


def check_poses(part: RigidWindow, found: WindowGeometry) -> None:
    assert found.mode is Mode.RIGID
    assert found.rigid is not None
    known = found.rigid.known
    assert known.sum() >= 0.6 * (len(known) - 1)
    turn = degrees(found.rigid.linear[known] @ part.linear[known].transpose(0, 2, 1))
    assert turn.max() < ROTATION_DEG
    far = known & travelled(part)
    assert far.any()
    ours, true = found.rigid.translation[far], part.translation[far]
    cosine = (ours * true).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(true, axis=1)
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < DIRECTION_DEG


def check_residuals(part: RigidWindow, found: WindowGeometry, share: float = 0.99) -> None:
    """Of the static tracks in the frames they are seen in, root mean square."""
    assert found.motion is not None
    length = np.linalg.norm(found.motion.residual, axis=2) * part.camera.focal_px
    judged = (found.frames >= 3) & ~part.moving
    rms = np.sqrt((length**2).sum(axis=0)[judged] / found.frames[judged])
    assert np.quantile(rms, share) < RESIDUAL_PX


def check_movers(part: RigidWindow, found: WindowGeometry, *, recall: float) -> None:
    """Movers misfit, static tracks do not."""
    assert found.motion is not None
    judged = found.frames >= 3
    misfits = found.motion.misfit > MISFIT
    assert misfits[judged & part.moving].mean() > recall
    assert misfits[judged & ~part.moving].mean() < 0.02


def check_movers_absent(found: WindowGeometry) -> None:
    assert found.motion is not None
    assert (found.motion.misfit[found.frames >= 3] > MISFIT).mean() < 0.01


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "scene", [rigid_scenes.travel, rigid_scenes.hand_held, rigid_scenes.forward_drive]
)
def test_poses_among_static_things(scene: Callable[..., RigidScene], seed: int) -> None:
    part = scene(seed).at()
    found = geometry(part)
    check_poses(part, found)
    check_residuals(part, found)
    check_movers_absent(found)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mover", rigid_scenes.MOVERS)
def test_poses_beside_a_car(mover: str, seed: int) -> None:
    part = rigid_scenes.forward_drive(seed, mover).at()
    found = geometry(part)
    check_poses(part, found)
    check_residuals(part, found)
    if mover == "crossing":
        check_movers(part, found, recall=0.95)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("played", [True, False])
def test_a_car_ahead_at_the_cameras_own_speed_is_behind_the_ground(seed: int, played: bool) -> None:
    scene = rigid_scenes.forward_drive(seed, "ahead")
    part, found = live(scene) if played else (scene.at(), geometry(scene.at()))
    assert found.ground is not None
    # The camera is level but for a turn about the vertical axis.
    assert found.ground.normal @ [0, -1, 0] > np.cos(np.radians(1.0))
    judged = found.frames >= 3
    below = part.tracks.xy_px[-1, :, 1] > part.camera.matrix[1, 2] + 0.06 * part.camera.focal_px
    assert (found.behind_ground[judged & part.moving & below] > MISFIT).mean() > 0.9
    assert (found.behind_ground[judged & ~part.moving] > MISFIT).mean() < 0.01
    # Heights, too, are those of the truth: nothing of the street is below the ground.
    assert np.quantile(found.height[judged & ~part.moving], 0.02) > -0.2


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("played", [True, False])
def test_a_sky_does_not_set_the_scale(seed: int, played: bool) -> None:
    scene = rigid_scenes.open_road(seed)
    part, found = live(scene) if played else (scene.at(), geometry(scene.at()))
    assert found.mode is Mode.RIGID
    check_residuals(part, found)
    check_movers_absent(found)
    assert found.rigid is not None
    along = found.rigid.translation[0] / np.linalg.norm(found.rigid.translation[0])
    assert along @ [0, 0, 1] > np.cos(np.radians(DIRECTION_DEG))
    near = (part.inverse_depth > 1 / 60) & (found.frames >= 3)
    assert 0.3 < np.median(found.inverse_depth[near]) < 3


@pytest.mark.parametrize("seed", range(3))
def test_a_car_ahead_is_not_where_a_sensor_sees_it(seed: int) -> None:
    """At the camera's own speed it seems to be infinitely far."""
    part = rigid_scenes.forward_drive(seed, "ahead").at()
    sensed = part.inverse_depth * np.random.default_rng(seed).normal(1, 0.01, len(part.tracks))
    measured = sensed.astype(np.float32), (0.02 * sensed).astype(np.float32)
    found = CameraMotionEstimator().follow(part.window, part.tracks, measured)
    assert found.off_sensed is not None
    judged = found.frames >= 3
    assert np.median(found.off_sensed[judged & part.moving]) < -5
    assert (found.off_sensed[judged & part.moving] < -MISFIT).mean() > 0.9
    assert (np.abs(found.off_sensed[judged & ~part.moving]) < MISFIT).mean() > 0.97
    assert geometry(part).off_sensed is None


@pytest.mark.parametrize("seed", range(3))
def test_the_world_is_not_what_the_camera_follows(seed: int) -> None:
    part, found = live(rigid_scenes.followed_mover(seed))
    check_poses(part, found)
    check_residuals(part, found)
    check_movers(part, found, recall=0.9)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "scene",
    [
        rigid_scenes.pure_rotation,
        rigid_scenes.planar,
        rigid_scenes.zooming,
        rigid_scenes.still,
        rigid_scenes.still_with_mover,
    ],
)
def test_without_parallax_homographies_do(scene: Callable[..., RigidScene], seed: int) -> None:
    for part, found in (live(scene(seed)), (scene(seed).at(), geometry(scene(seed).at()))):
        assert found.mode is Mode.HOMOGRAPHY
        check_residuals(part, found)
        if part.moving.any():
            check_movers(part, found, recall=0.95)
        else:
            check_movers_absent(found)


def test_too_few_tracks_tell_nothing() -> None:
    part = rigid_scenes.featureless().at()
    found = geometry(part)
    assert found.mode is Mode.UNKNOWN
    assert found.reason
    assert "track" in found.reason
    assert found.motion is None
    assert np.isnan(found.inverse_depth).all()


@pytest.mark.parametrize("scene", [rigid_scenes.travel, rigid_scenes.forward_drive])
def test_inverse_depths_are_those_of_the_world(scene: Callable[..., RigidScene]) -> None:
    part = scene().at()
    found = geometry(part)
    judged = found.frames >= 5
    rho, true = found.inverse_depth[judged], part.inverse_depth[judged]
    scale = np.median(true[true > 0.05] / rho[true > 0.05])
    error = (rho * scale - true) / (found.inverse_depth_error[judged] * scale)
    near = true > 0.05
    assert np.median(np.abs(rho * scale / true - 1)[near]) < 0.01
    # The standard errors are those of exact poses, whose own errors are common to all points.
    assert abs(np.median(error)) < 1
    assert 0.5 < np.median(np.abs(error)) / 0.6745 < 3


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "scene",
    [rigid_scenes.travel, rigid_scenes.hand_held, rigid_scenes.forward_drive],
)
def test_poses_kept_from_window_to_window(scene: Callable[..., RigidScene], seed: int) -> None:
    part, found = live(scene(seed))
    check_poses(part, found)
    check_residuals(part, found)
    check_movers_absent(found)


def test_a_fifth_of_the_tracks_wanders() -> None:
    part, found = live(rigid_scenes.travel(wrong=0.2, static=1200))
    check_poses(part, found)
    check_residuals(part, found, share=0.7)


def test_a_guessed_focal_length_fits_too() -> None:
    """640 px in place of 500: the poses are others, but what is static still fits."""
    part, found = live(rigid_scenes.travel(calibrated=False))
    assert found.mode is Mode.RIGID
    check_residuals(part, found, share=0.95)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("scene", [scenes.forward_parallax_static, scenes.mover_under_parallax])
def test_poses_of_rendered_scenes(scene: Callable[[int], Scene], seed: int) -> None:
    part = rigid_scenes.rendered(scene(seed), 18)
    found = geometry(part)
    check_poses(part, found)
    check_residuals(part, found)
    if part.moving.any():
        check_movers(part, found, recall=0.8)
    else:
        check_movers_absent(found)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "scene",
    [
        scenes.pan_only,
        scenes.zoom_only,
        scenes.static_scene_still_camera,
        scenes.one_mover_still_camera,
    ],
)
def test_rendered_scenes_without_parallax(scene: Callable[[int], Scene], seed: int) -> None:
    part = rigid_scenes.rendered(scene(seed), 18)
    found = geometry(part)
    assert found.mode is Mode.HOMOGRAPHY
    check_residuals(part, found)
