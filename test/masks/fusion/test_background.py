"""Photometric evidence by earlier views of a textured ground."""

from __future__ import annotations

import cv2
import numpy as np
from disc_images import DISC, GRID, SIZE, texture

from motion_seg_ros.flow.lookup import pixel_grid
from motion_seg_ros.masks.fusion.background import BackgroundViews


def test_what_no_earlier_view_shows_is_new() -> None:
    views = BackgroundViews()
    ground = texture(2, (SIZE[0], SIZE[1] + 40))
    found = None
    for index in range(5):
        image = ground[:, 4 * index : 4 * index + SIZE[1]].copy()
        if index == 4:
            image[DISC] = (20, 30, 220)
        pan = np.tile(np.float32([4, 0]), (*SIZE, 1)) if index else None
        found = views.log_odds(image, GRID, pan, 1)
    assert found is not None
    core = cv2.erode(DISC.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    ground_seen = ~DISC & (GRID[..., 0] < SIZE[1] - 30)
    assert np.mean(found[core] > 1) > 0.9
    assert np.mean(found[ground_seen] < 0) > 0.95
    assert (found[:, -4:] < 0).all()  # comes into view


def test_earlier_views_count_after_a_change_of_the_working_size() -> None:
    views = BackgroundViews()
    half = (SIZE[0] // 2, SIZE[1] // 2)
    ground = texture(2, (SIZE[0], SIZE[1] + 40))
    for index in range(5):
        image = ground[:, 4 * index : 4 * index + SIZE[1]].copy()
        if index < 4:
            pan = np.tile(np.float32([4, 0]), (*SIZE, 1)) if index else None
            views.log_odds(image, GRID, pan, 1)
    image[DISC] = (20, 30, 220)
    small = np.asarray(cv2.resize(image, half[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    pan = np.tile(np.float32([2, 0]), (*half, 1))
    found = views.log_odds(small, pixel_grid(half), pan, 1)
    assert found is not None
    core = cv2.erode(DISC.astype(np.uint8), np.ones((9, 9), np.uint8))[::2, ::2] > 0
    seen = ~cv2.dilate(DISC.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)[::2, ::2]
    seen[:, half[1] - 15 :] = False
    assert np.mean(found[core] > 1) > 0.9
    assert np.mean(found[seen] < 0) > 0.9


def test_badly_registered_views_say_little() -> None:
    images = [texture(3), texture(4)]
    said = []
    for trust in (1.0, 0.01):
        views = BackgroundViews()
        still = np.zeros((*SIZE, 2), np.float32)
        views.log_odds(images[0], GRID, None, 1)
        found = views.log_odds(images[1], GRID, still, 1, np.full(SIZE, trust, np.float32))
        assert found is not None
        said.append(np.abs(found).mean())
    assert said[1] < 0.02 * said[0]


def test_the_first_view_says_nothing() -> None:
    assert BackgroundViews().log_odds(texture(0), GRID, None, 1) is None
