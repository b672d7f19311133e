"""The plain method finds what it can find: a mover on a plane before a panning camera."""

from __future__ import annotations

import numpy as np
import recordings

from motion_seg_ros.evaluation.baselines import HomographyMog2
from motion_seg_ros.types import Frame


def test_finds_a_box_that_moves_against_a_pan() -> None:
    images = recordings.pan(40, (320, 240))  # 2 px per frame
    paint = np.random.default_rng(1).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    method = HomographyMog2()
    for index, image in enumerate(images):
        x = 40 + 5 * index
        image[100:150, x : x + 40] = paint
        moving = method.push(Frame(image, index))
    truth = np.zeros((240, 320), bool)
    truth[100:150, x : x + 40] = True
    assert moving[truth].mean() > 0.9
    assert moving[~truth].mean() < 0.05


def test_survives_frames_without_a_corner() -> None:
    method = HomographyMog2()
    for index in range(3):
        moving = method.push(Frame(np.full((60, 80, 3), 90, np.uint8), index))
    assert not moving.any()
