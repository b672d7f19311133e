"""The ground in points whose inverse depths are known in closed form, or rendered."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from motion_seg_ros.geometry.ground import GroundPlane, find_ground
from motion_seg_ros.lab.synthetic import scenes
from motion_seg_ros.lab.synthetic.truth import GroundTruth

Array = npt.NDArray[np.float64]

HEIGHT = 1.5  # of a car's camera, in metres
FAR = 80.0  # metres to a backdrop
CERTAIN = 3.0  # standard errors
SIGMA = 0.002  # of inverse depths in 1/m: 0.5 px after 0.5 m of travel to the side at 500 px


def attitude(pitch_deg: float = 0, roll_deg: float = 0) -> Array:
    """Rotation from the camera's to level coordinates; positive pitch looks up."""
    pitch, roll = np.radians([pitch_deg, roll_deg])
    tilt = [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    spin = [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    return np.array(tilt) @ np.array(spin)


def directions(count: int = 1000, seed: int = 0) -> Array:
    """All over an image of 90 x 53 degrees."""
    return np.random.default_rng(seed).uniform([-1, -0.5], [1, 0.5], (count, 2))


def rays(xy: Array) -> Array:
    return np.concatenate((xy, np.ones((*xy.shape[:-1], 1))), axis=-1)


def road(xy: Array, turn: Array | None = None, height: float = HEIGHT) -> Array:
    """(N,) inverse depth of a flat ground before a backdrop."""
    level = rays(xy) @ (np.eye(3) if turn is None else turn).T
    return np.maximum(level[:, 1] / height, 1 / FAR)


def find(
    xy: Array,
    rho: Array,
    *,
    sigma: float = SIGMA,
    noise: float = 1.0,
    weight: Array | None = None,
    previous: GroundPlane | None = None,
    seed: int = 1,
) -> GroundPlane | None:
    """The ground in noisy inverse depths."""
    error = np.random.default_rng(seed).normal(0, noise * sigma, len(rho))
    weight = np.ones(len(rho)) if weight is None else weight
    return find_ground(xy, np.maximum(rho + error, 0), np.full(len(rho), sigma), weight, previous)


def found(xy: Array, rho: Array, **given: object) -> GroundPlane:
    plane = find(xy, rho, **given)  # type: ignore[arg-type]
    assert plane is not None
    return plane


def degrees_between(first: Array, second: Array) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(first, second)), first @ second)))


def upright_board(
    x_m: tuple[float, float], heights_m: tuple[float, float], distance_m: float
) -> tuple[Array, Array]:
    """Directions (200, 2) of points of something upright, and their heights in metres."""
    rng = np.random.default_rng(2)
    x, height = rng.uniform(*x_m, 200), rng.uniform(*heights_m, 200)
    return np.stack((x, HEIGHT - height), axis=1) / distance_m, height


@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (-15, 0), (8, 0), (0, 20), (-10, -30)])
def test_the_plane_is_that_of_the_road(pitch: float, roll: float) -> None:
    xy, turn = directions(), attitude(pitch, roll)
    plane = found(xy, road(xy, turn))
    assert degrees_between(plane.normal, turn.T @ [0, -1, 0]) < 0.3
    assert plane.height == pytest.approx(HEIGHT, rel=0.01)
    assert plane.share > 0.7


def test_its_errors_are_what_its_covariance_says() -> None:
    """Mean square of normalised errors; below 1, as noise here is independent from point to point
    and the fit does not count on that."""
    truth = np.array([0, 1 / HEIGHT, 0])
    squares = []
    for seed in range(20):
        xy = directions(100, seed)
        plane = found(xy, road(xy), seed=seed, sigma=0.01)
        error = plane.coefficients - truth
        squares.append(error @ np.linalg.solve(plane.covariance, error) / 3)
    assert 0.05 < np.mean(squares) < 1.5


def test_half_of_the_points_are_wrong() -> None:
    xy = directions()
    rho = road(xy)
    wrong = np.random.default_rng(3).random(len(rho)) < 0.5
    rho[wrong] = np.random.default_rng(4).uniform(0, 0.6, wrong.sum())
    plane = found(xy, rho)
    assert degrees_between(plane.normal, np.array([0, -1, 0])) < 0.5
    assert plane.height == pytest.approx(HEIGHT, rel=0.02)


def test_noise_of_a_tenth_of_the_depth() -> None:
    xy = directions()
    plane = found(xy, road(xy), sigma=0.02)
    assert degrees_between(plane.normal, np.array([0, -1, 0])) < 1
    assert plane.height == pytest.approx(HEIGHT, rel=0.03)


