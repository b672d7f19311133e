"""From log-odds at working resolution to masks."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.masks.fusion.refinement import refine


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


def test_specks_go_and_holes_close() -> None:
    image = np.full((240, 320, 3), 128, np.uint8)
    log_odds = np.full((120, 160), -3, np.float32)
    log_odds[30:80, 40:100] = 3
    log_odds[50:53, 60:63] = -3  # a hole
    log_odds[100, 140] = 3  # a speck
    found = refine(log_odds, image)
    assert found[104, 124]
    assert not found[190:, 260:].any()
