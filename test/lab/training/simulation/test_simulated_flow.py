"""Simulated flow: exact motion on a grid, and noise of known spread."""

from __future__ import annotations

import numpy as np
import pytest
from exact_motion import exact_track

from motion_seg_ros.lab.synthetic import scenes
from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.lab.training.simulation.simulated_flow import (
    CELL_PX,
    exact_grid,
    smooth_noise,
    upsampled,
)


def test_the_grid_holds_the_exact_motion() -> None:
    truth = GroundTruth(scenes.mover_under_parallax(1, (160, 120), 5))
    grid = exact_grid(truth, 2, 1, 3)
    y, x = np.indices(grid.known.shape)
    xy = np.stack((x, y), axis=-1).reshape(-1, 2) * CELL_PX + (CELL_PX - 1) / 2
    for found, other in ((grid.backward, 1), (grid.forward, 3)):
        np.testing.assert_allclose(
            found.reshape(-1, 2), exact_track(truth, xy, 2, other).xy_px - xy, atol=1e-4
        )


def test_a_linear_field_is_upsampled_exactly() -> None:
    y, x = np.indices((30, 40)).astype(np.float32) * CELL_PX + (CELL_PX - 1) / 2
    found = upsampled(np.dstack((2 * x + y, x - 3 * y)), (119, 158))
    rows, columns = np.indices((119, 158)).astype(np.float32)
    inner = np.s_[4:-4, 4:-4]
    np.testing.assert_allclose(found[..., 0][inner], (2 * columns + rows)[inner], atol=1e-3)
    np.testing.assert_allclose(found[..., 1][inner], (columns - 3 * rows)[inner], atol=1e-3)


@pytest.mark.parametrize("length", [1.0, 8.0, 20.0])
def test_smooth_noise_has_unit_spread_and_is_alike_over_its_length(length: float) -> None:
    noise = smooth_noise(np.random.default_rng(0), (200, 200, 2), length)
    assert noise.std() == pytest.approx(1, abs=0.1)
    apart = max(1, round(length / CELL_PX))
    alike = (noise[:, apart:] * noise[:, :-apart]).mean()
    # Blurred white noise: the correlation at distance d is exp(-d^2 / (4 length^2)).
    expected = np.exp(-((apart * CELL_PX / length) ** 2) / 4)
    assert alike == pytest.approx(expected, abs=0.12)
