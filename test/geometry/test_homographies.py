"""What a plane, a turn and a zoom show is a homography, and it is found again; a bend, too."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from rigid_scenes import FOCAL_PX, RigidWindow, planar, pure_rotation, still, zooming

from motion_seg_ros.geometry.bundle import Observations
from motion_seg_ros.geometry.homographies import (
    fit_bends,
    fit_homographies,
    quadratic_basis,
    warped,
)

Array = npt.NDArray[np.float64]

LEAST = 0.05 / FOCAL_PX
ITERATIONS = 6
GRID = np.stack([each.ravel() for each in np.meshgrid([-0.6, -0.2, 0.2, 0.6], [-0.3, 0.0, 0.3])])


def observed(scene: RigidWindow) -> Observations:
    """The tracks that are visible in the newest frame, in the earlier ones."""
    now = np.flatnonzero(scene.tracks.visible[-1])
    directions = scene.camera.normalised(scene.tracks.xy_px[:, now]).transpose(0, 2, 1)
    weight = scene.tracks.visible[:-1, now].astype(np.float64)
    return Observations(directions[-1], directions[:-1], weight)


def truth(scene: RigidWindow) -> Array:
    """(K, 3, 3). Inverse depth on a plane is g . (x, y, 1); that of turns and zooms is linear."""
    now = np.flatnonzero(scene.tracks.visible[-1])
    rays = np.c_[scene.camera.normalised(scene.tracks.xy_px[-1, now]), np.ones(len(now))]
    plane = np.linalg.lstsq(rays, scene.inverse_depth[now], rcond=None)[0]
    return (scene.linear + scene.translation[:, :, None] * plane)[:-1]


def images(homographies: Array) -> Array:
    """(K, 2, 12) of GRID, in pixels."""
    q = homographies @ np.r_[GRID, np.ones((1, GRID.shape[1]))]
    return np.asarray(FOCAL_PX * q[:, :2] / q[:, 2:])


SCENES = {"plane": planar, "turn": pure_rotation, "zoom": zooming, "still": still}


@pytest.mark.parametrize("kind", SCENES)
def test_the_homography_is_the_true_one(kind: str) -> None:
    scene = SCENES[kind](noise_px=0.2).at()
    seen = observed(scene)
    found, spread = fit_homographies(seen, np.ones(seen.newest.shape[1]), LEAST, ITERATIONS)
    off = FOCAL_PX * (warped(found, seen.newest) - warped(truth(scene), seen.newest))
    square = (off**2).sum(axis=1)
    assert np.sqrt((seen.weight * square).sum(axis=1) / seen.weight.sum(axis=1)).max() < 0.1
    # The newest position is as noisy as the earlier ones.
    np.testing.assert_allclose(spread * FOCAL_PX, 0.2 * np.sqrt(2), rtol=0.15)


@pytest.mark.parametrize("kind", SCENES)
def test_exact_tracks_leave_nothing(kind: str) -> None:
    scene = SCENES[kind](noise_px=0.0).at()
    seen = observed(scene)
    found, spread = fit_homographies(seen, np.ones(seen.newest.shape[1]), LEAST, 12)
    np.testing.assert_allclose(images(found), images(truth(scene)), atol=0.01)
    np.testing.assert_array_equal(spread, np.full(len(found), LEAST))


def test_a_third_of_movers_does_not_bend_the_fit() -> None:
    scene = planar(noise_px=0.2).at()
    seen = observed(scene)
    mover = np.arange(seen.newest.shape[1]) % 3 == 0
    ago = np.arange(len(seen.earlier), 0, -1)[:, None, None]
    seen.earlier[..., mover] += ago * np.array([[1.5], [1.0]]) / FOCAL_PX
    found, _ = fit_homographies(seen, np.ones(mover.size), LEAST, 10)
    assert np.abs(images(found) - images(truth(scene))).max() < 0.4


def test_known_movers_can_be_most_of_the_points() -> None:
    scene = planar(noise_px=0.2).at()
    seen = observed(scene)
    mover = np.arange(seen.newest.shape[1]) % 3 > 0
    ago = np.arange(len(seen.earlier), 0, -1)[:, None, None]
    seen.earlier[..., mover] += ago * np.array([[1.5], [1.0]]) / FOCAL_PX
    found, _ = fit_homographies(seen, np.where(mover, 0.02, 1.0), LEAST, 10)
    assert np.abs(images(found) - images(truth(scene))).max() < 0.4


def test_points_are_warped_by_the_formula() -> None:
    homographies = np.eye(3) + np.random.default_rng(0).normal(0, 0.1, (4, 3, 3))
    np.testing.assert_allclose(FOCAL_PX * warped(homographies, GRID), images(homographies))


def bent(scene: RigidWindow, bend: Array, movers: int) -> tuple[Observations, Array]:
    """A scene whose images are moved by a quadratic (K, 2, 6), where one point in so many moves
    besides; and where the true homographies see it."""
    seen = observed(scene)
    at = warped(truth(scene), seen.newest)
    x, y = seen.newest
    powers = np.stack([x**0, x, y, x**2, x * y, y**2])
    seen.earlier[...] += bend @ powers
    seen.earlier[..., ::movers] += np.array([[6.0], [-4.0]]) / FOCAL_PX
    return seen, at


@pytest.mark.parametrize("noise_px", [0.0, 0.2])
def test_the_bend_is_the_true_quadratic(noise_px: float) -> None:
    """Also with movers among the points, 7 px off: a tenth of them, all with the same motion."""
    scene = pure_rotation(noise_px=noise_px).at()
    count = len(scene.tracks.visible) - 1
    bend = np.random.default_rng(0).normal(0, 5 / FOCAL_PX, (count, 2, 6))
    seen, at = bent(scene, bend, movers=10)
    spread = np.full(count, np.hypot(noise_px, 0.05) * np.sqrt(2) / FOCAL_PX)
    found = fit_bends(seen, at, np.ones(seen.newest.shape[1]), spread, 10)
    off = FOCAL_PX * ((found - bend) @ quadratic_basis(GRID))
    assert np.abs(off).max() < 0.05 + noise_px


def test_known_movers_do_not_bend_it() -> None:
    scene = pure_rotation(noise_px=0.0).at()
    seen, at = bent(scene, np.zeros((len(scene.tracks.visible) - 1, 2, 6)), movers=2)
    prior = np.where(np.arange(seen.newest.shape[1]) % 2 == 0, 0.01, 1.0)
    found = fit_bends(seen, at, prior, np.full(len(at), LEAST), 10)
    assert np.abs(FOCAL_PX * (found @ quadratic_basis(GRID))).max() < 0.05


def test_without_points_there_is_no_bend() -> None:
    seen = observed(still(noise_px=0.0).at())
    nothing = Observations(seen.newest, seen.earlier, np.zeros_like(seen.weight))
    found = fit_bends(
        nothing, seen.earlier + 1, np.ones(seen.newest.shape[1]), np.full(len(seen.earlier), 1), 6
    )
    np.testing.assert_array_equal(found, 0)
