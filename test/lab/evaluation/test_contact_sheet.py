"""The sheet shows every picture in its place."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.lab.evaluation import contact_sheet
from motion_seg_ros.lab.evaluation.contact_sheet import (
    Row,
    draw_ids,
    draw_mask,
    draw_sheet,
    draw_tracks,
)

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255), (0, 255, 255)]


def test_pictures_stand_in_rows_and_columns() -> None:
    pictures = [np.full((48, 64, 3), colour, np.uint8) for colour in COLOURS]
    rows = [Row("first", "", pictures[:3]), Row("second", "", pictures[3:])]
    sheet = draw_sheet([("a", ""), ("b", ""), ("c", "")], rows)
    found = [tuple(sheet[y, x]) for y, x in centres(2, 3)]
    assert found == COLOURS


def centres(rows: int, columns: int) -> list[tuple[int, int]]:
    height = contact_sheet.TILE_WIDTH * 48 // 64
    top, left = contact_sheet.HEADING_HEIGHT, contact_sheet.TITLE_WIDTH
    gap = contact_sheet.GAP
    return [
        (
            top + row * (height + gap) + height // 2,
            left + column * (contact_sheet.TILE_WIDTH + gap) + contact_sheet.TILE_WIDTH // 2,
        )
        for row in range(rows)
        for column in range(columns)
    ]


def test_ids_are_coloured_and_the_rest_is_gray() -> None:
    image = np.full((4, 6, 3), (10, 100, 190), np.uint8)
    ids = np.zeros((4, 6), np.uint16)
    ids[1, 2], ids[2, 3] = 1, 300
    picture = draw_ids(image, ids).astype(int)
    coloured = np.ptp(picture, axis=2) > 0
    np.testing.assert_array_equal(coloured, ids > 0)


def test_mask_is_white_on_black() -> None:
    mask = np.eye(3, dtype=bool)
    np.testing.assert_array_equal(draw_mask(mask)[..., 0], np.eye(3) * 255)


def test_tracks_end_in_a_dot_of_their_kind() -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    paths = [np.array([[10, 10], [20, 10]], np.float32), np.array([[50, 40]], np.float32)]
    picture = draw_tracks(image, paths, [True, False])
    assert tuple(picture[10, 20]) == contact_sheet.MOVING_TRACK_BGR
    assert tuple(picture[40, 50]) == contact_sheet.STATIC_TRACK_BGR
    assert picture[10, 14].any()
    assert not picture[30, 30].any()
