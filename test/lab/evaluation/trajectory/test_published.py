"""What publishers say of their cameras, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.lab.evaluation.trajectory.poses import Poses
from motion_seg_ros.lab.evaluation.trajectory.published import (
    bonn_camera_poses,
    bonn_marker_poses,
    camera_to_markers,
    published_camera,
)


@pytest.mark.parametrize(
    ("name", "focal_px", "k1"),
    [
        ("rgbd_dataset_freiburg1_desk", 517.3, 0.2624),
        ("rgbd_dataset_freiburg2_desk_with_person", 520.9, 0.2312),
        ("rgbd_dataset_freiburg3_walking_xyz", 535.4, None),
        ("freiburg3", 535.4, None),
        ("rgbd_bonn_crowd2", 542.822841, 0.039903),
    ],
)
def test_the_name_tells_the_calibration(name: str, focal_px: float, k1: float | None) -> None:
    file = published_camera(name)
    assert file is not None
    camera = file.fitted((480, 640), rectified=False).camera
    assert camera is not None
    assert camera.matrix[0, 0] == focal_px
    assert camera.distortion[:1] == (() if k1 is None else (k1,))


@pytest.mark.parametrize("name", ["walk", "freiburg4_desk", "freiburg12", "my_rgbd_bonn_crowd"])
def test_other_names_tell_none(name: str) -> None:
    assert published_camera(name) is None


def test_markers_of_bonn_move_along_the_axes_of_the_motion_capture() -> None:
    poses = np.tile(np.eye(4), (2, 1, 1))
    poses[1, :3, 3] = (1.0, 2.0, 3.0)
    found = bonn_camera_poses(Poses(np.array([0.0, 1.0]), poses)).camera_to_world
    # T_ros turns x round, and swaps y and z.
    assert found[1, :3, 3] - found[0, :3, 3] == pytest.approx([-1.0, 3.0, 2.0])
    assert found[0] == pytest.approx(camera_to_markers())


def test_the_published_mounting_is_made_a_rigid_motion() -> None:
    mounting = camera_to_markers()
    turn = mounting[:3, :3]
    assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    # As published, but for the scale 1.0594, the cube root of its determinant.
    assert turn[0] == pytest.approx(np.array([1.0157, 0.1828, -0.2389]) / 1.0594, abs=2e-3)
    assert mounting[:3, 3] == pytest.approx([0.0113, -0.0098, 0.0111])


def test_poses_of_markers_are_undone_to_those_of_the_camera() -> None:
    poses = np.tile(np.eye(4), (3, 1, 1))
    poses[:, :3, 3] = np.random.default_rng(0).normal(size=(3, 3))
    poses[1, :3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    there = bonn_marker_poses(Poses(np.arange(3.0), poses))
    assert bonn_camera_poses(there).camera_to_world == pytest.approx(poses)
