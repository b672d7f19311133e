"""Camera motion fitted to displacements whose making is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from motion_seg_ros.geometry.camera_motion import MIN_POINTS, fit_camera_motion, weighted_quantile

SIZE = (240, 427)
NOISE_PX = 0.1
Array = npt.NDArray[np.float32]


def points(count: int = 1000, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, [SIZE[1], SIZE[0]], (count, 2)).astype(np.float32)


def noise(count: int, seed: int = 9) -> Array:
    return np.random.default_rng(seed).normal(0, NOISE_PX, (count, 2)).astype(np.float32)


def rotation(xy: Array) -> Array:
    """Displacement by a small camera rotation: quadratic in x and y to first order."""
    x, y = (xy[:, 0] - 213.5) / 400, (xy[:, 1] - 120) / 400
    pan, tilt, roll = 0.02, -0.01, 0.015
    u = pan * (1 + x * x) + tilt * x * y - roll * y
    v = pan * x * y + tilt * (1 + y * y) + roll * x
    return np.asarray(400 * np.stack((u, v), axis=1), np.float32)


def disagreement(xy: Array, moved: Array, weight: Array | None = None) -> Array:
    motion = fit_camera_motion(xy, moved, np.ones(len(xy)) if weight is None else weight, SIZE)
    assert motion is not None
    return motion.disagreement(xy, moved - motion.displacement(xy), 0.1, 0.15)


def test_rotation_is_the_camera_alone() -> None:
    xy = points()
    motion = fit_camera_motion(xy, rotation(xy), np.ones(len(xy), np.float32), SIZE)
    assert motion is not None
    np.testing.assert_allclose(motion.displacement(xy), rotation(xy), atol=0.01)
    # No parallax: what is along the epipolar lines is no more than noise.
    assert motion.sigma_along_px < 0.68 * max(motion.sigma_across_px, 0.1)


def test_a_fifth_of_movers_does_not_bend_the_fit() -> None:
    xy = points()
    moved = rotation(xy) + noise(len(xy))
    mover = np.arange(len(xy)) < 200
    moved[mover] += np.float32([3, 2])
    found = disagreement(xy, moved)
    assert np.quantile(found[~mover], 0.99) < 5
    assert found[mover].min() > 10


def parallax(xy: Array, epipole: Array) -> tuple[Array, Array]:
    """Backward motion of points at 1 to 30 units depth under travel towards `epipole`."""
    depth = np.random.default_rng(4).uniform(1, 30, (len(xy), 1))
    return np.asarray((xy - epipole) * -0.08 / depth, np.float32), depth


def test_the_epipole_is_found() -> None:
    xy, epipole = points(), np.float32([300, 80])
    moved = rotation(xy) + parallax(xy, epipole)[0] + noise(len(xy)) * 0.2
    motion = fit_camera_motion(xy, moved, np.ones(len(xy), np.float32), SIZE)
    assert motion is not None
    np.testing.assert_allclose(motion.epipole[:2] / motion.epipole[2], epipole, atol=15)
    assert motion.sigma_along_px > 4 * motion.sigma_across_px


def test_a_mover_slower_than_parallax_is_found() -> None:
    """The camera travels sideways: parallax is horizontal, and larger than the mover's motion."""
    xy = points()
    shift = np.random.default_rng(5).uniform(0, 8, (len(xy), 1)).astype(np.float32)
    moved = np.concatenate((shift, np.zeros_like(shift)), axis=1) + noise(len(xy))
    mover = (np.abs(xy - np.float32([200, 120])) < 30).all(axis=1)
    moved[mover] += np.float32([0, 2])
    found = disagreement(xy, np.asarray(moved, np.float32))
    assert np.quantile(found[~mover], 0.98) < 4
    assert np.quantile(found[mover], 0.1) > 6


def test_noise_below_the_floor_is_nothing() -> None:
    xy = points()
    found = disagreement(xy, np.asarray(noise(len(xy)) * 0.1, np.float32))
    assert found.max() < 1


def test_known_movers_can_be_most_of_the_points() -> None:
    xy = points()
    moved = rotation(xy) + noise(len(xy))
    mover = np.arange(len(xy)) < 700
    moved[mover] += np.float32([3, 2])
    weight = np.where(mover, 0.02, 1).astype(np.float32)
    found = disagreement(xy, moved, weight)
    assert np.quantile(found[~mover], 0.98) < 5
    assert found[mover].min() > 10


def test_too_few_points_have_no_fit() -> None:
    xy = points(MIN_POINTS)
    weight = np.ones(len(xy), np.float32)
    assert fit_camera_motion(xy, rotation(xy), weight, SIZE) is not None
    weight[0] = 0
    assert fit_camera_motion(xy, rotation(xy), weight, SIZE) is None


def test_no_displacement_at_all_is_fitted() -> None:
    xy = points()
    found = disagreement(xy, np.zeros_like(xy))
    assert np.isfinite(found).all()
    assert found.max() < 0.1


def test_the_fit_is_deterministic() -> None:
    xy = points()
    moved = rotation(xy) + noise(len(xy))
    first, second = disagreement(xy, moved), disagreement(xy, moved)
    np.testing.assert_array_equal(first, second)


def test_weighted_quantile() -> None:
    values, weight = np.array([3.0, 1.0, 2.0, 4.0]), np.array([1.0, 1.0, 1.0, 7.0])
    assert weighted_quantile(values, weight, 0.1) == 1
    assert weighted_quantile(values, weight, 0.3) == 3
    assert weighted_quantile(values, weight, 0.5) == 4
    assert weighted_quantile(values, weight, 1.0) == 4
