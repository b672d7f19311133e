"""A picture of a run: rows of images, masks and tracks, columns of moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from motion_seg_ros.outputs.palette import id_palette
from motion_seg_ros.types import BoolArray, FloatArray, UInt8Array, UInt16Array

TILE_WIDTH = 320
TITLE_WIDTH = 168
HEADING_HEIGHT = 56
GAP = 8
PAPER_BGR = (255, 255, 255)
INK_BGR = (40, 36, 32)
FAINT_BGR = (128, 120, 112)
STATIC_TRACK_BGR = (170, 170, 170)
MOVING_TRACK_BGR = (0, 200, 255)
_FONT = cv2.FONT_HERSHEY_DUPLEX


@dataclass(frozen=True)
class Row:
    """A row of the sheet, with pictures of (H, W, 3) uint8 bgr."""

    title: str
    note: str
    pictures: Sequence[UInt8Array]


def draw_sheet(headings: Sequence[tuple[str, str]], rows: Sequence[Row]) -> UInt8Array:
    """Draw rows below each other, one column per heading of two lines; (H, W, 3) uint8 bgr.

    Args:
        headings: one for each column.
        rows: each with as many pictures as there are columns, all of one size.
    """
    height, width = rows[0].pictures[0].shape[:2]
    tile_height = round(TILE_WIDTH * height / width)
    sheet_width = TITLE_WIDTH + len(headings) * (TILE_WIDTH + GAP) + GAP
    sheet_height = HEADING_HEIGHT + len(rows) * (tile_height + GAP) + GAP
    sheet = np.full((sheet_height, sheet_width, 3), PAPER_BGR, np.uint8)
    for column, (first, second) in enumerate(headings):
        x = TITLE_WIDTH + column * (TILE_WIDTH + GAP)
        _write(sheet, first, (x, 24), 0.6, INK_BGR)
        _write(sheet, second, (x, 46), 0.45, FAINT_BGR)
    for number, row in enumerate(rows):
        y = HEADING_HEIGHT + number * (tile_height + GAP)
        _write(sheet, row.title, (GAP * 2, y + tile_height // 2 - 4), 0.6, INK_BGR)
        _write(sheet, row.note, (GAP * 2, y + tile_height // 2 + 18), 0.42, FAINT_BGR)
        for column, picture in enumerate(row.pictures):
            x = TITLE_WIDTH + column * (TILE_WIDTH + GAP)
            tile = cv2.resize(picture, (TILE_WIDTH, tile_height), interpolation=cv2.INTER_AREA)
            sheet[y : y + tile_height, x : x + TILE_WIDTH] = tile
    return sheet


def draw_ids(image: UInt8Array, ids: UInt16Array) -> UInt8Array:
    """Draw a dimmed grey picture with the pixels of each object in its colour; (H, W, 3) uint8
    bgr."""
    picture = _dimmed(image)
    moving = ids != 0
    colours = id_palette()[1 + (ids[moving].astype(np.int64) - 1) % 255, ::-1]
    picture[moving] = (0.35 * image[moving] + 0.65 * colours).astype(np.uint8)
    return picture


def draw_mask(mask: BoolArray) -> UInt8Array:
    """Draw a mask white on black; (H, W, 3) uint8 bgr."""
    return np.repeat(mask[..., None].astype(np.uint8) * np.uint8(255), 3, axis=2)


def draw_tracks(
    image: UInt8Array, paths_px: Sequence[FloatArray], moving: Sequence[bool]
) -> UInt8Array:
    """Draw a dimmed grey picture with the paths of points, and a dot at their newest place.

    Args:
        image: (H, W, 3) uint8 bgr.
        paths_px: for each track (T, 2) float32 x, y, the newest last.
        moving: for each track, True if it is labelled moving.

    Returns:
        (H, W, 3) uint8 bgr.
    """
    picture = _dimmed(image)
    radius = max(1, round(image.shape[1] / 320))
    for path, moves in sorted(zip(paths_px, moving, strict=True), key=lambda each: each[1]):
        colour = MOVING_TRACK_BGR if moves else STATIC_TRACK_BGR
        points = np.rint(path).astype(np.int32)
        cv2.polylines(picture, [points], False, colour, 1, cv2.LINE_AA)
        x, y = points[-1].tolist()
        cv2.circle(picture, (x, y), radius + moves, colour, cv2.FILLED, cv2.LINE_AA)
    return picture


def _dimmed(image: UInt8Array) -> UInt8Array:
    gray = (image.mean(axis=2, keepdims=True) * 0.55).astype(np.uint8)
    return np.repeat(gray, 3, axis=2)


def _write(
    sheet: UInt8Array, text: str, origin: tuple[int, int], scale: float, bgr: tuple[int, int, int]
) -> None:
    cv2.putText(sheet, text, origin, _FONT, scale, bgr, 1, cv2.LINE_AA)
