"""The camera's path from the motions of its windows, against the true one."""

from __future__ import annotations

import numpy as np
import pytest
from rigid_scenes import RigidScene, forward_drive, hand_held, pure_rotation

from motion_seg_ros.geometry.estimator import CameraMotionEstimator
from motion_seg_ros.geometry.path import CameraPath, Pose, nearest_rotation
from motion_seg_ros.types import CameraMotion

WINDOW = 6


def true_motion(
    scene: RigidScene, newest: int, unit: float = 1.0, **changes: object
) -> CameraMotion:
    """What the window of a frame would tell without errors, in a unit of its own."""
    found = scene.at(newest, WINDOW)
    known = np.arange(len(found.linear)) < len(found.linear) - 1
    fields = {
        "linear": found.linear,
        "translation": found.translation / unit,
        "known": known,
        "rigid": True,
        "metric": False,
        **changes,
    }
    return CameraMotion(**fields)  # type: ignore[arg-type]


def assert_path(scene: RigidScene, poses: list[Pose | None], unit: float, tolerance: float) -> None:
    """The poses are those of the scene, but for the unit of length."""
    found = [each for each in poses if each is not None]
    assert len(found) == scene.frames
    position = np.array([each.position for each in found]) * unit
    np.testing.assert_allclose(position, scene.path.position, atol=tolerance)
    rotation = np.array([each.rotation for each in found])
    np.testing.assert_allclose(rotation, scene.path.rotation, atol=tolerance)


@pytest.fixture
def scene() -> RigidScene:
    found = hand_held(0)
    start = found.path.rotation[0].T  # the world is that of the first frame
    position = (found.path.position - found.path.position[0]) @ start.T
    found.path = type(found.path)(position, start @ found.path.rotation)
    return found


def test_units_of_the_windows_do_not_matter(scene: RigidScene) -> None:
    rng = np.random.default_rng(0)
    units = rng.uniform(0.2, 5, scene.frames)
    path = CameraPath()
    poses = [path.update(true_motion(scene, t, units[t])) for t in range(scene.frames)]
    assert_path(scene, poses, unit=units[1], tolerance=1e-9)  # the first in which there is a way


def test_metres(scene: RigidScene) -> None:
    path = CameraPath()
    poses = [path.update(true_motion(scene, t, metric=True)) for t in range(scene.frames)]
    assert_path(scene, poses, unit=1, tolerance=1e-9)


def test_a_frame_without_an_answer_is_bridged(scene: RigidScene) -> None:
    path = CameraPath()
    poses = []
    for t in range(scene.frames):
        motion = true_motion(scene, t, metric=True)
        known = motion.known & (t not in (4, 5))
        if t > 5:  # nor is anything known about these frames later
            known[[max(len(known) - 1 - (t - each), 0) for each in (4, 5)]] = False
        poses.append(path.update(true_motion(scene, t, metric=True, known=known)))
    assert [t for t, each in enumerate(poses) if each is None] == [4, 5]
    last = poses[-1]
    assert last is not None
    np.testing.assert_allclose(last.position, scene.path.position[-1], atol=1e-9)


def test_a_new_stream_goes_on_where_the_last_ended(scene: RigidScene) -> None:
    path = CameraPath()
    for t in range(4):
        before = path.update(true_motion(scene, t, metric=True))
    after = path.update(true_motion(scene, 0, metric=True))  # a window of one frame
    assert before is not None
    assert after is not None
    assert after.position.tolist() == before.position.tolist()
    moved = path.update(true_motion(scene, 1, metric=True))
    assert moved is not None
    step = before.rotation @ scene.path.rotation[0].T @ scene.path.position[1]
    np.testing.assert_allclose(moved.position - before.position, step, atol=1e-9)


def test_homographies_are_turns() -> None:
    scene = pure_rotation(0)
    path = CameraPath()
    poses = []
    for t in range(scene.frames):
        found = scene.at(t, WINDOW)
        homographies = found.linear * 1.7
        none = np.zeros((len(found.linear), 3))
        poses.append(
            path.update(true_motion(scene, t, linear=homographies, translation=none, rigid=False))
        )
    first, last = scene.path.rotation[0], poses[-1]
    assert last is not None
    np.testing.assert_allclose(last.rotation, first.T @ scene.path.rotation[-1], atol=1e-9)
    assert not last.position.any()


def test_nearest_rotation() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        linear = rng.normal(size=(3, 3))
        linear *= np.sign(np.linalg.det(linear))
        found = nearest_rotation(linear)
        np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(found) == pytest.approx(1)
        # Of all rotations it is the one whose product with the matrix has the largest trace.
        turned = [np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(50)]
        others = [np.trace((each * np.linalg.det(each)).T @ linear) for each in turned]
        assert np.trace(found.T @ linear) >= max(others) - 1e-12


def test_the_path_of_a_drive() -> None:
    scene = forward_drive(1, mover="oncoming")
    estimator, path = CameraMotionEstimator(), CameraPath()
    position = []
    for t in range(scene.frames):
        window = scene.at(t)
        motion = estimator.follow(window.window, window.tracks).camera_motion(len(window.window))
        pose = path.update(motion)
        position.append(np.full(3, np.nan) if pose is None else pose.position)
    found, true = np.array(position)[1:], scene.path.position[1:] - scene.path.position[0]
    seen = np.isfinite(found).all(axis=1)
    assert seen.mean() > 0.8
    found, true = found[seen] - found[seen][0], true[seen] - true[seen][0]
    unit = (found * true).sum() / (found * found).sum()
    error = np.linalg.norm(found * unit - true, axis=1).max()
    assert error < 0.02 * np.linalg.norm(true[-1])
