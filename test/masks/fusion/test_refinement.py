"""From log-odds at working resolution to masks."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.masks.fusion.refinement import clean, refine


def square_image(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A dark square on light ground, and where it is."""
    image = np.full((*size, 3), 200, np.uint8)
    inside = np.zeros(size, bool)
    inside[size[0] // 4 : size[0] // 2, size[1] // 4 : size[1] // 2] = True
    image[inside] = 40
    return image, inside


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    height, width = np.minimum(one.shape, other.shape)
    one, other = one[:height, :width], other[:height, :width]
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


@pytest.mark.parametrize("size", [(240, 320), (480, 854), (1080, 1920)])
def test_a_coarse_belief_snaps_to_the_edges(size: tuple[int, int]) -> None:
    image, inside = square_image(size)
    step = size[1] // 160
    coarse = np.where(inside[::step, ::step], 2.0, -2.0).astype(np.float32)
    coarse = np.roll(coarse, 1, axis=1)  # a coarse pixel off
    found = refine(coarse, image)
    assert found.shape == size
    plain = np.kron(coarse > 0, np.ones((step, step), bool))
    assert overlap(found, inside) > 0.94
    assert overlap(found, inside) > overlap(plain, inside) + 0.01


def test_nothing_stays_nothing() -> None:
    image, _ = square_image((240, 320))
    assert not refine(np.full((120, 160), -0.1, np.float32), image).any()


@pytest.mark.parametrize("size", [(60, 80), (33, 47), (480, 640)])
def test_what_vanishes_between_the_pixels_is_nothing(size: tuple[int, int]) -> None:
    """A pixel of the belief that hardly moves, and none of the image."""
    log_odds = np.full((30, 40), -5, np.float32)
    log_odds[15, 20] = 1e-3
    assert not refine(log_odds, np.full((*size, 3), 90, np.uint8)).any()


def test_specks_go_and_holes_close() -> None:
    image = np.full((240, 320, 3), 128, np.uint8)
    log_odds = np.full((120, 160), -3, np.float32)
    log_odds[30:80, 40:100] = 3
    log_odds[50:53, 60:63] = -3  # a hole
    log_odds[100, 140] = 3  # a speck
    found = refine(log_odds, image)
    assert found[104, 124]
    assert not found[190:, 260:].any()


def test_the_belief_far_from_what_moves_does_not_matter() -> None:
    image, inside = square_image((240, 320))
    image[150:, 200:] = np.random.default_rng(0).integers(0, 255, (90, 120, 3))
    log_odds = np.where(inside, 2.0, -2.0).astype(np.float32)
    other = log_odds.copy()
    other[150:, 200:] = -6
    assert np.array_equal(refine(log_odds, image), refine(other, image))


def test_cleaning_adds_nothing_to_a_plain_shape() -> None:
    mask = np.zeros((480, 854), bool)
    mask[100:200, 300:500] = True
    cleaned = clean(mask) > 0
    assert not (cleaned & ~mask).any()
    assert np.count_nonzero(mask & ~cleaned) <= 4 * 5  # of the corners


@pytest.mark.parametrize("place", [(100, 300), (0, 0), (380, 654)])
def test_cleaning_is_the_same_everywhere(place: tuple[int, int]) -> None:
    parts = np.zeros((100, 200), bool)
    parts[20:80, 20:90] = parts[20:80, 94:180] = True  # a gap that is closed
    parts[50, 60] = False
    mask = np.zeros((480, 854), bool)
    box = np.s_[place[0] : place[0] + 100, place[1] : place[1] + 200]
    mask[box] = parts
    cleaned = clean(mask)
    assert cleaned[box][50, 60]
    assert cleaned[box][50, 92]
    middle = np.zeros_like(mask)
    middle[200:300, 300:500] = parts
    assert np.array_equal(cleaned[box], clean(middle)[200:300, 300:500])
    assert np.count_nonzero(cleaned) == np.count_nonzero(cleaned[box])


def test_nothing_cleaned_is_nothing() -> None:
    assert not clean(np.zeros((48, 64), bool)).any()
