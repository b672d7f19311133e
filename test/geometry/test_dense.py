"""Flow of small worlds in closed form, and what it implies of each pixel."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from motion_seg_ros.camera import EQUIDISTANT, Camera
from motion_seg_ros.geometry.dense import NOISE_PX, DenseGeometry, Rays, explain_flows
from motion_seg_ros.geometry.ground import GroundPlane
from motion_seg_ros.geometry.motion import Mode, Motion, WindowGeometry

FloatImage = npt.NDArray[np.float32]

SIZE = (60, 80)  # of the working images; the camera's are twice as large
CAMERA = Camera((120, 160), np.array([[150.0, 0, 79.5], [0, 150.0, 59.5], [0, 0, 1]]))
GAPS = (1, 3)
FRAMES = 5
STILL = np.ones(SIZE, np.float32)
PATCH = (slice(35, 50), slice(30, 50))
FORWARD = np.array([0.01, 0.0, -0.04])  # of a point, from the newest frame to the one before


def window(
    mode: Mode, step: npt.NDArray[np.float64], *, camera: Camera = CAMERA, turn: float = 0.004
) -> WindowGeometry:
    """Return the geometry of a camera with a steady motion; `step` is that of a point per frame."""
    ages = np.arange(FRAMES - 1, -1, -1)
    linear = np.array([cv2.Rodrigues(np.array([0, age * turn, 0]))[0] for age in ages])
    spread = np.where(ages > 0, 0.1 / CAMERA.focal_px, np.nan)
    none, straight = np.zeros(0), np.zeros((FRAMES, 2, 6))
    motion = Motion(linear, ages[:, None] * step, straight, spread, np.zeros((FRAMES, 0, 2)), none)
    flat = replace(motion, translation=np.zeros((FRAMES, 3)))
    rigid = motion if mode is Mode.RIGID else None
    return WindowGeometry(camera, mode, None, flat, rigid, none, none, none, none, none)


def hilly(near: float = 1.6, far: float = 0.4) -> FloatImage:
    """Return inverse depths: nearer below, with a hump."""
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    hump = 0.5 * np.exp(-((x - 55) ** 2 + (y - 20) ** 2) / 100)
    return np.asarray(far + (near - far) * y / SIZE[0] + hump, np.float32)


def flows_of(geometry: WindowGeometry, rho: FloatImage) -> list[tuple[int, FloatImage]]:
    """Return the exact flow of a still world."""
    small, motion = geometry.camera.resized(SIZE), geometry.motion
    assert motion is not None
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    grid = np.dstack((x, y)).astype(np.float64)
    n = np.dstack((small.normalised(grid), np.ones(SIZE)))
    found = []
    for gap in GAPS:
        q = n @ motion.linear[-1 - gap].T + rho[..., None] * motion.translation[-1 - gap]
        flow = small.pixels(q[..., :2] / q[..., 2:]) - grid
        found.append((gap, flow.astype(np.float32)))
    return found


def explained(
    geometry: WindowGeometry,
    flows: list[tuple[int, FloatImage]],
    measured: tuple[FloatImage, FloatImage] | None = None,
    weight: FloatImage = STILL,
) -> DenseGeometry:
    found = explain_flows(geometry, flows, Rays.of(geometry.camera, SIZE, SIZE), weight, measured)
    assert found is not None
    return found


def outside(patch: tuple[slice, slice]) -> npt.NDArray[np.bool_]:
    mask = np.ones(SIZE, bool)
    mask[patch] = False
    return mask


def test_a_still_world_is_explained_by_its_depth() -> None:
    geometry, rho = window(Mode.RIGID, FORWARD), hilly()
    found = explained(geometry, flows_of(geometry, rho))
    for residual in found.residuals_px:
        assert np.abs(residual).max() < 0.01
    squares = [(each**2).sum(2) for each in found.residuals_px]
    np.testing.assert_allclose(found.misfit, np.sqrt(np.mean(squares, 0)) / NOISE_PX, rtol=1e-3)
    # At the point the camera travels towards there is no parallax, which the error tells.
    sure = found.error < 0.1
    assert sure.mean() > 0.8
    np.testing.assert_allclose(found.inverse_depth[sure], rho[sure], rtol=0.02)
    assert found.median == pytest.approx(np.median(rho), rel=0.05)
    assert not found.behind_camera.max() > 0.1


@pytest.mark.parametrize("mode", [Mode.RIGID, Mode.HOMOGRAPHY])
def test_what_moves_across_is_left_over(mode: Mode) -> None:
    step = FORWARD if mode is Mode.RIGID else np.zeros(3)
    geometry = window(mode, step)
    flows = flows_of(geometry, hilly())
    for gap, flow in flows:
        flow[PATCH] += np.float32([1.0, 0.0]) * gap
    found = explained(geometry, flows)
    assert found.misfit[PATCH].min() > 3
    assert found.misfit[outside(PATCH)].max() < 0.2
    if mode is Mode.HOMOGRAPHY:
        np.testing.assert_allclose(found.residuals_px[1][PATCH][..., 0], 3.0, atol=0.01)
        assert not np.isfinite(found.error).any()


def test_what_stops_has_no_one_depth() -> None:
    """Along the epipolar lines only the two flows' disagreement tells."""
    geometry, rho = window(Mode.RIGID, FORWARD), hilly()
    flows = flows_of(geometry, rho)
    flows[0][1][PATCH] = flows_of(geometry, 2 * rho)[0][1][PATCH]
    found = explained(geometry, flows)
    assert np.median(found.misfit[PATCH]) > 1.5
    assert found.misfit[outside(PATCH)].max() < 0.1


