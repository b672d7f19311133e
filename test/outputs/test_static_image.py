"""The static world without its movers, against worlds whose hidden part is known."""

from __future__ import annotations

import dataclasses
from typing import Any

import cv2
import numpy as np
import pytest

from motion_seg_ros.outputs.static_image import StaticImage, static_depth, static_mask
from motion_seg_ros.types import Frame, FrameResult, ObjectMasks, Source, TrackLabels, Tracks


def test_static_mask_is_the_inverse_grown_by_a_disk() -> None:
    id_map = np.zeros((21, 21), np.uint16)
    id_map[10, 10] = 300
    y, x = np.mgrid[-10:11, -10:11]
    assert np.array_equal(static_mask(id_map, 0), np.where(id_map == 0, 255, 0))
    grown = static_mask(id_map, 5) == 0
    assert np.abs(grown.sum() - np.pi * 25) < 12
    assert grown[np.hypot(x, y) <= 4].all()
    assert not grown[np.hypot(x, y) > 5.5].any()


@pytest.mark.parametrize("radius_px", [17, 40, 200])
def test_a_large_dilation_is_a_disk(radius_px: int) -> None:
    id_map = np.zeros((450, 470), np.uint16)
    id_map[230, 220] = 1
    y, x = np.mgrid[-230:220, -220:250]
    expected = np.where(x**2 + y**2 <= radius_px**2, 0, 255)
    np.testing.assert_array_equal(static_mask(id_map, radius_px), expected)


@pytest.mark.parametrize("radius_px", [1, 4, 16])
def test_a_small_dilation_is_by_the_ellipse_of_opencv(radius_px: int) -> None:
    moving = (np.random.default_rng(3).random((60, 80)) > 0.995).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2)
    expected = np.where(cv2.dilate(moving, kernel) > 0, 0, 255)
    np.testing.assert_array_equal(static_mask(moving.astype(np.uint16), radius_px), expected)


@pytest.mark.parametrize("dilation_px", [0, 4, 200])
def test_everything_is_static_where_nothing_moves(dilation_px: int) -> None:
    assert (static_mask(np.zeros((20, 30), np.uint16), dilation_px) == 255).all()


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_static_depth_is_invalid_just_where_it_moves(dtype: type) -> None:
    depth = np.full((4, 5), 7, dtype)
    moving = np.zeros((4, 5), bool)
    moving[1, 2] = True
    out = static_depth(depth, moving)
    assert out.dtype == dtype
    assert (depth == 7).all()
    assert out[1, 2] == 0 if dtype is np.uint16 else np.isnan(out[1, 2])
    assert (out[~moving] == 7).all()


def world() -> np.ndarray:
    noise = np.random.default_rng(5).integers(0, 256, (160, 260, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 3)


def view(shift_px: int, mover_x: int, stamp_s: float) -> tuple[FrameResult, np.ndarray]:
    """A camera panning over the world by `shift_px`, a black mover before it; and what is behind
    the mover."""
    clean = world()[:120, shift_px : shift_px + 160].copy()
    image, id_map = clean.copy(), np.zeros((120, 160), np.uint16)
    image[40:80, mover_x : mover_x + 30] = 0
    id_map[40:80, mover_x : mover_x + 30] = 1
    grid = (
        np.stack(np.meshgrid(np.arange(5, 260, 10), np.arange(5, 120, 10)), -1)
        .reshape(-1, 2)
        .astype(np.float32)
    )
    xy = grid - np.array([shift_px, 0], np.float32)
    visible = (xy[:, 0] >= 0) & (xy[:, 0] < 160)
    tracks = Tracks(
        ids=np.arange(len(xy)),
        xy_px=xy[None],
        visible=visible[None],
        confidence=np.ones((1, len(xy)), np.float32),
        query_frame=np.zeros(len(xy), np.int64),
    )
    frame = Frame(image, round(stamp_s * 1e9))
    return FrameResult(
        frame, ObjectMasks(id_map), tracks, TrackLabels(np.zeros(len(xy), np.float32))
    ), clean


def test_what_an_earlier_frame_saw_is_put_back_in_its_place() -> None:
    static = StaticImage()
    for shift_px, mover_x, stamp_s in ((0, 10, 0.0), (6, 60, 0.5)):
        result, clean = view(shift_px, mover_x, stamp_s)
        filled = static.fill(result)
    error = np.abs(filled.astype(int) - clean.astype(int))
    assert error.max() <= 3
    assert np.array_equal(filled[:30], result.frame.image_bgr[:30])


@pytest.mark.parametrize("change", [{"source": Source.PROPAGATED}, {"tracks_age_s": 0.5}])
def test_the_tracks_of_an_earlier_frame_register_nothing(change: dict[str, Any]) -> None:
    earlier, _ = view(0, 10, 0.0)
    now, _ = view(6, 60, 0.5)
    stale = dataclasses.replace(now, tracks=earlier.tracks, labels=earlier.labels, **change)
    later, clean = view(12, 100, 1.0)
    static = StaticImage(history=1)
    static.fill(earlier)
    np.testing.assert_array_equal(static.fill(stale), StaticImage().fill(stale))
    error = np.abs(static.fill(later).astype(int) - clean.astype(int))
    assert error.max() <= 3


def test_what_no_frame_saw_is_filled_without_an_edge() -> None:
    image = np.empty((120, 160, 3), np.uint8)
    image[:] = np.linspace(50, 200, 160, dtype=np.uint8)[None, :, None]
    clean = image.copy()
    image[40:80, 60:90] = 0
    id_map = np.zeros((120, 160), np.uint16)
    id_map[40:80, 60:90] = 1
    result = FrameResult(
        Frame(image, 0), ObjectMasks(id_map), Tracks.empty(1), TrackLabels.abstain(0, "no tracks")
    )
    filled = StaticImage().fill(result).astype(int)
    assert (
        np.abs(filled - clean).max() < 25
    )  # a ramp of 28 under the mover, without any sight of it
    assert np.abs(np.diff(filled, axis=1)).max() < 12


def test_a_frame_that_is_all_mover_is_left_in_peace() -> None:
    frame = Frame(np.full((40, 40, 3), 9, np.uint8), 0)
    masks = ObjectMasks(np.ones((40, 40), np.uint16))
    filled = StaticImage().fill(
        FrameResult(frame, masks, Tracks.empty(1), TrackLabels.abstain(0, "none"))
    )
    assert filled.shape == (40, 40, 3)
