"""Means over neighbours, against counting one by one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from motion_seg_ros.labelling.neighbours import CELLS, means_about

SIZE = 120, 200
SIDE = 45.0


def drawn(seed: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    xy = rng.uniform((-0.5, -0.5), (199.49, 119.49), (80, 2)).astype(np.float32)
    return np.where(rng.random((80, 3)) < 0.8, rng.normal(0, 1, (80, 3)), np.nan), xy


@pytest.mark.parametrize("seed", range(5))
def test_each_mean_is_of_the_tracks_near_by(seed: int) -> None:
    """All tracks nearer than a cell count, none farther than two, and never the track itself."""
    values, xy = drawn(seed)
    known = np.isfinite(values)
    mean, count = means_about(values, xy, SIZE, SIDE)
    away = np.abs(xy[:, None] - xy).max(axis=2)
    np.fill_diagonal(away, np.inf)
    cell = SIDE / CELLS
    counted = known.astype(np.int64)
    least, most = (away < cell) @ counted, (away < 2 * cell) @ counted
    assert ((least <= count) & (count <= most)).all()
    for channel in range(3):
        for track in range(80):
            near = known[:, channel] & (away[track] < cell)
            some = known[:, channel] & (away[track] < 2 * cell)
            if near.sum() == some.sum():  # no doubt about which
                expected = values[near, channel].mean() if near.any() else 0
                assert mean[track, channel] == pytest.approx(expected, abs=1e-9)


def test_a_mirrored_image_has_the_same_neighbours() -> None:
    values, xy = drawn(9)
    mirrored = np.array([SIZE[1] - 1, 0], np.float32) + np.array([-1, 1], np.float32) * xy
    for found, expected in zip(
        means_about(values, mirrored, SIZE, SIDE),
        means_about(values, xy, SIZE, SIDE),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_lonely_track_and_none() -> None:
    one = np.ones((1, 2))
    mean, count = means_about(one, np.full((1, 2), 50, np.float32), SIZE, SIDE)
    assert not mean.any()
    assert not count.any()
    none = np.zeros((0, 2))
    mean, count = means_about(none, none.astype(np.float32), SIZE, SIDE)
    assert mean.shape == count.shape == (0, 2)