def test_what_is_believed_to_move_makes_no_ground() -> None:
    """A lorry's flat side below the camera, with weights near 0, covers most of the road."""
    xy = directions()
    covered = np.abs(xy[:, 0]) < 0.6
    rho = np.where(covered, 0.15 + 0.4 * xy[:, 1], road(xy))
    plane = found(xy, rho, weight=np.where(covered, 0.05, 1.0))
    assert plane.height == pytest.approx(HEIGHT, rel=0.02)


def test_heights_in_camera_heights() -> None:
    xy, turn = directions(), attitude(-10, 15)
    plane = found(xy, road(xy, turn), noise=0)
    distance = 7.0
    level = rays(xy) @ turn.T
    truth = 1 - distance * level[:, 1] / HEIGHT
    height, error = plane.heights(xy, np.full(len(xy), 1 / distance), 0.001)
    np.testing.assert_allclose(height, truth, atol=0.01)
    # Depth alone: 0.7 % of it, so much of what a ray falls over that distance.
    assert (error >= 0.0069 * np.abs(1 - truth)).all()
    assert np.median(error) < 0.05


def test_a_height_stays_finite_at_infinity() -> None:
    xy = directions()
    plane = found(xy, road(xy))
    height, error = plane.heights(xy, np.zeros(len(xy)), SIGMA)
    assert np.isfinite(height).all()
    assert np.isfinite(error).all()
    assert (height[xy[:, 1] > 0.1] < -50).all()
    assert (height[xy[:, 1] < -0.1] > 50).all()
    unknown = np.full(len(xy), np.nan)
    assert np.isnan(plane.heights(xy, unknown, SIGMA)[0]).all()
    np.testing.assert_array_equal(plane.behind(xy, unknown, SIGMA), 0)


def test_a_car_ahead_at_constant_distance() -> None:
    """It stands still in the image, so it seems infinitely far. Its lower half is below the horizon
    far enough for the ground to end its rays before; what is higher than the camera tells
    nothing."""
    xy = directions(800)
    car, height = upright_board((-0.9, 0.9), (0, 1.9), 12.0)
    both = np.concatenate((xy, car))
    rho = np.concatenate((road(xy), np.zeros(len(car))))
    plane = found(both, rho)
    noise = np.abs(np.random.default_rng(5).normal(0, SIGMA, len(car)))
    behind = plane.behind(car, noise, SIGMA)
    assert behind[height < 0.75].min() > CERTAIN
    np.testing.assert_array_equal(behind[height > 1.45], 0)
    over, _ = plane.heights(car[height < 0.75], noise[height < 0.75], SIGMA)
    assert (over < -1).all()
    assert (np.diff(behind[np.argsort(height)]) < CERTAIN).all()  # fades towards the horizon


def test_a_slower_car_ahead() -> None:
    """Approached at half of the camera's speed it seems twice as far as it is; as a plane with
    steps and slopes is allowed for, only its wheels are out of the question."""
    xy = directions(800)
    plane = found(xy, road(xy))
    car, height = upright_board((-0.9, 0.9), (0, 1.4), 8.0)
    behind = plane.behind(car, np.full(len(car), 0.5 / 8.0), SIGMA)
    assert behind[height < 0.1].min() > CERTAIN


def test_an_oncoming_car_seems_above_the_ground() -> None:
    """At the camera's own speed it seems half as far as it is, where a static thing could hang in
    the air: the ground does not tell."""
    xy = directions(800)
    car, _ = upright_board((-4, -2.2), (0, 1.4), 20.0)
    both = np.concatenate((xy, car))
    rho = np.concatenate((road(xy), np.full(len(car), 2 / 20.0)))
    plane = found(both, rho)
    np.testing.assert_array_equal(plane.behind(car, rho[800:], SIGMA), 0)
    height, _ = plane.heights(car, rho[800:], SIGMA)
    assert height.min() > 0.4


def test_nothing_static_on_a_road_is_behind_it() -> None:
    """Parked cars, an overpass, a backdrop."""
    xy = directions()
    rho = road(xy)
    parked = (np.abs(xy[:, 0]) > 0.4) & (xy[:, 1] > -0.05) & (xy[:, 1] < 0.2)
    rho[parked] = np.maximum(rho[parked], 1 / 7)
    overpass = xy[:, 1] < -0.3
    rho[overpass] = -xy[overpass, 1] / 3.5  # its underside, 3.5 m above the camera
    plane = found(xy, rho)
    error = np.random.default_rng(6).normal(0, SIGMA, len(rho))
    assert plane.behind(xy, np.maximum(rho + error, 0), SIGMA).max() < CERTAIN
    assert plane.height == pytest.approx(HEIGHT, rel=0.02)
    assert plane.heights(xy[overpass], rho[overpass], SIGMA)[0].min() > 3


