"""What the depth sensor does to planes and edges of known depth, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.lab.synthetic.depth_sensor import KINECT, STEREO, DepthSensor

SIZE = (120, 160)
FOCAL_PX = 200.0


def plane(depth_m: float) -> np.ndarray:
    return np.full(SIZE, depth_m, np.float32)


def post(near_m: float, far_m: float, columns: slice = slice(80, 100)) -> np.ndarray:
    """A wall with something before it."""
    depth = plane(far_m)
    depth[:, columns] = near_m
    return depth


def measured(sensor: DepthSensor, depth: np.ndarray, seed: int = 0, **more: object) -> np.ndarray:
    return sensor.measure(depth, FOCAL_PX, np.random.default_rng(seed), **more)  # type: ignore[arg-type]


def test_without_any_fault_it_is_exact_and_blind_in_the_sky() -> None:
    depth = post(1.5, 7.0)
    depth[:10] = np.inf
    found = measured(DepthSensor(), depth)
    assert found.dtype == np.float32
    assert np.isnan(found[:10]).all()
    np.testing.assert_allclose(found[10:], depth[10:], rtol=1e-6)


@pytest.mark.parametrize("noise_px", [0.0, 1.5])
def test_the_error_grows_with_the_square_of_the_distance(noise_px: float) -> None:
    sensor = DepthSensor(noise_per_m=0.001, noise_px=noise_px)
    for depth_m in (1.0, 2.0, 4.0, 8.0):
        errors = measured(sensor, plane(depth_m)) - depth_m
        assert errors.std() == pytest.approx(0.001 * depth_m**2, rel=0.05)
        assert abs(errors.mean()) < 0.3 * errors.std()


def test_the_figures_of_the_kinect_are_those_of_the_paper() -> None:
    errors = measured(DepthSensor(noise_per_m=KINECT.noise_per_m), plane(5.0)) - 5.0
    assert errors.std() == pytest.approx(0.036, rel=0.05)  # "about 4 cm at 5 m"
    # "70 mm at 5 m": neighbours among the depths that it can tell apart.
    ramp = np.linspace(4.8, 5.2, SIZE[0] * SIZE[1], dtype=np.float32).reshape(SIZE)
    steps = np.diff(np.unique(measured(DepthSensor(step_per_m=KINECT.step_per_m), ramp)))
    assert steps == pytest.approx(0.0713, rel=0.09)


def test_errors_of_neighbours_are_alike_within_the_window() -> None:
    def correlation(noise_px: float) -> float:
        errors = measured(DepthSensor(noise_per_m=0.001, noise_px=noise_px), plane(2.0)) - 2.0
        return float(np.corrcoef(errors[:, 1:].ravel(), errors[:, :-1].ravel())[0, 1])

    assert abs(correlation(0.0)) < 0.03
    # White noise smoothed by a Gaussian of sigma s: exp(-d^2 / (4 s^2)) at distance d.
    assert correlation(1.5) == pytest.approx(np.exp(-1 / 9), abs=0.03)


def test_steps_of_disparity() -> None:
    ramp = np.linspace(1.0, 6.0, SIZE[0] * SIZE[1], dtype=np.float32).reshape(SIZE)
    found = measured(DepthSensor(step_per_m=0.01), ramp)
    levels = 1 / found.astype(np.float64) / 0.01
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-4)
    np.testing.assert_allclose(1 / found, 1 / ramp, atol=0.005 + 1e-6)


def test_range() -> None:
    ramp = np.linspace(0.1, 9.0, SIZE[0] * SIZE[1], dtype=np.float32).reshape(SIZE)
    found = measured(DepthSensor(range_m=(0.5, 5.0)), ramp)
    np.testing.assert_array_equal(np.isnan(found), (ramp < 0.5) | (ramp > 5.0))


def test_the_shadow_left_of_an_edge_is_as_wide_as_the_disparities_differ() -> None:
    near, far, baseline = 1.0, 4.0, 0.1
    found = measured(DepthSensor(baseline_m=baseline), post(near, far))
    wide = FOCAL_PX * baseline * (1 / near - 1 / far)  # 15 pixels
    holes = np.isnan(found[60])
    # Left of its image the second eye sees nothing either.
    border = FOCAL_PX * baseline / far
    assert holes[: int(border)].all()
    assert not holes[int(np.ceil(border)) : 80 - int(np.ceil(wide))].any()
    assert holes[80 - int(wide) + 1 : 80].all()
    assert not holes[80:].any()  # neither the post, nor the wall on its right


def test_a_slanted_plane_has_no_shadow() -> None:
    column = np.arange(SIZE[1])
    depth = np.broadcast_to(1 / (0.4 + 0.004 * (column - 80)), SIZE).astype(np.float32)
    found = measured(DepthSensor(baseline_m=0.1), depth)
    # Disparity grows by 200 * 0.1 * 0.004 = 0.08 px a pixel: less than one, so nothing is hidden.
    assert not np.isnan(found[:, 40:]).any()


def test_flying_pixels_lie_between_both_sides_of_an_edge_and_nowhere_else() -> None:
    exact = post(1.0, 4.0)
    found = measured(DepthSensor(flying_share=0.5), exact)
    changed = ~np.isclose(found, exact, rtol=1e-4)
    beside = np.zeros(SIZE, bool)
    beside[:, [79, 80, 99, 100]] = True
    assert not (changed & ~beside).any()
    assert changed[beside].mean() == pytest.approx(0.5, abs=0.07)
    assert ((found[changed] > 1.0) & (found[changed] < 4.0)).all()


def test_holes_by_chance_and_where_it_is_dark() -> None:
    found = measured(DepthSensor(hole_share=0.1), plane(2.0))
    holes = np.isnan(found)
    assert holes.mean() == pytest.approx(0.1, abs=0.005)
    # In patches: beside a hole there mostly is another one.
    assert holes[:, 1:][holes[:, :-1]].mean() > 0.7

    image = np.full((*SIZE, 3), 90, np.uint8)
    image[:, :20] = 5
    dark = np.isnan(measured(DepthSensor(darkest=10.0), plane(2.0), image_bgr=image))
    assert dark[:, :20].all()
    assert not dark[:, 20:].any()


@pytest.mark.parametrize("sensor", [KINECT, STEREO])
def test_the_same_seed_gives_the_same_depth(sensor: DepthSensor) -> None:
    exact = post(1.2, 3.0)
    image = np.full((*SIZE, 3), 90, np.uint8)
    first, again, other = (measured(sensor, exact, seed, image_bgr=image) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other, equal_nan=True)
    known = ~np.isnan(first)
    assert 0.5 < known.mean() < 0.95
    # All but flying pixels are near the truth, by five standard deviations and a step.
    error = np.abs(1 / first[known] - 1 / exact[known])
    assert (error < 5 * sensor.noise_per_m + sensor.step_per_m).mean() > 0.97