def test_what_comes_towards_the_camera_faster_than_possible_is_behind_it() -> None:
    geometry, rho = window(Mode.RIGID, FORWARD), hilly()
    rho[PATCH] *= -1
    found = explained(geometry, flows_of(geometry, rho))
    assert np.median(found.behind_camera[PATCH]) > 3
    assert np.median(found.misfit[PATCH]) > 3
    assert found.behind_camera[outside(PATCH)].max() < 0.1


def test_measured_depth_tells_what_moves_along_epipolar_lines() -> None:
    geometry = replace(window(Mode.RIGID, FORWARD), metric=True)
    truth, seems = hilly(), hilly()
    seems[PATCH] *= 1.8
    flows = flows_of(geometry, seems)
    assert explained(geometry, flows).misfit.max() < 0.1
    error = 0.02 * truth
    depth = np.where(outside((slice(0, 10), slice(0, 80))), truth, np.float32(np.nan))
    found = explained(geometry, flows, (depth, error))
    assert np.median(found.misfit[PATCH]) > 3
    assert found.misfit[outside(PATCH)].max() < 0.1
    np.testing.assert_allclose(found.inverse_depth[outside(PATCH)], truth[outside(PATCH)], rtol=0.1)
    assert (found.error[10:] < 0.05).all()


def test_a_car_ahead_is_behind_the_ground() -> None:
    """It keeps its distance: no flow, as of a point at infinity, where the ground should be."""
    geometry = window(Mode.RIGID, np.array([0, 0, -0.05]), turn=0.0)
    plane = GroundPlane(np.array([0, 4.0, 0.2]), 1e-8 * np.eye(3), 0.9, 0.02)
    geometry = replace(geometry, ground=plane)
    y = Rays.of(CAMERA, SIZE, SIZE).map(1)
    rho = np.maximum(4 * y + 0.2, 0.1).astype(np.float32)
    rho[PATCH] = 0
    found = explained(geometry, flows_of(geometry, rho))
    assert np.median(found.behind_ground[PATCH]) > 3
    assert found.misfit[PATCH].mean() > 3
    assert found.behind_ground[:30].max() == 0
    assert found.misfit[outside((slice(33, 52), slice(28, 52)))].max() < 0.5


def test_spreads_are_those_of_the_pixels_believed_static() -> None:
    geometry = window(Mode.HOMOGRAPHY, np.zeros(3))
    rng = np.random.default_rng(0)
    mover = (slice(0, 60), slice(0, 50))
    flows, weight = flows_of(geometry, hilly()), STILL.copy()
    for _, flow in flows:
        flow += rng.normal(0, 0.3, flow.shape).astype(np.float32)
        flow[mover] += 4
    weight[mover] = 0.01
    found = explained(geometry, flows, weight=weight)
    assert found.misfit[mover].min() > 8
    # Half of the sums of four squares of normal numbers, chi-squared, are below 3.357.
    np.testing.assert_allclose(np.median(found.misfit[:, 50:]), (3.357 / 2) ** 0.5, rtol=0.15)


