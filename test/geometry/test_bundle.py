"""Points before a camera that moves, in closed form: projection, derivatives, triangulation,
resection and bundle adjustment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from motion_seg_ros.geometry.bundle import (
    DAMPING,
    Observations,
    Poses,
    adjust,
    locate,
    robust_weights,
    rotation_of,
    seen_at,
    triangulate,
)

Array = npt.NDArray[np.float64]

FRAMES, POINTS = 5, 200
NOISE = 5e-4  # a quarter of a pixel at a focal length of 500 px


@dataclass(frozen=True, eq=False)
class World:
    """Points (N, 3) in the newest camera, and rotation vectors and translations (K, 3) to the
    earlier ones."""

    points: Array
    turn: Array
    travel: Array

    @property
    def poses(self) -> Poses:
        rotation = np.array([cv2.Rodrigues(each)[0] for each in self.turn])
        return Poses(rotation, self.travel)

    @property
    def rho(self) -> Array:
        return np.asarray(1 / self.points[:, 2])

    @property
    def newest(self) -> Array:
        return np.asarray((self.points[:, :2] / self.points[:, 2:]).T)

    def earlier(self) -> Array:
        """(K, 2, N), by OpenCV."""
        seen = [
            cv2.projectPoints(self.points, turn, travel, np.eye(3), np.zeros(4))[0][:, 0].T
            for turn, travel in zip(self.turn, self.travel, strict=True)
        ]
        return np.array(seen)

    def seen(self, noise: float = 0.0, seed: int = 0) -> Observations:
        at = self.earlier()
        at = at + np.random.default_rng(seed).normal(0, 1, at.shape) * noise
        return Observations(self.newest, at, np.ones((len(at), len(self.points))))


def world(points: int = POINTS, frames: int = FRAMES, seed: int = 0) -> World:
    """Points 2 to 15 m away; the camera has come 0.2 m in each frame and turned a little."""
    rng = np.random.default_rng(seed)
    depth = rng.uniform(2, 15, points)
    xy = rng.uniform((-0.6, -0.35), (0.6, 0.35), (points, 2))
    ago = np.arange(frames, 0, -1)[:, None]
    turn = ago * np.radians([0.3, -0.6, 0.2]) + rng.normal(0, 0.003, (frames, 3))
    travel = ago * np.array([0.08, 0.02, 0.18]) + rng.normal(0, 0.005, (frames, 3))
    return World(np.c_[xy, np.ones(points)] * depth[:, None], turn, travel)


def spread(value: float = NOISE, frames: int = FRAMES) -> Array:
    return np.full(frames, value)


def degrees_between(one: Array, other: Array) -> Array:
    """(K,) angles between rotations (K, 3, 3)."""
    turned = one @ other.transpose(0, 2, 1)
    return np.degrees([np.linalg.norm(cv2.Rodrigues(each)[0]) for each in turned])


def nudged(poses: Poses, step: Array) -> Poses:
    """Poses after steps (K, 6): rotation vectors in the earlier cameras, and translations."""
    turns = np.array([cv2.Rodrigues(each)[0] for each in step[:, :3]])
    return Poses(turns @ poses.rotation, poses.translation + step[:, 3:])


def numeric(function: Callable[[Array], Array], count: int, by: float = 1e-6) -> Array:
    """The derivative (..., count) of a function of `count` numbers at 0, by central differences."""
    steps = np.eye(count) * by
    return np.stack([(function(each) - function(-each)) / (2 * by) for each in steps], axis=-1)


def test_points_are_seen_where_opencv_projects_them() -> None:
    there = world()
    at = seen_at(there.poses, there.newest, there.rho)
    np.testing.assert_allclose(at, there.earlier(), atol=1e-12)


def test_the_infinitely_far_moves_by_rotation_alone() -> None:
    there = world()
    rays = np.r_[there.newest, np.ones((1, POINTS))]
    turned = there.poses.rotation @ rays
    np.testing.assert_allclose(
        seen_at(there.poses, there.newest, np.zeros(POINTS)), turned[:, :2] / turned[:, 2:]
    )


def test_rotations_are_those_of_opencv() -> None:
    turns = np.random.default_rng(0).normal(0, 1, (20, 3))
    turns[:3] = 0, 1e-9, 1e-4
    expected = [cv2.Rodrigues(each)[0] for each in turns]
    np.testing.assert_allclose(rotation_of(turns), expected, atol=1e-12)


def test_a_step_of_resection_is_that_of_the_finite_differences() -> None:
    there = world(40)
    rng = np.random.default_rng(3)
    start = nudged(there.poses, rng.normal(0, 1e-3, (FRAMES, 6)))
    residual = there.earlier() - seen_at(start, there.newest, there.rho)

    def moved(step: Array) -> Array:
        return seen_at(nudged(start, np.tile(step, (FRAMES, 1))), there.newest, there.rho)

    jacobian = numeric(moved, 6).reshape(FRAMES, -1, 6)
    square = jacobian.transpose(0, 2, 1) @ jacobian
    damping = DAMPING * np.trace(square, axis1=1, axis2=2) / 6
    pull = jacobian.transpose(0, 2, 1) @ residual.reshape(FRAMES, -1, 1)
    step = np.linalg.solve(square + damping[:, None, None] * np.eye(6), pull)[..., 0]
    expected = nudged(start, step)
    # The spread is so large that no observation is an outlier.
    found = locate(start, there.rho, there.seen(), spread(1e3), iterations=1)
    np.testing.assert_allclose(found.rotation, expected.rotation, atol=1e-8)
    np.testing.assert_allclose(found.translation, expected.translation, atol=1e-8)
    assert np.abs(found.translation - start.translation).max() > 1e-4


@pytest.mark.parametrize("sensed", [False, True])
def test_a_step_of_the_adjustment_is_that_of_the_finite_differences(sensed: bool) -> None:
    """All unknowns in one system, without the Schur complement."""
    points, frames = 15, 2
    there = world(points, frames)
    rng = np.random.default_rng(4)
    start = nudged(there.poses, rng.normal(0, 1e-3, (frames, 6)))
    rho = there.rho * (1 + rng.normal(0, 0.01, points))
    unknowns = 6 * frames + points

    def moved(step: Array) -> Array:
        poses = nudged(start, step[: 6 * frames].reshape(frames, 6))
        return seen_at(poses, there.newest, rho + step[6 * frames :])

    # Few outliers again; sensed inverse depths weigh as much as the positions.
    large = 10.0
    jacobian = numeric(moved, unknowns).reshape(-1, unknowns) / large
    residual = (there.earlier() - moved(np.zeros(unknowns))).ravel() / large
    strength = (jacobian[:, : 6 * frames] ** 2).sum() / (6 * frames)
    square = jacobian.T @ jacobian
    pull = jacobian.T @ residual
    damping = np.r_[np.full(6 * frames, DAMPING * strength + 1e-9), np.full(points, 1e-6)]
    square[np.diag_indices(unknowns)] += damping
    measured = None
    if sensed:
        known = np.arange(points) < 5
        error = np.full(points, 20.0)
        measured = np.where(known, there.rho, np.nan), np.where(known, error, np.nan)
        place = 6 * frames + np.flatnonzero(known)
        square[place, place] += 1 / error[known] ** 2
        pull[place] += (there.rho - rho)[known] / error[known] ** 2
    step = np.linalg.solve(square, pull)
    expected = nudged(start, step[: 6 * frames].reshape(frames, 6))
    found, found_rho = adjust(
        start, rho, there.seen(), spread(large, frames), iterations=1, measured=measured
    )
    np.testing.assert_allclose(found.rotation, expected.rotation, atol=1e-6)
    np.testing.assert_allclose(found.translation, expected.translation, atol=1e-6)
    np.testing.assert_allclose(found_rho, rho + step[6 * frames :], atol=1e-6)
    assert np.abs(found.translation - start.translation).max() > 1e-4


def test_exact_points_are_triangulated_exactly() -> None:
    there = world()
    rho, error = triangulate(there.poses, there.seen(), spread(), iterations=4)
    np.testing.assert_allclose(rho, there.rho, atol=1e-7)
    assert (error > 0).all()


def test_the_stated_error_is_that_of_noisy_points() -> None:
    there = world()
    off = []
    for seed in range(60):
        rho, error = triangulate(there.poses, there.seen(NOISE, seed), spread())
        off.append((rho - there.rho) / error)
    each_point = np.std(off, axis=0)
    assert np.mean(each_point) == pytest.approx(1, abs=0.03)
    assert np.abs(np.mean(off)) < 0.05
    # Of every point, the nearest and the farthest, and not only in the mean.
    assert np.quantile(each_point, [0.02, 0.98]) == pytest.approx([0.8, 1.2], abs=0.12)


def test_what_is_seen_in_fewer_frames_is_known_less_well() -> None:
    there = world()
    seen = there.seen()
    seen.weight[:-1, :50] = 0  # only in the frame before
    _, error = triangulate(there.poses, seen, spread())
    _, of_all = triangulate(there.poses, there.seen(), spread())
    assert (error[:50] > 3 * of_all[:50]).all()
    np.testing.assert_array_equal(error[50:], of_all[50:])


def test_what_moves_against_the_stream_lies_behind_the_camera() -> None:
    there = world()
    seen = there.seen()
    far = seen_at(there.poses, there.newest, np.zeros(POINTS))
    contrary = Observations(seen.newest, 2 * far - seen.earlier, seen.weight)
    rho, error = triangulate(there.poses, contrary, spread())
    shown = np.linalg.norm(seen.earlier - far, axis=1).max(axis=0) > 20 * NOISE
    assert shown.sum() > POINTS / 2
    assert (rho[shown] < -3 * error[shown]).all()


def test_without_travel_no_depth_is_known() -> None:
    there = World(world().points, world().turn, np.zeros((FRAMES, 3)))
    rho, error = triangulate(there.poses, there.seen(NOISE), spread())
    assert not rho.any()
    assert (error > 100).all()


def test_resection_finds_the_poses() -> None:
    there = world()
    rng = np.random.default_rng(8)
    start = nudged(there.poses, rng.normal(0, (0.005,) * 3 + (0.03,) * 3, (FRAMES, 6)))
    found = locate(start, there.rho, there.seen(), spread(), iterations=20)
    assert degrees_between(found.rotation, there.poses.rotation).max() < 1e-3
    np.testing.assert_allclose(found.translation, there.travel, atol=1e-4)


def test_the_adjustment_finds_poses_and_depths_from_a_rough_start() -> None:
    there = world()
    rng = np.random.default_rng(5)
    start = nudged(there.poses, rng.normal(0, (0.005,) * 3 + (0.03,) * 3, (FRAMES, 6)))
    poses, rho = adjust(start, np.full(POINTS, 1 / 6), there.seen(), spread(), iterations=40)
    scale = np.median(rho / there.rho)  # which images do not show
    assert 0.7 < scale < 1.4
    np.testing.assert_allclose(rho, scale * there.rho, atol=2e-3)
    assert degrees_between(poses.rotation, there.poses.rotation).max() < 0.01
    np.testing.assert_allclose(poses.translation * scale, there.travel, atol=2e-3)


def test_a_sensor_fixes_the_scale() -> None:
    there = world()
    start = Poses(there.poses.rotation, 0.7 * there.travel)
    known = np.arange(POINTS) < 60
    measured = np.where(known, there.rho, np.nan), np.where(known, 1e-3, np.nan)
    poses, rho = adjust(
        start, there.rho / 0.7, there.seen(), spread(), iterations=20, measured=measured
    )
    np.testing.assert_allclose(poses.translation, there.travel, rtol=0.01, atol=1e-3)
    np.testing.assert_allclose(rho, there.rho, rtol=0.01)


def test_a_quarter_of_movers_does_not_bend_the_adjustment() -> None:
    there = world()
    mover = np.arange(POINTS) < POINTS // 4
    at = there.seen(NOISE).earlier
    at[..., mover] += (np.arange(FRAMES, 0, -1) * 0.01)[:, None, None] * np.array([[0.3], [1.0]])
    seen = Observations(there.newest, at, np.ones((FRAMES, POINTS)))
    rng = np.random.default_rng(6)
    start = nudged(there.poses, rng.normal(0, (0.001,) * 3 + (0.01,) * 3, (FRAMES, 6)))
    poses, rho = adjust(start, there.rho.copy(), seen, spread(), iterations=15)
    assert degrees_between(poses.rotation, there.poses.rotation).max() < 0.1
    off = np.linalg.norm(at - seen_at(poses, there.newest, rho), axis=1)
    assert np.median(off[:, ~mover]) < 2 * NOISE
    assert (off[:, mover].max(axis=0) > 10 * NOISE).all()


def test_depths_stay_before_the_camera() -> None:
    there = world()
    poses, rho = adjust(
        there.poses, there.rho.copy(), there.seen(20 * NOISE), spread(20 * NOISE), iterations=5
    )
    assert (rho >= 0).all()
    assert np.isfinite(poses.translation).all()


def test_a_misfit_loses_its_weight_in_all_frames() -> None:
    residual = np.zeros((3, 2, 3))
    residual[0, 0, 1] = 3 * NOISE  # the robust spread
    residual[:, 0, 2] = 100 * NOISE
    weight = robust_weights(residual, np.full((3, 3), 0.5), spread(frames=3))
    np.testing.assert_allclose(weight[:, 0], 0.5)
    # (1 + 1)^2 for its own residual, (1 + 1/3)^2 for the mean of its point.
    np.testing.assert_allclose(weight[:, 1], 0.5 / (4 / 3) ** 2 / np.array([4, 1, 1]))
    assert (weight[:, 2] < 1e-6).all()
