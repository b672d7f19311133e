"""Parts of a mask given to objects, on maps drawn by hand."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.masks.ownership import (
    divide,
    moving_alike,
    nearest_id,
    owners_of_parts,
    stray_parts,
)

SIZE = (60, 100)


def boxes(*regions: tuple[int, int, int, int, int]) -> np.ndarray:
    """Id map with (id, y0, y1, x0, x1) regions."""
    ids = np.zeros(SIZE, np.uint16)
    for each, y0, y1, x0, x1 in regions:
        ids[y0:y1, x0:x1] = each
    return ids


def owners(mask: np.ndarray, carried: np.ndarray) -> list[list[int]]:
    count, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return owners_of_parts(np.asarray(parts, np.int32), count, carried)[1:]


def test_one_part_of_two_objects() -> None:
    carried = boxes((3, 10, 40, 10, 40), (5, 10, 40, 40, 70))
    assert owners(carried > 0, carried) == [[3, 5]]


def test_two_parts_of_one_object() -> None:
    carried = boxes((3, 10, 40, 10, 30), (3, 10, 40, 35, 55))
    assert owners(carried > 0, carried) == [[3], [3]]


def test_a_leftover_of_a_parted_object_is_not_kept() -> None:
    carried = boxes((3, 10, 40, 10, 30), (5, 10, 40, 60, 90), (3, 10, 40, 60, 66))
    assert owners(carried > 0, carried) == [[3], [5]]


def test_a_small_object_in_a_large_part_keeps_its_own() -> None:
    carried = boxes((3, 2, 58, 2, 80), (5, 28, 32, 80, 85))
    assert owners(carried > 0, carried) == [[3, 5]]


def test_a_part_with_nothing_known() -> None:
    mask = boxes((1, 10, 40, 10, 30)) > 0
    assert owners(mask, np.zeros(SIZE, np.uint16)) == [[]]


def test_division_follows_motion_where_ids_have_bled() -> None:
    mask = boxes((1, 10, 40, 10, 70)) > 0
    carried = boxes((3, 10, 40, 10, 46), (5, 10, 40, 46, 70))  # 6 pixels too far right
    backward = np.zeros((*SIZE, 2), np.float32)
    backward[:, 40:] = (-4, 0)
    ids = divide(mask, carried, [3, 5], backward)
    np.testing.assert_array_equal(ids == 3, boxes((1, 10, 40, 10, 40)) > 0)
    np.testing.assert_array_equal(ids == 5, boxes((1, 10, 40, 40, 70)) > 0)


def test_only_far_parts_are_strays() -> None:
    near = boxes((3, 10, 40, 10, 40), (3, 10, 40, 45, 55))
    assert stray_parts(near) == []
    far = boxes((3, 10, 40, 10, 40), (3, 10, 40, 80, 90))
    (stray,) = stray_parts(far)
    np.testing.assert_array_equal(stray, boxes((1, 10, 40, 80, 90)) > 0)


def test_nearest_id() -> None:
    ids = boxes((3, 0, 60, 0, 10), (7, 0, 60, 90, 100))
    nearest = nearest_id(ids)
    assert (nearest[:, :49] == 3).all()
    assert (nearest[:, 51:] == 7).all()


def test_what_moves_alike() -> None:
    carried = boxes((3, 10, 40, 10, 40), (5, 10, 40, 40, 60), (6, 10, 40, 60, 70))
    backward = np.zeros((*SIZE, 2), np.float32)
    backward[:, 60:] = (0, 4)
    assert moving_alike(carried > 0, carried, [3, 5, 6], backward) == [(3, 5)]
