"""The mask network's input, against the maps it is made of."""

from __future__ import annotations

import numpy as np
import pytest
from invented_evidence import SIZE, evidence

from motion_seg_ros.masks.fusion.channels import (
    BELIEF,
    CHANNELS,
    COMPRESSED,
    MASK_CHANNELS,
    RESIDUAL_X,
    mask_channels,
    whole_cells,
)

NAMES = [name for name, _ in CHANNELS]
WHOLE = [name for name in NAMES if getattr(evidence(), name).shape == SIZE]
HALF = (3, 5)


@pytest.mark.parametrize("name", WHOLE)
def test_a_map_comes_in_its_channel_as_means_over_squares(name: str) -> None:
    channel = NAMES.index(name)
    values = np.random.default_rng(channel).normal(0, 2, SIZE).astype(np.float32)
    found = mask_channels(evidence(**{name: values}))
    assert found.shape == (MASK_CHANNELS, *HALF)
    assert found.dtype == np.float32
    # 9 columns become 5 of 1.8 each: only sums over rows can be told by hand.
    np.testing.assert_allclose(found[channel].mean(), values.mean(), rtol=1e-4)
    even = values[:, :8].reshape(3, 2, 4, 2).mean((1, 3))
    cropped = mask_channels(evidence(size=(6, 8), **{name: values[:, :8]}))
    np.testing.assert_allclose(cropped[channel], even, rtol=1e-4, atol=1e-6)
    assert not np.delete(found, channel, axis=0).any()


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(WHOLE)))
def test_a_map_of_half_the_size_comes_as_it_is(name: str) -> None:
    values = np.random.default_rng(0).normal(0, 2, HALF).astype(np.float32)
    found = mask_channels(evidence(**{name: values}))
    np.testing.assert_array_equal(found[NAMES.index(name)], values)


@pytest.mark.parametrize(("number", "name"), list(enumerate(name for name, _ in COMPRESSED)))
def test_what_has_no_bounds_is_compressed(number: int, name: str) -> None:
    found = mask_channels(evidence(**{name: np.full(HALF, 1000, np.float32)}))
    np.testing.assert_allclose(found[len(CHANNELS) + number], np.arcsinh(1000), rtol=1e-5)


def test_residuals_are_compressed_and_x_is_where_it_is_said() -> None:
    residual = np.zeros((*HALF, 2), np.float32)
    residual[..., 0], residual[..., 1] = 3.0, -0.6
    found = mask_channels(evidence(residual_px=residual))
    np.testing.assert_allclose(found[RESIDUAL_X], np.arcsinh(10), rtol=1e-5)
    np.testing.assert_allclose(found[RESIDUAL_X + 1], -np.arcsinh(2), rtol=1e-5)
    assert not np.delete(found, [RESIDUAL_X, RESIDUAL_X + 1], axis=0).any()


def test_log_odds_without_bounds_are_bounded() -> None:
    found = mask_channels(evidence(belief=np.full(SIZE, 1e9, np.float32)))
    np.testing.assert_allclose(found[BELIEF], 8, rtol=1e-6)


@pytest.mark.parametrize(
    ("size", "whole"),
    [((120, 214), (120, 216)), ((16, 24), (16, 24)), ((3, 17), (16, 24)), ((8, 1), (16, 16))],
)
def test_images_are_filled_up_to_whole_cells_by_their_edges(
    size: tuple[int, int], whole: tuple[int, int]
) -> None:
    channels = np.random.default_rng(0).random((MASK_CHANNELS, *size), np.float32)
    found = whole_cells(channels)
    assert found.shape == (MASK_CHANNELS, *whole)
    rows, columns = (np.minimum(np.arange(a), b - 1) for a, b in zip(whole, size, strict=True))
    np.testing.assert_array_equal(found, channels[:, rows[:, None], columns])
