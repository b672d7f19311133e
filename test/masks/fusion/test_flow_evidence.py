"""Flow evidence of a disc that moves before a turning camera."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from disc_images import DISC, GRID, SIZE, texture

from motion_seg_ros.masks.fusion.flow_evidence import fit_flow, flow_log_odds, flow_trust
from motion_seg_ros.masks.fusion.smoothing import EdgeAwareFilter

FloatImage = npt.NDArray[np.float32]


def disc_flow(step: tuple[float, float]) -> FloatImage:
    """A camera that turns, and a disc that moves besides."""
    flow = np.float32([1.5, -0.5]) + 0.01 * (GRID - np.float32([80, 60]))
    flow[DISC] += np.float32(step)
    return np.asarray(flow, np.float32)


def test_flow_of_a_mover_disagrees() -> None:
    fit = fit_flow(disc_flow((2, 1)), GRID, np.ones(SIZE, np.float32))
    assert fit is not None
    assert fit.disagreement[DISC].min() > 8
    assert fit.disagreement[~DISC].max() < 0.5
    np.testing.assert_allclose(fit.surface[~DISC], disc_flow((0, 0))[~DISC], atol=0.02)


def test_flow_log_odds_divide_mover_and_ground() -> None:
    fit = fit_flow(disc_flow((2, 1)), GRID, np.ones(SIZE, np.float32))
    assert fit is not None
    image = texture(0)
    image[DISC] = texture(1)[DISC] // 2
    log_odds = flow_log_odds(
        fit.disagreement, np.ones(SIZE, np.float32), EdgeAwareFilter(image, 100, 10)
    )
    core = cv2.erode(DISC.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    far = cv2.dilate(DISC.astype(np.uint8), np.ones((25, 25), np.uint8)) == 0
    assert np.mean(log_odds[core]) > 0.5
    assert np.mean(log_odds[far]) < -1.5


def test_noise_of_the_flow_is_no_motion() -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, (*SIZE, 2)).astype(np.float32)
    fit = fit_flow(noise, GRID, np.ones(SIZE, np.float32))
    assert fit is not None
    log_odds = flow_log_odds(
        fit.disagreement, np.ones(SIZE, np.float32), EdgeAwareFilter(texture(0), 100, 10)
    )
    assert log_odds.max() < 0


def test_chaotic_flow_has_no_fit() -> None:
    chaos = np.random.default_rng(0).normal(0, 60, (*SIZE, 2)).astype(np.float32)
    assert fit_flow(chaos, GRID, np.ones(SIZE, np.float32)) is None


def test_flow_is_not_trusted_in_flat_areas_and_where_it_does_not_lead_back() -> None:
    gray = np.ascontiguousarray(texture(0)[..., 1])
    gray[:, :60] = 100
    there = np.tile(np.float32([2, 0]), (*SIZE, 1))
    back = -there
    back[DISC] += 5
    trust = flow_trust(gray, there, back, GRID)
    assert trust[20:100, 10:50].max() < 0.05
    assert trust[50:70, 80:98].max() < 0.1
    assert np.median(trust[20:100, 120:150]) > 0.5
