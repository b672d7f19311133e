"""Effects on images in closed form."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from made_up_sequence import grey

from motion_seg_ros.lab.evaluation.stress.images import (
    as_jpeg,
    blur_kernel,
    in_low_light,
    with_motion_blur,
    with_noise,
)

LARGE = (300, 400)  # 360,000 values: standard errors of means below 0.2 % of the deviation


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_an_impulse_becomes_a_line_of_the_length() -> None:
    # A box of 5 px, seen by pixels that are tents: 1/5 inside, 0.175 and 0.025 at its ends.
    row = np.array([0.025, 0.175, 0.2, 0.2, 0.2, 0.175, 0.025])
    expected = np.zeros((7, 7))
    expected[3] = row
    np.testing.assert_allclose(blur_kernel(5.0, 0.0), expected, atol=1e-3)
    np.testing.assert_allclose(blur_kernel(5.0, math.pi / 2), expected.T, atol=1e-3)
    image = grey(0, (21, 21))
    image[10, 10] = 200
    found = with_motion_blur(image, 5.0, 0.0)
    np.testing.assert_allclose(found[10, 7:14, 1], 200 * row, atol=0.7)
    assert found.sum() == pytest.approx(image.sum(), rel=0.03)  # but for rounding
    assert not found[9].any()


@pytest.mark.parametrize("direction", [0.3, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("length", [2.0, 8.5, 19.0])
def test_the_line_has_its_length_and_direction(length: float, direction: float) -> None:
    kernel = blur_kernel(length, direction).astype(float)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    reach = len(kernel) // 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    assert abs((kernel * x).sum()) < 1e-3
    assert abs((kernel * y).sum()) < 1e-3
    along = x * math.cos(direction) + y * math.sin(direction)
    across = y * math.cos(direction) - x * math.sin(direction)
    # A line's variance is L^2 / 12; between pixels it is spread by at most 1/4 each way.
    assert 0 <= (kernel * along**2).sum() - length**2 / 12 <= 0.25
    assert 0 <= (kernel * across**2).sum() <= 0.25


def test_one_level_remains_one_level_when_blurred() -> None:
    np.testing.assert_array_equal(with_motion_blur(grey(77), 9.0, 0.7), grey(77))


def test_variance_of_noise(rng: np.random.Generator) -> None:
    found = with_noise(grey(120, LARGE), 10.0, rng).astype(float)
    assert found.mean() == pytest.approx(120, abs=0.1)
    assert found.var() == pytest.approx(10**2 + 1 / 12, rel=0.02)  # and that of rounding
    assert abs(np.corrcoef(found[..., 0].ravel(), found[..., 1].ravel())[0, 1]) < 0.02


def test_noise_stays_within_the_levels(rng: np.random.Generator) -> None:
    assert with_noise(grey(254), 10.0, rng).max() == 255
    assert with_noise(grey(1), 10.0, rng).min() == 0


@pytest.mark.parametrize("level", [60, 150, 240])
def test_shot_noise_of_little_light(level: int, rng: np.random.Generator) -> None:
    found = in_low_light(grey(level, LARGE), 100.0, 0.5, rng).astype(float)
    electrons, gain = 100 * level / 255, 0.5 * 255 / 100  # levels per electron
    assert found.mean() == pytest.approx(level / 2, rel=0.01)
    assert found.var() == pytest.approx(electrons * gain**2 + 1 / 12, rel=0.03)


def test_without_light_nothing_is_seen(rng: np.random.Generator) -> None:
    assert not in_low_light(grey(0), 100.0, 0.5, rng).any()


def test_jpeg_loses_detail_and_keeps_the_mean() -> None:
    rng = np.random.default_rng(1)
    wall = cv2.GaussianBlur(rng.integers(0, 255, (64, 64), np.uint8), (5, 5), 0)
    image = np.dstack([wall] * 3)
    errors = [np.abs(as_jpeg(image, each).astype(float) - image).mean() for each in (95, 30)]
    assert errors[1] > 3 * errors[0] > 0
    assert as_jpeg(image, 30).mean() == pytest.approx(image.mean(), abs=1)
    np.testing.assert_allclose(as_jpeg(grey(90), 30), grey(90), atol=1)