@pytest.mark.parametrize("camera_m", [1.5, 0.8])
def test_a_kerb_is_ground(camera_m: float) -> None:
    """From the road the pavement is 0.13 m higher, from the pavement the road as much lower."""
    for step in (-0.13, 0.13):
        xy = directions()
        high, low = road(xy, height=camera_m - step), road(xy, height=camera_m)
        beside = xy[:, 0] > 0.8 * np.maximum(xy[:, 1], 0)  # right of a line along the road
        rho = np.where(beside, high, low)
        plane = found(xy, rho)
        assert plane.behind(xy, rho, SIGMA).max() < CERTAIN


@pytest.mark.parametrize("slope_deg", [-3.0, 5.0])
def test_a_slope_is_ground(slope_deg: float) -> None:
    """From 12 m on the road falls off, or rises."""
    xy = directions()
    slope = np.tan(np.radians(slope_deg))
    near = np.maximum(xy[:, 1], 0) / HEIGHT
    # y = HEIGHT - slope (z - 12) with y = z * xy[1].
    far = (xy[:, 1] + slope) / (HEIGHT + 12 * slope)
    rho = np.maximum(np.where(near > 1 / 12, near, far), 1 / FAR)
    plane = found(xy, rho)
    assert plane.behind(xy, rho, SIGMA).max() < CERTAIN


def test_uneven_ground_is_ground() -> None:
    """Bumps and holes of a standard deviation of 6 cm, and the plane knows how uneven it is."""
    xy = directions(2000)
    bumps = np.random.default_rng(7).normal(0, 0.06, len(xy))
    rho = np.maximum(xy[:, 1] / (HEIGHT - bumps), 1 / FAR)
    plane = found(xy, rho)
    assert plane.spread == pytest.approx(0.06 / HEIGHT, rel=0.25)
    assert plane.behind(xy, rho, SIGMA).max() < CERTAIN


def wall(xy: Array) -> Array:
    """Across the view, turned a little."""
    return rays(xy) @ [0.05, 0.02, 0.25]


def thicket(xy: Array) -> Array:
    """Leaves everywhere between 2 and 20 m."""
    return 1 / np.random.default_rng(8).uniform(2, 20, len(xy))


def ceiling(xy: Array) -> Array:
    return np.maximum(-xy[:, 1] / 2, 1 / 20)


def side_walls(xy: Array) -> Array:
    """A corridor without a floor that shows."""
    return np.maximum(np.abs(xy[:, 0]) / 1.2, 1 / 20)


def distant(xy: Array) -> Array:
    """No parallax, as of the sky or of a far town."""
    return np.zeros(len(xy))


@pytest.mark.parametrize("world", [wall, thicket, ceiling, side_walls, distant])
@pytest.mark.parametrize("count", [100, 1000])
def test_no_ground(world: object, count: int) -> None:
    for seed in range(5):
        xy = directions(count, seed)
        assert find(xy, world(xy), seed=seed) is None  # type: ignore[operator]


def test_no_ground_in_no_points() -> None:
    nothing = np.zeros(0)
    assert find_ground(np.zeros((0, 2)), nothing, nothing, nothing) is None
    xy = directions(500)
    lost = np.full(500, np.nan)
    assert find_ground(xy, lost, np.ones(500), np.ones(500)) is None
    assert find_ground(xy, road(xy), np.full(500, np.inf), np.ones(500)) is None
    assert find_ground(xy, road(xy), np.full(500, SIGMA), np.zeros(500)) is None


def test_under_a_table_is_the_floor() -> None:
    xy = directions()
    table = np.abs(xy[:, 0]) < 0.5
    plane = found(xy, np.where(table, road(xy, height=0.5), road(xy)))
    assert plane.height == pytest.approx(HEIGHT, rel=0.01)


def test_a_table_beside_which_a_floor_shows_is_no_ground() -> None:
    xy = directions()
    table = np.abs(xy[:, 0]) < 0.75
    assert find(xy, np.where(table, road(xy, height=0.5), road(xy))) is None


def test_a_plane_moves_with_the_camera() -> None:
    """The points of the moved plane are the moved points of the plane."""
    xy, turn = directions(), attitude(-12, 10)
    plane = found(xy, road(xy, turn), noise=0)
    rotation, translation = attitude(4, -25), np.array([0.3, 0.5, -0.8])
    on = xy[xy[:, 1] > 0.1]
    points = rays(on) / plane.inverse_depth(on)[0][:, None]
    moved = plane.moved(rotation, translation)
    assert moved is not None
    there = points @ rotation.T + translation
    np.testing.assert_allclose(there @ moved.normal, -moved.height, atol=1e-9)
    assert moved.scaled(2).height == pytest.approx(2 * moved.height)
    np.testing.assert_allclose(moved.scaled(2).normal, moved.normal)
    # Below its ground no camera sees it.
    assert plane.moved(np.eye(3), 2 * plane.height * plane.normal) is None


