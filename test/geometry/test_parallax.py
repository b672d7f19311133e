"""Points before and behind a plane, seen by a camera whose travel is known in closed form."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from motion_seg_ros.geometry.bundle import Observations
from motion_seg_ros.geometry.parallax import components, epipoles, spreads_of

Array = npt.NDArray[np.float64]

POINTS = 400
NOISE = 0.3 / 500  # 0.3 px at a focal length of 500 px
TRAVEL = {
    "forward": (0.02, -0.01, 0.3),
    "askew": (0.15, 0.05, 0.2),
    "sideways": (0.2, 0.0, 0.0),
    "downwards": (0.0, 0.2, 0.0),
}


def rays(directions: Array) -> Array:
    return np.concatenate((directions, np.ones((1, directions.shape[1]))))


def scene(
    travel: tuple[float, float, float],
    *,
    movers: float = 0.0,
    on_plane: float = 0.3,
    noise: float = NOISE,
    seed: int = 0,
) -> tuple[Observations, Array, npt.NDArray[np.bool_]]:
    """Points in two frames, the camera at once and at twice the travel; where the homographies of
    the plane at inverse depth 1 see them (2, 2, N); and which move (N,)."""
    rng = np.random.default_rng(seed)
    newest = rng.uniform([[-0.7], [-0.4]], [[0.7], [0.4]], (2, POINTS))
    rho = 1 + rng.uniform(-0.6, 0.6, POINTS) * (rng.random(POINTS) > on_plane)
    shift = np.array(travel) * [[2], [1]]  # (K, 3)
    q = rays(newest) + rho * shift[..., None]
    flat = rays(newest) + shift[..., None]
    moves = rng.random(POINTS) < movers
    seen = q[:, :2] / q[:, 2:] + rng.normal(0, noise, (2, 2, POINTS))
    seen += moves * np.array([[[0.03], [-0.05]], [[0.015], [-0.025]]])
    return Observations(newest, seen, np.ones((2, POINTS))), flat[:, :2] / flat[:, 2:], moves


def degrees_off(found: Array, travel: tuple[float, float, float], at: tuple[float, float]) -> Array:
    """Angles (K,) between the lines from a point to the found and to the true epipole, which is the
    image of the other camera's centre: the travel itself as homogeneous coordinates."""
    lines = []
    for epipole in (found, np.array([travel])):
        off = epipole[:, :2] - epipole[:, 2:] * np.array(at)
        lines.append(off / np.linalg.norm(off, axis=1, keepdims=True))
    cosine = np.abs((lines[0] * lines[1]).sum(axis=1))
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, 0, 1))))


@pytest.mark.parametrize("movers", [0.0, 0.25])
@pytest.mark.parametrize("kind", TRAVEL)
def test_the_residuals_of_static_points_meet_in_the_epipole(kind: str, movers: float) -> None:
    seen, at, _ = scene(TRAVEL[kind], movers=movers)
    spread = np.full(2, NOISE)
    found = epipoles(seen, at, np.ones(POINTS), spread)
    assert found.shape == (2, 3)
    for corner in ((-0.6, -0.35), (0.6, -0.35), (-0.6, 0.35)):  # not close to any of them
        assert degrees_off(found, TRAVEL[kind], corner).max() < 1.5


def test_known_movers_may_be_most_of_the_points() -> None:
    seen, at, moves = scene(TRAVEL["askew"], movers=0.6)
    found = epipoles(seen, at, np.where(moves, 0.02, 1.0), np.full(2, NOISE))
    assert degrees_off(found, TRAVEL["askew"], (-0.5, -0.3)).max() < 1.5


def test_points_that_are_not_seen_have_no_say() -> None:
    seen, at, _ = scene(TRAVEL["askew"])
    hidden = np.random.default_rng(1).random(POINTS) < 0.5
    seen.earlier[..., hidden] = 7.0
    seen.weight[:, hidden] = 0
    found = epipoles(seen, at, np.ones(POINTS), np.full(2, NOISE))
    assert degrees_off(found, TRAVEL["askew"], (-0.5, -0.3)).max() < 1.5


def test_the_same_points_give_the_same_epipoles() -> None:
    seen, at, _ = scene(TRAVEL["forward"], movers=0.2)
    one, other = (epipoles(seen, at, np.ones(POINTS), np.full(2, NOISE)) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_components_are_those_along_and_across_the_line_to_the_epipole() -> None:
    """A finite epipole at (1, 2) seen from (1, 0), and one at infinity to the right."""
    at = np.array([[[1.0]], [[0.0]]]).transpose(2, 0, 1)  # (1, 2, 1)
    residual = np.array([[[3.0], [-4.0]]])
    for epipole, expected in (((1, 2, 1), (3, 4)), ((-2, -4, -2), (3, 4)), ((1, 0, 0), (4, 3))):
        found = components(residual, at, np.array([epipole], np.float64))
        np.testing.assert_allclose(np.ravel(found), expected)


@pytest.mark.parametrize("kind", TRAVEL)
def test_depth_is_along_the_lines_and_noise_is_across(kind: str) -> None:
    travel = TRAVEL[kind]
    seen, at, moves = scene(travel, movers=0.1)
    residual = seen.earlier - at
    across, along = components(residual, at, np.tile(np.array(travel), (2, 1)))
    np.testing.assert_allclose(
        across**2 + along**2, (residual**2).sum(axis=1), rtol=1e-6, atol=1e-15
    )
    noise, parallax = spreads_of(across, along, np.ones((2, POINTS)), 1e-6)
    # One in ten moves: the median is that of the others but for an eighth of a deviation.
    np.testing.assert_allclose(noise, NOISE, rtol=0.3)
    assert (parallax > 10 * noise).all()
    assert np.quantile(across[:, ~moves] / noise[:, None], 0.99) < 3.5


def test_spreads_are_standard_deviations_of_normal_residuals_but_the_least_at_least() -> None:
    rng = np.random.default_rng(0)
    across, along = np.abs(rng.normal(0, [[[0.2]], [[3.0]]], (2, 1, 20_000)))
    noise, parallax = spreads_of(across, along, np.ones((1, 20_000)), 0.1)
    np.testing.assert_allclose(noise, 0.2, rtol=0.03)
    np.testing.assert_allclose(parallax, 3.0, rtol=0.03)
    np.testing.assert_array_equal(spreads_of(across, along, across + 1, 50.0), [[50.0], [50.0]])


def test_where_most_points_are_on_the_plane_the_others_are_not_far_off() -> None:
    """The parallax is judged by its tail: a fifth of the points stands out by 1."""
    along = np.where(np.arange(1000) % 5 == 0, 1.0, 0.01)[None]
    _, parallax = spreads_of(along, along, np.ones_like(along), 0.001)
    assert 0.5 < parallax[0] < 1
