"""ATE and RPE against closed forms."""

from __future__ import annotations

import mapping
import numpy as np
import numpy.typing as npt
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.trajectory.errors import path_errors, true_poses
from motion_seg_ros.lab.evaluation.trajectory.poses import Poses

pytestmark = mapping.needs_colmap

Array = npt.NDArray[np.float64]
SQUARE = np.array([[1.0, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0]])


def poses(xyz: Array, turns_deg: Array | None = None) -> Poses:
    """Looking along z, turned about it."""
    matrices = np.tile(np.eye(4), (len(xyz), 1, 1))
    matrices[:, :3, 3] = xyz
    for matrix, turn in zip(
        matrices, np.radians(np.zeros(len(xyz)) if turns_deg is None else turns_deg), strict=True
    ):
        matrix[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    return Poses(np.arange(len(xyz)) * 0.1 + 5, matrices)


def test_another_scale_place_and_direction_is_no_error() -> None:
    rng = np.random.default_rng(0)
    truth = poses(rng.normal(size=(8, 3)), rng.uniform(0, 90, 8))
    moved = np.diag([0.25, 0.25, 0.25, 1.0])
    moved[:3, :3] @= np.linalg.qr(rng.normal(size=(3, 3)))[0]
    if np.linalg.det(moved) < 0:
        moved[:3, 0] *= -1
    moved[:3, 3] = 3, -2, 1
    found = moved @ truth.camera_to_world
    found[:, :3, :3] /= 0.25
    errors = path_errors(truth, Poses(truth.stamps_s, found))
    assert errors.ate_m == pytest.approx(0, abs=1e-9)
    assert errors.ate_all_m == pytest.approx(0, abs=1e-9)
    assert errors.rpe_m == pytest.approx(0, abs=1e-9)
    assert errors.rpe_deg == pytest.approx(0, abs=1e-4)
    assert errors.positions_m is not None
    assert np.allclose(list(errors.positions_m.values()), truth.camera_to_world[:, :3, 3])
    assert list(errors.positions_m) == truth.stamps_s.tolist()


def test_metres_are_not_scaled_to_fit() -> None:
    """Half a square of which each corner is sqrt(2) from the middle, and each side 2."""
    errors = path_errors(poses(SQUARE), poses(SQUARE / 2), rigid=True)
    assert errors.ate_m == pytest.approx(np.sqrt(2) / 2)
    assert errors.rpe_m == pytest.approx(1)


@pytest.mark.parametrize("off_m", [0.1, 0.5])
def test_corners_of_a_square_lifted_in_turn(off_m: float) -> None:
    # Corners 1 and 3 up, 2 and 4 down: no turn and no shift makes it better, only a scale,
    # s = 2 / (2 + d^2), which takes the corners sqrt(2) (1 - s) inwards and leaves s d of the lift.
    lifted = SQUARE + np.outer([1, -1, 1, -1], [0, 0, off_m])
    scale = 2 / (2 + off_m**2)
    errors = path_errors(poses(SQUARE), poses(lifted))
    assert errors.ate_m == pytest.approx(np.sqrt(2 * (1 - scale) ** 2 + (scale * off_m) ** 2))
    # From corner to corner: 2 (1 - s) too short, and 2 s d up or down.
    assert errors.rpe_m == pytest.approx(np.sqrt((2 * (1 - scale)) ** 2 + (2 * scale * off_m) ** 2))


def test_turns_between_frames() -> None:
    errors = path_errors(poses(SQUARE), poses(SQUARE, np.array([0.0, 2, 4, 6])))
    assert errors.ate_m == pytest.approx(0, abs=1e-9)
    assert errors.rpe_deg == pytest.approx(2)


def test_frames_that_are_not_placed_count_where_the_nearest_placed_one_is() -> None:
    line = np.array([[0.0, 0, 0], [1, 0, 0], [2, 1, 0], [3, 0, 0], [4, 0, 0], [7, 4, 0]])
    truth = poses(line)
    found = Poses(truth.stamps_s[1:5], truth.camera_to_world[1:5])
    errors = path_errors(truth, found)
    assert errors.ate_m == pytest.approx(0, abs=1e-9)
    # The first one is 1 m from the second, the last one 5 m from the one before; six frames.
    assert errors.ate_all_m == pytest.approx(np.sqrt((1 + 25) / 6))


@pytest.mark.parametrize("placed", [0, 2])
def test_without_a_path_all_frames_are_at_the_mean_position(placed: int) -> None:
    truth = poses(SQUARE)
    found = Poses(truth.stamps_s[:placed], truth.camera_to_world[:placed])
    errors = path_errors(truth, found)
    assert (errors.ate_m, errors.rpe_m, errors.positions_m) == (None, None, None)
    assert errors.ate_all_m == pytest.approx(np.sqrt(2))


def test_frames_all_placed_at_one_spot_are_no_path() -> None:
    assert path_errors(poses(SQUARE), poses(np.ones((4, 3)))).ate_m is None


def test_frames_get_the_pose_nearest_in_time() -> None:
    truth = Poses(
        np.array([0.0, 0.101, 0.2, 0.34]), np.arange(4)[:, None, None] + np.zeros((4, 4, 4))
    )
    found = true_poses(truth, np.array([0.005, 0.1, 0.205, 0.3, 0.33]))
    assert found.stamps_s.tolist() == [0.005, 0.1, 0.205, 0.33]
    assert found.camera_to_world[:, 0, 0].tolist() == [0, 1, 2, 3]


def test_poses_of_another_clock_are_named() -> None:
    truth = Poses(np.arange(4) + 1000.0, np.zeros((4, 4, 4)))
    with pytest.raises(
        InputError, match=r"found 0 of 5: frames are from 0\.000 to 0\.400 s, poses"
    ):
        true_poses(truth, np.arange(5) * 0.1)
