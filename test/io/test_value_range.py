"""One range of values for a stream, against ranges known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from motion_seg_ros.io.value_range import PATIENCE, ValueRange, full_range, scaled

GREY = np.random.default_rng(3).integers(0, 256, (60, 80)).astype(np.uint8)


def spread(low: int, high: int, dtype: Any = np.uint16) -> np.ndarray:
    """An image whose values are spread evenly from low to high."""
    return np.linspace(low, high, 80 * 60).round().astype(dtype).reshape(60, 80)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_the_type_with_the_fewest_bits_that_holds_the_values(bits: int) -> None:
    top = 2**bits - 1
    stored = np.rint(GREY * (top / 255)).astype(np.uint16)
    values = ValueRange()
    assert values.limits is None
    np.testing.assert_array_equal(values.to_8_bit(stored), GREY)
    assert values.limits == (0, top)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_values_in_the_upper_bits(bits: int) -> None:
    stored = np.rint(GREY * ((2**bits - 1) / 255)).astype(np.uint16) << (16 - bits)
    found = ValueRange().to_8_bit(stored).astype(int)
    assert np.abs(found - GREY).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32, np.float32, np.float64])
def test_a_band_fills_half_of_the_grey_levels(dtype: Any) -> None:
    band = spread(29500, 30500, dtype)
    found = ValueRange().to_8_bit(band)
    low, high = np.percentile(found, [1, 99])
    assert 60 <= low <= 70
    assert 185 <= high <= 195
    assert (np.diff(found.reshape(-1).astype(int)) >= 0).all()


def test_signed_values_below_zero() -> None:
    found = ValueRange().to_8_bit(spread(-4000, -3000, np.int16))
    assert 60 <= found[0, 0] <= 66
    assert 187 <= found[-1, -1] <= 193
    every = np.arange(-128, 128, dtype=np.int8).reshape(16, 16)
    np.testing.assert_array_equal(ValueRange().to_8_bit(every).reshape(-1), np.arange(256))


def test_floating_point_from_0_to_1() -> None:
    found = ValueRange().to_8_bit((GREY / 255).astype(np.float32))
    np.testing.assert_array_equal(found, GREY)


def test_no_more_than_one_grey_level_for_one_unit() -> None:
    noise = np.random.default_rng(0).integers(5000, 5004, (60, 80)).astype(np.uint16)
    found = ValueRange().to_8_bit(noise)
    assert np.ptp(found) == 3


def test_dead_pixels_invalid_borders_and_nan_do_not_count() -> None:
    band = spread(29500, 30500)
    clean = ValueRange()
    clean.to_8_bit(band)
    marked = band.copy()
    marked[:, :8] = 0  # outside of the rectified image
    marked[0, 40:44], marked[1, 40:44] = 65535, 3  # stuck pixels
    values = ValueRange()
    assert values.to_8_bit(marked)[:, :8].max() == 0
    assert np.abs(np.subtract(values.limits, clean.limits)).max() < 0.15 * 2000
    metres = band.astype(np.float32)
    metres[:, :8] = np.nan
    assert ValueRange().to_8_bit(metres)[:, :8].max() == 0


def test_opacity_does_not_count() -> None:
    colours = np.dstack([spread(0, 1023)] * 3 + [np.full((60, 80), 65535, np.uint16)])
    values = ValueRange()
    values.to_8_bit(colours)
    assert values.limits == (0, 1023)


def test_the_range_does_not_follow_the_scene() -> None:
    values = ValueRange()
    first = values.to_8_bit(spread(0, 3000))
    for top in (2500, 4095, 1200, 600, 3800):
        values.to_8_bit(spread(0, top))
        assert values.limits == (0, 4095)
    bright = spread(0, 3000)
    bright[:5] = 20000  # something hot, a twelfth of the image
    for _ in range(5 * PATIENCE):
        values.to_8_bit(bright)
    np.testing.assert_array_equal(values.to_8_bit(spread(0, 3000)), first)


@pytest.mark.parametrize("start", [spread(0, 200), np.zeros((60, 80), np.uint16)])
def test_a_dark_start_is_left_behind(start: np.ndarray) -> None:
    values = ValueRange()
    values.to_8_bit(start)
    limits = []
    for _ in range(PATIENCE + 2):
        values.to_8_bit(spread(0, 4095))
        limits.append(values.limits)
    assert limits[PATIENCE - 2] == (0, 255)
    assert limits[PATIENCE - 1] == limits[-1] == (0, 4095)


def test_a_bright_start_is_left_behind() -> None:
    values = ValueRange()
    values.to_8_bit(spread(60000, 65000))
    for _ in range(PATIENCE):
        values.to_8_bit(spread(0, 1000))
    assert values.limits == (0, 1023)


def test_a_flash_and_a_shutter_change_nothing() -> None:
    values = ValueRange()
    values.to_8_bit(spread(0, 1000))
    for _ in range(3):
        for _ in range(PATIENCE - 1):
            values.to_8_bit(np.full((60, 80), 60000, np.uint16))
        values.to_8_bit(spread(0, 1000))
    for _ in range(5 * PATIENCE):
        values.to_8_bit(np.full((60, 80), 500, np.uint16))
    assert values.limits == (0, 1023)


def test_another_size_or_type_and_a_reset_take_a_new_range() -> None:
    values = ValueRange()
    values.to_8_bit(spread(0, 1000))
    values.to_8_bit(spread(0, 4000)[::2])
    assert values.limits == (0, 4095)
    values.to_8_bit(spread(0, 3000))
    values.to_8_bit(spread(0, 2000)[::3])  # fits
    assert values.limits == (0, 4095)
    values.reset()
    values.to_8_bit(spread(0, 1000)[::2])
    assert values.limits == (0, 1023)
    values.to_8_bit(spread(0, 9000, np.int32)[::2])
    assert values.limits == (0, 16383)


def test_an_image_without_a_usable_value_is_black() -> None:
    nothing = np.full((6, 8), np.nan, np.float32)
    values = ValueRange()
    assert not values.to_8_bit(nothing).any()
    assert values.limits is None


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("value", [-1.0, 0.0, 1e-300, 100.0, 1e300, np.inf])
@pytest.mark.filterwarnings("error")
def test_extreme_values(dtype: Any, value: float) -> None:
    kind = np.dtype(dtype)
    ends = np.iinfo(kind) if kind.kind != "f" else np.finfo(kind)
    stored = np.full((4, 4), min(max(value, float(ends.min)), float(ends.max)), np.float64)
    with np.errstate(over="ignore"):
        found = ValueRange().to_8_bit(stored.astype(kind))
    assert (found.dtype, np.ptp(found)) == (np.uint8, 0)


def test_full_ranges() -> None:
    assert full_range(np.int8) == (-128, 127)
    assert full_range(np.float64) == (0, 1)
    # round(v * 255 / 65535): 128 / 257 = 0.498, 129 / 257 = 0.502
    stored = np.array([[0, 128, 129, 65535]], np.uint16)
    assert scaled(stored, full_range(np.uint16)).tolist() == [[0, 0, 1, 255]]
