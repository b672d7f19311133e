"""Overlay of a result: the frame with its moving objects and tracks drawn in."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.outputs.palette import id_palette
from motion_seg_ros.types import FrameResult, Source, UInt8Array

STATIC_TRACK_BGR = (160, 160, 160)
MOVING_TRACK_BGR = (0, 220, 255)
UNKNOWN_TRACK_BGR = (255, 160, 60)
TAIL_FRAMES = 6
FILL_OPACITY = 0.45


def draw_overlay(result: FrameResult) -> UInt8Array:
    """Draw a result on its frame: objects tinted, outlined and numbered, tracks as dots with tails.

    Returns:
        (H, W, 3) uint8, blue, green, red.
    """
    picture = _tint(result)
    scale = max(0.35, min(picture.shape[:2]) / 720)
    if result.tracks_source is Source.INFERRED:  # otherwise they belong to an earlier frame
        _draw_tracks(picture, result, scale)
    for each in result.masks.objects:
        x, y, _, _ = each.box_xywh_px
        _text(picture, f"{each.id}", (x + 2, max(y - 4, int(22 * scale))), scale)
    caption = f"{len(result.masks.objects)} moving"
    if result.source is Source.PROPAGATED:
        caption += f", propagated from {result.age_s * 1e3:.0f} ms ago"
    if result.labels.abstention:
        caption += f" ({result.labels.abstention})"
    _text(picture, caption, (6, picture.shape[0] - 8), scale)
    return picture


def _bgr(object_id: int) -> tuple[int, int, int]:
    """Return the colour of an object; above 255 colours repeat, without the black of 0."""
    red, green, blue = id_palette()[1 + (object_id - 1) % 255].tolist()
    return blue, green, red


def _tint(result: FrameResult) -> UInt8Array:
    picture: UInt8Array = result.frame.image_bgr.copy()
    id_map = result.masks.id_map
    moving = id_map != 0
    if not moving.any():
        return picture
    colours = id_palette()[1 + (id_map[moving].astype(np.int64) - 1) % 255, ::-1]
    picture[moving] = (picture[moving] * (1 - FILL_OPACITY) + colours * FILL_OPACITY).astype(
        np.uint8
    )
    for each in result.masks.objects:
        mask = (id_map == each.id).astype(np.uint8)
        outline, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, outline, -1, _bgr(each.id), 2)
    return picture


def _draw_tracks(picture: UInt8Array, result: FrameResult, scale: float) -> None:
    tracks, moving = result.tracks, result.labels.moving
    labelled = np.isfinite(result.labels.moving_probability)
    subpixel_bits = 3
    radius = max(1, round(2 * scale)) << subpixel_bits
    fixed = np.rint(tracks.xy_px[-TAIL_FRAMES:] * (1 << subpixel_bits)).astype(np.int32)
    seen = tracks.visible[-TAIL_FRAMES:]
    for n in np.flatnonzero(seen[-1]):
        colour = UNKNOWN_TRACK_BGR
        if labelled[n]:
            colour = MOVING_TRACK_BGR if moving[n] else STATIC_TRACK_BGR
        if colour == MOVING_TRACK_BGR:
            tail = fixed[seen[:, n], n]
            cv2.polylines(picture, [tail], False, colour, 1, cv2.LINE_AA, subpixel_bits)
        x, y = fixed[-1, n].tolist()
        cv2.circle(picture, (x, y), radius, colour, cv2.FILLED, cv2.LINE_AA, subpixel_bits)


def _text(picture: UInt8Array, text: str, origin: tuple[int, int], scale: float) -> None:
    """Write white text on a dark background, its lower left corner at `origin`."""
    font = cv2.FONT_HERSHEY_SIMPLEX
    (width, height), descent = cv2.getTextSize(text, font, scale, 1)
    x, y = origin
    ground = picture[max(y - height - 2, 0) : y + descent + 2, max(x - 2, 0) : x + width + 2]
    ground[:] = ground // 4
    cv2.putText(picture, text, origin, font, scale, (255, 255, 255), 1, cv2.LINE_AA)