def test_a_moved_planes_covariance_is_that_of_moved_planes() -> None:
    rotation, translation = attitude(4, -25), np.array([0.3, 0.5, -0.8])
    covariance = np.diag([1, 2, 3]) * 1e-6
    mean = np.array([0.02, 0.6, -0.1])
    drawn = np.random.default_rng(9).multivariate_normal(mean, covariance, 4000)
    moved = []
    for each in drawn:
        plane = GroundPlane(each, covariance, 1.0, 0.03).moved(rotation, translation)
        assert plane is not None
        moved.append(plane.coefficients)
    plane = GroundPlane(mean, covariance, 1.0, 0.03).moved(rotation, translation)
    assert plane is not None
    np.testing.assert_allclose(np.cov(np.array(moved).T), plane.covariance, atol=1.5e-7)


def test_a_known_ground_is_kept_on_little_evidence() -> None:
    """A fifth of the lower half still shows the road, with few points; the rest is clutter."""
    xy = directions(300)
    earlier = found(xy, road(xy))
    few = directions(150, 1)
    rho = road(few)
    hidden = np.random.default_rng(10).random(len(few)) < 0.8
    rho[hidden] = 1 / np.random.default_rng(11).uniform(1.0, 2.5, hidden.sum())
    assert find(few, rho) is None
    kept = found(few, rho, previous=earlier)
    assert kept.height == pytest.approx(HEIGHT, rel=0.02)


@pytest.mark.parametrize("world", [wall, thicket, distant])
def test_a_known_ground_is_forgotten_where_it_is_no_more(world: object) -> None:
    xy = directions()
    earlier = found(xy, road(xy))
    assert find(xy, world(xy), previous=earlier) is None  # type: ignore[operator]


def test_a_wrong_previous_ground_gives_way() -> None:
    xy = directions()
    earlier = found(xy, road(xy, height=1.0))
    plane = found(xy, road(xy), previous=earlier)
    assert plane.height == pytest.approx(HEIGHT, rel=0.02)


def test_dense_grids_are_answered_like_points() -> None:
    xy = directions()
    plane = found(xy, road(xy))
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 32), np.linspace(-0.5, 0.5, 18)), axis=-1)
    flat = grid.reshape(-1, 2)
    rho = np.random.default_rng(12).uniform(0, 0.3, len(flat))
    behind = plane.behind(grid, rho.reshape(18, 32), SIGMA)
    np.testing.assert_array_equal(behind, plane.behind(flat, rho, SIGMA).reshape(18, 32))
    height, error = plane.heights(grid, rho.reshape(18, 32), SIGMA)
    one_by_one = plane.heights(flat, rho, SIGMA)
    np.testing.assert_array_equal(height, one_by_one[0].reshape(18, 32))
    np.testing.assert_array_equal(error, one_by_one[1].reshape(18, 32))


def test_the_ground_near_the_horizon_is_less_certain() -> None:
    """One and the same shortfall of inverse depth means less where the plane is less known."""
    xy = directions(60, 2)
    plane = found(xy, road(xy), sigma=0.01)
    ahead = np.array([[0.0, 0.1], [0.0, 0.4]])
    ground, error = plane.inverse_depth(ahead)
    assert error[0] / ground[0] > 2 * error[1] / ground[1]
    assert (plane.behind(ahead, np.zeros(2), 1e6) < 0.01).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_floor_of_a_rendered_scene(seed: int) -> None:
    """The floor is y = 0 and the camera level at 1.5 m; solids stand about and a wall is behind."""
    scene = scenes.forward_parallax_static(seed)
    truth = GroundTruth(scene)
    view = truth.geometry.view(scene.time_s(8))
    size = scene.camera.width, scene.camera.height
    xy_px = np.random.default_rng(seed).uniform(0, np.array(size) - 1, (1000, 2))
    xy = (rays(xy_px) @ np.linalg.inv(view.intrinsics).T)[:, :2]
    rho = view.cast_points(xy_px).inverse_depth
    plane = found(xy, rho)
    assert degrees_between(plane.normal, np.array([0, -1, 0])) < 0.3
    assert plane.height == pytest.approx(1.5, rel=0.01)
    assert plane.behind(xy, rho, SIGMA).max() == 0
    # What a camera carries along seems infinitely far.
    low = xy[:, 1] > 0.15
    assert plane.behind(xy[low], np.zeros(low.sum()), SIGMA).min() > CERTAIN
