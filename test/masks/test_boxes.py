"""Boxes around what a mask shows."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.masks.boxes import box_around, resized_box


def test_the_least_box() -> None:
    shown = np.zeros((50, 80), bool)
    shown[12, 30] = shown[20, 41] = True
    assert box_around(shown) == np.s_[12:21, 30:42]


def test_a_margin_ends_at_the_border() -> None:
    shown = np.zeros((50, 80), bool)
    shown[2, 75] = True
    assert box_around(shown, margin=6) == np.s_[0:9, 69:80]


def test_nothing_shown() -> None:
    assert box_around(np.zeros((50, 80), bool), margin=6) == np.s_[0:0, 0:0]


def test_a_resized_box_holds_what_its_pixels_are_part_of() -> None:
    assert resized_box(np.s_[3:10, 4:5], (40, 60), (20, 30)) == np.s_[1:5, 2:3]
    rows, columns = resized_box(np.s_[3:10, 4:5], (20, 30), (60, 75))
    assert (rows, columns) == np.s_[9:30, 10:13]
