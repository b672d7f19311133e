"""The mask network's input, against the maps it is made of."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from invented_evidence import SIZE, evidence

from motion_seg_ros.masks.fusion.channels import (
    BELIEF,
    COLOURS,
    MASK_CHANNELS,
    RESIDUALS_X,
    mask_channels,
)
from motion_seg_ros.masks.fusion.evidence import Evidence


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        *(("belief", 0), ("total", 1), ("memory", 2), ("flow", 3), ("photometry", 4)),
        *(("tracks", 5), ("colour", 6), ("log_disagreement", 7), ("trust", 8)),
    ],
)
def test_a_map_comes_in_its_channel_as_means_over_squares(name: str, channel: int) -> None:
    values = np.random.default_rng(channel).normal(0, 2, SIZE).astype(np.float32)
    found = mask_channels(evidence(**{name: values}))
    assert found.shape == (MASK_CHANNELS, 3, 5)
    assert found.dtype == np.float32
    even = values[:, :8].reshape(3, 2, 4, 2).mean((1, 3))
    # 9 columns become 5 of 1.8 each: only sums over rows can be told by hand.
    np.testing.assert_allclose(found[channel].mean(), values.mean(), rtol=1e-4)
    cropped = {k: v[:, :8] for k, v in vars(evidence(**{name: values})).items() if k[0] != "r"}
    still = np.zeros((6, 8, 2), np.float32)
    cropped_found = mask_channels(Evidence(**cropped, residuals_px=(still, still)))
    np.testing.assert_allclose(cropped_found[channel], even, rtol=1e-4, atol=1e-6)
    others = np.delete(found, [channel, *range(*COLOURS.indices(MASK_CHANNELS))], axis=0)
    assert not others.any()


def test_residuals_are_compressed_and_x_is_where_it_is_said() -> None:
    residual = np.zeros((*SIZE, 2), np.float32)
    residual[..., 0], residual[..., 1] = 3.0, -0.6
    still = np.zeros_like(residual)
    found = mask_channels(evidence(residuals_px=(still, residual)))
    x = RESIDUALS_X[1]
    np.testing.assert_allclose(found[x], np.arcsinh(10), rtol=1e-5)
    np.testing.assert_allclose(found[x + 1], -np.arcsinh(2), rtol=1e-5)
    assert not found[RESIDUALS_X[0]].any()


def test_colours_are_lab_about_grey() -> None:
    image = np.zeros((*SIZE, 3), np.uint8)
    image[:] = (30, 90, 200)
    found = mask_channels(evidence(image_bgr=image))[COLOURS]
    lab = cv2.cvtColor(image[:1, :1], cv2.COLOR_BGR2Lab)[0, 0].astype(float)
    np.testing.assert_allclose(found[:, 0, 0], (lab - 128) / (64, 16, 16), rtol=1e-5)


def test_log_odds_without_bounds_are_bounded() -> None:
    found = mask_channels(evidence(belief=np.full(SIZE, 1e9, np.float32)))
    np.testing.assert_allclose(found[BELIEF], 8, rtol=1e-6)