def test_frames_without_a_known_motion_are_left_out() -> None:
    geometry = window(Mode.RIGID, FORWARD)
    flows = flows_of(geometry, hilly())
    assert geometry.rigid is not None
    spread = geometry.rigid.spread.copy()
    spread[-4] = np.nan
    partly = replace(geometry, rigid=replace(geometry.rigid, spread=spread))
    assert len(explained(partly, flows).residuals_px) == 1
    rays = Rays.of(CAMERA, SIZE, SIZE)
    unknown = WindowGeometry.unknown(CAMERA, 0, "nothing seen")
    assert explain_flows(unknown, flows, rays, STILL) is None
    assert explain_flows(geometry, [], rays, STILL) is None


def test_a_fisheye_s_flow_is_that_of_its_directions() -> None:
    matrix = np.array([[100.0, 0, 79.5], [0, 100.0, 59.5], [0, 0, 1]])
    fisheye = Camera((120, 160), matrix, EQUIDISTANT, (0.02, -0.01, 0.0, 0.0))
    geometry = window(Mode.RIGID, FORWARD, camera=fisheye)
    found = explained(geometry, flows_of(geometry, hilly()))
    inner = (slice(6, -6), slice(6, -6))
    for residual in found.residuals_px:
        assert np.abs(residual[inner]).max() < 0.1


@pytest.mark.parametrize("grid", [(30, 40), (20, 27)])
def test_a_coarse_grid_says_the_same_of_its_cells(grid: tuple[int, int]) -> None:
    geometry, rho = window(Mode.RIGID, FORWARD), hilly()
    width, height = grid[::-1]
    flows = [
        (gap, np.asarray(cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA)))
        for gap, flow in flows_of(geometry, rho)
    ]
    rays = Rays.of(CAMERA, SIZE, grid)
    found = explain_flows(geometry, flows, rays, np.ones(grid, np.float32))
    assert found is not None
    assert found.misfit.max() < 0.1
    truth = cv2.resize(rho, (width, height), interpolation=cv2.INTER_AREA)
    sure = found.error < 0.1
    np.testing.assert_allclose(found.inverse_depth[sure], truth[sure], rtol=0.03)


def test_a_bent_homography_is_no_motion() -> None:
    geometry = window(Mode.HOMOGRAPHY, np.zeros(3))
    assert geometry.flat is not None
    bend = np.zeros((FRAMES, 2, 6))
    bend[:, 0, 3], bend[:, 1, 4] = 0.1, -0.1  # by xx, by xy
    bent = replace(geometry, flat=replace(geometry.flat, bend=bend))
    flows = flows_of(geometry, hilly())
    x, y = (Rays.of(CAMERA, SIZE, SIZE).map(row) for row in (0, 1))
    for _, flow in flows:
        flow += np.dstack((0.1 * x * x, -0.1 * x * y)) * 75
    assert explained(bent, flows).misfit.max() < 0.1
    # What tracks have missed of it, flow itself tells.
    assert explained(geometry, flows).misfit.max() < 0.5


def test_parallax_beside_a_plane_is_no_motion_and_a_mover_across_it_is() -> None:
    """A quarter of the image stands out of the plane, towards or from an epipole in the image."""
    geometry = window(Mode.HOMOGRAPHY, np.zeros(3), turn=0.0)
    flows, mover = flows_of(geometry, hilly()), (slice(10, 20), slice(10, 22))
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
    near = np.asarray(y > 42, np.float32)
    for gap, flow in flows:
        flow += np.dstack((x - 40, y - 25)) * (0.02 * gap * near * (1 + 0.3 * np.sin(x)))[..., None]
        flow[mover] += np.float32([1.0, -1.0]) * gap
    found = explained(geometry, flows)
    assert found.misfit[mover].min() > 4
    assert np.quantile(found.misfit[outside(mover)], 0.98) < 3
