"""What a plane, a turn and a zoom show is a homography, and it is found again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from rigid_scenes import FOCAL_PX, RigidWindow, planar, pure_rotation, still, zooming

from motion_seg_ros.geometry.bundle import Observations
from motion_seg_ros.geometry.homographies import fit_homographies, warped

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
